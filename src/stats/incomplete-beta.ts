import { assert } from "#base";
import { logBetaKernel } from "./log-beta.ts";
import { logOneMinusExp } from "./log-sum.ts";

/** The fraction needs some √max(a, b) terms; this is enough for counts of 10¹². */
const TERMS_MAX = 5_000_000;
const EPSILON = 3e-16;
const TINY = 1e-300;

/** Both tails of a Beta(a, b) variable at x: ln P(X ≤ x) and ln P(X > x). */
export interface BetaTails {
  readonly logLower: number;
  readonly logUpper: number;
}

/**
 * The regularised incomplete beta function I_x(a, b) and its complement, as logarithms: tails of 10⁻¹⁰⁰⁰ keep all digits.
 *
 * Source: NIST DLMF 8.17.22 (continued fraction), evaluated by Lentz' method; 8.17.4 (symmetry), taken where the fraction
 * converges fast.
 */
export function logBetaTails(x: number, a: number, b: number): BetaTails {
  assert(a > 0 && b > 0, "logBetaTails takes positive shapes");
  if (x <= 0) return { logLower: Number.NEGATIVE_INFINITY, logUpper: 0 };
  if (x >= 1) return { logLower: 0, logUpper: Number.NEGATIVE_INFINITY };
  const kernel = logBetaKernel({ x, y: 1 - x }, a, b);
  if (x <= (a + 1) / (a + b + 2)) {
    const logLower = kernel - Math.log(a) + Math.log(fraction(x, a, b));
    return { logLower, logUpper: logOneMinusExp(logLower) };
  }
  const logUpper = kernel - Math.log(b) + Math.log(fraction(1 - x, b, a));
  return { logLower: logOneMinusExp(logUpper), logUpper };
}

function fraction(x: number, a: number, b: number): number {
  let c = 1;
  let d = 1 / awayFromZero(1 - ((a + b) * x) / (a + 1));
  let value = d;
  for (let m = 1; m < TERMS_MAX; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / awayFromZero(1 + even * d);
    c = awayFromZero(1 + even / c);
    value *= c * d;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / awayFromZero(1 + odd * d);
    c = awayFromZero(1 + odd / c);
    const step = c * d;
    value *= step;
    if (Math.abs(step - 1) <= EPSILON) break;
  }
  return value;
}

function awayFromZero(value: number): number {
  return Math.abs(value) < TINY ? TINY : value;
}
