import { assert } from "#base";
import { type Arms, servedShare } from "./arms.ts";
import type { Margin } from "./margin.ts";

/**
 * Evidence of one interval that the canary is worse than tolerated.
 *
 * Every bad event is asked which copy produced it. Incidents that hit both copies cancel, and so does any drift of the
 * primary's rate: only the split counts.
 */

/** What each event adds to the evidence, in nats. */
export interface WorseTerms {
  /** Added by a bad request of the canary. */
  readonly perCanaryBad: number;
  /** Added by a bad request of the primary; negative. */
  readonly perPrimaryBad: number;
  /** Taken for each request of the canary and each unit of tolerated excess rate. */
  readonly perCanaryRequest: number;
}

/**
 * The terms for one alternative: canary's bad rate `ratio` times the primary's, against the tolerated `toleratedRatio`.
 *
 * k = (1 − q)(r − r₀) / (r₀ den), den = q r + 1 − q; ln(1 + k) per bad request of the canary, ln(1 − q(r − r₀)/den) per bad
 * request of the primary, −k d per request of the canary. By 1 + u ≤ exp(u) for each request the expectation under
 * p_c ≤ r₀ p_p + d is at most exp(n_c k (p_c − r₀ p_p − d)) ≤ 1, whatever p_p is and however it drifts between intervals.
 * Source: statistics reference 2.1; for d = 0 the binomial likelihood ratio of M. Lindon and A. Malek, "Anytime-valid
 * inference for multinomial count data", NeurIPS 2022.
 */
export function worseTerms(share: number, toleratedRatio: number, ratio: number): WorseTerms {
  assert(toleratedRatio > 0 && ratio > toleratedRatio, "the alternative is worse than what is tolerated");
  const denominator = share * ratio + 1 - share;
  const gain = ((1 - share) * (ratio - toleratedRatio)) / (toleratedRatio * denominator);
  return {
    perCanaryBad: Math.log1p(gain),
    perPrimaryBad: Math.log1p((-share * (ratio - toleratedRatio)) / denominator),
    perCanaryRequest: gain,
  };
}

export interface WorseQuestion {
  readonly tolerated: Margin;
  /** Ratio of the bad rates that the evidence bets on; above `tolerated.ratio`. */
  readonly ratio: number;
  /** Design effect φ ≥ 1: in clusters of how many bad events arrive. See `estimateDispersion`. */
  readonly dispersion: number;
}

/**
 * ln e of one interval against "the canary is within the tolerated margin"; 0 when a copy got no request.
 *
 * Exact for independent requests of any individual bad probability (φ = 1), and for clusters of exactly φ.
 * Source: statistics reference 2.1.
 */
export function logWorse(arms: Arms, { tolerated, ratio, dispersion }: WorseQuestion): number {
  const share = servedShare(arms);
  if (share === undefined) return 0;
  const terms = worseTerms(share, tolerated.ratio, ratio);
  const { canary, primary } = arms;
  const nats =
    terms.perCanaryBad * canary.bad +
    terms.perPrimaryBad * primary.bad -
    terms.perCanaryRequest * canary.total * tolerated.excess;
  return nats / dispersion;
}
