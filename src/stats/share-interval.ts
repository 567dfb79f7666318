import { type BetaPrior, logShareDiffers, type Trials } from "./beta-binomial.ts";
import type { Interval } from "./difference-interval.ts";
import { tightestRho } from "./normal-mixture.ts";

const BISECTIONS = 60;
/** Level at which the sequence is made tightest. */
const TUNED_ALPHA = 0.05;

/**
 * The interval of a single share of hits: a confidence sequence with confidence 1 − alpha, tightest around `tunedFor` trials.
 *
 * Source: S. Howard, A. Ramdas, J. McAuliffe and J. Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence sequences",
 * Ann. Statist. 49 (2021), section 3.2 (beta-binomial mixture), inverted over the share under test.
 */
export function shareInterval(trials: Trials, alpha: number, tunedFor: number): Interval {
  const level = -Math.log(alpha);
  const total = trials.hits + trials.misses;
  const estimate = total > 0 ? trials.hits / total : 0.5;
  const isRefuted = (share: number): boolean => logShareDiffers(trials, share, priorFor(share, tunedFor)) >= level;
  return {
    low: trials.hits > 0 ? bisect(estimate, 0, isRefuted) : 0,
    high: trials.misses > 0 ? bisect(estimate, 1, isRefuted) : 1,
  };
}

/** The prior whose bound is tightest at the intended number of trials. Source: Howard et al. (2021), section 3.5. */
function priorFor(share: number, tunedFor: number): BetaPrior {
  const variance = share * (1 - share);
  const r = Math.max(tightestRho(variance * tunedFor, TUNED_ALPHA) - variance, variance / 1000);
  return { a: r / (1 - share), b: r / share };
}

/** The last share from `inside` towards `outside` that is not refuted. */
function bisect(inside: number, outside: number, isRefuted: (share: number) => boolean): number {
  let kept = inside;
  let refuted = outside;
  for (let step = 0; step < BISECTIONS; step++) {
    const middle = (kept + refuted) / 2;
    if (isRefuted(middle)) refuted = middle;
    else kept = middle;
  }
  return refuted;
}
