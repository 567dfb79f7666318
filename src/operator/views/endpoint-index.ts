import type { EndpointSlice, KubeObject } from "#api";
import type { ChangeHandler } from "./view.ts";

/** Ready endpoints by Service: what proxies know of, found without a walk over all slices of a namespace. */
export interface EndpointIndex {
  /** Addresses that are ready; undefined while the Service has no slice. */
  readyAddresses(namespace: string, service: string): ReadonlySet<string> | undefined;
}

/** A source of slices. */
interface SliceSource {
  onChange(handler: ChangeHandler<EndpointSlice>): () => void;
}

/** Names the Service that a slice is of. Source: Kubernetes `discovery/v1`, LabelServiceName. */
const SERVICE_LABEL = "kubernetes.io/service-name";

/** An empty index, and how it is fed. */
export function createEndpointIndex(): EndpointIndex & { follow(source: SliceSource): void } {
  const slicesByService = new Map<string, Map<string, EndpointSlice>>();

  function forget(slice: EndpointSlice): void {
    const id = serviceIdOf(slice);
    const slices = slicesByService.get(id);
    slices?.delete(slice.metadata.name ?? "");
    if (slices?.size === 0) slicesByService.delete(id);
  }

  return {
    readyAddresses(namespace, service) {
      const slices = slicesByService.get(`${namespace}/${service}`);
      return slices === undefined ? undefined : readyAddressesOf([...slices.values()]);
    },
    follow(source) {
      source.onChange((slice, { type, old }) => {
        if (old !== undefined) forget(old);
        if (type === "deleted" || serviceOf(slice) === undefined) return;
        const { name = "" } = slice.metadata;
        const id = serviceIdOf(slice);
        const slices = slicesByService.get(id) ?? new Map<string, EndpointSlice>();
        slicesByService.set(id, slices.set(name, slice));
      });
    },
  };
}

/** The Service that a slice is of; undefined for a slice that somebody keeps for other ends. */
export function serviceOf(slice: KubeObject): string | undefined {
  return slice.metadata.labels?.[SERVICE_LABEL];
}

/**
 * Addresses of the family that has most: a Service of both families lists each pod in both, and for a moment an address may
 * stand in two slices. Source: Kubernetes `discovery/v1`, "Duplicate endpoints"; a nil `ready` means ready.
 */
function readyAddressesOf(slices: readonly EndpointSlice[]): ReadonlySet<string> {
  const families = new Map<string, Set<string>>();
  for (const { addressType, endpoints } of slices) {
    const family = families.get(addressType) ?? new Set<string>();
    families.set(addressType, family);
    for (const { addresses, conditions } of endpoints ?? []) {
      const [address] = addresses;
      if (address !== undefined && conditions?.ready !== false) family.add(address);
    }
  }
  return [...families.values()].reduce((most, family) => (family.size > most.size ? family : most), new Set<string>());
}

/** What is kept of a slice: a cluster has many, and only readiness is read. */
export function smallSlice(object: KubeObject): KubeObject {
  const { uid, name, namespace, resourceVersion, labels } = object.metadata;
  const service = labels?.[SERVICE_LABEL];
  const endpoints: readonly unknown[] = Array.isArray(object.endpoints) ? object.endpoints : [];
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    metadata: {
      ...(name === undefined ? {} : { name }),
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(service === undefined ? {} : { labels: { [SERVICE_LABEL]: service } }),
    },
    addressType: object.addressType,
    endpoints: (endpoints as EndpointSlice["endpoints"]).map(({ addresses, conditions }) => ({
      addresses: addresses.slice(0, 1),
      conditions: { ready: conditions?.ready !== false },
    })),
  };
}

function serviceIdOf(slice: EndpointSlice): string {
  return `${slice.metadata.namespace ?? ""}/${serviceOf(slice) ?? ""}`;
}
