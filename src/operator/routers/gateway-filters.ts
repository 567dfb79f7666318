import type { Canary, HTTPHeader, HTTPHeaderFilter, HTTPRouteFilter, HTTPRouteRule } from "#api";
import { parseDuration, type Problem } from "#base";

/** Changes that a rule makes to requests and answers, in a fixed order. Source: flagger-spec 4.2. */
export function serviceFilters({ spec }: Canary): HTTPRouteFilter[] {
  const { headers, rewrite, mirror, corsPolicy } = spec.service ?? {};
  const filters: HTTPRouteFilter[] = [];
  if (headers?.request !== undefined)
    filters.push({ type: "RequestHeaderModifier", requestHeaderModifier: headerFilter(headers.request) });
  if (headers?.response !== undefined)
    filters.push({ type: "ResponseHeaderModifier", responseHeaderModifier: headerFilter(headers.response) });
  if (rewrite?.uri !== undefined || rewrite?.authority !== undefined) filters.push(rewriteFilter(rewrite));
  for (const { backendRef } of mirror ?? [])
    if (backendRef !== undefined) filters.push({ type: "RequestMirror", requestMirror: { backendRef } });
  if (corsPolicy !== undefined) filters.push(corsFilter(corsPolicy));
  return filters;
}

/** The filters with a header added to the answer; each type can be there once only. */
export function addingResponseHeader(filters: readonly HTTPRouteFilter[], header: HTTPHeader): HTTPRouteFilter[] {
  const type = "ResponseHeaderModifier";
  const present = filters.find((filter) => filter.type === type)?.responseHeaderModifier;
  const others = (present?.add ?? []).filter(({ name }) => name.toLowerCase() !== header.name.toLowerCase());
  const filter = { type, responseHeaderModifier: { ...present, add: [...others, header] } };
  if (present === undefined) return [...filters, filter];
  return filters.map((each) => (each.type === type ? filter : each));
}

function headerFilter(edit: {
  readonly add?: Readonly<Record<string, string>>;
  readonly set?: Readonly<Record<string, string>>;
  readonly remove?: readonly string[];
}): HTTPHeaderFilter {
  const list = (map: Readonly<Record<string, string>> | undefined): HTTPHeader[] =>
    Object.entries(map ?? {})
      .map(([name, value]) => ({ name, value }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  const [add, set] = [list(edit.add), list(edit.set)];
  return {
    ...(add.length === 0 ? {} : { add }),
    ...(set.length === 0 ? {} : { set }),
    ...(edit.remove === undefined || edit.remove.length === 0 ? {} : { remove: edit.remove }),
  };
}

function rewriteFilter(rewrite: { uri?: string; authority?: string; type?: string }): HTTPRouteFilter {
  const { uri, authority: hostname, type } = rewrite;
  const path =
    type === "ReplacePrefixMatch"
      ? ({ type, replacePrefixMatch: uri ?? "" } as const)
      : ({ type: "ReplaceFullPath", replaceFullPath: uri ?? "" } as const);
  return {
    type: "URLRewrite",
    urlRewrite: { ...(hostname === undefined ? {} : { hostname }), ...(uri === undefined ? {} : { path }) },
  };
}

/** Origins by pattern are unknown here, and are left out as Flagger does; exact ones are not. */
function corsFilter(policy: NonNullable<NonNullable<Canary["spec"]["service"]>["corsPolicy"]>): HTTPRouteFilter {
  const { allowMethods, allowHeaders, exposeHeaders, allowCredentials } = policy;
  const exact = (policy.allowOrigins ?? []).flatMap((origin) => (origin.exact === undefined ? [] : [origin.exact]));
  const allowOrigins = [...new Set([...(policy.allowOrigin ?? []), ...exact])];
  const parsed = parseDuration(policy.maxAge ?? "");
  const maxAge = parsed.ok ? Math.floor(parsed.value / 1000) : 0;
  return {
    type: "CORS",
    cors: {
      ...(allowOrigins.length === 0 ? {} : { allowOrigins }),
      ...(allowMethods === undefined ? {} : { allowMethods }),
      ...(allowHeaders === undefined ? {} : { allowHeaders }),
      ...(exposeHeaders === undefined ? {} : { exposeHeaders }),
      ...(allowCredentials === undefined ? {} : { allowCredentials }),
      ...(maxAge < 1 ? {} : { maxAge }),
    },
  };
}

/** Timeouts in the form of GEP-2257. What cannot be read as a duration is a problem. */
export function serviceTimeouts({ spec }: Canary, problems: Problem[] = []): Pick<HTTPRouteRule, "timeouts"> {
  const read = (field: "timeout" | "backendTimeout"): string | undefined => {
    const text = spec.service?.[field];
    if (text === undefined || text === "") return undefined;
    const parsed = parseDuration(text);
    if (parsed.ok && parsed.value >= 0) return gatewayDuration(parsed.value);
    const message = `must be a duration such as 30s, received ${JSON.stringify(text)}`;
    problems.push({ path: `spec.service.${field}`, code: "invalid-value", message });
    return undefined;
  };
  const [request, backendRequest] = [read("timeout"), read("backendTimeout")];
  if (request === undefined && backendRequest === undefined) return {};
  return {
    timeouts: {
      ...(request === undefined ? {} : { request }),
      ...(backendRequest === undefined ? {} : { backendRequest }),
    },
  };
}

/** `1m30s500ms`: whole numbers of at most five digits. Source: GEP-2257. */
function gatewayDuration(ms: number): string {
  const whole = Math.round(ms);
  const parts: readonly [number, string][] = [
    [Math.floor(whole / 3_600_000), "h"],
    [Math.floor((whole % 3_600_000) / 60_000), "m"],
    [Math.floor((whole % 60_000) / 1000), "s"],
    [whole % 1000, "ms"],
  ];
  const text = parts.filter(([count]) => count > 0).map(([count, unit]) => `${count}${unit}`);
  return text.length === 0 ? "0s" : text.join("");
}
