/**
 * A band around a whole empirical distribution that holds at all times at once. For reports; verdicts test counts over bounds.
 */

const A = 0.85;
const BISECTIONS = 60;
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/**
 * The half-width of the band after `count` values, a share between 0 and 1; infinite before `countMin` values.
 *
 * A √((ln(1 + ln(n/n₀)) + C)/n), with C the smallest constant whose error is at most alpha.
 * Source: S. Howard and A. Ramdas, "Sequential estimation of quantiles with applications to A/B testing and best-arm
 * identification", Bernoulli 28 (2022), theorem 2; statistics reference 2.5.
 */
export function bandRadius(count: number, countMin: number, alpha: number): number {
  if (count < countMin) return Number.POSITIVE_INFINITY;
  return A * Math.sqrt((Math.log1p(Math.log(count / countMin)) + bandConstant(alpha)) / count);
}

/** C for a false-alarm chance alpha; falls with alpha. */
export function bandConstant(alpha: number): number {
  let low = 1;
  let high = 1000;
  for (let step = 0; step < BISECTIONS; step++) {
    const middle = (low + high) / 2;
    if (smallestError(middle) > alpha) low = middle;
    else high = middle;
  }
  return high;
}

/** inf over η > 1 of 4 exp(−γ² C)(1 + 1/((γ² − 1) ln η)), γ² = 2/η (A − √(2(η − 1)/C))²; golden section, it has one minimum. */
function smallestError(c: number): number {
  let low = 1;
  let high = 2 * A * A;
  for (let step = 0; step < BISECTIONS; step++) {
    const first = high - GOLDEN * (high - low);
    const second = low + GOLDEN * (high - low);
    if (errorAt(c, first) <= errorAt(c, second)) high = second;
    else low = first;
  }
  return errorAt(c, (low + high) / 2);
}

function errorAt(c: number, eta: number): number {
  const lead = A - Math.sqrt((2 * (eta - 1)) / c);
  const gammaSquared = lead > 0 ? (2 / eta) * lead * lead : 0;
  if (gammaSquared <= 1) return Number.POSITIVE_INFINITY;
  return 4 * Math.exp(-gammaSquared * c) * (1 + 1 / ((gammaSquared - 1) * Math.log(eta)));
}
