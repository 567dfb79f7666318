import type { Canary, CanarySessionAffinity } from "#api";
import { parseDuration, type Problem } from "#base";

/** Session cookies, which are `name=value` everywhere. Source: flagger-spec 4.1.4; RFC 6265. */

const MIN_INTERVAL_MS = 10_000;
const DEFAULT_INTERVAL_MS = 60_000;
const DEFAULT_MAX_AGE_SECONDS = 86_400;

/**
 * An RE2 expression for a `Cookie` header that has exactly this cookie.
 *
 * Flagger looks for the name and then the value anywhere in the header, so that another cookie's value can match.
 */
export function cookieRegex(cookie: string): string {
  return `^(.*; ?)?${cookie.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")}(;.*)?$`;
}

/** `Set-Cookie` for the cookie that keeps a client with the canary. */
export function canaryCookie(cookie: string, affinity: CanarySessionAffinity): string {
  return setCookie(cookie, affinity, affinity.maxAge ?? DEFAULT_MAX_AGE_SECONDS);
}

/** Likewise for the primary: for one interval only, after which the client may be chosen for the canary. */
export function primaryCookie(cookie: string, canary: Canary, affinity: CanarySessionAffinity): string {
  const parsed = parseDuration(canary.spec.analysis.interval ?? "");
  const intervalMs = parsed.ok && parsed.value > 0 ? parsed.value : DEFAULT_INTERVAL_MS;
  return setCookie(cookie, affinity, Math.ceil(Math.max(MIN_INTERVAL_MS, intervalMs) / 1000));
}

/** Takes a cookie back. Browsers do so only when domain and path are those it was set with. */
export function expiredCookie(cookie: string, affinity: CanarySessionAffinity): string {
  return setCookie(cookie, affinity, -1);
}

function setCookie(cookie: string, affinity: CanarySessionAffinity, maxAgeSeconds: number): string {
  const { domain, httpOnly, partitioned, path, sameSite, secure } = affinity;
  const attributes = [
    `Max-Age=${maxAgeSeconds}`,
    ...(domain ? [`Domain=${domain}`] : []),
    ...(httpOnly === true ? ["HttpOnly"] : []),
    ...(partitioned === true ? ["Partitioned"] : []),
    ...(path ? [`Path=${path}`] : []),
    ...(sameSite ? [`SameSite=${sameSite}`] : []),
    ...(secure === true ? ["Secure"] : []),
  ];
  return [cookie, ...attributes].join("; ");
}

/** Conditions on cookies cannot be joined with ours. Names and attributes were checked with the rest of the settings. */
export function affinityProblems({ spec }: Canary): Problem[] {
  if (spec.analysis.sessionAffinity === undefined) return [];
  return (spec.service?.match ?? []).flatMap((entry, i) => {
    const name = Object.keys(entry.headers ?? {}).find((header) => header.toLowerCase() === "cookie");
    if (name === undefined) return [];
    const path = `spec.service.match[${i}].headers.${name}`;
    const message = "cannot be matched together with session affinity, which matches the same header";
    return [{ path, code: "invalid-value", message, fix: "match another header, or remove sessionAffinity" }];
  });
}
