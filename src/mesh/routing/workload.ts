import type { Pod } from "#api";

/** Who a pod is, as Istio's metrics name it. Source: istio-spec 3.4 and 4.2. */
export interface Workload {
  /** Name of the controller: of the Deployment behind a ReplicaSet, else of the owner, else of the pod. */
  readonly workload: string;
  readonly namespace: string;
  readonly app: string;
  readonly version: string;
  readonly canonicalService: string;
  readonly canonicalRevision: string;
  readonly principal: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Without a sidecar nobody reports what the pod receives or sends. */
  readonly hasSidecar: boolean;
}

/** A peer that the mesh does not know. */
export const UNKNOWN_WORKLOAD: Workload = {
  workload: "unknown",
  namespace: "unknown",
  app: "unknown",
  version: "unknown",
  canonicalService: "unknown",
  canonicalRevision: "latest",
  principal: "unknown",
  labels: {},
  hasSidecar: false,
};

/** The ingress gateway that the proxy also is. Its labels are those of istioctl's default profile. */
export const GATEWAY_WORKLOAD: Workload = {
  workload: "istio-ingressgateway",
  namespace: "istio-system",
  app: "istio-ingressgateway",
  version: "",
  canonicalService: "istio-ingressgateway",
  canonicalRevision: "latest",
  principal: "spiffe://cluster.local/ns/istio-system/sa/istio-ingressgateway-service-account",
  labels: { app: "istio-ingressgateway", istio: "ingressgateway" },
  hasSidecar: true,
};

/** Names a pod's workload. Every pod is part of the mesh unless it opts out by `sidecar.istio.io/inject: "false"`. */
export function workloadOf(pod: Pod): Workload {
  const labels = pod.metadata.labels ?? {};
  const namespace = pod.metadata.namespace ?? "default";
  const workload = controllerName(pod);
  const nonEmpty = (...names: string[]): string | undefined => names.map((name) => labels[name]).find(Boolean);
  return {
    workload,
    namespace,
    app: labels.app ?? "",
    version: labels.version ?? "",
    canonicalService: nonEmpty("service.istio.io/canonical-name", "app.kubernetes.io/name", "app") ?? workload,
    canonicalRevision:
      nonEmpty("service.istio.io/canonical-revision", "app.kubernetes.io/version", "version") ?? "latest",
    principal: `spiffe://cluster.local/ns/${namespace}/sa/${pod.spec.serviceAccountName ?? "default"}`,
    labels,
    hasSidecar: labels["sidecar.istio.io/inject"] !== "false",
  };
}

function controllerName(pod: Pod): string {
  const name = pod.metadata.name ?? "unknown";
  const owner = pod.metadata.ownerReferences?.find((reference) => reference.controller === true);
  if (owner === undefined) return name;
  const hash = pod.metadata.labels?.["pod-template-hash"];
  const isOfDeployment = owner.kind === "ReplicaSet" && hash !== undefined && owner.name.endsWith(`-${hash}`);
  return isOfDeployment ? owner.name.slice(0, -hash.length - 1) : owner.name;
}
