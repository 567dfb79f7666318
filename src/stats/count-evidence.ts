import { assert } from "#base";
import { type Arms, servedShare } from "./arms.ts";
import { EXCESS_FRACTIONS, excessOf } from "./excess-bound.ts";
import { addLinear, type LinearEvidence, startLinear } from "./linear-evidence.ts";
import { type Margin, TOLERATED_ERRORS, UNACCEPTABLE_ERROR_RATIO } from "./margin.ts";
import {
  MIXTURE_DEFAULTS,
  mixtureEvidence,
  type MixturePlan,
  type MixtureState,
  startMixture,
  updateMixture,
} from "./start-mixture.ts";
import { logWorse } from "./worse-evidence.ts";

/**
 * What decides about one count metric: errors, requests slower than a bound, a counter of the user.
 *
 * Two questions are asked of the same counts, and neither answers the other: is the canary worse than tolerated (rollback),
 * is it proven not to be unacceptably worse (promotion). While both are open the verdict is "unknown".
 */

/** Fixed before the first tick, and as long as the revision is on trial: evidence of a plan that follows the data proves nothing. */
export interface CountPlan {
  readonly tolerated: Margin;
  /** Alternatives of the "worse" evidence, as multiples of the tolerated ratio; each above 1. */
  readonly multiples: readonly number[];
  /** The bound of the excess is counted beyond this many times the primary's rate; not below the tolerated ratio. */
  readonly unacceptableRatio: number;
  /** Alternatives of the bound, as parts of the unacceptable ratio. */
  readonly fractions: readonly number[];
  /** Design effect φ ≥ 1. */
  readonly dispersion: number;
  /** Ticks over which a late regression is expected: the longest duration of the release over the interval. */
  readonly horizonTicks: number;
}

/** Source: statistics reference 2.3. */
export const ERROR_MULTIPLES: readonly number[] = [1.5, 2.5, 5, 10, 25, 100];

/** The plan for an error rate. Source: statistics reference 0.3, 2.2, 2.3. */
export function errorPlan({ dispersion, horizonTicks }: Pick<CountPlan, "dispersion" | "horizonTicks">): CountPlan {
  return {
    tolerated: TOLERATED_ERRORS,
    multiples: ERROR_MULTIPLES,
    unacceptableRatio: UNACCEPTABLE_ERROR_RATIO,
    fractions: EXCESS_FRACTIONS,
    dispersion,
    horizonTicks,
  };
}

/** Plain data of bounded size, whatever the length of the release; survives JSON without loss. */
export interface CountEvidence {
  readonly worse: MixtureState;
  /** For the bound of the whole release. */
  readonly excess: LinearEvidence;
  /** For the bound since the last change of weight. */
  readonly stepExcess: LinearEvidence;
}

/** One interval. */
export interface CountTick {
  /**
   * The counts; several where requests of different kinds (routes, methods) are split differently between the copies and fail
   * at different rates: each kind is compared in itself.
   */
  readonly strata: readonly Arms[];
  /** The margin in force, when a warm-up widens it. */
  readonly tolerated?: Margin;
  /** False during the warm-up: what is measured then says nothing about the release in use. */
  readonly countsForBound: boolean;
}

export function startCountEvidence(plan: CountPlan): CountEvidence {
  assert(plan.dispersion >= 1, "a design effect is 1 or more");
  assert(plan.unacceptableRatio >= plan.tolerated.ratio, "what is unacceptable is not less than what is tolerated");
  return {
    worse: startMixture(mixtureOf(plan)),
    excess: startLinear(plan.fractions.length),
    stepExcess: startLinear(plan.fractions.length),
  };
}

/**
 * Adds an interval. One in which a copy got no request changes nothing: no data is not evidence.
 *
 * Evidence of strata multiplies, as their requests are independent. Source: statistics reference 2.9.
 */
export function updateCountEvidence(plan: CountPlan, state: CountEvidence, tick: CountTick): CountEvidence {
  const { tolerated = plan.tolerated } = tick;
  const strata = tick.strata.filter((arms) => servedShare(arms) !== undefined);
  if (strata.length === 0) return state;
  const worse = updateMixture(mixtureOf(plan), state.worse, worseLogs(plan, strata, tolerated));
  let { excess, stepExcess } = state;
  if (!tick.countsForBound) return { worse, excess, stepExcess };
  for (const arms of strata) {
    const news = excessOf(plan, arms);
    if (news === undefined) continue;
    excess = addLinear(excess, news);
    stepExcess = addLinear(stepExcess, news);
  }
  return { worse, excess, stepExcess };
}

/** By alternative, ln e of one interval. */
function worseLogs({ multiples, dispersion }: CountPlan, strata: readonly Arms[], tolerated: Margin): number[] {
  const logs: number[] = [];
  for (const multiple of multiples) {
    const question = { tolerated, ratio: tolerated.ratio * multiple, dispersion };
    let sum = 0;
    for (const arms of strata) sum += logWorse(arms, question);
    logs.push(sum);
  }
  return logs;
}

/** Forgets what the bound since the last change of weight was made of. The evidence for rollback goes on. */
export function startStep(state: CountEvidence): CountEvidence {
  return { ...state, stepExcess: startLinear(state.stepExcess.bases.length) };
}

/** ln E against "the canary is no worse than tolerated": roll back at ln(1/alpha) of the combined metrics. */
export function worseEvidence(plan: CountPlan, state: CountEvidence): number {
  return mixtureEvidence(mixtureOf(plan), state.worse);
}

function mixtureOf({ multiples, horizonTicks }: CountPlan): MixturePlan {
  const { firstStake, tickMaxNats } = MIXTURE_DEFAULTS;
  return { width: multiples.length, horizonTicks, firstStake, tickMaxNats };
}
