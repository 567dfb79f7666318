import { logNormalCdf } from "./normal.ts";

/**
 * Evidence from a sum of nearly normal values, mixed over all means: the family behind mSPRT and asymptotic confidence sequences.
 *
 * `rho` is the variance that the belief in 0 is worth; see {@link tightestRho}.
 * Source: S. Howard, A. Ramdas, J. McAuliffe and J. Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence sequences",
 * Ann. Statist. 49 (2021), sections 3.2 and 3.5.
 */

/** A sum of values less their mean under the null hypothesis, and its variance. */
export interface CentredSum {
  readonly sum: number;
  readonly variance: number;
}

/** ln E against "the mean is 0". */
export function logMeanDiffers({ sum, variance }: CentredSum, rho: number): number {
  return Math.log(rho / (variance + rho)) / 2 + (sum * sum) / (2 * (variance + rho));
}

/** ln E against "the mean is 0 or less". */
export function logMeanExceeds({ sum, variance }: CentredSum, rho: number): number {
  return Math.LN2 + logMeanDiffers({ sum, variance }, rho) + logNormalCdf(sum / Math.sqrt(variance + rho));
}

/** |sum| at which {@link logMeanDiffers} reaches 1/alpha. */
export function meanDiffersBound(variance: number, rho: number, alpha: number): number {
  return Math.sqrt((variance + rho) * (Math.log1p(variance / rho) - 2 * Math.log(alpha)));
}

const BISECTIONS = 60;

/** The sum at which {@link logMeanExceeds} reaches 1/alpha. */
export function meanExceedsBound(variance: number, rho: number, alpha: number): number {
  let low = 0;
  // For a positive sum the one-sided evidence is the larger: all of the stake lies on its side.
  let high = meanDiffersBound(variance, rho, alpha);
  for (let step = 0; step < BISECTIONS; step++) {
    const middle = (low + high) / 2;
    if (logMeanExceeds({ sum: middle, variance }, rho) >= -Math.log(alpha)) high = middle;
    else low = middle;
  }
  return high;
}

/** ρ that makes the two-sided bound tightest at the given variance; for a one-sided bound take twice the alpha. */
export function tightestRho(variance: number, alpha: number): number {
  const nats = -Math.log(alpha);
  return variance / (2 * nats + Math.log1p(2 * nats));
}
