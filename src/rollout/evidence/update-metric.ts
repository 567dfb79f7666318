import { deepEqual, err, ok, type Result } from "#base";
import {
  addArms,
  addHistograms,
  type ArmCounts,
  type Arms,
  ERROR_WIDENING,
  LATENCY_WIDENING,
  type LatencyHistogram,
  NO_BLOCK,
  NO_RANKS,
  readCounts,
  scalarDifference,
  startCountEvidence,
  startCountSummary,
  startLatencyEvidence,
  UNKNOWN_DISPERSION,
  updateBlock,
  updateCountEvidence,
  updateCountSummary,
  updateLatencyEvidence,
  updateSignedRank,
  widenMargin,
} from "#stats";
import type { MetricHistory, MetricSamples } from "../observation.ts";
import { countPlan, type EvidenceRules, latencyPlan, scalarPlan, watchedBoundMs } from "./metric-plan.ts";
import { type CountsTrial, type LatencyTrial, type MetricRun, NO_WATCH, type ScalarTrial, type Watch } from "./run.ts";

/** The interval that samples are of. */
export interface SampleInterval {
  /** How far margins are widened, 0 to 1. */
  readonly envelope: number;
  /** Whether the warm-up is over. */
  readonly countsForBound: boolean;
  /** Whether the canary was to get requests. */
  readonly hasTraffic: boolean;
}

type Counts = Extract<MetricSamples, { kind: "counts" }>;
type Latency = Extract<MetricSamples, { kind: "latency" }>;
type Scalar = Extract<MetricSamples, { kind: "scalar" }>;

/**
 * Adds an interval to a metric. Without counts nothing changes but how long there were none. An error says that the metric is
 * measured in another way than before, so that what was collected cannot be gone on with.
 */
export function updateMetric(
  run: MetricRun,
  sample: MetricSamples | undefined,
  { interval, rules }: { readonly interval: SampleInterval; readonly rules: EvidenceRules },
): Result<MetricRun, string> {
  if (sample === undefined || isNothing(sample, interval)) return ok({ ...run, missing: run.missing + 1 });
  if (sample.kind === "missing") return ok(run);
  const known = run.kind === "unknown" ? startTrial(run, sample, rules) : run;
  if (known.kind !== sample.kind)
    return err(`${run.name} is measured as ${wordFor[sample.kind]} now, and was as ${wordFor[known.kind]}`);
  if (known.kind === "counts" && sample.kind === "counts") return ok(withCounts(known, sample, { interval, rules }));
  if (known.kind === "scalar" && sample.kind === "scalar") return updateScalar(known, sample, interval);
  if (known.kind === "latency" && sample.kind === "latency") return updateLatency(known, sample, { interval, rules });
  return ok(run);
}

const wordFor = { counts: "counts", latency: "latency", scalar: "a number", unknown: "nothing" } as const;

/** Neither copy was requested, or has such a series. */
function isNothing(sample: MetricSamples, { hasTraffic }: SampleInterval): boolean {
  if (!hasTraffic) return false;
  if (sample.kind === "missing") return sample.reason === "none";
  if (sample.kind === "counts") return sample.arms.canary.total + sample.arms.primary.total <= 0;
  return sample.kind === "latency" && sample.canary.total + sample.primary.total <= 0;
}

/** Why samples cannot be counted with; they are then as good as invalid, and nothing of them is used. */
export function faultOf(sample: MetricSamples): string | undefined {
  if (sample.kind === "counts") {
    const faults = [sample.arms.canary, sample.arms.primary].map(({ total, bad }) => readCounts(total, bad));
    return faults.flatMap((fault) => (fault.ok ? [] : [fault.error]))[0];
  }
  if (sample.kind === "latency")
    return [sample.canary, sample.primary].every(isHistogram) &&
      deepEqual(sample.canary.boundsMs, sample.primary.boundsMs)
      ? undefined
      : "the histograms of the copies have other bounds, or counts that do not fall";
  if (sample.kind === "scalar" && !(Number.isFinite(sample.canary) && Number.isFinite(sample.primary)))
    return `a copy's number is none: ${sample.canary} and ${sample.primary}`;
  return undefined;
}

function isHistogram({ boundsMs, above, total }: LatencyHistogram): boolean {
  return (
    boundsMs.length > 0 &&
    boundsMs.length <= MAX_BOUND_COUNT &&
    above.length === boundsMs.length &&
    Number.isFinite(total) &&
    boundsMs.every((bound, index) => Number.isFinite(bound) && bound > (boundsMs[index - 1] ?? 0)) &&
    above.every((count, index) => count >= 0 && count <= (above[index - 1] ?? total))
  );
}

/** More bounds than this are no histogram of a mesh, and would not fit into the status. Istio has 20. */
const MAX_BOUND_COUNT = 24;

/** Begins what a metric is measured as; `history` is the primary's, when it was asked for. */
export function startTrial(
  { name, weight, missing }: Pick<MetricRun, "name" | "weight" | "missing">,
  sample: MetricSamples,
  rules: EvidenceRules,
  history?: MetricHistory,
  loadRatio = 1,
): MetricRun {
  const common = { name, weight, missing };
  switch (sample.kind) {
    case "missing":
      return { ...common, kind: "unknown" };
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
      const isPlanned = past !== undefined && isHistogram(past) && past.total >= LEARNED_COUNT;
      const bounds = sample.primary.boundsMs;
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
const LEARNED_COUNT = 500;
/** Long enough for most metrics to forget their last value. Source: statistics reference 2.6. */
const UNKNOWN_BLOCK_TICKS = 6;

/** φ − 1 grows with what a pod carries. Source: statistics reference 2.8. */
function loaded(dispersion: number | undefined, loadRatio: number): number {
  if (dispersion === undefined || !(dispersion >= 1)) return UNKNOWN_DISPERSION;
  return 1 + (dispersion - 1) * Math.max(1, loadRatio);
}

interface Context {
  readonly interval: SampleInterval;
  readonly rules: EvidenceRules;
}

function withCounts(
  run: MetricRun & CountsTrial,
  { arms }: Counts,
  { interval, rules }: Context,
): MetricRun & CountsTrial {
  const plan = countPlan(rules, run.dispersion);
  const { envelope, countsForBound } = interval;
  const tolerated = widenMargin(plan.tolerated, ERROR_WIDENING, envelope);
  return {
    ...run,
    missing: 0,
    evidence: updateCountEvidence(plan, run.evidence, { strata: [arms], tolerated, countsForBound }),
    summary: updateCountSummary(plan, run.summary, arms),
    watch: watched(run.watch, arms, countsForBound),
  };
}

function updateLatency(
  run: MetricRun & LatencyTrial,
  { canary, primary }: Latency,
  { interval, rules }: Context,
): Result<MetricRun, string> {
  if (!deepEqual(run.past.boundsMs, primary.boundsMs))
    return err(
      `the bounds of ${run.name} are ${primary.boundsMs.join(", ")} ms now, and were ${run.past.boundsMs.join(", ")} ms`,
    );
  if (!run.isPlanned) return ok(learned(run, primary, rules));
  const plan = latencyPlan(rules, run);
  const { envelope, countsForBound } = interval;
  const tick = { canary, primary, envelope, widening: LATENCY_WIDENING, countsForBound };
  const at = (boundMs: number): Arms => ({ canary: slowArm(canary, boundMs), primary: slowArm(primary, boundMs) });
  const boundMs = watchedBoundMs(rules, run.name, run.past);
  return ok({
    ...run,
    missing: 0,
    evidence: updateLatencyEvidence(plan, run.evidence, tick),
    summaries: plan.map((bound, index) => {
      const before = run.summaries[index] ?? startCountSummary(bound.count);
      return updateCountSummary(bound.count, before, at(bound.boundMs));
    }),
    watch: boundMs === undefined ? run.watch : watched(run.watch, at(boundMs), countsForBound),
  });
}

/** Requests that a plan is made of are no evidence: both would follow the same chance. */
function learned(run: MetricRun & LatencyTrial, primary: LatencyHistogram, rules: EvidenceRules): MetricRun {
  const past = addHistograms(run.past, primary);
  const next = { past, isPlanned: past.total >= LEARNED_COUNT, dispersions: run.dispersions };
  return { ...run, missing: 0, ...next, ...startOfLatency(rules, next) };
}

function startOfLatency(
  rules: EvidenceRules,
  start: Pick<LatencyTrial, "past" | "isPlanned" | "dispersions">,
): Pick<LatencyTrial, "evidence" | "summaries"> {
  const plan = latencyPlan(rules, start);
  return { evidence: startLatencyEvidence(plan), summaries: plan.map(({ count }) => startCountSummary(count)) };
}

function slowArm({ boundsMs, above, total }: LatencyHistogram, boundMs: number): ArmCounts {
  return { total, bad: above[boundsMs.indexOf(boundMs)] ?? 0 };
}

/** What cold pods need says nothing of warm ones, so blocks begin after the warm-up. */
function updateScalar(
  run: MetricRun & ScalarTrial,
  { canary, primary, rule }: Scalar,
  { countsForBound }: SampleInterval,
): Result<MetricRun, string> {
  if (!deepEqual(run.rule, rule)) return err(`${run.name} is compared in another way than before`);
  const plan = scalarPlan(run);
  const difference = scalarDifference(plan, { canary, primary });
  if (difference === undefined) return ok({ ...run, missing: run.missing + 1 });
  if (!countsForBound) return ok({ ...run, missing: 0 });
  const { state: block, mean } = updateBlock(plan, run.block, difference);
  if (mean === undefined) return ok({ ...run, missing: 0, block });
  return ok({
    ...run,
    missing: 0,
    block,
    ranks: updateSignedRank(run.ranks, mean),
    blockCount: run.blockCount + 1,
    worseCount: run.worseCount + (mean > 0 ? 1 : 0),
  });
}

/** What a tick leaves of the counts before it: after a minute a quarter. */
const RECENT_SHARE = 0.8;

function watched({ settled, recent }: Watch, arms: Arms, countsForBound: boolean): Watch {
  const faded = ({ total, bad }: ArmCounts): ArmCounts => ({ total: total * RECENT_SHARE, bad: bad * RECENT_SHARE });
  return {
    settled: countsForBound ? addArms(settled, arms) : settled,
    recent: addArms({ canary: faded(recent.canary), primary: faded(recent.primary) }, arms),
  };
}
