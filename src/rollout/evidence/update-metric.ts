import { deepEqual, err, ok, type Result } from "#base";
import {
  addArms,
  addHistograms,
  type ArmCounts,
  type Arms,
  ERROR_WIDENING,
  LATENCY_WIDENING,
  type LatencyHistogram,
  scalarDifference,
  startCountSummary,
  updateBlock,
  updateCountEvidence,
  updateCountSummary,
  updateLatencyEvidence,
  updateSignedRank,
  widenMargin,
} from "#stats";
import type { MetricSamples } from "../observation.ts";
import { countPlan, type EvidenceRules, latencyPlan, scalarPlan, watchedBoundMs } from "./metric-plan.ts";
import { type CountsTrial, type LatencyTrial, type MetricRun, type ScalarTrial, type Watch } from "./run.ts";
import { LEARNED_COUNT, startOfLatency, startTrial } from "./start-metric.ts";

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
  const known =
    run.kind === "unknown" ? startTrial(run, sample, { rules, history: run.past, loadRatio: run.loadRatio }) : run;
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
    // Ranks need no more digits, and the status keeps the sizes of many blocks.
    ranks: updateSignedRank(run.ranks, Number(mean.toPrecision(SIZE_DIGITS))),
    blockCount: run.blockCount + 1,
    worseCount: run.worseCount + (mean > 0 ? 1 : 0),
  });
}

const SIZE_DIGITS = 4;

/** What a tick leaves of the counts before it: after a minute a quarter. */
const RECENT_SHARE = 0.8;

function watched({ settled, recent }: Watch, arms: Arms, countsForBound: boolean): Watch {
  const faded = ({ total, bad }: ArmCounts): ArmCounts => ({ total: total * RECENT_SHARE, bad: bad * RECENT_SHARE });
  return {
    settled: countsForBound ? addArms(settled, arms) : settled,
    recent: addArms({ canary: faded(recent.canary), primary: faded(recent.primary) }, arms),
  };
}
