import type { CanaryMetric } from "#api";
import {
  type CountPlan,
  errorPlan,
  type LatencyBoundPlan,
  type LatencyHistogram,
  planLatency,
  type ScalarPlan,
  TOLERATED_ERRORS,
  UNACCEPTABLE_ERROR_RATIO,
} from "#stats";
import { REQUEST_DURATION, SUCCESS_RATE } from "../judge-metric.ts";
import type { SequentialSettings } from "../sequential-settings.ts";
import type { LatencyTrial, ScalarTrial } from "./run.ts";

/** What evidence is collected under: the settings, all of which the hash of a run covers. */
export interface EvidenceRules {
  readonly sequential: SequentialSettings;
  readonly tickMs: number;
  readonly intervalMs: number;
  readonly metrics: readonly CanaryMetric[];
}

/** Ticks over which a late regression is expected. Source: statistics reference 2.3. */
export function horizonTicks({ sequential, tickMs }: EvidenceRules): number {
  return Math.max(2, Math.ceil(sequential.maxDurationMs / tickMs));
}

/** The plan of a counted metric. What is unacceptable keeps its distance to what is tolerated. Source: statistics reference 0.3, 2.2. */
export function countPlan(rules: EvidenceRules, dispersion: number): CountPlan {
  const { tolerated } = rules.sequential;
  const { multiples, fractions, horizonTicks: ticks } = errorPlan({ dispersion, horizonTicks: horizonTicks(rules) });
  const unacceptableRatio = tolerated.ratio * (UNACCEPTABLE_ERROR_RATIO / TOLERATED_ERRORS.ratio);
  return { tolerated, multiples, unacceptableRatio, fractions, dispersion, horizonTicks: ticks };
}

interface KnownPlan {
  readonly rules: EvidenceRules;
  readonly dispersions: readonly number[];
  readonly plan: readonly LatencyBoundPlan[];
}

/** Plans by the past that they were made of. */
const known = new WeakMap<LatencyHistogram, KnownPlan>();

/** The plan of a latency metric; the same object for the same rules, past and dispersions. */
export function latencyPlan(
  rules: EvidenceRules,
  { past, isPlanned, dispersions }: Pick<LatencyTrial, "past" | "isPlanned" | "dispersions">,
): readonly LatencyBoundPlan[] {
  if (!isPlanned) return [];
  const found = known.get(past);
  if (found !== undefined && found.rules === rules && found.dispersions === dispersions) return found.plan;
  const plan = planLatency(past, { slower: rules.sequential.slower, horizonTicks: horizonTicks(rules), dispersions });
  known.set(past, { rules, dispersions, plan });
  return plan;
}

export function scalarPlan({ rule, blockTicks }: Pick<ScalarTrial, "rule" | "blockTicks">): ScalarPlan {
  const isRatio = rule.scale === "ratio";
  return {
    scale: isRatio ? "log" : "linear",
    worseIs: rule.worse,
    margin: isRatio ? Math.log(Math.max(1, rule.margin)) : Math.max(0, rule.margin),
    blockTicks,
  };
}

/** The least and the most that an objective may allow: shares between 0 and 1 are what can be tested. */
const RATE_MIN = 1e-6;
/** Flagger's duration is a 99th percentile: one request in a hundred may take longer. Source: flagger-spec 5.1. */
const SLOW_RATE = 0.01;

/** The bad rate that the metric's own range allows; undefined when it states none. Source: statistics reference 2.14. */
export function objectiveRate({ metrics }: EvidenceRules, name: string): number | undefined {
  const metric = metrics.find((one) => one.name === name);
  if (metric === undefined) return undefined;
  if (name === REQUEST_DURATION) return slowestMs(metric) === undefined ? undefined : SLOW_RATE;
  if (name !== SUCCESS_RATE) return undefined;
  const minPercent = metric.thresholdRange === undefined ? metric.threshold : metric.thresholdRange.min;
  if (minPercent === undefined || minPercent <= 0) return undefined;
  return Math.min(1 - RATE_MIN, Math.max(RATE_MIN, 1 - minPercent / 100));
}

/** Share of the primary's requests that the last bound worth watching is exceeded by. */
const WATCHED_SHARE = 0.01;

/**
 * The bound that latency is watched at: the first one that is not below the metric's maximum, as that is what can be counted;
 * without a maximum the last that one request in a hundred exceeds. Undefined when no bound is long enough.
 */
export function watchedBoundMs(rules: EvidenceRules, name: string, past: LatencyHistogram): number | undefined {
  const metric = rules.metrics.find((one) => one.name === name);
  const maxMs = metric === undefined ? undefined : slowestMs(metric);
  if (maxMs !== undefined) return past.boundsMs.find((bound) => bound >= maxMs);
  return past.boundsMs.filter((_, index) => (past.above[index] ?? 0) >= WATCHED_SHARE * past.total).at(-1);
}

function slowestMs({ threshold, thresholdRange }: CanaryMetric): number | undefined {
  const maxMs = thresholdRange === undefined ? threshold : thresholdRange.max;
  return maxMs !== undefined && maxMs > 0 ? maxMs : undefined;
}
