import type { Canary, CanaryMatch, GatewayValueMatch, HTTPMatchRequest, HTTPRouteMatch, StringMatch } from "#api";
import { isObject, type Problem } from "#base";
import { testMatches } from "./ab-test.ts";

/**
 * Istio's conditions, which the Canary is written in, as those of the Gateway API, which knows fewer. What it does not know
 * is a problem: leaving a condition out would match more requests than were meant. Source: flagger-spec 4.2, 10.2.10.
 */

/** Conditions of the service alone; at least one, since a rule without matches every path. */
export function serviceMatches(canary: Canary, problems: Problem[] = []): HTTPRouteMatch[] {
  const matches = (canary.spec.service?.match ?? []).map((match, i) => {
    const path = `spec.service.match[${i}]`;
    problems.push(...foreignFields(match, path));
    return { ...lineOf(match, path, problems), ...valuesOf(match, path, problems) };
  });
  return matches.length === 0 ? [{ path: { type: "PathPrefix", value: "/" } }] : matches;
}

/** Every condition of the test with every one of the service; where both name a header, the test's counts. */
export function testedMatches(canary: Canary, problems: Problem[] = []): HTTPRouteMatch[] {
  const services = serviceMatches(canary);
  return testMatches(canary).flatMap((test, i) => {
    const path = `spec.analysis.match[${i}]`;
    if (Object.keys(test.sourceLabels ?? {}).length > 0)
      problems.push(unsupported(`${path}.sourceLabels`, "remove it, and match a header that those clients send"));
    const own = valuesOf(test, path, problems);
    return services.map((service) => joinedMatch(service, own));
  });
}

/** Both conditions in one. */
export function joinedMatch(
  match: HTTPRouteMatch,
  more: Pick<HTTPRouteMatch, "headers" | "queryParams">,
): HTTPRouteMatch {
  const headers = joinedValues(match.headers, more.headers, (name) => name.toLowerCase());
  const queryParams = joinedValues(match.queryParams, more.queryParams, (name) => name);
  return {
    ...match,
    ...(headers === undefined ? {} : { headers }),
    ...(queryParams === undefined ? {} : { queryParams }),
  };
}

function joinedValues(
  values: readonly GatewayValueMatch[] = [],
  more: readonly GatewayValueMatch[] = [],
  keyOf: (name: string) => string,
): readonly GatewayValueMatch[] | undefined {
  const replaced = new Set(more.map(({ name }) => keyOf(name)));
  const all = [...values.filter(({ name }) => !replaced.has(keyOf(name))), ...more];
  return all.length === 0 ? undefined : all;
}

/** Path and method. */
function lineOf(match: HTTPMatchRequest, path: string, problems: Problem[]): HTTPRouteMatch {
  const { uri, method } = match;
  const types = { exact: "Exact", prefix: "PathPrefix", regex: "RegularExpression" } as const;
  const [kind, value] = Object.entries(uri ?? {})[0] ?? [];
  const isMethod = method === undefined || method.exact !== undefined;
  if (!isMethod) problems.push(unsupported(`${path}.method`, "state it as exact"));
  return {
    ...(kind === undefined || !(kind in types) ? {} : { path: { type: types[kind as keyof typeof types], value } }),
    ...(method?.exact === undefined ? {} : { method: method.exact }),
  };
}

/** Headers and query parameters, sorted, so that the same spec always gives the same route. */
function valuesOf(
  match: Pick<CanaryMatch, "headers" | "queryParams">,
  path: string,
  problems: Problem[],
): Pick<HTTPRouteMatch, "headers" | "queryParams"> {
  const convert = (field: "headers" | "queryParams"): object => {
    const entries = Object.entries<StringMatch>(match[field] ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
    const values = entries.flatMap(([name, { exact, regex }]): GatewayValueMatch[] => {
      if (exact !== undefined) return [{ type: "Exact", name, value: exact }];
      if (regex !== undefined) return [{ type: "RegularExpression", name, value: regex }];
      problems.push(unsupported(`${path}.${field}.${name}`, "state it as exact or regex"));
      return [];
    });
    return values.length === 0 ? {} : { [field]: values };
  };
  return { ...convert("headers"), ...convert("queryParams") };
}

/** Conditions that the Gateway API has another place for, or none. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  scheme: "name the listener in gatewayRefs with sectionName or port",
  port: "name the listener in gatewayRefs with sectionName or port",
  gateways: "name the gateways in gatewayRefs",
  authority: "name the hosts in spec.service.hosts",
  withoutHeaders: "remove it",
  sourceLabels: "remove it",
  sourceNamespace: "remove it",
  ignoreUriCase: "remove it, and use a regex that ignores case",
};

function foreignFields(match: HTTPMatchRequest, path: string): Problem[] {
  const isStated = (value: unknown): boolean =>
    value !== undefined && value !== false && !(isObject(value) && Object.keys(value).length === 0);
  return Object.entries(ELSEWHERE).flatMap(([field, fix]) =>
    isStated(match[field as keyof HTTPMatchRequest]) ? [unsupported(`${path}.${field}`, fix)] : [],
  );
}

function unsupported(path: string, fix: string): Problem {
  return { path, code: "unsupported", message: "the Gateway API cannot match requests by it", fix };
}
