import type { Endpoint, EndpointSlice, Pod, Service, ServiceEntry, ServicePort } from "#api";
import { coversHost, serviceHost } from "./host-name.ts";
import { type Report, UnusableObject } from "./finding.ts";
import { UNKNOWN_WORKLOAD, type Workload, workloadOf } from "./workload.ts";

/** What a port carries. `auto`: the first bytes of a connection tell. */
export type PortProtocol = "http" | "tcp" | "auto";

export interface MeshPort {
  readonly name: string;
  readonly port: number;
  readonly protocol: PortProtocol;
}

/** One address that serves a port. */
export interface MeshEndpoint {
  /** Address, port and pod: an address that a new pod takes over is another endpoint. */
  readonly key: string;
  readonly address: string;
  readonly port: number;
  readonly workload: Workload;
  /** Full name of the oldest Service that has this endpoint: the one a sidecar's inbound side reports. */
  readonly inboundHost: string;
}

/** A host of the registry: a Service, or a host of a ServiceEntry. */
export interface MeshService {
  readonly host: string;
  readonly name: string;
  readonly namespace: string;
  readonly addresses: readonly string[];
  readonly ports: readonly MeshPort[];
  /** By port. */
  readonly endpoints: ReadonlyMap<number, readonly MeshEndpoint[]>;
}

/** A pod as the registry sees it. */
export interface MeshPod {
  /** `namespace/name`. */
  readonly name: string;
  readonly uid: string;
  /** Undefined before it has one, and once it is over. */
  readonly address: string | undefined;
  readonly workload: Workload;
}

/** Workloads by pod name (`namespace/name`) and by address. */
export interface PodWorkloads {
  readonly byName: ReadonlyMap<string, MeshPod>;
  readonly byAddress: ReadonlyMap<string, Workload>;
}

export function compilePod(pod: Pod): MeshPod {
  const isOver = pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
  return {
    name: `${pod.metadata.namespace}/${pod.metadata.name}`,
    uid: pod.metadata.uid ?? "",
    address: isOver ? undefined : pod.status?.podIP,
    workload: workloadOf(pod),
  };
}

export function indexPods(pods: readonly MeshPod[]): PodWorkloads {
  const byAddress = new Map<string, Workload>();
  for (const { address, workload } of pods) if (address !== undefined) byAddress.set(address, workload);
  return { byName: new Map(pods.map((pod) => [pod.name, pod])), byAddress };
}

/** What the services of a mesh are compiled with; it remembers which service had an endpoint first. */
export interface RegistryContext {
  /** Slices by `namespace/name` of their service. */
  readonly slices: ReadonlyMap<string, readonly EndpointSlice[]>;
  readonly workloads: PodWorkloads;
  /** Host of the oldest service by address and port; filled while services are compiled, oldest first. */
  readonly oldestHost: Map<string, string>;
}

/** Builds the registry's entry of a Service. Older Services have to come first. */
export function compileService(service: Service, registry: RegistryContext): MeshService {
  const { name = "", namespace = "default" } = service.metadata;
  const host = serviceHost(name, namespace);
  const ports = (service.spec.ports ?? []).filter(({ protocol }) => protocol === undefined || protocol === "TCP");
  const { workloads, oldestHost } = registry;
  const context = { host, slices: registry.slices.get(`${namespace}/${name}`) ?? [], workloads, oldestHost };
  return {
    host,
    name,
    namespace,
    addresses: clusterAddresses(service),
    ports: ports.map((port) => ({ name: port.name ?? "", port: port.port, protocol: protocolOf(port) })),
    endpoints: new Map(ports.map((port) => [port.port, endpointsOf(service, port, context)])),
  };
}

interface EndpointContext {
  readonly host: string;
  readonly slices: readonly EndpointSlice[];
  readonly workloads: PodWorkloads;
  readonly oldestHost: Map<string, string>;
}

/**
 * Passes a slice on that services can be compiled with.
 *
 * @throws UnusableObject when it has no list of endpoints.
 */
export function checkSlice(slice: EndpointSlice): EndpointSlice {
  if (!Array.isArray(slice.endpoints)) throw new UnusableObject("endpoints: is no list");
  for (const { addresses } of slice.endpoints as readonly Endpoint[]) {
    if (!addresses.every((address) => typeof address === "string"))
      throw new UnusableObject("endpoints: an address is no text");
  }
  return slice;
}

/** Slices by `namespace/name` of their service. */
export function groupSlices(slices: readonly EndpointSlice[]): Map<string, EndpointSlice[]> {
  const groups = new Map<string, EndpointSlice[]>();
  for (const slice of slices) {
    const service = slice.metadata.labels?.["kubernetes.io/service-name"];
    if (service === undefined || slice.addressType === "IPv6") continue;
    const key = `${slice.metadata.namespace}/${service}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [slice]);
    else group.push(slice);
  }
  return groups;
}

function clusterAddresses(service: Service): string[] {
  const addresses = service.spec.clusterIPs ?? (service.spec.clusterIP === undefined ? [] : [service.spec.clusterIP]);
  return addresses.filter((address) => address !== "None" && address !== "");
}

/** Source: Istio, protocol selection by `appProtocol` or by the name `<protocol>[-suffix]`. */
function protocolOf(port: ServicePort): PortProtocol {
  const word = (port.appProtocol ?? port.name?.split("-")[0] ?? "").toLowerCase();
  if (["http", "http2", "grpc", "grpc-web", "kubernetes.io/h2c"].includes(word)) return "http";
  return ["tcp", "tls", "https", "mongo", "mysql", "redis", "udp"].includes(word) ? "tcp" : "auto";
}

function endpointsOf(service: Service, port: ServicePort, context: EndpointContext): MeshEndpoint[] {
  if (service.spec.type === "ExternalName" && service.spec.externalName !== undefined)
    return [toEndpoint({ address: service.spec.externalName, port: port.port }, context)];
  const candidates = context.slices.flatMap((slice) => {
    const slicePort = slice.ports?.find(({ name }) => (name ?? "") === (port.name ?? ""))?.port;
    if (slicePort === undefined) return [];
    return slice.endpoints.map((endpoint) => ({ endpoint, port: slicePort }));
  });
  const unique = new Map<string, MeshEndpoint>();
  for (const { endpoint, port: targetPort } of usable(candidates)) {
    const address = endpoint.addresses[0];
    if (address === undefined) continue;
    const made = toEndpoint({ address, port: targetPort, endpoint }, context);
    unique.set(made.key, made);
  }
  return [...unique.values()];
}

/**
 * The ready ones; when there are none, those that still serve while they terminate, because an old pod is better than an
 * error. Source: Kubernetes, "ProxyTerminatingEndpoints".
 */
function usable<T extends { readonly endpoint: Endpoint }>(candidates: readonly T[]): readonly T[] {
  const ready = candidates.filter(({ endpoint }) => endpoint.conditions?.ready !== false);
  if (ready.length > 0) return ready;
  return candidates.filter(
    ({ endpoint: { conditions } }) => conditions?.serving === true && conditions.terminating === true,
  );
}

function toEndpoint(
  target: { readonly address: string; readonly port: number; readonly endpoint?: Endpoint },
  { host, workloads, oldestHost }: EndpointContext,
): MeshEndpoint {
  const { address, port, endpoint } = target;
  const reference = endpoint?.targetRef;
  const pod = reference?.kind === "Pod" ? workloads.byName.get(`${reference.namespace}/${reference.name}`) : undefined;
  const workload = pod?.workload ?? workloads.byAddress.get(address) ?? UNKNOWN_WORKLOAD;
  const socketAddress = `${address}:${port}`;
  const inboundHost = oldestHost.get(socketAddress) ?? host;
  oldestHost.set(socketAddress, inboundHost);
  return { key: `${socketAddress}/${reference?.uid ?? pod?.uid ?? ""}`, address, port, workload, inboundHost };
}

/**
 * Builds one registry entry for each host of a ServiceEntry.
 *
 * @throws UnusableObject when a wildcard host would have to be resolved.
 */
export function compileServiceEntry(entry: ServiceEntry, report: Report): MeshService[] {
  const { hosts, ports = [], endpoints = [], addresses = [] } = entry.spec;
  return hosts.map((host): MeshService => {
    if (host === "") throw new UnusableObject("hosts: an entry is empty");
    const isWildcard = host.startsWith("*");
    if (isWildcard && endpoints.length === 0)
      throw new UnusableObject(`hosts: "${host}" is a wildcard, which only works with endpoints`);
    if (ports.some(({ protocol }) => protocol === "TLS" || protocol === "HTTPS"))
      report("unsupported", `ports: TLS to "${host}" is passed through by the caller itself, not by the mesh`);
    const targets = endpoints.length > 0 ? endpoints : [{ address: host }];
    return {
      host: host.toLowerCase(),
      name: host,
      namespace: entry.metadata.namespace ?? "default",
      addresses: addresses.filter((address) => !address.includes("/")),
      ports: ports.map(({ name = "", number, protocol }) => ({
        name,
        port: number,
        protocol: ["TCP", "TLS", "HTTPS", "MONGO", "REDIS", "MYSQL"].includes(protocol ?? "") ? "tcp" : "http",
      })),
      endpoints: new Map(
        ports.map(({ number, name = "", targetPort }) => [
          number,
          targets.map((target) => {
            const address = target.address ?? host;
            const named = "ports" in target ? target.ports?.[name] : undefined;
            const port = named ?? targetPort ?? number;
            return { key: `${address}:${port}/`, address, port, workload: UNKNOWN_WORKLOAD, inboundHost: host };
          }),
        ]),
      ),
    };
  });
}

/** Services by host, by cluster address and by every pattern. */
export interface Registry {
  readonly byHost: ReadonlyMap<string, MeshService>;
  readonly byAddress: ReadonlyMap<string, MeshService>;
  readonly wildcards: readonly MeshService[];
}

/** Indexes services; of two with one host the first stays. */
export function indexServices(services: readonly MeshService[]): Registry {
  const byHost = new Map<string, MeshService>();
  const byAddress = new Map<string, MeshService>();
  for (const service of services) {
    if (byHost.has(service.host)) continue;
    byHost.set(service.host, service);
    for (const address of service.addresses) byAddress.set(address, service);
  }
  return { byHost, byAddress, wildcards: services.filter(({ host }) => host.startsWith("*.")) };
}

/**
 * The service that a client in the namespace means by a host: full name, `name`, `name.ns`, `name.ns.svc`, a cluster
 * address, or a host of a ServiceEntry. Source: istio-spec 1.3, domains of a sidecar's virtual hosts.
 */
export function resolveService(registry: Registry, host: string, clientNamespace: string): MeshService | undefined {
  const exact = registry.byHost.get(host) ?? registry.byAddress.get(host);
  if (exact !== undefined) return exact;
  const [name = "", namespace, svc, ...rest] = host.split(".");
  if (namespace === undefined) return registry.byHost.get(serviceHost(name, clientNamespace));
  const isShort = rest.length === 0 && (svc === undefined || svc === "svc");
  const short = isShort ? registry.byHost.get(serviceHost(name, namespace)) : undefined;
  return short ?? registry.wildcards.find((service) => coversHost(service.host, host));
}
