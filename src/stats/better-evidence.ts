import { assert } from "#base";
import { type Arms, servedShare } from "./arms.ts";
import type { Margin } from "./margin.ts";

/**
 * Evidence of one interval that the canary is not unacceptably worse (non-inferiority).
 *
 * It is the mirror of `worse-evidence.ts`, and a question of its own: no evidence of harm is not evidence of no harm.
 */

/** What each event adds to the evidence, in nats. */
export interface BetterTerms {
  /** Added by a bad request of the canary; negative. */
  readonly perCanaryBad: number;
  /** Added by a bad request of the primary. */
  readonly perPrimaryBad: number;
  /** Added for each request of the canary and each unit of unacceptable excess rate. */
  readonly perCanaryRequest: number;
}

/**
 * The terms for one alternative: canary's bad rate `ratio` times the primary's, against the unacceptable `unacceptableRatio`.
 *
 * g = (1 − q)(r₁ − r) / (r₁ den), h = q(r₁ − r)/den, den = q r + 1 − q; ln(1 − g) per bad request of the canary, ln(1 + h) per
 * bad request of the primary, g d₁ per request of the canary. The expectation under p_c ≥ r₁ p_p + d₁ is at most
 * exp(n_c g (r₁ p_p + d₁ − p_c)) ≤ 1. Source: statistics reference 2.2.
 */
export function betterTerms(share: number, unacceptableRatio: number, ratio: number): BetterTerms {
  assert(
    ratio > 0 && ratio < unacceptableRatio,
    "the alternative is better than what is unacceptable, and not perfect",
  );
  const denominator = share * ratio + 1 - share;
  const loss = ((1 - share) * (unacceptableRatio - ratio)) / (unacceptableRatio * denominator);
  return {
    perCanaryBad: Math.log1p(-loss),
    perPrimaryBad: Math.log1p((share * (unacceptableRatio - ratio)) / denominator),
    perCanaryRequest: loss,
  };
}

export interface BetterQuestion {
  readonly unacceptable: Margin;
  /** Ratio of the bad rates that the evidence bets on; below `unacceptable.ratio` and above 0, or one bad request would refute it for good. */
  readonly ratio: number;
  /** Design effect φ ≥ 1. See `estimateDispersion`. */
  readonly dispersion: number;
}

/**
 * ln e of one interval against "the canary is unacceptably worse"; 0 when a copy got no request.
 *
 * Source: statistics reference 2.2.
 */
export function logBetter(arms: Arms, { unacceptable, ratio, dispersion }: BetterQuestion): number {
  const share = servedShare(arms);
  if (share === undefined) return 0;
  const terms = betterTerms(share, unacceptable.ratio, ratio);
  const { canary, primary } = arms;
  const nats =
    terms.perCanaryBad * canary.bad +
    terms.perPrimaryBad * primary.bad +
    terms.perCanaryRequest * canary.total * unacceptable.excess;
  return nats / dispersion;
}
