import type { Resource } from "#api";
import { apiServicePrinter, roleBindingPrinter, webhookConfigurationPrinter } from "./kinds/access.ts";
import { horizontalPodAutoscalerPrinter } from "./kinds/autoscaling.ts";
import * as configuration from "./kinds/configuration.ts";
import { eventPrinter } from "./kinds/events.ts";
import { cronJobPrinter, jobPrinter } from "./kinds/jobs.ts";
import * as network from "./kinds/network.ts";
import { nodePrinter } from "./kinds/nodes.ts";
import { podPrinter } from "./kinds/pods.ts";
import * as workloads from "./kinds/workloads.ts";
import { nameColumn, nameOf, type Printer, text, textAt } from "./printer.ts";

/** Printers of the built-in kinds, by plural and group. All versions of a kind share one. */
const printers: Readonly<Record<string, Printer>> = {
  configmaps: configuration.configMapPrinter,
  endpoints: network.endpointsPrinter,
  events: eventPrinter,
  namespaces: configuration.namespacePrinter,
  nodes: nodePrinter,
  persistentvolumeclaims: configuration.claimPrinter,
  pods: podPrinter,
  replicationcontrollers: workloads.replicationControllerPrinter,
  resourcequotas: configuration.resourceQuotaPrinter,
  secrets: configuration.secretPrinter,
  serviceaccounts: configuration.serviceAccountPrinter,
  services: network.servicePrinter,
  "mutatingwebhookconfigurations.admissionregistration.k8s.io": webhookConfigurationPrinter,
  "validatingwebhookconfigurations.admissionregistration.k8s.io": webhookConfigurationPrinter,
  "apiservices.apiregistration.k8s.io": apiServicePrinter,
  "controllerrevisions.apps": workloads.controllerRevisionPrinter,
  "daemonsets.apps": workloads.daemonSetPrinter,
  "deployments.apps": workloads.deploymentPrinter,
  "replicasets.apps": workloads.replicaSetPrinter,
  "statefulsets.apps": workloads.statefulSetPrinter,
  "horizontalpodautoscalers.autoscaling": horizontalPodAutoscalerPrinter,
  "cronjobs.batch": cronJobPrinter,
  "jobs.batch": jobPrinter,
  "leases.coordination.k8s.io": configuration.leasePrinter,
  "endpointslices.discovery.k8s.io": network.endpointSlicePrinter,
  "events.events.k8s.io": eventPrinter,
  "ingressclasses.networking.k8s.io": network.ingressClassPrinter,
  "ingresses.networking.k8s.io": network.ingressPrinter,
  "networkpolicies.networking.k8s.io": network.networkPolicyPrinter,
  "poddisruptionbudgets.policy": configuration.disruptionBudgetPrinter,
  "clusterrolebindings.rbac.authorization.k8s.io": roleBindingPrinter,
  "rolebindings.rbac.authorization.k8s.io": roleBindingPrinter,
  "priorityclasses.scheduling.k8s.io": configuration.priorityClassPrinter,
};

/** What a real server shows of a built-in kind that has no columns of its own. Source: apiserver `rest.NewDefaultTableConvertor`. */
const plainPrinter: Printer = {
  columns: [nameColumn, { ...text("Created At", "When the object was created."), type: "date" }],
  cells: (object) => [nameOf(object), textAt(object, "metadata", "creationTimestamp")],
};

/** The printer of a built-in kind. */
export function builtinPrinter({ group, plural }: Resource): Printer {
  return printers[group === "" ? plural : `${plural}.${group}`] ?? plainPrinter;
}
