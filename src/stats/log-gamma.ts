import { assert } from "#base";

/** From here on eight terms of Stirling's series are exact to a double. */
const SERIES_FROM = 10;
/** Coefficients B₂ₙ / (2n(2n − 1)) of Stirling's series. Source: NIST DLMF 5.11.1. */
const SERIES = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360_360, 1 / 156, -3617 / 122_400];
const HALF_LOG_TWO_PI = Math.log(2 * Math.PI) / 2;

/** ln Γ(x) for x > 0. Source: NIST DLMF 5.11.1 (Stirling's series), 5.5.1 (the recurrence that lifts small arguments to it). */
export function logGamma(x: number): number {
  assert(x > 0, "logGamma takes a positive number");
  if (x >= SERIES_FROM) return x * Math.log(x) - x + stirlingRest(x);
  let product = 1;
  let lifted = x;
  while (lifted < SERIES_FROM) product *= lifted++;
  return lifted * Math.log(lifted) - lifted + stirlingRest(lifted) - Math.log(product);
}

/**
 * What ln Γ(x) is beyond x ln x − x.
 *
 * Beta functions of huge counts are differences of numbers in the billions; their x ln x parts cancel on paper. Callers
 * cancel them there and add this small rest.
 */
export function logGammaRest(x: number): number {
  return x >= SERIES_FROM ? stirlingRest(x) : logGamma(x) - x * Math.log(x) + x;
}

function stirlingRest(x: number): number {
  const inverseSquare = 1 / (x * x);
  let tail = 0;
  for (let index = SERIES.length - 1; index >= 0; index--) tail = tail * inverseSquare + (SERIES[index] ?? 0);
  return HALF_LOG_TWO_PI - Math.log(x) / 2 + tail / x;
}
