import { apiVersionOf, type Endpoint, type EndpointSlice, type Pod, resources, type Service } from "#api";
import { canonicalJson, deepEqual } from "#base";
import { controllerReference, formatTime, isPodEnded, isPodReady, objectKey, type Write } from "../shared/index.ts";
import { type EndpointPort, resolvePorts } from "./resolve-ports.ts";

export const SERVICE_NAME = "kubernetes.io/service-name";
const MANAGED_BY = "endpointslice.kubernetes.io/managed-by";
/** Source: Kubernetes `endpointslice` controllerName. Slices of anybody else are left alone. */
const MANAGER = "endpointslice-controller.k8s.io";
export const HEADLESS = "service.kubernetes.io/headless";
export const TRIGGER_TIME = "endpoints.kubernetes.io/last-change-trigger-time";
/** Source: kube-controller-manager `--max-endpoints-per-slice`. */
const MAX_ENDPOINTS_PER_SLICE = 100;

/** What one slice should hold. */
interface DesiredSlice {
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

/** True for services whose addresses are found by a selector; others are filled by whoever made them. */
export function isSelecting(service: Service): boolean {
  return service.spec.type !== "ExternalName" && Object.keys(service.spec.selector ?? {}).length > 0;
}

/** True for a pod that has an address and may serve. Source: Kubernetes `endpointutil.ShouldPodBeInEndpoints`. */
export function hasAddress(pod: Pod): boolean {
  return !isPodEnded(pod) && (pod.status?.podIP ?? "") !== "";
}

/** Plans the slices of a service: one for each set of ports that its pods have, at most 100 addresses in each. */
export function planEndpointSlices(input: {
  readonly service: Service;
  /** Pods that the service selects. */
  readonly pods: readonly Pod[];
  /** Slices of this service that this controller manages. */
  readonly slices: readonly EndpointSlice[];
  readonly nowMs: number;
}): readonly Write[] {
  const { service, nowMs } = input;
  const unused = [...input.slices].filter((slice) => slice.metadata.deletionTimestamp === undefined);
  const writes: Write[] = [];
  for (const desired of desiredSlices(service, input.pods)) {
    const index = findReusable(unused, desired);
    const current = index < 0 ? undefined : unused.splice(index, 1)[0];
    const write =
      current === undefined ? createSlice(service, desired, nowMs) : updateSlice({ service, current, desired, nowMs });
    if (write !== undefined) writes.push(write);
  }
  const deletions = unused.map(
    (slice): Write => ({
      verb: "delete",
      resource: resources.endpointSlices,
      key: objectKey(slice),
      options: slice.metadata.uid === undefined ? {} : { preconditions: { uid: slice.metadata.uid } },
    }),
  );
  return [...writes, ...deletions];
}

function desiredSlices(service: Service, pods: readonly Pod[]): readonly DesiredSlice[] {
  const groups = new Map<string, { readonly ports: readonly EndpointPort[]; readonly endpoints: Endpoint[] }>();
  for (const pod of pods.filter(hasAddress)) {
    const ports = resolvePorts(service, pod);
    // A pod that lacks every named target port serves nothing.
    if (ports.length === 0 && (service.spec.ports ?? []).length > 0) continue;
    const key = canonicalJson(ports);
    const group = groups.get(key) ?? { ports, endpoints: [] };
    group.endpoints.push(endpointOf(service, pod));
    groups.set(key, group);
  }
  // A service without pods has one empty slice, which tells "nothing serves" from "not looked at yet".
  if (groups.size === 0) return [{ ports: [], endpoints: [] }];
  return [...groups.values()].flatMap(({ ports, endpoints }) => {
    const sorted = endpoints.sort((a, b) => compareText(a.targetRef?.name ?? "", b.targetRef?.name ?? ""));
    const chunkCount = Math.ceil(sorted.length / MAX_ENDPOINTS_PER_SLICE);
    return Array.from({ length: chunkCount }, (_, chunk) => ({
      ports,
      endpoints: sorted.slice(chunk * MAX_ENDPOINTS_PER_SLICE, (chunk + 1) * MAX_ENDPOINTS_PER_SLICE),
    }));
  });
}

/** Source: Kubernetes `endpointslice` podToEndpoint: ready is serving and not terminating, or what the service publishes anyway. */
function endpointOf(service: Service, pod: Pod): Endpoint {
  const serving = isPodReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const ready = service.spec.publishNotReadyAddresses === true || (serving && !terminating);
  const { name = "", namespace = "", uid = "" } = pod.metadata;
  const { nodeName, hostname, subdomain } = pod.spec;
  return {
    addresses: [pod.status?.podIP ?? ""],
    conditions: { ready, serving, terminating },
    targetRef: { kind: "Pod", namespace, name, uid },
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(hostname !== undefined && subdomain === service.metadata.name ? { hostname } : {}),
  };
}

/** The slice with the same ports, best the one that needs no change; an empty one fits everything. */
function findReusable(slices: readonly EndpointSlice[], desired: DesiredSlice): number {
  const same = slices.findIndex((slice) => hasPorts(slice, desired) && deepEqual(slice.endpoints, desired.endpoints));
  if (same >= 0) return same;
  const samePorts = slices.findIndex((slice) => hasPorts(slice, desired));
  return samePorts >= 0 ? samePorts : slices.length > 0 ? 0 : -1;
}

function hasPorts(slice: EndpointSlice, desired: DesiredSlice): boolean {
  return deepEqual(slice.ports ?? [], desired.ports);
}

function createSlice(service: Service, desired: DesiredSlice, nowMs: number): Write {
  const { name, namespace } = service.metadata;
  const object: EndpointSlice = {
    apiVersion: apiVersionOf(resources.endpointSlices),
    kind: resources.endpointSlices.kind,
    metadata: {
      generateName: `${name}-`,
      ...(namespace === undefined ? {} : { namespace }),
      labels: labelsOf(service),
      annotations: { [TRIGGER_TIME]: formatTime(nowMs) },
      ownerReferences: [controllerReference(service, resources.services)],
    },
    addressType: "IPv4",
    endpoints: desired.endpoints,
    ports: desired.ports,
  };
  return { verb: "create", resource: resources.endpointSlices, object };
}

function updateSlice(of: {
  readonly service: Service;
  readonly current: EndpointSlice;
  readonly desired: DesiredSlice;
  readonly nowMs: number;
}): Write | undefined {
  const { current, desired } = of;
  const labels = labelsOf(of.service);
  const isSame =
    hasPorts(current, desired) &&
    deepEqual(current.endpoints ?? [], desired.endpoints) &&
    deepEqual(current.metadata.labels ?? {}, labels);
  if (isSame) return undefined;
  const annotations = { ...current.metadata.annotations, [TRIGGER_TIME]: formatTime(of.nowMs) };
  const metadata = { ...current.metadata, labels, annotations };
  return { verb: "update", resource: resources.endpointSlices, object: { ...current, ...desired, metadata } };
}

function labelsOf(service: Service): Readonly<Record<string, string>> {
  return {
    ...service.metadata.labels,
    ...(isHeadless(service) ? { [HEADLESS]: "" } : {}),
    [SERVICE_NAME]: service.metadata.name ?? "",
    [MANAGED_BY]: MANAGER,
  };
}

export function isHeadless(service: Service): boolean {
  return service.spec.clusterIP === "None";
}

/** Names the service that a slice of this controller belongs to; undefined for the slices of others. */
export function serviceOfSlice(slice: EndpointSlice): string | undefined {
  const { labels } = slice.metadata;
  return labels?.[MANAGED_BY] === MANAGER ? labels[SERVICE_NAME] : undefined;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
