import type { Canary, Container, CustomMetadata, OwnerReference, Service, ServicePort } from "#api";
import { deepEqual, isObject } from "#base";

/** Annotations that keep GitOps tools from undoing what is managed here. Source: flagger-spec 3.6. */
export const UNMANAGED_ANNOTATIONS = {
  "kustomize.toolkit.fluxcd.io/reconcile": "disabled",
  "helm.toolkit.fluxcd.io/driftDetection": "disabled",
} as const;

/** Whatever makes pods: a Deployment or a DaemonSet. */
export interface PodMaker {
  readonly spec: { readonly template: { readonly spec: { readonly containers: readonly Container[] } } };
}

export interface ServicePlan {
  readonly canary: Canary;
  readonly target: PodMaker;
  readonly name: string;
  readonly role: "apex" | "primary" | "canary";
  /** Key of the label that tells the copies apart. */
  readonly labelKey: string;
  /** Value of that label on the pods that the Service leads to. */
  readonly podLabel: string;
  readonly owner: OwnerReference;
}

/** The Service as it is first created. Source: flagger-spec 3.6. */
export function newService(plan: ServicePlan): Service {
  const { canary, name } = plan;
  const service = canary.spec.service;
  const { labels, annotations } = ownMetadata(plan);
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name,
      ...(canary.metadata.namespace === undefined ? {} : { namespace: canary.metadata.namespace }),
      labels,
      annotations,
      ownerReferences: [plan.owner],
    },
    spec: {
      type: "ClusterIP",
      selector: { [plan.labelKey]: plan.podLabel },
      ports: servicePorts(canary, plan.target),
      ...(service?.headless === true ? { clusterIP: "None" } : {}),
      ...(service?.trafficDistribution === undefined ? {} : { trafficDistribution: service.trafficDistribution }),
    },
  };
}

/**
 * The live Service with selector, ports and traffic distribution as wanted; undefined when it has them.
 *
 * A Service that was there before is taken over by this: its selector and ports change, everything else stays. Whether a
 * Service is headless cannot be changed: Kubernetes keeps `clusterIP` for life. Source: flagger-spec 3.6; 10.4.37.
 */
export function repairedService(live: Service, plan: ServicePlan): Service | undefined {
  const selector = { [plan.labelKey]: plan.podLabel };
  const ports = servicePorts(plan.canary, plan.target).map((port) => keepingNodePort(port, live.spec.ports ?? []));
  const metadata = repairedMetadata(live, plan);
  const { trafficDistribution: current, ...spec } = live.spec;
  const distribution = distributionOf(live, plan);
  const isSame =
    deepEqual(live.spec.selector ?? {}, selector) &&
    deepEqual(sortedPorts(live.spec.ports ?? []), sortedPorts(ports)) &&
    current === distribution &&
    deepEqual(live.metadata, metadata);
  if (isSame) return undefined;
  const stated = distribution === undefined ? {} : { trafficDistribution: distribution };
  return { ...live, metadata, spec: { ...spec, ...stated, selector, ports } };
}

/** On a Service of others only what the Canary states counts. */
function distributionOf(live: Service, plan: ServicePlan): unknown {
  const wanted = plan.canary.spec.service?.trafficDistribution;
  return wanted === undefined && !isOwn(live, plan) ? live.spec.trafficDistribution : wanted;
}

function isOwn(live: Service, { owner }: Pick<ServicePlan, "owner">): boolean {
  return live.metadata.ownerReferences?.some(({ uid }) => uid === owner.uid) === true;
}

/**
 * The Service of clients as it is left behind when a Canary with `revertOnDeletion` goes: with the selector that kubectl
 * wrote down, or else leading to the target. Undefined when it goes with the Canary. Source: flagger-spec 2.10.
 */
export function restoredService(
  live: Service,
  plan: Pick<ServicePlan, "owner" | "labelKey"> & { readonly targetLabel: string },
): Service | undefined {
  if (isOwn(live, plan)) return undefined;
  const applied = appliedSelector(live.metadata.annotations?.["kubectl.kubernetes.io/last-applied-configuration"]);
  return { ...live, spec: { ...live.spec, selector: applied ?? { [plan.labelKey]: plan.targetLabel } } };
}

function appliedSelector(text: string | undefined): Record<string, string> | undefined {
  try {
    const applied: unknown = JSON.parse(text ?? "null");
    const selector = isObject(applied) && isObject(applied.spec) ? applied.spec.selector : undefined;
    if (!isObject(selector)) return undefined;
    return Object.fromEntries(Object.entries(selector).map(([key, value]) => [key, String(value)]));
  } catch {
    // Written by somebody else; as good as none.
    return undefined;
  }
}

/** Our keys are stated on Services that we own; foreign keys stay (Flagger removes them). */
function repairedMetadata(live: Service, plan: ServicePlan): Service["metadata"] {
  const wanted = ownMetadata(plan);
  const isOurs = isOwn(live, plan);
  const unmanaged = plan.canary.spec.service?.unmanagedMetadata;
  const labels = isOurs ? without(wanted.labels, unmanaged?.labels) : {};
  const annotations = isOurs ? without(wanted.annotations, unmanaged?.annotations) : UNMANAGED_ANNOTATIONS;
  return {
    ...live.metadata,
    ...(Object.keys(labels).length === 0 ? {} : { labels: { ...live.metadata.labels, ...labels } }),
    annotations: { ...live.metadata.annotations, ...annotations },
  };
}

function without(map: Readonly<Record<string, string>>, keys: readonly string[] | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(map).filter(([key]) => keys?.includes(key) !== true));
}

function ownMetadata(plan: ServicePlan): { labels: Record<string, string>; annotations: Record<string, string> } {
  const custom: CustomMetadata = plan.canary.spec.service?.[plan.role] ?? {};
  return {
    labels: { ...custom.labels, [plan.labelKey]: plan.name },
    annotations: { ...custom.annotations, ...UNMANAGED_ANNOTATIONS },
  };
}

/** The service port, then what port discovery finds. Source: flagger-spec 3.6. */
export function servicePorts(canary: Canary, target: PodMaker): ServicePort[] {
  const service = canary.spec.service;
  if (service === undefined) return [];
  const targetPort = service.targetPort === undefined || service.targetPort === 0 ? service.port : service.targetPort;
  const main: ServicePort = {
    name: service.portName === undefined || service.portName === "" ? "http" : service.portName,
    protocol: "TCP",
    port: service.port,
    targetPort,
    ...(service.appProtocol === undefined ? {} : { appProtocol: service.appProtocol }),
  };
  return service.portDiscovery === true ? [main, ...discoveredPorts(target, main)] : [main];
}

/** Sidecars' ports are no ports of the app. */
const SIDECARS = new Set(["istio-proxy", "envoy"]);

/** Ports and names can be there once only; which container came first has them. */
function discoveredPorts(target: PodMaker, main: ServicePort): ServicePort[] {
  const found: ServicePort[] = [];
  const isTaken = (is: (other: ServicePort) => boolean): boolean => [main, ...found].some(is);
  for (const container of target.spec.template.spec.containers) {
    if (SIDECARS.has(container.name)) continue;
    (container.ports ?? []).forEach((port, index) => {
      const { containerPort, protocol = "TCP" } = port;
      const { targetPort } = main;
      const isMain = typeof targetPort === "number" ? containerPort === targetPort : port.name === targetPort;
      if (isMain || isTaken((other) => other.port === containerPort && other.protocol === protocol)) return;
      const isNamed = port.name !== undefined && !isTaken((other) => other.name === port.name);
      const name = isNamed ? port.name : `tcp-${container.name}-${index}`;
      found.push({ name, protocol, port: containerPort, targetPort: containerPort });
    });
  }
  return found;
}

function keepingNodePort(port: ServicePort, live: readonly ServicePort[]): ServicePort {
  const nodePort = live.find((other) => other.name === port.name)?.nodePort;
  return nodePort === undefined ? port : { ...port, nodePort };
}

function sortedPorts(ports: readonly ServicePort[]): ServicePort[] {
  return [...ports].sort((a, b) => a.port - b.port || (a.protocol ?? "").localeCompare(b.protocol ?? ""));
}
