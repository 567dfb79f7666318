/**
 * Reads a `Retry-After` header, in milliseconds from now; undefined when there is none or it is past.
 *
 * Source: RFC 9110, section 10.2.3: seconds, or a date.
 */
export function retryAfterMs(header: string | readonly string[] | undefined, nowMs: number): number | undefined {
  const text = (typeof header === "string" ? header : header?.[0])?.trim() ?? "";
  const delayMs = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return delayMs > 0 ? delayMs : undefined;
}
