import { deepEqual } from "#base";
import {
  NO_BLOCK,
  NO_RANKS,
  startCountEvidence,
  startCountSummary,
  startLatencyEvidence,
  UNKNOWN_DISPERSION,
} from "#stats";
import type { MetricHistory, MetricSamples } from "../observation.ts";
import { countPlan, type EvidenceRules, latencyPlan } from "./metric-plan.ts";
import { type LatencyTrial, type MetricRun, NO_WATCH } from "./run.ts";
import { isHistogram } from "./sample-faults.ts";

/** What a metric's plan is made from. */
export interface TrialStart {
  readonly rules: EvidenceRules;
  /** The primary's past, when it was asked for. */
  readonly history?: MetricHistory | undefined;
  /** Load of a canary's pod at its highest weight over that of a primary's pod before. */
  readonly loadRatio: number;
}

/** Begins what a metric is measured as, as its first samples show. */
export function startTrial(
  { name, weight, missing }: Pick<MetricRun, "name" | "weight" | "missing">,
  sample: MetricSamples,
  { rules, history, loadRatio }: TrialStart,
): MetricRun {
  const common = { name, weight, missing };
  switch (sample.kind) {
    case "missing":
      return { ...common, kind: "unknown", ...(history === undefined ? {} : { past: history }), loadRatio };
    case "counts": {
      const dispersion = loaded(history?.dispersions?.[0], loadRatio);
      const plan = countPlan(rules, dispersion);
      const past = history?.counts;
      return {
        ...common,
        kind: "counts",
        dispersion,
        ...(past === undefined || past.total <= 0 ? {} : { pastRate: past.bad / past.total }),
        evidence: startCountEvidence(plan),
        summary: startCountSummary(plan),
        watch: NO_WATCH,
      };
    }
    case "latency": {
      const past = history?.histogram;
      const bounds = sample.primary.boundsMs;
      // A past with other bounds is one of another time.
      const isUsable = past !== undefined && isHistogram(past) && deepEqual(past.boundsMs, bounds);
      const isPlanned = isUsable && past.total >= LEARNED_COUNT;
      const empty = { boundsMs: bounds, above: bounds.map(() => 0), total: 0 };
      const start = {
        past: isPlanned ? past : empty,
        isPlanned,
        dispersions: (isPlanned ? past : empty).boundsMs.map((_, index) =>
          loaded(history?.dispersions?.[index], loadRatio),
        ),
      };
      return { ...common, kind: "latency", ...start, ...startOfLatency(rules, start), watch: NO_WATCH };
    }
    case "scalar":
      return {
        ...common,
        kind: "scalar",
        rule: sample.rule,
        blockTicks: history?.blockTicks ?? UNKNOWN_BLOCK_TICKS,
        block: NO_BLOCK,
        ranks: NO_RANKS,
        blockCount: 0,
        worseCount: 0,
      };
  }
}

/** Requests of the primary from which the bounds to test are taken when it has no past. */
export const LEARNED_COUNT = 500;
/** Long enough for most metrics to forget their last value. Source: statistics reference 2.6. */
const UNKNOWN_BLOCK_TICKS = 6;

/** φ − 1 grows with what a pod carries. Source: statistics reference 2.8. */
function loaded(dispersion: number | undefined, loadRatio: number): number {
  if (dispersion === undefined || !(dispersion >= 1)) return UNKNOWN_DISPERSION;
  return 1 + (dispersion - 1) * Math.max(1, loadRatio);
}

/** Evidence about the bounds that the plan tests, as it begins. */
export function startOfLatency(
  rules: EvidenceRules,
  start: Pick<LatencyTrial, "past" | "isPlanned" | "dispersions">,
): Pick<LatencyTrial, "evidence" | "summaries"> {
  const plan = latencyPlan(rules, start);
  return { evidence: startLatencyEvidence(plan), summaries: plan.map(({ count }) => startCountSummary(count)) };
}
