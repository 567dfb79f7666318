import { assert } from "#base";
import { deviance } from "./deviance.ts";
import { logBetaTails } from "./incomplete-beta.ts";
import { logBeta } from "./log-beta.ts";
import { logGammaRest } from "./log-gamma.ts";

/** What was counted: `hits` of one kind, `misses` of the other. Need not be whole: counts may have been divided by φ. */
export interface Trials {
  readonly hits: number;
  readonly misses: number;
}

/** A Beta(a, b) prior on the share of hits. */
export interface BetaPrior {
  readonly a: number;
  readonly b: number;
}

/**
 * ln E against "the share of hits is exactly `share`", for all sizes at once.
 *
 * ln B(a + x, b + y) − ln B(a, b) − x ln θ₀ − y ln(1 − θ₀). Written with deviances, as those terms are in the billions for
 * counts that are, and all but cancel. Source: H. Robbins, "Statistical methods related to the law of the iterated
 * logarithm", Ann. Math. Statist. 41 (1970); statistics reference 2.4.
 */
export function logShareDiffers(trials: Trials, share: number, prior: BetaPrior): number {
  const { a, b } = prior;
  assert(share > 0 && share < 1, "the share under test lies between 0 and 1");
  assert(trials.hits >= 0 && trials.misses >= 0, "counts are not negative");
  const x = a + trials.hits;
  const y = b + trials.misses;
  const n = x + y;
  const rest = logGammaRest(x) + logGammaRest(y) - logGammaRest(n) - logBeta(a, b);
  const spread = deviance(x, n * share) + deviance(y, n * (1 - share));
  return spread + a * Math.log(share) + b * Math.log1p(-share) + rest;
}

/**
 * ln E against "the share of hits is `share` or less": the prior is cut off below.
 *
 * Source: statistics reference 2.4: numerator and denominator are multiplied by the upper tail of their Beta distributions.
 */
export function logShareExceeds(trials: Trials, share: number, prior: BetaPrior): number {
  const { a, b } = prior;
  const posterior = logBetaTails(share, a + trials.hits, b + trials.misses).logUpper;
  return logShareDiffers(trials, share, prior) + posterior - logBetaTails(share, a, b).logUpper;
}

/** ln E against "the share of hits is `share` or more": the prior is cut off above. Source: as {@link logShareExceeds}. */
export function logShareFallsBelow(trials: Trials, share: number, prior: BetaPrior): number {
  const { a, b } = prior;
  const posterior = logBetaTails(share, a + trials.hits, b + trials.misses).logLower;
  return logShareDiffers(trials, share, prior) + posterior - logBetaTails(share, a, b).logLower;
}
