import type { Canary, CanaryAnalysis, SequentialAnalysis } from "#api";
import { formatDuration, isObject, type Problem, parseDuration } from "#base";
import { FINAL_ERRORS, type Margin, SLOWER_DEFAULT, TOLERATED_ERRORS } from "#stats";
import { partsOf } from "./judge-metric.ts";
import { type Strategy, strategyOf } from "./strategy.ts";

/** `spec.analysis.sequential` with every default filled in. Source: statistics reference 6. */
export interface SequentialSettings {
  /** How much worse than the primary a canary's rate of errors may be. */
  readonly tolerated: Margin;
  /** Factor by which the canary may be slower. */
  readonly slower: number;
  /** Chance that a release within the tolerance is ever rolled back, 0 to 1. */
  readonly alpha: number;
  /** Chance that a metric of a release beyond its bound passes, 0 to 1. */
  readonly beta: number;
  /** Excess rate of errors that is ruled out before promotion, at first; a share of the requests. */
  readonly finalExcess: number;
  /** How long evidence is collected; time in which a person was waited for is not counted. */
  readonly maxDurationMs: number;
  readonly onTimeout: "promote" | "hold" | "rollback";
  /** How long a canary that has become ready may be slow and fail. */
  readonly warmUpMs: number;
}

/** Evidence is looked at so often, however long the interval is. Source: statistics reference 5.1. */
const TICK_MS = 10_000;
const DEFAULT_MAX_DURATION_MS = 30 * 60_000;
const DEFAULT_WARM_UP_MS = 60_000;
const DEFAULT_INTERVAL_MS = 60_000;
/** Evidence of more metrics would not fit into the status. */
export const MAX_COMPARED_COUNT = 6;
/** Intervals that must fit between the warm-up and the end of the time. */
const MIN_INTERVAL_COUNT = 3;
const METHODS = ["threshold", "sequential"] as const;
const PROFILES = ["fast", "balanced", "strict"] as const;
const TIMEOUTS = ["promote", "hold", "rollback"] as const;

/** Source: statistics reference 6, profiles. */
const finalExcesses = { fast: 0.005, balanced: FINAL_ERRORS.excess, strict: 0.0005 } as const;

/** Time between two looks at the evidence. */
export function evidenceTickMs(intervalMs: number): number {
  return Math.min(intervalMs, TICK_MS);
}

/**
 * Reads the settings of a spec without {@link sequentialProblems}; undefined when its copies are not compared: another method,
 * or a strategy that gives only one copy traffic at a time.
 */
export function readSequential({ spec }: Canary, provider: string): SequentialSettings | undefined {
  const { analysis } = spec;
  if (analysis.method !== "sequential" || !hasBothCopies(strategyOf(analysis, provider))) return undefined;
  const { tolerance, confidence, profile, maxDuration, onTimeout, warmup } = analysis.sequential ?? {};
  return {
    tolerated: {
      ratio: tolerance?.relative ?? TOLERATED_ERRORS.ratio,
      excess: fraction(tolerance?.absolutePercent, TOLERATED_ERRORS.excess),
    },
    slower: tolerance?.latency ?? SLOWER_DEFAULT,
    alpha: fraction(confidence?.falseRollbackPercent, 0.01),
    beta: fraction(confidence?.falsePromotionPercent, 0.05),
    finalExcess: finalExcesses[profile ?? "balanced"],
    maxDurationMs: msOr(maxDuration, DEFAULT_MAX_DURATION_MS),
    onTimeout: onTimeout ?? "promote",
    // A pod that is cold for capacity is cold for its verdict.
    warmUpMs: msOr(warmup, Math.max(DEFAULT_WARM_UP_MS, msOr(spec.capacity?.warmUp, 0))),
  };
}

/** Whether both copies get requests in the same minutes, copies of requests included. */
function hasBothCopies(strategy: Strategy): boolean {
  return strategy.kind !== "blue-green" || strategy.isMirrored;
}

/** What is wrong with `spec.analysis.method` and `spec.analysis.sequential`. */
export function sequentialProblems(analysis: CanaryAnalysis): Problem[] {
  const { method, metrics } = analysis;
  const problems = [...wordProblems("method", method, METHODS), ...fieldProblems(analysis.sequential)];
  if (method === "sequential" && (!Array.isArray(metrics) || metrics.length === 0))
    problems.push({
      path: "spec.analysis.metrics",
      code: "required",
      message: "a sequential analysis has nothing to compare",
      fix: "add the metric request-success-rate, or one whose MetricTemplate has counts",
    });
  return problems.length > 0 ? problems : durationsProblems(analysis);
}

function fieldProblems(sequential: unknown): Problem[] {
  if (sequential === undefined || sequential === null) return [];
  if (!isObject(sequential))
    return [invalid("sequential", "must be an object", "write fields such as profile: strict")];
  const { tolerance = {}, confidence = {} } = sequential;
  const problems = [
    ...wordProblems("sequential.profile", sequential["profile"], PROFILES),
    ...wordProblems("sequential.onTimeout", sequential["onTimeout"], TIMEOUTS),
  ];
  if (isObject(tolerance))
    problems.push(
      ...rangeProblems("sequential.tolerance.relative", tolerance["relative"], { min: 1, max: 10 }),
      ...rangeProblems("sequential.tolerance.absolutePercent", tolerance["absolutePercent"], { min: 0, max: 50 }),
      ...rangeProblems("sequential.tolerance.latency", tolerance["latency"], { min: 1, max: 10 }),
    );
  else problems.push(invalid("sequential.tolerance", "must be an object", "write fields such as relative: 1.2"));
  if (isObject(confidence))
    for (const field of ["falseRollbackPercent", "falsePromotionPercent"])
      problems.push(...rangeProblems(`sequential.confidence.${field}`, confidence[field], { above: 0, max: 50 }));
  else problems.push(invalid("sequential.confidence", "must be an object", "write falseRollbackPercent: 1"));
  for (const field of ["maxDuration", "warmup"])
    problems.push(...durationProblem(`sequential.${field}`, sequential[field]));
  return problems;
}

function durationsProblems({ sequential, interval }: CanaryAnalysis): Problem[] {
  const maxMs = msOr(sequential?.maxDuration, DEFAULT_MAX_DURATION_MS);
  const warmUpMs = msOr(sequential?.warmup, DEFAULT_WARM_UP_MS);
  const leastMs = warmUpMs + MIN_INTERVAL_COUNT * msOr(interval, DEFAULT_INTERVAL_MS);
  const isAsked = sequential?.maxDuration !== undefined || sequential?.warmup !== undefined;
  if (!isAsked || maxMs >= leastMs) return [];
  return [
    invalid(
      "sequential.maxDuration",
      `${formatDuration(maxMs)} is over before a verdict: the warm-up and ${MIN_INTERVAL_COUNT} intervals take ${formatDuration(leastMs)}`,
      `set it to ${formatDuration(leastMs)} at least, or shorten warmup or interval`,
    ),
  ];
}

/** What the spec asks for and a comparison of its copies cannot give, with what is done instead. */
export function sequentialNotices(analysis: CanaryAnalysis, provider: string): string[] {
  const { method, sequential } = analysis;
  if (method !== "sequential")
    return sequential === undefined
      ? []
      : ["spec.analysis.sequential has no effect: spec.analysis.method is not sequential"];
  const strategy = strategyOf(analysis, provider);
  if (!hasBothCopies(strategy))
    return [
      "spec.analysis.method sequential has no effect: without weights or mirroring only one copy has traffic, so there is nothing to compare; failed checks are counted as with threshold",
    ];
  const metrics = analysis.metrics ?? [];
  const notices = metrics.flatMap((metric, index) => {
    const parts = partsOf(metric);
    return parts.includes("builtin") || parts.includes("template")
      ? []
      : [
          `spec.analysis.metrics[${index}] "${metric.name}" cannot be compared: its query gives the canary's number alone; while it fails the release is held. A MetricTemplate with counts or scalar can be compared`,
        ];
  });
  if (metrics.length > MAX_COMPARED_COUNT)
    notices.push(
      `spec.analysis.metrics: the first ${MAX_COMPARED_COUNT} that can be compared are; while another fails the release is held`,
    );
  if (strategy.kind === "ab-testing")
    notices.push(
      "spec.analysis.match chooses the clients of the canary, so the copies are not compared at random: a difference may be one of the clients",
    );
  else if (analysis.sessionAffinity !== undefined)
    notices.push(
      "spec.analysis.sessionAffinity keeps clients with their copy: whether the canary completes its share of the requests is not judged",
    );
  return notices;
}

function wordProblems(field: string, value: unknown, words: readonly string[]): Problem[] {
  if (value === undefined || words.some((word) => word === value)) return [];
  return [invalid(field, `must be ${words.join(" or ")}, received ${JSON.stringify(value)}`, "choose one of them")];
}

function rangeProblems(
  field: string,
  value: unknown,
  {
    min = Number.NEGATIVE_INFINITY,
    above,
    max,
  }: { readonly min?: number; readonly above?: number; readonly max: number },
): Problem[] {
  if (value === undefined) return [];
  const isIn = typeof value === "number" && value >= min && (above === undefined || value > above) && value <= max;
  if (isIn) return [];
  const range = above === undefined ? `from ${min} to ${max}` : `above ${above}, up to ${max}`;
  return [
    invalid(field, `must be a number ${range}, received ${JSON.stringify(value)}`, "or remove it for the default"),
  ];
}

function durationProblem(field: string, value: unknown): Problem[] {
  const parsed = typeof value === "string" ? parseDuration(value) : undefined;
  if (value === undefined || (parsed?.ok === true && parsed.value >= 0)) return [];
  return [invalid(field, `must be a duration, received ${JSON.stringify(value)}`, "write it as 30s or 20m")];
}

function invalid(field: string, message: string, fix: string): Problem {
  return { path: `spec.analysis.${field}`, code: "invalid-value", message, fix };
}

function fraction(percent: SequentialPercent, otherwise: number): number {
  return percent === undefined ? otherwise : percent / 100;
}

type SequentialPercent = NonNullable<SequentialAnalysis["tolerance"]>["absolutePercent"];

function msOr(text: string | undefined, defaultMs: number): number {
  const parsed = parseDuration(text ?? "");
  return parsed.ok ? parsed.value : defaultMs;
}
