import type { Headers, HTTPMatchRequest, HTTPMirrorPolicy, HTTPRoute, HTTPRouteDestination, TCPRoute } from "#api";
import { testMatches } from "./ab-test.ts";
import { canaryCookie, cookieRegex, expiredCookie, primaryCookie } from "./affinity.ts";
import type { DesiredRoutes, RouterContext } from "./router.ts";

type Context = Pick<RouterContext, "canary" | "names">;

/**
 * The `http` list of the VirtualService, for every mode. Source: flagger-spec 4.1.4, the table.
 *
 * The list is one value for server-side apply, so whatever people added to our route would be lost with each step. What
 * the Canary cannot express (`fault`, `name`, mirrors to others, fields that are not known here) is therefore taken over
 * from the live route that leads to both copies; `name` for that route alone, since names are unique.
 */
export function httpRoutes(
  context: Context,
  desired: DesiredRoutes,
  live: readonly HTTPRoute[] | undefined,
): HTTPRoute[] {
  const { canary, names } = context;
  const shared = sharedRoute(live, context);
  const { name, ...kept } = keptFields(shared);
  const match = canary.spec.service?.match ?? [];
  const common = { ...kept, ...optionsOf(context), ...mirrorsOf(context, desired, shared) };
  const named = name === undefined ? {} : { name };
  const split = destinations(context, desired.canaryWeight);
  const tests = testMatches(canary);
  if (tests.length === 0)
    return affinityRoutes({ ...common, ...matching(match), route: split }, context, desired).map((route, i, all) =>
      i === all.length - 1 ? { ...named, ...route } : route,
    );
  const { mirror: _, mirrorPercentage: __, mirrors: ___, ...others } = common;
  return [
    { ...named, ...common, match: testedMatches(context), route: split },
    { ...others, ...matching(match), route: [destination(context, names.primaryService, 100)] },
  ];
}

/** The `tcp` list; a connection has no requests, so there is nothing but weights. Source: flagger-spec 4.1.2. */
export function tcpRoutes(context: Context, desired: DesiredRoutes): TCPRoute[] {
  const match = (context.canary.spec.service?.match ?? []).flatMap(
    ({ port, gateways, sourceLabels, sourceNamespace }) => {
      const fields = Object.entries({ port, gateways, sourceLabels, sourceNamespace });
      const present = fields.filter(([, value]) => value !== undefined);
      return present.length === 0 ? [] : [Object.fromEntries(present)];
    },
  );
  return [{ ...(match.length === 0 ? {} : { match }), route: destinations(context, desired.canaryWeight) }];
}

/** The route that leads to both copies: the last that has the canary, since those of cookies come first. */
export function sharedRoute<T extends HTTPRoute | TCPRoute>(
  routes: readonly T[] | undefined,
  { names }: Pick<RouterContext, "names">,
): T | undefined {
  return routes?.findLast((route) =>
    route.route?.some((to) => isHost(to.destination?.host, names.canaryService, names)),
  );
}

/** Whether a host of a route means the Service, by its short or a longer name. */
export function isHost(host: string | undefined, service: string, { namespace }: { namespace: string }): boolean {
  return (
    host === service || host === `${service}.${namespace}` || host?.startsWith(`${service}.${namespace}.svc`) === true
  );
}

function optionsOf({ canary }: Context): HTTPRoute {
  const { rewrite, timeout, retries, corsPolicy, headers } = canary.spec.service ?? {};
  return {
    ...(rewrite === undefined ? {} : { rewrite: withoutType(rewrite) }),
    ...(timeout === undefined ? {} : { timeout }),
    ...(retries === undefined ? {} : { retries }),
    ...(corsPolicy === undefined ? {} : { corsPolicy }),
    ...(headers === undefined ? {} : { headers }),
  };
}

/** `type` is of the Gateway API. */
function withoutType(rewrite: { uri?: string; authority?: string; type?: string }): {
  uri?: string;
  authority?: string;
} {
  const { type: _, ...rest } = rewrite;
  return rest;
}

function destinations(context: Context, canaryWeight: number): HTTPRouteDestination[] {
  const { primaryService, canaryService } = context.names;
  return [destination(context, primaryService, 100 - canaryWeight), destination(context, canaryService, canaryWeight)];
}

function destination(context: Context, host: string, weight: number): HTTPRouteDestination {
  return { destination: { host, ...portOf(context) }, weight };
}

/** Services with several ports need it named, and behind a gateway nothing else tells it. Source: flagger-spec 4.1.2. */
function portOf({ canary }: Context): { port?: { number: number } } {
  const service = canary.spec.service;
  if (service?.portDiscovery !== true) return {};
  const first = service.gateways?.[0];
  const isBehindGateway = (first !== undefined && first !== "mesh") || service.delegation === true;
  return isBehindGateway ? { port: { number: service.port } } : {};
}

function matching(match: readonly HTTPMatchRequest[]): Pick<HTTPRoute, "match"> {
  return match.length === 0 ? {} : { match };
}

/**
 * Every condition of the test with every one of the service; where both name a header, the test's counts.
 *
 * Flagger takes the service's header conditions away, and drops `queryParams` of the test. Source: flagger-spec 10.2.10.
 */
function testedMatches({ canary }: Context): HTTPMatchRequest[] {
  const services = canary.spec.service?.match ?? [];
  return testMatches(canary).flatMap((test) => {
    const headers = Object.entries(test.headers ?? {}).map(([name, value]) => [name, withoutSuffix(value)]);
    const own: HTTPMatchRequest = {
      ...test,
      ...(headers.length === 0 ? {} : { headers: Object.fromEntries(headers) }),
    };
    return (services.length === 0 ? [{}] : services).map((service) => joined(service, own));
  });
}

/** Istio has no suffix; a pattern says the same. */
function withoutSuffix(match: { suffix?: string; exact?: string; prefix?: string; regex?: string }): object {
  const { suffix, ...rest } = match;
  return suffix === undefined ? rest : { regex: `.*${suffix.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")}` };
}

function joined(service: HTTPMatchRequest, more: HTTPMatchRequest): HTTPMatchRequest {
  const maps = (["headers", "queryParams", "sourceLabels"] as const).flatMap((field) => {
    const map = { ...service[field], ...more[field] };
    return Object.keys(map).length === 0 ? [] : [[field, map]];
  });
  return { ...service, ...Object.fromEntries(maps) };
}

/** The route that both share, after those for clients that have a cookie. */
function affinityRoutes(shared: HTTPRoute, context: Context, { canaryWeight, cookies }: DesiredRoutes): HTTPRoute[] {
  const affinity = context.canary.spec.analysis.sessionAffinity;
  if (affinity === undefined) return [shared];
  const forClients = (values: readonly string[]): Pick<HTTPRoute, "match"> => ({
    match: values.flatMap((cookie) => {
      const withCookie = { headers: { Cookie: { regex: cookieRegex(cookie) } } };
      return (shared.match ?? [{}]).map((match) => joined(match, withCookie));
    }),
  });
  if (canaryWeight === 0) {
    const [old, ...more] = [cookies.previous, cookies.canary].filter((cookie) => cookie !== undefined);
    if (old === undefined) return [shared];
    const headers = addingHeader(shared.headers, expiredCookie(old, affinity));
    return [{ ...shared, ...forClients([old, ...more]), headers }, shared];
  }
  const [toPrimary, toCanary] = destinations(context, canaryWeight);
  const routes: HTTPRoute[] = [];
  const { canary, primary } = cookies;
  if (canary !== undefined) routes.push({ ...shared, ...forClients([canary]), route: destinations(context, 100) });
  // Nobody is held with a primary that is to get nothing.
  if (primary !== undefined && canaryWeight < 100)
    routes.push({ ...shared, ...forClients([primary]), route: destinations(context, 0) });
  const primaryText = primary === undefined ? undefined : primaryCookie(primary, context.canary, affinity);
  const route = [
    setting(toPrimary, primaryText),
    setting(toCanary, canary === undefined ? undefined : canaryCookie(canary, affinity)),
  ].filter((to) => to !== undefined);
  return [...routes, { ...shared, route }];
}

function setting(to: HTTPRouteDestination | undefined, cookie: string | undefined): HTTPRouteDestination | undefined {
  return to === undefined || cookie === undefined ? to : { ...to, headers: addingHeader(undefined, cookie) };
}

function addingHeader(headers: Headers | undefined, cookie: string): Headers {
  return {
    ...headers,
    response: { ...headers?.response, add: { ...headers?.response?.add, "Set-Cookie": cookie } },
  };
}

/** Fields that the Canary decides, and those that a route with destinations cannot have. */
const OURS: ReadonlySet<string> = new Set([
  "match",
  "route",
  "rewrite",
  "timeout",
  "retries",
  "corsPolicy",
  "headers",
  "mirror",
  "mirrorPercentage",
  "mirrorPercent",
  "mirror_percent",
  "mirrors",
  "redirect",
  "directResponse",
  "delegate",
]);

function keptFields(live: HTTPRoute | undefined): HTTPRoute {
  return Object.fromEntries(Object.entries(live ?? {}).filter(([key]) => !OURS.has(key)));
}

type Mirrors = Pick<HTTPRoute, "mirror" | "mirrorPercentage" | "mirrors">;

/**
 * The mirror to the canary, beside mirrors of others. `mirror` and `mirrors` exclude each other; the plural is used only
 * where somebody else mirrors as well, since older proxies do not know it.
 */
function mirrorsOf(context: Context, desired: DesiredRoutes, live: HTTPRoute | undefined): Mirrors {
  const { canaryService } = context.names;
  const mirrorWeight = context.canary.spec.analysis.mirrorWeight ?? 0;
  const isForeign = (host: string | undefined): boolean => !isHost(host, canaryService, context.names);
  const foreign: HTTPMirrorPolicy[] = (live?.mirrors ?? []).filter((to) => isForeign(to.destination?.host));
  const single = live?.mirror !== undefined && isForeign(live.mirror.host) ? live.mirror : undefined;
  const share = live?.mirrorPercentage;
  if (!desired.isMirrored) {
    if (single !== undefined) return { mirror: single, ...(share === undefined ? {} : { mirrorPercentage: share }) };
    return foreign.length === 0 ? {} : { mirrors: foreign };
  }
  const { destination: to } = destination(context, canaryService, 0);
  const percentage = mirrorWeight > 0 ? { value: mirrorWeight } : undefined;
  if (single !== undefined)
    foreign.push({ destination: single, ...(share === undefined ? {} : { percentage: share }) });
  if (foreign.length === 0)
    return { mirror: to, ...(percentage === undefined ? {} : { mirrorPercentage: percentage }) };
  return { mirrors: [...foreign, { destination: to, ...(percentage === undefined ? {} : { percentage }) }] };
}
