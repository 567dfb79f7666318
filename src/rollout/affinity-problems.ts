import type { CanaryAnalysis } from "#api";
import { isObject, type Problem } from "#base";

const PATH = "spec.analysis.sessionAffinity";
/** What a cookie's name may consist of. Source: RFC 6265 section 4.1.1, `token`. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/;
/** What an attribute's value may consist of: no separator, nothing that ends a header. Source: RFC 6265, `av-octet`. */
const ATTRIBUTE = /^[\x20-\x3a\x3c-\x7e]{1,256}$/;

/** Checks `sessionAffinity`, whose values are written into headers. Source: flagger-spec 1.3, 1.4. */
export function affinityProblems({ sessionAffinity }: CanaryAnalysis): Problem[] {
  const affinity: unknown = sessionAffinity;
  if (affinity === undefined) return [];
  if (!isObject(affinity)) return [wrong("", "must be an object", affinity)];
  const problems: Problem[] = [];
  const { cookieName, primaryCookieName, sameSite, maxAge } = affinity;
  if (!isText(cookieName, TOKEN)) problems.push(wrong(".cookieName", "must be the name of a cookie", cookieName));
  if (primaryCookieName !== undefined && primaryCookieName !== "" && !isText(primaryCookieName, TOKEN))
    problems.push(wrong(".primaryCookieName", "must be the name of a cookie", primaryCookieName));
  else if (primaryCookieName !== undefined && primaryCookieName === cookieName)
    problems.push(wrong(".primaryCookieName", "must differ from cookieName", primaryCookieName));
  if (sameSite !== undefined && !["Strict", "Lax", "None"].some((known) => known === sameSite))
    problems.push(wrong(".sameSite", "must be Strict, Lax or None", sameSite));
  if (maxAge !== undefined && !(Number.isInteger(maxAge) && Number(maxAge) >= 1))
    problems.push(wrong(".maxAge", "must be a whole number of seconds of at least 1", maxAge));
  for (const field of ["domain", "path"] as const)
    if (affinity[field] !== undefined && affinity[field] !== "" && !isText(affinity[field], ATTRIBUTE))
      problems.push(wrong(`.${field}`, "must be text without semicolons and control characters", affinity[field]));
  for (const field of ["httpOnly", "partitioned", "secure"] as const)
    if (affinity[field] !== undefined && typeof affinity[field] !== "boolean")
      problems.push(wrong(`.${field}`, "must be true or false", affinity[field]));
  return problems;
}

function isText(value: unknown, pattern: RegExp): boolean {
  return typeof value === "string" && pattern.test(value);
}

function wrong(field: string, message: string, value: unknown): Problem {
  return { path: `${PATH}${field}`, code: "invalid-value", message: `${message}, received ${JSON.stringify(value)}` };
}
