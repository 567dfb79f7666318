import { assert } from "#base";
import { logSharesDiffer } from "./multinomial.ts";

/**
 * Whether the copies complete requests in the ratio that was asked for.
 *
 * A canary that hangs, or dies with the request, completes too few: its errors are never counted because nobody saw an answer.
 * Not to be used where requests stick to a copy or are matched by headers: their ratio is not the weight.
 */

/** Plain data. */
export interface SampleRatioState {
  /** ln E of the weights that are over. */
  readonly closed: number;
  /** Completed requests at the current weight. */
  readonly canary: number;
  readonly primary: number;
}

export const NO_SAMPLES: SampleRatioState = { closed: 0, canary: 0, primary: 0 };

/** Requests that the prior is worth. Source: statistics reference 2.9. */
const PRIOR_SIZE = 1000;

/** Evidence at which a release holds. Source: statistics reference 2.9. */
export const SAMPLE_RATIO_LEVEL = Math.log(1000);

/** Adds completed requests of both copies. */
export function updateSampleRatio(
  state: SampleRatioState,
  { canary, primary }: { readonly canary: number; readonly primary: number },
): SampleRatioState {
  return { ...state, canary: state.canary + canary, primary: state.primary + primary };
}

/** Closes the counts of a weight that changes; evidence of successive weights multiplies. `weight`: the old one, 0 to 1. */
export function closeSampleRatio(state: SampleRatioState, weight: number): SampleRatioState {
  return { closed: sampleRatioEvidence(state, weight), canary: 0, primary: 0 };
}

/** ln E against "the canary completes its weight, a share between 0 and 1". Source: statistics reference 2.9, 1.6. */
export function sampleRatioEvidence({ closed, canary, primary }: SampleRatioState, weight: number): number {
  if (canary + primary === 0) return closed;
  assert(weight > 0 && weight < 1, "both copies are to get requests");
  const outcome = (count: number, share: number) => ({ count, share, prior: PRIOR_SIZE * share });
  return closed + logSharesDiffer([outcome(canary, weight), outcome(primary, 1 - weight)]);
}
