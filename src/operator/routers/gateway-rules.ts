import type { GatewayValueMatch, HTTPBackendRef, HTTPRequestMirrorFilter, HTTPRouteFilter, HTTPRouteRule } from "#api";
import { testMatches } from "./ab-test.ts";
import { canaryCookie, cookieRegex, expiredCookie, primaryCookie } from "./affinity.ts";
import { addingResponseHeader, serviceFilters, serviceTimeouts } from "./gateway-filters.ts";
import { joinedMatch, serviceMatches, testedMatches } from "./gateway-matches.ts";
import type { DesiredRoutes, RouterContext } from "./router.ts";

type Context = Pick<RouterContext, "canary" | "names">;

/**
 * The `rules` of the HTTPRoute, for every mode. Source: flagger-spec 4.2, and the table of 4.1.4.
 *
 * As with Istio the list is one value for server-side apply: fields of a rule that the Canary cannot express (`retry`,
 * `sessionPersistence`) and filters of types that it has none of (`ExtensionRef`, `ExternalAuth`) are taken over from the
 * live rule that leads to both copies. `name` is for that rule alone.
 */
export function routeRules(
  context: Context,
  desired: DesiredRoutes,
  live: readonly HTTPRouteRule[] | undefined,
): HTTPRouteRule[] {
  const { canary, names } = context;
  const { name, ...kept } = keptFields(sharedRule(live, context));
  const named = name === undefined ? {} : { name };
  const filters = [...serviceFilters(canary), ...keptFilters(sharedRule(live, context))];
  const mirrored = desired.isMirrored ? [...filters, mirrorFilter(context)] : filters;
  const common = { ...kept, ...serviceTimeouts(canary) };
  const shared = { ...common, ...filtering(mirrored), backendRefs: backends(context, desired.canaryWeight) };
  if (testMatches(canary).length === 0) {
    const rules = affinityRules({ ...shared, matches: serviceMatches(canary) }, context, desired);
    return rules.map((rule, i) => (i === rules.length - 1 ? { ...named, ...rule } : rule));
  }
  const primary = { ...common, ...filtering(filters), backendRefs: [backend(context, names.primaryService, 100)] };
  return [
    { ...named, ...shared, matches: testedMatches(canary) },
    { ...primary, matches: serviceMatches(canary) },
  ];
}

/** The rule that leads to both copies and nowhere else: the last, since those of cookies come first. */
export function sharedRule(
  rules: readonly HTTPRouteRule[] | undefined,
  { names }: Pick<RouterContext, "names">,
): HTTPRouteRule | undefined {
  return rules?.findLast(({ backendRefs: refs }) => {
    const services = [names.primaryService, names.canaryService];
    return refs?.length === 2 && services.every((service) => refs.some(({ name }) => name === service));
  });
}

/** Whether the filter copies requests to the canary. */
export function isMirrorTo(filter: HTTPRouteFilter, service: string): boolean {
  return filter.requestMirror?.backendRef?.name === service;
}

function mirrorFilter(context: Context): HTTPRouteFilter {
  const { weight: _, ...backendRef } = backend(context, context.names.canaryService, 0);
  const percent = context.canary.spec.analysis.mirrorWeight ?? 0;
  const requestMirror: HTTPRequestMirrorFilter = { backendRef, ...(percent > 0 ? { percent } : {}) };
  return { type: "RequestMirror", requestMirror };
}

function filtering(filters: readonly HTTPRouteFilter[]): Pick<HTTPRouteRule, "filters"> {
  return filters.length === 0 ? {} : { filters };
}

function backends(context: Context, canaryWeight: number): HTTPBackendRef[] {
  const { primaryService, canaryService } = context.names;
  return [backend(context, primaryService, 100 - canaryWeight), backend(context, canaryService, canaryWeight)];
}

function backend({ canary }: Context, name: string, weight: number): HTTPBackendRef {
  return { group: "", kind: "Service", name, port: canary.spec.service?.port ?? 0, weight };
}

/** The rule that both share, after those for clients that have a cookie. */
function affinityRules(
  shared: HTTPRouteRule,
  context: Context,
  { canaryWeight, cookies }: DesiredRoutes,
): HTTPRouteRule[] {
  const affinity = context.canary.spec.analysis.sessionAffinity;
  if (affinity === undefined) return [shared];
  const forClients = (values: readonly string[]): Pick<HTTPRouteRule, "matches"> => ({
    matches: values.flatMap((cookie) => {
      const header: GatewayValueMatch = { type: "RegularExpression", name: "Cookie", value: cookieRegex(cookie) };
      return (shared.matches ?? [{}]).map((match) => joinedMatch(match, { headers: [header] }));
    }),
  });
  if (canaryWeight === 0) {
    const [old, ...more] = [cookies.previous, cookies.canary].filter((cookie) => cookie !== undefined);
    if (old === undefined) return [shared];
    const taken = { name: "Set-Cookie", value: expiredCookie(old, affinity) };
    return [
      { ...shared, ...forClients([old, ...more]), filters: addingResponseHeader(shared.filters ?? [], taken) },
      shared,
    ];
  }
  const { canary, primary } = cookies;
  const rules: HTTPRouteRule[] = [];
  if (canary !== undefined) rules.push({ ...shared, ...forClients([canary]), backendRefs: backends(context, 100) });
  // Nobody is held with a primary that is to get nothing.
  if (primary !== undefined && canaryWeight < 100)
    rules.push({ ...shared, ...forClients([primary]), backendRefs: backends(context, 0) });
  const texts = [
    primary === undefined ? undefined : primaryCookie(primary, context.canary, affinity),
    canary === undefined ? undefined : canaryCookie(canary, affinity),
  ];
  const backendRefs = backends(context, canaryWeight).map((ref, i) => setting(ref, texts[i]));
  return [...rules, { ...shared, backendRefs }];
}

function setting(ref: HTTPBackendRef, cookie: string | undefined): HTTPBackendRef {
  return cookie === undefined
    ? ref
    : { ...ref, filters: addingResponseHeader([], { name: "Set-Cookie", value: cookie }) };
}

const OUR_FIELDS: ReadonlySet<string> = new Set(["matches", "filters", "backendRefs", "timeouts"]);
/** Types of filters that are not taken over: those that the Canary decides, and the one that excludes backends. */
const OUR_FILTERS: ReadonlySet<string> = new Set([
  "RequestHeaderModifier",
  "ResponseHeaderModifier",
  "URLRewrite",
  "RequestMirror",
  "CORS",
  "RequestRedirect",
]);

function keptFields(live: HTTPRouteRule | undefined): HTTPRouteRule {
  return Object.fromEntries(Object.entries(live ?? {}).filter(([key]) => !OUR_FIELDS.has(key)));
}

function keptFilters(live: HTTPRouteRule | undefined): HTTPRouteFilter[] {
  return (live?.filters ?? []).filter(({ type }) => !OUR_FILTERS.has(type));
}
