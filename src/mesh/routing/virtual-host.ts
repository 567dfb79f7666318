import type { Gateway, HTTPRoute, VirtualService } from "#api";
import { isVisibleTo } from "./cluster.ts";
import { mergeDelegate } from "./delegate.ts";
import { type Report, UnusableObject } from "./finding.ts";
import { buildHostTable, expandHost, type HostTable, intersectHosts } from "./host-name.ts";
import { compileHttpRoute, type HttpRouteRule } from "./http-route.ts";
import { compileMatch, isCatchAll, MATCH_ALL, type RequestMatch } from "./request-match.ts";
import { GATEWAY_WORKLOAD } from "./workload.ts";

/** One match of one route; the first whose match holds decides. */
export interface RouteEntry {
  readonly match: RequestMatch;
  readonly rule: HttpRouteRule;
}

/** A compiled VirtualService. */
export interface CompiledVirtualService {
  readonly id: string;
  readonly namespace: string;
  readonly hosts: readonly string[];
  readonly exportTo: readonly string[];
  /** `mesh` and `namespace/name` of Gateways. */
  readonly gateways: readonly string[];
  readonly entries: readonly RouteEntry[];
}

/** Finds a VirtualService by `namespace/name`, for delegation. */
export type FindVirtualService = (id: string) => VirtualService | undefined;

/**
 * Compiles a VirtualService that has hosts.
 *
 * @throws UnusableObject naming what makes no sense in it.
 */
export function compileVirtualService(
  service: VirtualService,
  find: FindVirtualService,
  report: Report,
): CompiledVirtualService {
  const { name = "", namespace = "default" } = service.metadata;
  const { spec } = service;
  const resolveGateway = (gateway: string): string => gatewayId(gateway, namespace);
  const gateways = (spec.gateways?.length ?? 0) === 0 ? ["mesh"] : (spec.gateways ?? []).map(resolveGateway);
  const hosts = (spec.hosts ?? []).map((host) => expandHost(host, namespace));
  if (gateways.includes("mesh") && hosts.includes("*"))
    throw new UnusableObject('hosts: "*" is refused on the mesh; name a gateway, or write the hosts');
  if ((spec.tcp?.length ?? 0) + (spec.tls?.length ?? 0) > 0)
    report("unsupported", "tcp and tls routes are not executed; such traffic goes to the Service it was sent to");
  const routes = expandDelegates(service, find, report);
  const entries = routes.flatMap(({ route, ownerNamespace }, position) =>
    compileEntries(route, {
      key: `${namespace}/${name}/${position}`,
      namespace: ownerNamespace,
      report,
      resolveGateway,
    }),
  );
  return { id: `${namespace}/${name}`, namespace, hosts, exportTo: spec.exportTo ?? ["*"], gateways, entries };
}

/** Source: istio-spec 1.2: `gw`, `./gw`, `ns/gw`, the legacy `gw.ns.svc…`, and the reserved `mesh`. */
function gatewayId(name: string, namespace: string): string {
  if (name === "mesh") return name;
  const [first = "", second] = name.split("/");
  if (second !== undefined) return `${first === "." ? namespace : first}/${second}`;
  const [legacyName = "", legacyNamespace] = name.split(".");
  return legacyNamespace === undefined ? `${namespace}/${name}` : `${legacyNamespace}/${legacyName}`;
}

interface OwnedRoute {
  readonly route: HTTPRoute;
  /** Namespace that short host names in it are relative to. */
  readonly ownerNamespace: string;
}

function expandDelegates(service: VirtualService, find: FindVirtualService, report: Report): OwnedRoute[] {
  const ownerNamespace = service.metadata.namespace ?? "default";
  return (service.spec.http ?? []).flatMap((route): OwnedRoute[] => {
    if (route.delegate === undefined) return [{ route, ownerNamespace }];
    const namespace = route.delegate.namespace ?? ownerNamespace;
    const id = `${namespace}/${route.delegate.name}`;
    const delegate = find(id);
    const isUsable =
      delegate !== undefined &&
      (delegate.spec.hosts?.length ?? 0) === 0 &&
      isVisibleTo(delegate.spec.exportTo ?? ["*"], namespace, ownerNamespace);
    if (!isUsable) {
      report("unresolved", `delegate: VirtualService ${id} does not exist, has hosts, or is not exported here`);
      return [];
    }
    const inner = (delegate.spec.http ?? []).filter((candidate) => candidate.delegate === undefined);
    return mergeDelegate(route, inner).map((merged) => ({ route: merged, ownerNamespace: namespace }));
  });
}

interface EntryContext {
  readonly key: string;
  readonly namespace: string;
  readonly report: Report;
  readonly resolveGateway: (name: string) => string;
}

function compileEntries(route: HTTPRoute, context: EntryContext): RouteEntry[] {
  const rule = compileHttpRoute(route, context);
  const matches = route.match ?? [];
  if (matches.length === 0) return [{ match: MATCH_ALL, rule }];
  return matches.map((match) => ({ match: compileMatch(match, context.resolveGateway), rule }));
}

/** Virtual hosts of the mesh: by host, the VirtualServices that name it, oldest first. */
export type MeshHosts = HostTable<readonly CompiledVirtualService[]>;

export function indexMeshHosts(services: readonly CompiledVirtualService[]): MeshHosts {
  const hosts = new Map<string, CompiledVirtualService[]>();
  for (const service of services) {
    if (!service.gateways.includes("mesh")) continue;
    const own = {
      ...service,
      entries: untilCatchAll(service.entries.filter(({ match }) => appliesTo(match, ["mesh"]))),
    };
    for (const host of service.hosts) hosts.set(host, [...(hosts.get(host) ?? []), own]);
  }
  return buildHostTable(hosts);
}

/** What a gateway does with the requests for one domain. */
export interface GatewayHost {
  readonly entries: readonly RouteEntry[];
  /** Every request is answered by a redirect to https. */
  readonly redirectsToHttps: boolean;
}

/** Domains of a gateway by server port. */
export type GatewayPorts = ReadonlyMap<number, HostTable<GatewayHost>>;

export interface GatewaySource {
  readonly gateway: Gateway;
  readonly report: Report;
}

interface GatewayServerHost {
  readonly gateway: string;
  readonly host: string;
  readonly namespaces: string | undefined;
  readonly redirectsToHttps: boolean;
}

/** Compiles the HTTP servers of all Gateways that select the ingress gateway. */
export function compileGateways(
  sources: readonly GatewaySource[],
  services: readonly CompiledVirtualService[],
): GatewayPorts {
  const byPort = new Map<number, GatewayServerHost[]>();
  for (const { gateway, report } of sources) {
    for (const { port, host } of serverHosts(gateway, report)) byPort.set(port, [...(byPort.get(port) ?? []), host]);
  }
  return new Map([...byPort].map(([port, hosts]) => [port, buildHostTable(gatewayDomains(hosts, services))]));
}

function serverHosts(gateway: Gateway, report: Report): { port: number; host: GatewayServerHost }[] {
  const { name = "", namespace = "default" } = gateway.metadata;
  const selector = Object.entries(gateway.spec.selector ?? {});
  if (!selector.every(([key, value]) => GATEWAY_WORKLOAD.labels[key] === value)) {
    report("unresolved", 'selector: matches no gateway; the built-in one has the label "istio: ingressgateway"');
    return [];
  }
  return (gateway.spec.servers ?? []).flatMap((server) => {
    if (!["HTTP", "HTTP2", "GRPC", "GRPC-WEB"].includes(server.port.protocol.toUpperCase())) {
      report("unsupported", `servers: protocol ${server.port.protocol} on port ${server.port.number} is not served`);
      return [];
    }
    return server.hosts.map((text) => {
      const slash = text.indexOf("/");
      const prefix = slash < 0 ? undefined : text.slice(0, slash);
      const host: GatewayServerHost = {
        gateway: `${namespace}/${name}`,
        host: text.slice(slash + 1).toLowerCase(),
        namespaces: prefix === "*" ? undefined : prefix === "." ? namespace : prefix,
        redirectsToHttps: server.tls?.httpsRedirect === true,
      };
      return { port: server.port.number, host };
    });
  });
}

function gatewayDomains(
  servers: readonly GatewayServerHost[],
  services: readonly CompiledVirtualService[],
): Map<string, GatewayHost> {
  const gateways = [...new Set(servers.map(({ gateway }) => gateway))];
  const domains = new Map<string, { services: Set<CompiledVirtualService>; redirectsToHttps: boolean }>();
  for (const service of services) {
    for (const server of servers) {
      const isBound = service.gateways.includes(server.gateway);
      if (!isBound || (server.namespaces !== undefined && server.namespaces !== service.namespace)) continue;
      for (const host of service.hosts) {
        const domain = intersectHosts(server.host, host);
        if (domain === undefined) continue;
        const entry = domains.get(domain) ?? { services: new Set(), redirectsToHttps: server.redirectsToHttps };
        domains.set(domain, entry);
        entry.services.add(service);
      }
    }
  }
  return new Map(
    [...domains].map(([domain, entry]) => {
      const entries = [...entry.services].flatMap((service) =>
        service.entries.filter(({ match }) => appliesTo(match, gateways)),
      );
      return [domain, { entries: untilCatchAll(catchAllLast(entries)), redirectsToHttps: entry.redirectsToHttps }];
    }),
  );
}

function appliesTo(match: RequestMatch, gateways: readonly string[]): boolean {
  return match.gateways === undefined || match.gateways.some((gateway) => gateways.includes(gateway));
}

/** Source: istio-spec 1.2: at gateways catch-all routes of all VirtualServices move to the end, keeping their order. */
function catchAllLast(entries: readonly RouteEntry[]): RouteEntry[] {
  const isLast = ({ match }: RouteEntry): boolean => isCatchAll(match);
  return [...entries.filter((entry) => !isLast(entry)), ...entries.filter(isLast)];
}

/** Nothing after the first catch-all is ever reached. */
function untilCatchAll(entries: readonly RouteEntry[]): readonly RouteEntry[] {
  const end = entries.findIndex(({ match }) => isCatchAll(match));
  return end < 0 ? entries : entries.slice(0, end + 1);
}
