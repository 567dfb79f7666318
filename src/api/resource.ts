/** Names of the kinds that Serin handles: enough to build a URL or an owner reference. */

export interface Resource {
  /** API group; empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

function resource(apiVersion: string, kind: string, options: { plural?: string; namespaced?: boolean } = {}): Resource {
  const slash = apiVersion.indexOf("/");
  return {
    group: slash < 0 ? "" : apiVersion.slice(0, slash),
    version: slash < 0 ? apiVersion : apiVersion.slice(slash + 1),
    kind,
    plural: options.plural ?? `${kind.toLowerCase()}s`,
    namespaced: options.namespaced ?? true,
  };
}

/** `group/version`, or the bare version for the core group. */
export function apiVersionOf(of: Pick<Resource, "group" | "version">): string {
  return of.group === "" ? of.version : `${of.group}/${of.version}`;
}

export const resources = {
  namespaces: resource("v1", "Namespace", { namespaced: false }),
  nodes: resource("v1", "Node", { namespaced: false }),
  pods: resource("v1", "Pod"),
  services: resource("v1", "Service"),
  endpoints: resource("v1", "Endpoints", { plural: "endpoints" }),
  configMaps: resource("v1", "ConfigMap"),
  secrets: resource("v1", "Secret"),
  serviceAccounts: resource("v1", "ServiceAccount"),
  limitRanges: resource("v1", "LimitRange"),
  events: resource("v1", "Event"),
  deployments: resource("apps/v1", "Deployment"),
  replicaSets: resource("apps/v1", "ReplicaSet"),
  statefulSets: resource("apps/v1", "StatefulSet"),
  daemonSets: resource("apps/v1", "DaemonSet"),
  endpointSlices: resource("discovery.k8s.io/v1", "EndpointSlice"),
  horizontalPodAutoscalers: resource("autoscaling/v2", "HorizontalPodAutoscaler"),
  leases: resource("coordination.k8s.io/v1", "Lease"),
  customResourceDefinitions: resource("apiextensions.k8s.io/v1", "CustomResourceDefinition", { namespaced: false }),
  canaries: resource("flagger.app/v1beta1", "Canary", { plural: "canaries" }),
  metricTemplates: resource("flagger.app/v1beta1", "MetricTemplate"),
  alertProviders: resource("flagger.app/v1beta1", "AlertProvider"),
  virtualServices: resource("networking.istio.io/v1beta1", "VirtualService"),
  destinationRules: resource("networking.istio.io/v1beta1", "DestinationRule"),
  gateways: resource("networking.istio.io/v1beta1", "Gateway"),
  serviceEntries: resource("networking.istio.io/v1beta1", "ServiceEntry", { plural: "serviceentries" }),
  httpRoutes: resource("gateway.networking.k8s.io/v1", "HTTPRoute"),
  ingresses: resource("networking.k8s.io/v1", "Ingress", { plural: "ingresses" }),
  telemetries: resource("telemetry.istio.io/v1alpha1", "Telemetry", { plural: "telemetries" }),
  podDisruptionBudgets: resource("policy/v1", "PodDisruptionBudget"),
  resourceQuotas: resource("v1", "ResourceQuota"),
  scaledObjects: resource("keda.sh/v1alpha1", "ScaledObject"),
  triggerAuthentications: resource("keda.sh/v1alpha1", "TriggerAuthentication"),
  clusterTriggerAuthentications: resource("keda.sh/v1alpha1", "ClusterTriggerAuthentication", { namespaced: false }),
} as const satisfies Record<string, Resource>;
