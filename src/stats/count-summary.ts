import type { Arms } from "./arms.ts";
import type { CountPlan } from "./count-evidence.ts";
import {
  type DifferencePlan,
  type DifferenceState,
  differenceInterval,
  type Interval,
  startDifference,
  updateDifference,
} from "./difference-interval.ts";
import { addRates, NO_RATES, type RateSums, rateDifference, rateRatio } from "./rate-estimate.ts";

/**
 * What a person is told about a count metric: how many requests were seen, how the rates differ, and how sure that is.
 *
 * Nothing is decided on it. Margins are left out: people ask "how much worse is it", not "how much worse than tolerated".
 */

/** Plain data of bounded size. */
export interface CountSummary {
  readonly rates: RateSums;
  readonly difference: DifferenceState;
}

export interface CountExplanation {
  readonly canary: RateSums["canary"];
  readonly primary: RateSums["primary"];
  /** Canary's bad rate minus the primary's, compared within intervals; undefined before the first request. */
  readonly estimate: number | undefined;
  /** Canary's bad rate over the primary's; undefined when the primary had no bad request. */
  readonly ratio: number | undefined;
  /** What the difference may be, cut off at 0 from below. Right at all times at once with confidence 1 − alpha. */
  readonly difference: Interval;
}

export function startCountSummary(plan: CountPlan): CountSummary {
  return { rates: NO_RATES, difference: startDifference(differenceOf(plan)) };
}

export function updateCountSummary(plan: CountPlan, { rates, difference }: CountSummary, arms: Arms): CountSummary {
  return { rates: addRates(rates, arms), difference: updateDifference(differenceOf(plan), difference, arms) };
}

export function explainCounts({ rates, difference }: CountSummary, alpha: number): CountExplanation {
  return {
    canary: rates.canary,
    primary: rates.primary,
    estimate: rateDifference(rates),
    ratio: rateRatio(rates),
    difference: differenceInterval(difference, alpha),
  };
}

function differenceOf({ multiples, fractions, dispersion }: CountPlan): DifferencePlan {
  return { ratios: multiples, fractions, dispersion };
}
