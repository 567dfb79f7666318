import {
  type Canary,
  type DestinationRule,
  type HTTPRoute,
  type RouteDestination,
  type Resource,
  resources,
  type TCPRoute,
  type VirtualService,
} from "#api";
import type { Problem } from "#base";
import type { RolloutNames } from "#rollout";
import { emptyTestProblems, testMatches } from "./ab-test.ts";
import { affinityProblems } from "./affinity.ts";
import { httpRoutes, isHost, sharedRoute, tcpRoutes } from "./istio-routes.ts";
import { apexMetadata, isOwned, restoredObject } from "./original.ts";
import type { DesiredRoutes, LiveObjects, Router, RouteReading, RouterContext } from "./router.ts";
import { hasAll, hasMetadata } from "./same-fields.ts";

const API_VERSION = "networking.istio.io/v1beta1";

/** Istio: a VirtualService for the routes, a DestinationRule for the policy of each copy. Source: flagger-spec 4.1. */
export const istio: Router = {
  providers: ["istio"],
  resources: [resources.virtualServices, resources.destinationRules],
  objects: ({ names }) => [
    { resource: resources.virtualServices, name: names.apexService },
    { resource: resources.destinationRules, name: names.primaryService },
    { resource: resources.destinationRules, name: names.canaryService },
  ],
  problems: ({ canary }) =>
    isTcp(canary) ? tcpProblems(canary) : [...affinityProblems(canary), ...emptyTestProblems(canary)],
  // Policies first: a route to a host without its policy would send traffic with the wrong TLS mode.
  plan: (context, desired, live) =>
    [
      ...[context.names.primaryService, context.names.canaryService].map((host) =>
        policyPatch(context, host, live.get<DestinationRule>(resources.destinationRules, host)),
      ),
      routesPatch(context, desired, liveRoutes(context, live)),
    ].filter((patch) => patch !== undefined),
  read: (context, live) => readingOf(context, liveRoutes(context, live)),
  restore: (context, live) => {
    const object = restoredObject(context, liveRoutes(context, live), {
      isOurs: (spec) => ourRoute(context, spec) !== undefined,
      plain: (spec) => plainSpec(context, spec),
    });
    return object === undefined ? [] : [{ kind: "update", resource: resources.virtualServices, object }];
  },
};

type Names = Pick<RouterContext, "names">;

/** A patch whose object has its type still. */
interface Write<T> {
  readonly kind: "apply" | "update";
  readonly resource: Resource;
  readonly object: T;
}

function liveRoutes({ names }: RouterContext, live: LiveObjects): VirtualService | undefined {
  return live.get<VirtualService>(resources.virtualServices, names.apexService);
}

/** Other fields (`exportTo`, `tls`) and other people's labels stay. Source: flagger-spec 4.1.2; difference: 10.2.11. */
function routesPatch(
  context: RouterContext,
  desired: DesiredRoutes,
  live: VirtualService | undefined,
): Write<VirtualService> | undefined {
  const isOurs = live !== undefined && (isOwned(context, live) || ourRoute(context, live.spec) !== undefined);
  const object: VirtualService = {
    apiVersion: API_VERSION,
    kind: "VirtualService",
    metadata: apexMetadata(context, live, isOurs),
    spec: { ...reachOf(context), ...listsOf(context, desired, live) },
  };
  if (live !== undefined && hasMetadata(live, object) && hasSpec(live, object)) return undefined;
  return { kind: "apply", resource: resources.virtualServices, object };
}

function hasSpec(live: VirtualService, wanted: VirtualService): boolean {
  const { http } = wanted.spec;
  const want = http === undefined ? wanted.spec : { ...wanted.spec, http: comparable(http) };
  return hasAll({ ...live.spec, http: comparable(live.spec.http) }, want);
}

/** The only destination of a route gets everything, whatever its weight says. */
function comparable(routes: readonly HTTPRoute[] | undefined): readonly HTTPRoute[] | undefined {
  return routes?.map((route) => {
    const [only, ...others] = route.route ?? [];
    return only === undefined || others.length > 0 ? route : { ...route, route: [{ ...only, weight: 0 }] };
  });
}

/** The list of the protocol; the other one is emptied only when routes of ours are left in it. */
function listsOf(context: RouterContext, desired: DesiredRoutes, live: VirtualService | undefined): object {
  if (isTcp(context.canary)) {
    const isLeft = sharedRoute(live?.spec.http, context) !== undefined;
    return { tcp: tcpRoutes(context, desired), ...(isLeft ? { http: [] } : {}) };
  }
  const isLeft = sharedRoute(live?.spec.tcp, context) !== undefined;
  return { http: httpRoutes(context, desired, live?.spec.http), ...(isLeft ? { tcp: [] } : {}) };
}

/** Hosts and gateways. A delegate must have neither; stated as empty lists, so that those of others go as well. */
function reachOf({ canary, names }: RouterContext): Pick<VirtualService["spec"], "hosts" | "gateways"> {
  const service = canary.spec.service;
  if (service?.delegation === true) return { hosts: [], gateways: [] };
  const hosts = service?.hosts ?? [];
  const isNamed = hosts.includes(names.apexService) || hosts.includes("*");
  const gateways = service?.gateways ?? [];
  return {
    hosts: isNamed ? hosts : [...hosts, names.apexService],
    gateways: gateways.length === 0 ? ["mesh"] : gateways,
  };
}

/**
 * The policy of a copy. In a rule of our own the whole `trafficPolicy` is ours, so a block that is no longer wanted goes,
 * whoever added it. Source: flagger-spec 4.1.1.
 */
function policyPatch(
  context: RouterContext,
  host: string,
  live: DestinationRule | undefined,
): Write<DestinationRule> | undefined {
  const { canary, names, owner } = context;
  const trafficPolicy = canary.spec.service?.trafficPolicy;
  const isOwn = live === undefined || isOwned(context, live);
  const spec = { host, ...(trafficPolicy === undefined ? {} : { trafficPolicy }) };
  const object: DestinationRule = {
    apiVersion: API_VERSION,
    kind: "DestinationRule",
    metadata: { name: host, namespace: names.namespace, ...(isOwn ? { ownerReferences: [owner] } : {}) },
    spec,
  };
  const resource = resources.destinationRules;
  if (live !== undefined && isOwn && !hasAll(trafficPolicy ?? {}, live.spec.trafficPolicy ?? {})) {
    const { trafficPolicy: _, ...others } = live.spec;
    return { kind: "update", resource, object: { ...live, spec: { ...others, ...spec } } };
  }
  return live !== undefined && hasAll(live.spec, spec) ? undefined : { kind: "apply", resource, object };
}

function ourRoute({ names }: Names, spec: VirtualService["spec"]): HTTPRoute | TCPRoute | undefined {
  return sharedRoute(spec.http, { names }) ?? sharedRoute(spec.tcp, { names });
}

/** The same routes with the apex for the two copies, and without the mirror to one of them. */
function plainSpec({ names }: Names, spec: VirtualService["spec"]): VirtualService["spec"] {
  const isCopy = (host: string | undefined): boolean =>
    [names.primaryService, names.canaryService].some((service) => isHost(host, service, names));
  const toApex = (list: readonly RouteDestination[] | undefined): Pick<TCPRoute, "route"> => {
    const copy = list?.find((to) => isCopy(to.destination?.host));
    if (copy === undefined) return list === undefined ? {} : { route: list };
    return { route: [{ destination: { ...copy.destination, host: names.apexService } }] };
  };
  const http = spec.http?.map(({ mirror, mirrors, ...route }) => {
    const others = mirrors?.filter((to) => !isCopy(to.destination?.host)) ?? [];
    const kept = mirror === undefined || isCopy(mirror.host) ? {} : { mirror };
    return { ...route, ...kept, ...(others.length === 0 ? {} : { mirrors: others }), ...toApex(route.route) };
  });
  const tcp = spec.tcp?.map((route) => ({ ...route, ...toApex(route.route) }));
  return { ...spec, ...(http === undefined ? {} : { http }), ...(tcp === undefined ? {} : { tcp }) };
}

/** Weights that do not add up are nobody's decision; the next plan writes them anew. Source: flagger-spec 4.1.3. */
function readingOf(context: Names, live: VirtualService | undefined): RouteReading {
  const { names } = context;
  const route = live === undefined ? undefined : ourRoute(context, live.spec);
  if (route === undefined) return { kind: "absent" };
  const weightOf = (service: string): number =>
    route.route?.find((to) => isHost(to.destination?.host, service, names))?.weight ?? 0;
  const primaryWeight = weightOf(names.primaryService);
  const canaryWeight = weightOf(names.canaryService);
  if (primaryWeight + canaryWeight !== 100) return { kind: "absent" };
  return { kind: "read", state: { primaryWeight, canaryWeight, isMirrored: isMirrored(route, names) } };
}

function isMirrored(route: HTTPRoute, names: RolloutNames): boolean {
  const isCanary = (host: string | undefined): boolean => isHost(host, names.canaryService, names);
  return isCanary(route.mirror?.host) || (route.mirrors ?? []).some((to) => isCanary(to.destination?.host));
}

function isTcp(canary: Canary): boolean {
  return canary.spec.service?.appProtocol?.toLowerCase() === "tcp";
}

const L4_FIELDS = new Set(["name", "port", "gateways", "sourceLabels", "sourceNamespace"]);

/** Source: flagger-spec 4.1.2; what Flagger leaves out without a word is a problem here. */
function tcpProblems(canary: Canary): Problem[] {
  const { analysis, service } = canary.spec;
  const unsupported = (path: string, what: string, fix: string): Problem => ({
    path,
    code: "unsupported",
    message: `${what} with appProtocol "tcp"`,
    fix,
  });
  const problems: Problem[] = [];
  if (testMatches(canary).length > 0)
    problems.push(
      unsupported("spec.analysis.match", "A/B tests need requests to look at, and there are none", "remove it"),
    );
  if (analysis.mirror === true)
    problems.push(unsupported("spec.analysis.mirror", "connections cannot be mirrored", "remove it"));
  if (analysis.sessionAffinity !== undefined)
    problems.push(unsupported("spec.analysis.sessionAffinity", "connections carry no cookies", "remove it"));
  (service?.match ?? []).forEach((match, i) => {
    for (const field of Object.keys(match).filter((key) => !L4_FIELDS.has(key)))
      problems.push(
        unsupported(`spec.service.match[${i}].${field}`, "it cannot be matched", "match ports, gateways or sources"),
      );
  });
  return problems;
}
