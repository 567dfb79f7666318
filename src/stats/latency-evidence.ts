import type { ArmCounts, Arms } from "./arms.ts";
import { type CountEvidence, startCountEvidence, startStep, updateCountEvidence } from "./count-evidence.ts";
import type { LatencyHistogram } from "./histogram.ts";
import type { LatencyBoundPlan } from "./latency-plan.ts";
import { logMeanExp } from "./log-sum.ts";
import { widenMargin, type Widening } from "./warm-up.ts";

/** Evidence by tested bound, in the order of the plan. Plain data of bounded size. */
export type LatencyEvidence = readonly CountEvidence[];

/** One interval: requests of both copies by how long they took. A bound of the plan that a copy does not have is not updated. */
export interface LatencyTick {
  readonly canary: LatencyHistogram;
  readonly primary: LatencyHistogram;
  /** How far the margins are widened, 0 to 1. See `warmUpEnvelope`. */
  readonly envelope: number;
  readonly widening: Widening;
  readonly countsForBound: boolean;
}

export function startLatencyEvidence(plan: readonly LatencyBoundPlan[]): LatencyEvidence {
  return plan.map(({ count }) => startCountEvidence(count));
}

/** Adds an interval. */
export function updateLatencyEvidence(
  plan: readonly LatencyBoundPlan[],
  state: LatencyEvidence,
  tick: LatencyTick,
): LatencyEvidence {
  return plan.map(({ count, boundMs }, index) => {
    const evidence = state[index] ?? startCountEvidence(count);
    const tolerated = widenMargin(count.tolerated, tick.widening, tick.envelope);
    return updateCountEvidence(count, evidence, {
      strata: slowArms(tick, boundMs),
      tolerated,
      countsForBound: tick.countsForBound,
    });
  });
}

/** See `startStep` of the count evidence. */
export function startLatencyStep(state: LatencyEvidence): LatencyEvidence {
  return state.map(startStep);
}

/**
 * ln E against "the canary is no slower than tolerated", of each bound's own ln E: their average, so that p50, p95 and tails
 * beyond p99 are covered at once; 0 without a bound. Source: statistics reference 2.5.
 */
export function meanEvidence(logs: readonly number[]): number {
  return logs.length === 0 ? 0 : logMeanExp(logs);
}

/** Nothing where a copy does not have the bound: its buckets are of another layout. */
function slowArms({ canary, primary }: LatencyTick, boundMs: number): Arms[] {
  const slowCanary = slowCounts(canary, boundMs);
  const slowPrimary = slowCounts(primary, boundMs);
  return slowCanary === undefined || slowPrimary === undefined ? [] : [{ canary: slowCanary, primary: slowPrimary }];
}

function slowCounts({ boundsMs, above, total }: LatencyHistogram, boundMs: number): ArmCounts | undefined {
  const bad = above[boundsMs.indexOf(boundMs)];
  return bad === undefined ? undefined : { total, bad };
}
