import { assert } from "#base";
import { deviance } from "./deviance.ts";
import { logGammaRest } from "./log-gamma.ts";

/** ln B(a, b), the beta function, for a, b > 0. Source: NIST DLMF 5.12.1. */
export function logBeta(a: number, b: number): number {
  const small = Math.min(a, b);
  const large = Math.max(a, b);
  const n = a + b;
  // The logarithm of a ratio near 1 has to be taken from what it lacks, or a huge count multiplies its rounding.
  const powers = small * Math.log(small / n) - large * Math.log1p(small / large);
  return powers + logGammaRest(a) + logGammaRest(b) - logGammaRest(n);
}

/**
 * ln of x^a (1 − x)^b / B(a, b), given both x and y = 1 − x.
 *
 * Near the mean the three terms are huge and cancel; written as deviances they do not.
 * Source: C. Loader (2000), equation 3, for real exponents.
 */
export function logBetaKernel(point: { readonly x: number; readonly y: number }, a: number, b: number): number {
  const n = a + b;
  const rest = logGammaRest(a) + logGammaRest(b) - logGammaRest(n);
  return -deviance(a, n * point.x) - deviance(b, n * point.y) - rest;
}

/** ln of the binomial coefficient "count out of total". Source: NIST DLMF 1.2.1 by way of 5.12.1. */
export function logBinomial(total: number, count: number): number {
  assert(count >= 0 && count <= total, "logBinomial takes a count between 0 and the total");
  return -Math.log(total + 1) - logBeta(count + 1, total - count + 1);
}
