import { err, ok, type Result } from "#base";
import type { MetricResult } from "#rollout";
import type { MetricRequest } from "../metric-source.ts";

/** Turns the number that a provider measured into a result; NaN and null are no sample. */
export function measured(sample: unknown): MetricResult {
  if (sample === null || sample === undefined || Number.isNaN(sample)) return { kind: "empty" };
  if (typeof sample !== "number")
    return {
      kind: "error",
      message: `the query gives ${shown(sample)}; it must give a number`,
    };
  return sample === 0 ? { kind: "zero" } : { kind: "value", value: sample };
}

/** A value for a message. Lists and objects are not written out: they may be as large and as deep as a server likes. */
export function shown(value: unknown): string {
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "a list" : "an object";
  return (JSON.stringify(value) ?? "nothing").slice(0, 100);
}

/** The answer to a query that gives more than the one series that a check can judge. Source: flagger-spec 10.3.16. */
export function severalSeries(count: number, fix: string): MetricResult {
  return { kind: "error", message: `the query gives ${count} series; ${fix}` };
}

/** Reads a key of the template's Secret; keys pasted with a line end work all the same. */
export function secretKey(request: Pick<MetricRequest, "provider" | "secret">, key: string): Result<string, string> {
  const { type, secretRef } = request.provider;
  if (secretRef === undefined || request.secret === undefined)
    return err(`spec.provider.secretRef is missing; ${type} needs a Secret with the key "${key}"`);
  const value = request.secret.get(key)?.trim() ?? "";
  if (value === "")
    return err(`the Secret "${secretRef.name}" of spec.provider.secretRef has no "${key}"; add that key`);
  return ok(value);
}

/** How many intervals back providers with a window of their own are asked. Source: flagger-spec 5.4. */
const WINDOW_INTERVAL_COUNT = 10;

/** The time span to ask for, in milliseconds since 1970. */
export function windowOf({
  intervalMs,
  nowMs,
}: Pick<MetricRequest, "intervalMs" | "nowMs">): Result<{ readonly fromMs: number; readonly toMs: number }, string> {
  if (!(intervalMs > 0)) return err("the metric has no interval; write one, such as interval: 1m");
  return ok({ fromMs: nowMs - WINDOW_INTERVAL_COUNT * intervalMs, toMs: nowMs });
}
