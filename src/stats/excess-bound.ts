import { type Arms, servedShare } from "./arms.ts";
import { betterTerms } from "./better-evidence.ts";
import { addLinear, type LinearEvidence, linearEvidenceAt, smallestReaching } from "./linear-evidence.ts";

/**
 * An upper bound of the canary's excess bad rate that holds at all times at once, so that looking at it at each tick is free.
 */

/** Fixed before the first tick. */
export interface ExcessPlan {
  /** The excess is counted beyond this many times the primary's bad rate. */
  readonly unacceptableRatio: number;
  /** Alternatives, as parts of the unacceptable ratio; each in (0, 1). */
  readonly fractions: readonly number[];
  /** Design effect φ ≥ 1. */
  readonly dispersion: number;
}

/** Source: statistics reference 2.2. */
export const EXCESS_FRACTIONS: readonly number[] = [0.05, 0.3, 0.6, 0.8];

/** Adds an interval; one in which a copy got no request changes nothing. Source: statistics reference 2.2. */
export function updateExcess(plan: ExcessPlan, state: LinearEvidence, arms: Arms): LinearEvidence {
  const news = excessOf(plan, arms);
  return news === undefined ? state : addLinear(state, news);
}

/** What an interval adds; undefined for one in which a copy got no request. */
export function excessOf(
  { unacceptableRatio, fractions, dispersion }: ExcessPlan,
  arms: Arms,
): LinearEvidence | undefined {
  const share = servedShare(arms);
  if (share === undefined) return undefined;
  const { canary, primary } = arms;
  const bases: number[] = [];
  const slopes: number[] = [];
  for (const fraction of fractions) {
    const terms = betterTerms(share, unacceptableRatio, fraction * unacceptableRatio);
    const nats = terms.perCanaryBad * canary.bad + terms.perPrimaryBad * primary.bad;
    bases.push(nats / dispersion);
    slopes.push((terms.perCanaryRequest * canary.total) / dispersion);
  }
  return { bases, slopes };
}

/**
 * U: with confidence 1 − beta, at all times, the canary's bad rate is at most the unacceptable ratio times the primary's plus U.
 * A share of the requests, 0 to 1; 1 while nothing is known.
 *
 * It bounds a constant excess. For a release that drifts look at the bound since the last weight as well. Source: statistics reference 2.2.
 */
export function upperExcess(state: LinearEvidence, beta: number): number {
  return smallestReaching(state, -Math.log(beta));
}

/** ln e against "the canary's bad rate is at least the unacceptable ratio times the primary's plus `excess`". */
export function nonInferiorityEvidence(state: LinearEvidence, excess: number): number {
  return linearEvidenceAt(state, excess);
}
