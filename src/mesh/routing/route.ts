import { type Cluster, isVisibleTo } from "./cluster.ts";
import type { MeshConfig } from "./compile-mesh.ts";
import { findByHost, splitAuthority } from "./host-name.ts";
import type { ForwardAction, HttpRouteRule, RedirectAction, RouteTarget } from "./http-route.ts";
import { resolveService } from "./mesh-service.ts";
import { matchesRequest } from "./request-match.ts";
import { replaceMatched, rewritePath } from "./rewrite.ts";
import type { RouteRequest } from "./route-request.ts";
import type { StringMatcher } from "./string-matcher.ts";
import type { RouteEntry } from "./virtual-host.ts";

/** What is done with a request. */
export type RouteDecision =
  /** Passed on to one of the rule's targets; `path` is the rewritten one, without the query. */
  | {
      readonly kind: "forward";
      readonly rule: HttpRouteRule;
      readonly action: ForwardAction;
      readonly path: string;
    }
  | {
      readonly kind: "redirect";
      readonly rule: HttpRouteRule | undefined;
      readonly status: number;
      readonly location: string;
    }
  | { readonly kind: "reply"; readonly rule: HttpRouteRule; readonly status: number; readonly body: string }
  /** Nothing matches: 404, flag NR. */
  | { readonly kind: "noRoute" }
  /** The mesh knows no such host. */
  | { readonly kind: "unknownHost"; readonly host: string };

/**
 * Decides what is done with a request. Pure: equal configuration and request give an equal decision; the choice among
 * weighted targets, and everything else that needs chance or memory, comes after it.
 */
export function route(config: MeshConfig, request: RouteRequest): RouteDecision {
  return request.client.kind === "gateway" ? routeAtGateway(config, request) : routeInMesh(config, request);
}

function routeAtGateway(config: MeshConfig, request: RouteRequest): RouteDecision {
  const table = config.gatewayPorts.get(request.port);
  const { host } = splitAuthority(request.authority);
  const domain = table === undefined ? undefined : findByHost(table, host, (found) => found);
  if (domain === undefined) return { kind: "noRoute" };
  if (domain.redirectsToHttps) {
    const location = `https://${host}${withQuery(request.path, request.query)}`;
    return { kind: "redirect", rule: undefined, status: 301, location };
  }
  return decide(domain.entries, request) ?? { kind: "noRoute" };
}

function routeInMesh(config: MeshConfig, request: RouteRequest): RouteDecision {
  const { host } = splitAuthority(request.authority);
  const { namespace } = request.client;
  const service = resolveService(config.registry, host, namespace);
  // A host of no service is only known on port 80. Source: istio-spec 1.3.
  const canBeVirtual = service !== undefined || request.port === 80;
  const virtual = canBeVirtual
    ? findByHost(config.meshHosts, service?.host ?? host, (services) =>
        services.find(({ exportTo, namespace: owner }) => isVisibleTo(exportTo, owner, namespace)),
      )
    : undefined;
  if (virtual !== undefined) return decide(virtual.entries, request) ?? { kind: "noRoute" };
  if (service === undefined) return { kind: "unknownHost", host };
  return forwardToService(config, service.host, request.path) ?? { kind: "noRoute" };
}

/** What happens to requests for a service that no VirtualService routes: all of them go to the service itself. */
export function forwardToService(config: MeshConfig, host: string, path: string): RouteDecision | undefined {
  const rule = config.defaultRules.get(host);
  return rule?.action.kind === "forward" ? { kind: "forward", rule, action: rule.action, path } : undefined;
}

function decide(entries: readonly RouteEntry[], request: RouteRequest): RouteDecision | undefined {
  for (const { match, rule } of entries) if (matchesRequest(match, request)) return apply(rule, match.uri, request);
  return undefined;
}

function apply(rule: HttpRouteRule, uri: StringMatcher | undefined, request: RouteRequest): RouteDecision {
  const { action } = rule;
  switch (action.kind) {
    case "redirect":
      return { kind: "redirect", rule, status: action.status, location: locationOf(action, uri, request) };
    case "reply":
      return { kind: "reply", rule, status: action.status, body: action.body };
    case "forward": {
      const path = rule.rewrite === undefined ? request.path : rewritePath(rule.rewrite, request.path, uri);
      return { kind: "forward", rule, action, path };
    }
  }
}

/** Source: istio-spec 1.6: the query stays, the scheme's own port is not written. */
function locationOf(action: RedirectAction, uri: StringMatcher | undefined, request: RouteRequest): string {
  const scheme = action.scheme ?? request.scheme;
  const own = splitAuthority(request.authority);
  const port =
    action.port === "fromRequest"
      ? request.port
      : (action.port ?? (action.authority === undefined && action.scheme === undefined ? own.port : undefined));
  const isDefault = port === undefined || port === (scheme === "https" ? 443 : 80);
  const authority = (action.authority ?? own.host) + (isDefault ? "" : `:${port}`);
  return `${scheme}://${authority}${withQuery(redirectedPath(action, uri, request.path), request.query)}`;
}

function redirectedPath({ path: change }: RedirectAction, uri: StringMatcher | undefined, path: string): string {
  if (change === undefined) return path;
  return change.kind === "whole" ? change.value : replaceMatched(path, change.value, uri);
}

function withQuery(path: string, query: string | undefined): string {
  return query === undefined || path.includes("?") ? path : `${path}?${query}`;
}

/**
 * The cluster of a target for a client: the port as the destination names it, else the service's only one, else the one
 * that was dialled. Undefined (503, flag NC) when there is no such service, port or subset. Source: istio-spec 1.7.
 */
export function findCluster(
  config: MeshConfig,
  target: RouteTarget,
  request: Pick<RouteRequest, "client" | "port">,
): Cluster | undefined {
  const clusters = config.clusters.get(target.host);
  const service = config.registry.byHost.get(target.host);
  if (clusters === undefined || service === undefined) return undefined;
  const onlyPort = service.ports.length === 1 ? service.ports[0]?.port : undefined;
  const port = target.port ?? onlyPort ?? request.port;
  const set = clusters.byClientNamespace.get(request.client.namespace) ?? clusters.ofOthers;
  return set.get(`${port}|${target.subset}`);
}
