import type { HTTPMatchRequest, StringMatch } from "#api";
import type { RouteRequest } from "./route-request.ts";
import { compileStringMatch, matchesString, type StringMatcher } from "./string-matcher.ts";
import { UnusableObject } from "./finding.ts";

type NamedMatcher = readonly [name: string, matcher: StringMatcher];

/** A compiled HTTPMatchRequest: all parts must hold. Absent parts hold always. */
export interface RequestMatch {
  readonly name: string;
  readonly uri: StringMatcher | undefined;
  readonly scheme: StringMatcher | undefined;
  readonly method: StringMatcher | undefined;
  readonly authority: StringMatcher | undefined;
  readonly headers: readonly NamedMatcher[];
  readonly withoutHeaders: readonly NamedMatcher[];
  readonly queryParams: readonly NamedMatcher[];
  readonly port: number | undefined;
  readonly sourceLabels: readonly (readonly [string, string])[];
  readonly sourceNamespace: string | undefined;
  /** `namespace/name` or `mesh`; undefined: wherever the VirtualService applies. */
  readonly gateways: readonly string[] | undefined;
}

/** Keys that the API contract says are ignored among header matches. */
const NOT_HEADERS = new Set(["uri", "scheme", "method", "authority"]);

/** The match of a route that lists none. */
export const MATCH_ALL: RequestMatch = {
  name: "",
  uri: undefined,
  scheme: undefined,
  method: undefined,
  authority: undefined,
  headers: [],
  withoutHeaders: [],
  queryParams: [],
  port: undefined,
  sourceLabels: [],
  sourceNamespace: undefined,
  gateways: undefined,
};

/**
 * Compiles one match of a route of a VirtualService in the namespace (its gateways' names are relative to it).
 *
 * @throws UnusableObject for a bad expression, or for a match on JWT claims, which needs authentication at the gateway.
 */
export function compileMatch(match: HTTPMatchRequest, resolveGateway: (name: string) => string): RequestMatch {
  const ignoreCase = match.ignoreUriCase ?? false;
  return {
    name: match.name ?? "",
    uri: optional(match.uri, ignoreCase),
    scheme: optional(match.scheme),
    method: optional(match.method),
    authority: optional(match.authority),
    headers: namedMatchers(match.headers),
    withoutHeaders: namedMatchers(match.withoutHeaders),
    queryParams: Object.entries(match.queryParams ?? {}).map(([name, value]) => [name, compileStringMatch(value)]),
    port: match.port === 0 ? undefined : match.port,
    sourceLabels: Object.entries(match.sourceLabels ?? {}),
    sourceNamespace: match.sourceNamespace || undefined,
    gateways:
      match.gateways === undefined || match.gateways.length === 0 ? undefined : match.gateways.map(resolveGateway),
  };
}

/** For uri, scheme, method and authority an object without a condition asks nothing. */
function optional(match: StringMatch | undefined, ignoreCase = false): StringMatcher | undefined {
  if (match === undefined) return undefined;
  const matcher = compileStringMatch(match, { ignoreCase });
  return matcher.kind === "present" ? undefined : matcher;
}

function namedMatchers(matches: Readonly<Record<string, StringMatch | null>> | undefined): NamedMatcher[] {
  return Object.entries(matches ?? {}).flatMap(([name, match]): NamedMatcher[] => {
    const lower = name.toLowerCase();
    if (NOT_HEADERS.has(lower)) return [];
    if (lower.startsWith("@request.auth.claims"))
      throw new UnusableObject(`match.headers: "${name}" needs request authentication, which this mesh does not do`);
    return [[lower, compileStringMatch(match ?? {})]];
  });
}

/** True when every request matches, so that no route after it is ever reached. Source: istio-spec 1.4. */
export function isCatchAll(match: RequestMatch): boolean {
  const { uri } = match;
  const anyUri =
    uri === undefined ||
    (uri.kind === "prefix" && (uri.value === "/" || uri.value === "")) ||
    (uri.kind === "regex" && uri.value === ".*");
  return (
    anyUri &&
    match.scheme === undefined &&
    match.method === undefined &&
    match.authority === undefined &&
    match.headers.length === 0 &&
    match.withoutHeaders.length === 0 &&
    match.queryParams.length === 0 &&
    !dependsOnClient(match)
  );
}

function dependsOnClient(match: RequestMatch): boolean {
  return match.port !== undefined || match.sourceLabels.length > 0 || match.sourceNamespace !== undefined;
}

/** Tells whether a request satisfies the match. */
export function matchesRequest(match: RequestMatch, request: RouteRequest): boolean {
  return matchesClient(match, request) && matchesMessage(match, request);
}

/** Port and source: a match that names its gateways ignores the source. Source: istio-spec 1.4. */
function matchesClient(match: RequestMatch, request: RouteRequest): boolean {
  if (match.port !== undefined && match.port !== request.port) return false;
  const { client } = request;
  if (match.gateways !== undefined) return match.gateways.some((gateway) => client.gateways.includes(gateway));
  if (match.sourceNamespace !== undefined && match.sourceNamespace !== client.namespace) return false;
  return match.sourceLabels.every(([key, value]) => client.labels[key] === value);
}

function matchesMessage(match: RequestMatch, request: RouteRequest): boolean {
  if (match.uri !== undefined && !matchesString(match.uri, request.path)) return false;
  if (match.method !== undefined && !matchesString(match.method, request.method)) return false;
  if (match.authority !== undefined && !matchesString(match.authority, request.authority)) return false;
  if (match.scheme !== undefined && !matchesString(match.scheme, request.scheme)) return false;
  for (const [name, matcher] of match.headers) {
    if (!matchesString(matcher, headerValue(request, name))) return false;
  }
  for (const [name, matcher] of match.withoutHeaders) {
    const value = headerValue(request, name);
    // Absent counts as the empty string, unless the condition is presence itself.
    if (matchesString(matcher, matcher.kind === "present" ? value : (value ?? ""))) return false;
  }
  return match.queryParams.length === 0 || matchesQuery(match.queryParams, request.query);
}

function headerValue(request: RouteRequest, name: string): string | undefined {
  switch (name) {
    case ":method":
      return request.method;
    case ":path":
      return request.query === undefined ? request.path : `${request.path}?${request.query}`;
    case ":authority":
    case "host":
      return request.authority;
    case ":scheme":
      return request.scheme;
    default:
      return request.header(name);
  }
}

function matchesQuery(matchers: readonly NamedMatcher[], query: string | undefined): boolean {
  const values = new Map<string, string>();
  for (const pair of (query ?? "").split("&")) {
    const equals = pair.indexOf("=");
    const key = equals < 0 ? pair : pair.slice(0, equals);
    if (key !== "" && !values.has(key)) values.set(key, equals < 0 ? "" : pair.slice(equals + 1));
  }
  return matchers.every(([name, matcher]) => matchesString(matcher, values.get(name)));
}
