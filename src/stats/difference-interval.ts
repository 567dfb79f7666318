import { type Arms, servedShare } from "./arms.ts";
import { type ExcessPlan, updateExcess } from "./excess-bound.ts";
import { addLinear, largestReaching, type LinearEvidence, smallestReaching, startLinear } from "./linear-evidence.ts";
import { worseTerms } from "./worse-evidence.ts";

/** An interval of what the data allow; both ends included. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Fixed before the first tick. */
export interface DifferencePlan {
  /** Ratios above 1 that the lower end bets on. */
  readonly ratios: readonly number[];
  /** Ratios below 1 that the upper end bets on. */
  readonly fractions: readonly number[];
  /** Design effect φ ≥ 1. */
  readonly dispersion: number;
}

/** Evidence for "more than d worse" and for "less than d worse", for all d. */
export interface DifferenceState {
  readonly above: LinearEvidence;
  readonly below: LinearEvidence;
}

export function startDifference({ ratios, fractions }: DifferencePlan): DifferenceState {
  return { above: startLinear(ratios.length), below: startLinear(fractions.length) };
}

export function updateDifference(plan: DifferencePlan, state: DifferenceState, arms: Arms): DifferenceState {
  return { above: updateAbove(plan, state.above, arms), below: updateExcess(belowPlan(plan), state.below, arms) };
}

/**
 * The interval of (canary's bad rate − primary's), cut off at 0 from below: a confidence sequence, right at all times at once
 * with confidence 1 − alpha.
 *
 * Source: statistics reference 2.4: each end is where the mixture at ratio 1 reaches ln(2/alpha).
 */
export function differenceInterval({ above, below }: DifferenceState, alpha: number): Interval {
  const level = Math.log(2 / alpha);
  return { low: largestReaching(above, level), high: smallestReaching(below, level) };
}

function updateAbove(plan: DifferencePlan, state: LinearEvidence, arms: Arms): LinearEvidence {
  const share = servedShare(arms);
  if (share === undefined) return state;
  const { canary, primary } = arms;
  const bases: number[] = [];
  const slopes: number[] = [];
  for (const ratio of plan.ratios) {
    const term = worseTerms(share, 1, ratio);
    bases.push((term.perCanaryBad * canary.bad + term.perPrimaryBad * primary.bad) / plan.dispersion);
    slopes.push(-(term.perCanaryRequest * canary.total) / plan.dispersion);
  }
  return addLinear(state, { bases, slopes });
}

function belowPlan({ fractions, dispersion }: DifferencePlan): ExcessPlan {
  return { unacceptableRatio: 1, fractions, dispersion };
}
