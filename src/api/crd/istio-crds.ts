import type { PrinterColumn } from "../kind.ts";
import type { KubeObject } from "../meta.ts";
import { anyObject } from "../schema/build.ts";
import { buildCrd, type CrdBlueprint } from "./build-crd.ts";
import { destinationRuleSpec } from "./istio-destination-rule.ts";
import { istioStatus, workloadEntry } from "./istio-fields.ts";
import { gatewaySpec, serviceEntrySpec } from "./istio-gateway.ts";
import { telemetrySpec } from "./istio-telemetry.ts";
import { virtualServiceSpec } from "./istio-virtual-service.ts";

type Family = Pick<CrdBlueprint, "group" | "versions" | "categories" | "status">;

const networking: Family = {
  group: "networking.istio.io",
  versions: ["v1", "v1alpha3", "v1beta1"],
  categories: ["istio-io", "networking-istio-io"],
  status: istioStatus,
};
const security: Family = {
  group: "security.istio.io",
  versions: ["v1", "v1beta1"],
  categories: ["istio-io", "security-istio-io"],
  status: istioStatus,
};
const telemetry: Family = {
  group: "telemetry.istio.io",
  versions: ["v1alpha1", "v1"],
  categories: ["istio-io", "telemetry-istio-io"],
  status: istioStatus,
};

function column(name: string, jsonPath: string, description: string): PrinterColumn {
  return { name, type: "string", description, jsonPath };
}

const age: PrinterColumn = {
  name: "Age",
  type: "date",
  description: "When the object was created.",
  jsonPath: ".metadata.creationTimestamp",
};

const executed: readonly CrdBlueprint[] = [
  {
    ...networking,
    kind: "VirtualService",
    shortNames: ["vs"],
    description: "Routes of requests to the hosts that it names.",
    columns: [
      column("Gateways", ".spec.gateways", "Gateways and sidecars that apply the routes"),
      column("Hosts", ".spec.hosts", "Hosts that requests are sent to"),
      age,
    ],
    spec: virtualServiceSpec,
  },
  {
    ...networking,
    kind: "DestinationRule",
    shortNames: ["dr"],
    description: "Policies for traffic to a service, after routing.",
    columns: [column("Host", ".spec.host", "The service, as the registry names it"), age],
    spec: destinationRuleSpec,
  },
  {
    ...networking,
    kind: "Gateway",
    shortNames: ["gw"],
    description: "Ports and hosts that a proxy at the edge of the mesh serves.",
    spec: gatewaySpec,
  },
  {
    ...networking,
    kind: "ServiceEntry",
    plural: "serviceentries",
    shortNames: ["se"],
    description: "A service that the mesh shall know beyond those of Kubernetes.",
    columns: [
      column("Hosts", ".spec.hosts", "Hosts of the service"),
      column("Location", ".spec.location", "Whether the service is outside of the mesh or part of it"),
      column("Resolution", ".spec.resolution", "How addresses of the hosts are found"),
      age,
    ],
    spec: serviceEntrySpec,
    isSpecRequired: true,
  },
  {
    ...telemetry,
    kind: "Telemetry",
    plural: "telemetries",
    shortNames: ["telemetry"],
    description: "What the proxies report: metrics, traces, access logs.",
    columns: [age],
    spec: telemetrySpec,
  },
  {
    ...networking,
    kind: "WorkloadEntry",
    plural: "workloadentries",
    shortNames: ["we"],
    description: "An endpoint outside of Kubernetes.",
    columns: [age, column("Address", ".spec.address", "Address of the endpoint")],
    spec: workloadEntry,
    isSpecRequired: true,
  },
];

/** Kinds that are stored, so that manifests apply, but that the proxy does not execute. */
const stored: readonly CrdBlueprint[] = [
  { ...networking, kind: "Sidecar", description: "What the proxies of some pods listen to and know.", spec: anyObject },
  {
    ...networking,
    versions: ["v1alpha3"],
    kind: "EnvoyFilter",
    description: "Changes of a proxy's generated configuration.",
    spec: anyObject,
  },
  {
    ...security,
    kind: "AuthorizationPolicy",
    plural: "authorizationpolicies",
    shortNames: ["ap"],
    description: "Who may call what.",
    columns: [column("Action", ".spec.action", "What is done with a request that matches"), age],
    spec: anyObject,
  },
  {
    ...security,
    kind: "RequestAuthentication",
    shortNames: ["ra"],
    description: "Which tokens requests may carry.",
    spec: anyObject,
  },
  {
    ...security,
    kind: "PeerAuthentication",
    shortNames: ["pa"],
    description: "Whether connections must be mutual TLS.",
    columns: [column("Mode", ".spec.mtls.mode", "Mode of mutual TLS"), age],
    spec: anyObject,
  },
];

/**
 * The CustomResourceDefinitions of Istio's kinds. Those that the proxy executes have all their fields, so that a field that
 * Istio does not know is found and a wrong type is refused; the others keep whatever they are given.
 */
export function istioCrds(): readonly KubeObject[] {
  return [...executed, ...stored].map(buildCrd);
}
