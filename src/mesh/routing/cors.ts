import type { CorsPolicy as CorsPolicySpec } from "#api";
import { durationMs } from "./durations.ts";
import { compileStringMatch, matchesString, type StringMatcher } from "./string-matcher.ts";
import { checkVisible } from "./visible-text.ts";

/** A compiled `corsPolicy`; header values are ready to send. */
export interface CorsPolicy {
  readonly origins: readonly StringMatcher[];
  readonly allowMethods: string;
  readonly allowHeaders: string;
  readonly exposeHeaders: string;
  readonly maxAge: string;
  readonly allowCredentials: boolean;
  readonly answersUnmatchedPreflights: boolean;
}

export interface CorsRequest {
  readonly method: string;
  readonly origin: string | undefined;
  readonly requestedMethod: string | undefined;
}

type Headers = readonly (readonly [name: string, value: string])[];

/** What the policy does with a request: answers a preflight itself, or adds headers to the response. */
export type CorsDecision =
  | { readonly kind: "preflight"; readonly headers: Headers }
  | { readonly kind: "pass"; readonly headers: Headers };

export function compileCors(spec: CorsPolicySpec | undefined): CorsPolicy | undefined {
  if (spec === undefined) return undefined;
  const origins = [...(spec.allowOrigins ?? []), ...(spec.allowOrigin ?? []).map((exact) => ({ exact }))];
  const maxAgeMs = durationMs("corsPolicy.maxAge", spec.maxAge);
  return {
    origins: origins.map((origin) =>
      "exact" in origin && origin.exact === "*" ? { kind: "present" } : compileStringMatch(origin),
    ),
    allowMethods: checkVisible("corsPolicy.allowMethods", (spec.allowMethods ?? []).join(",")),
    allowHeaders: checkVisible("corsPolicy.allowHeaders", (spec.allowHeaders ?? []).join(",")),
    exposeHeaders: checkVisible("corsPolicy.exposeHeaders", (spec.exposeHeaders ?? []).join(",")),
    maxAge: maxAgeMs === undefined ? "" : String(Math.floor(maxAgeMs / 1000)),
    allowCredentials: spec.allowCredentials ?? false,
    answersUnmatchedPreflights: spec.unmatchedPreflights === "IGNORE",
  };
}

/** Decides on one request. Requests of other origins are never blocked; their response only lacks the headers. Source: istio-spec 1.12. */
export function decideCors(policy: CorsPolicy, request: CorsRequest): CorsDecision {
  const { origin } = request;
  const isPreflight = request.method === "OPTIONS" && origin !== undefined && request.requestedMethod !== undefined;
  const isAllowed = origin !== undefined && policy.origins.some((matcher) => matchesString(matcher, origin));
  if (!isAllowed) {
    return isPreflight && policy.answersUnmatchedPreflights
      ? { kind: "preflight", headers: [] }
      : { kind: "pass", headers: [] };
  }
  const shared = present([
    ["access-control-allow-origin", origin],
    ["access-control-allow-credentials", policy.allowCredentials ? "true" : ""],
  ]);
  if (!isPreflight)
    return {
      kind: "pass",
      headers: [...shared, ...present([["access-control-expose-headers", policy.exposeHeaders]])],
    };
  const answers = present([
    ["access-control-allow-methods", policy.allowMethods],
    ["access-control-allow-headers", policy.allowHeaders],
    ["access-control-max-age", policy.maxAge],
  ]);
  return { kind: "preflight", headers: [...shared, ...answers] };
}

function present(headers: Headers): Headers {
  return headers.filter(([, value]) => value !== "");
}
