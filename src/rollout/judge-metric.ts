import type { CanaryMetric } from "#api";
import { formatDuration, unreachable } from "#base";
import type { CheckFact } from "./decision.ts";
import type { MetricPart, MetricResult } from "./observation.ts";

/** The two metrics that need no query. Source: flagger-spec 5.1. */
export const SUCCESS_RATE = "request-success-rate";
export const REQUEST_DURATION = "request-duration";

/** Which of its three forms a metric entry uses. Source: flagger-spec 5.2. */
export function partsOf(metric: CanaryMetric): MetricPart[] {
  const parts: MetricPart[] = [];
  if (metric.name === SUCCESS_RATE || metric.name === REQUEST_DURATION) parts.push("builtin");
  if (metric.query !== undefined && metric.query !== "") parts.push("inline");
  if (metric.templateRef !== undefined) parts.push("template");
  return parts;
}

export interface MetricAnswer {
  readonly metric: CanaryMetric;
  readonly part: MetricPart;
  readonly result: MetricResult;
  readonly query?: string;
  /** What shifts the traffic, and so whose series the built-in metrics are. */
  readonly provider: string;
  /** `name.namespace` of the Canary and of its target, for the messages. */
  readonly canaryRef: string;
  readonly targetRef: string;
}

/**
 * Compares a result with the metric's bounds.
 *
 * No values counts as a failed check, as in Flagger; a provider that cannot be asked is no verdict at all.
 * Source: flagger-spec 5.2; difference: 10.3.14.
 */
export function judgeMetric(answer: MetricAnswer): CheckFact {
  const { metric, result, query } = answer;
  const base = {
    name: metric.name,
    result,
    allowed: allowedText(answer),
    ...(metric.interval ? { window: metric.interval } : {}),
    ...(query === undefined ? {} : { query }),
  };
  switch (result.kind) {
    case "value":
      return { ...base, ...judgeValue(answer, result.value) };
    case "zero":
      return { ...base, ...judgeValue(answer, 0) };
    case "empty":
      return { ...base, verdict: "failed", detail: noValues(answer) };
    case "error":
      return { ...base, verdict: "failed", detail: `${queryFailed(answer)}: ${result.message}` };
    case "stale":
      return {
        ...base,
        verdict: "unknown",
        detail: `the newest sample of metric ${metric.name} is ${formatDuration(result.ageMs)} old`,
      };
    case "unreachable":
      return { ...base, verdict: "unknown", detail: `metric ${metric.name} cannot be asked for: ${result.message}` };
    default:
      return unreachable(result);
  }
}

function queryFailed({ metric, part }: MetricAnswer): string {
  return part === "builtin" ? "Prometheus query failed" : `Metric query failed for ${metric.name}`;
}

function noValues({ metric, part, provider, targetRef }: MetricAnswer): string {
  const what =
    part === "builtin"
      ? `${provider} metric ${metric.name}`
      : part === "inline"
        ? `metric: ${metric.name}`
        : `custom metric: ${metric.name}`;
  return `Halt advancement no values found for ${what} probably ${targetRef} is not receiving traffic`;
}

function judgeValue(answer: MetricAnswer, value: number): Pick<CheckFact, "verdict" | "detail"> {
  const { metric, part, canaryRef } = answer;
  const shown = formatterOf(answer);
  const subject = subjectOf(answer);
  const breach = breachOf(answer, value);
  if (breach === undefined) return { verdict: "passed", detail: `${metric.name} is ${shown(value)}` };
  // Flagger writes rates with both decimals, whatever they are; people search logs for its texts.
  const isRate = part === "builtin" && metric.name === SUCCESS_RATE;
  const failing = isRate ? `${value.toFixed(2)}%` : shown(value);
  return {
    verdict: "failed",
    detail: `Halt ${canaryRef} advancement ${subject} ${failing} ${breach.sign} ${boundOf(answer, breach.bound)}`,
  };
}

/** The bound that the value breaks. */
function breachOf(form: MetricForm, value: number): { sign: "<" | ">"; bound: number } | undefined {
  const { min, max } = allowedRange(form);
  if (min !== undefined && value < min) return { sign: "<", bound: min };
  if (max !== undefined && value > max) return { sign: ">", bound: max };
  return undefined;
}

/** One form of a metric entry. */
export type MetricForm = Pick<MetricAnswer, "metric" | "part">;

/** What a value may be. Without a range a success rate has a floor, anything else a ceiling (absent: 0). */
export function allowedRange({ metric, part }: MetricForm): { readonly min?: number; readonly max?: number } {
  const isDuration = part === "builtin" && metric.name === REQUEST_DURATION;
  const whole = (bound: number): number => (isDuration ? Math.trunc(bound) : bound);
  if (metric.thresholdRange !== undefined) {
    const { min, max } = metric.thresholdRange;
    return { ...(min === undefined ? {} : { min: whole(min) }), ...(max === undefined ? {} : { max: whole(max) }) };
  }
  const bound = whole(metric.threshold ?? 0);
  return part === "builtin" && metric.name === SUCCESS_RATE ? { min: bound } : { max: bound };
}

/** The same in words: `99% or more`, `500ms or less`, `1 to 2`, `anything`. */
export function allowedText(form: MetricForm): string {
  const { min, max } = allowedRange(form);
  if (min !== undefined && max !== undefined) return `${boundOf(form, min)} to ${boundOf(form, max)}`;
  if (min !== undefined) return `${boundOf(form, min)} or more`;
  return max === undefined ? "anything" : `${boundOf(form, max)} or less`;
}

function subjectOf({ metric, part }: MetricAnswer): string {
  if (part !== "builtin") return metric.name;
  return metric.name === SUCCESS_RATE ? "success rate" : "request duration";
}

function boundOf({ metric, part }: MetricForm, bound: number): string {
  if (part !== "builtin") return String(bound);
  return metric.name === REQUEST_DURATION ? formatDuration(bound) : `${bound}%`;
}

function formatterOf({ metric, part }: MetricAnswer): (value: number) => string {
  if (part !== "builtin") return (value) => value.toFixed(2);
  if (metric.name === REQUEST_DURATION) return (value) => formatDuration(value);
  return (value) => `${Number.isInteger(value) ? value : value.toFixed(2)}%`;
}
