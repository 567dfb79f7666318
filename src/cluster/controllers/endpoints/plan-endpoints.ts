import { apiVersionOf, type KubeObject, type ObjectReference, type Pod, resources, type Service } from "#api";
import { canonicalJson, deepEqual } from "#base";
import { formatTime, isPodReady, type Write } from "../shared/index.ts";
import { HEADLESS, hasAddress, isHeadless, TRIGGER_TIME } from "./plan-endpoint-slices.ts";
import { type EndpointPort, resolvePorts } from "./resolve-ports.ts";

/** An address of the older `v1` Endpoints API. */
interface EndpointAddress {
  readonly ip: string;
  readonly nodeName?: string;
  readonly hostname?: string;
  readonly targetRef: ObjectReference;
}

type SubsetPort = Omit<EndpointPort, "name"> & { readonly name?: string };

interface EndpointSubset {
  readonly addresses?: readonly EndpointAddress[];
  readonly notReadyAddresses?: readonly EndpointAddress[];
  readonly ports?: readonly SubsetPort[];
}

/** The `v1` object that older clients read instead of EndpointSlices. */
export interface Endpoints extends KubeObject {
  readonly subsets?: readonly EndpointSubset[];
}

/** Addresses kept in one object. Source: Kubernetes `endpoints` maxCapacity. */
const MAX_ADDRESS_COUNT = 1000;

/** Plans the Endpoints object of a service: nothing when it is as it should be. */
export function planEndpoints(input: {
  readonly service: Service;
  readonly pods: readonly Pod[];
  readonly current: Endpoints | undefined;
  readonly nowMs: number;
}): Write | undefined {
  const { service, current } = input;
  const { name = "", namespace = "" } = service.metadata;
  const subsets = subsetsOf(service, input.pods);
  const labels = { ...service.metadata.labels, ...(isHeadless(service) ? { [HEADLESS]: "" } : {}) };
  const annotations = { ...current?.metadata.annotations, [TRIGGER_TIME]: formatTime(input.nowMs) };
  const content = subsets.length === 0 ? {} : { subsets };
  if (current === undefined) {
    const object: Endpoints = {
      apiVersion: apiVersionOf(resources.endpoints),
      kind: resources.endpoints.kind,
      metadata: { name, namespace, labels, annotations },
      ...content,
    };
    return { verb: "create", resource: resources.endpoints, object };
  }
  if (deepEqual(current.subsets ?? [], subsets) && deepEqual(current.metadata.labels ?? {}, labels)) return undefined;
  const { subsets: _, ...rest } = current;
  const object: Endpoints = { ...rest, metadata: { ...current.metadata, labels, annotations }, ...content };
  return { verb: "update", resource: resources.endpoints, object };
}

/** Groups the addresses by their ports. Source: Kubernetes `endpoints.RepackSubsets`. */
function subsetsOf(service: Service, pods: readonly Pod[]): readonly EndpointSubset[] {
  const toleratesUnready = service.spec.publishNotReadyAddresses === true;
  const groups = new Map<
    string,
    { ports: readonly SubsetPort[]; ready: EndpointAddress[]; unready: EndpointAddress[] }
  >();
  const listed = pods
    .filter((pod) => hasAddress(pod) && (toleratesUnready || pod.metadata.deletionTimestamp === undefined))
    .slice(0, MAX_ADDRESS_COUNT);
  for (const pod of listed) {
    const ports = resolvePorts(service, pod).map(({ name, ...port }) => (name === "" ? port : { name, ...port }));
    if (ports.length === 0 && (service.spec.ports ?? []).length > 0) continue;
    const key = canonicalJson(ports);
    const group = groups.get(key) ?? { ports, ready: [], unready: [] };
    (toleratesUnready || isPodReady(pod) ? group.ready : group.unready).push(addressOf(service, pod));
    groups.set(key, group);
  }
  return [...groups.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { ports, ready, unready }]) => ({
      ...(ready.length === 0 ? {} : { addresses: ready.sort(compareAddress) }),
      ...(unready.length === 0 ? {} : { notReadyAddresses: unready.sort(compareAddress) }),
      ...(ports.length === 0 ? {} : { ports }),
    }));
}

function addressOf(service: Service, pod: Pod): EndpointAddress {
  const { name = "", namespace = "", uid = "" } = pod.metadata;
  const { nodeName, hostname, subdomain } = pod.spec;
  return {
    ip: pod.status?.podIP ?? "",
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(hostname !== undefined && subdomain === service.metadata.name ? { hostname } : {}),
    targetRef: { kind: "Pod", namespace, name, uid },
  };
}

function compareAddress(a: EndpointAddress, b: EndpointAddress): number {
  return a.ip < b.ip ? -1 : a.ip > b.ip ? 1 : 0;
}
