import type { Canary, CustomMetadata, OwnerReference, PodTemplateSpec, Service, ServicePort } from "#api";
import { deepEqual } from "#base";

/** Annotations that keep GitOps tools from undoing what is managed here. Source: flagger-spec 3.6. */
export const UNMANAGED_ANNOTATIONS = {
  "kustomize.toolkit.fluxcd.io/reconcile": "disabled",
  "helm.toolkit.fluxcd.io/driftDetection": "disabled",
} as const;

/** The workload whose container ports may be discovered. */
interface ServiceTarget {
  readonly spec: { readonly template: PodTemplateSpec };
}

export interface ServicePlan {
  readonly canary: Canary;
  readonly target: ServiceTarget;
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
 * The live Service with selector and ports as wanted; undefined when it has them.
 *
 * A Service that was there before is taken over by this: its selector and ports change, everything else stays.
 */
export function repairedService(live: Service, plan: ServicePlan): Service | undefined {
  const selector = { [plan.labelKey]: plan.podLabel };
  const ports = servicePorts(plan.canary, plan.target).map((port) => keepingNodePort(port, live.spec.ports ?? []));
  const metadata = repairedMetadata(live, plan);
  const isSame =
    deepEqual(live.spec.selector ?? {}, selector) &&
    deepEqual(sortedPorts(live.spec.ports ?? []), sortedPorts(ports)) &&
    deepEqual(live.metadata, metadata);
  return isSame ? undefined : { ...live, metadata, spec: { ...live.spec, selector, ports } };
}

/** Our keys are stated on Services that we own; foreign keys stay (Flagger removes them). */
function repairedMetadata(live: Service, plan: ServicePlan): Service["metadata"] {
  const wanted = ownMetadata(plan);
  const isOwn = live.metadata.ownerReferences?.some((owner) => owner.uid === plan.owner.uid) === true;
  const unmanaged = plan.canary.spec.service?.unmanagedMetadata;
  const labels = isOwn ? without(wanted.labels, unmanaged?.labels) : {};
  const annotations = isOwn ? without(wanted.annotations, unmanaged?.annotations) : UNMANAGED_ANNOTATIONS;
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
export function servicePorts(canary: Canary, target: ServiceTarget): ServicePort[] {
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
  return service.portDiscovery === true ? [main, ...discoveredPorts(target, targetPort)] : [main];
}

/** Sidecars' ports are no ports of the app. */
const SIDECARS = new Set(["istio-proxy", "envoy"]);

function discoveredPorts(target: ServiceTarget, targetPort: number | string): ServicePort[] {
  const found: ServicePort[] = [];
  for (const container of target.spec.template.spec.containers) {
    if (SIDECARS.has(container.name)) continue;
    (container.ports ?? []).forEach((port, index) => {
      const isMain = typeof targetPort === "number" ? port.containerPort === targetPort : port.name === targetPort;
      if (isMain) return;
      const name = port.name ?? `tcp-${container.name}-${index}`;
      found.push({
        name,
        protocol: port.protocol ?? "TCP",
        port: port.containerPort,
        targetPort: port.containerPort,
      });
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
