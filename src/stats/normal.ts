/** Both expansions converge in fewer steps for every argument in their range. */
const TERMS_MAX = 500;
/** Below, the series is short; above, the continued fraction is. */
const SERIES_UP_TO = 3;
/** Beyond, a double says 0 or 1. */
const QUANTILE_MAX = 40;
const BISECTIONS = 64;
const HALF_LOG_TWO_PI = Math.log(2 * Math.PI) / 2;

/** Φ(z), the standard normal distribution function; the lower tail keeps its relative precision. */
export function normalCdf(z: number): number {
  return z < 0 ? upperTail(-z) : 1 - upperTail(z);
}

/** ln Φ(z), also where Φ itself is below what a double holds. */
export function logNormalCdf(z: number): number {
  return z > -SERIES_UP_TO ? Math.log(normalCdf(z)) : (-z * z) / 2 - HALF_LOG_TWO_PI - Math.log(tailFraction(-z));
}

/** P(Z > z) for z ≥ 0. Source: NIST DLMF 7.6.2 (series of positive terms), 7.9.3 (continued fraction of the tail). */
function upperTail(z: number): number {
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
  if (z < SERIES_UP_TO) {
    let term = z;
    let sum = z;
    for (let n = 1; n < TERMS_MAX && term > sum * 1e-17; n++) {
      term *= (z * z) / (2 * n + 1);
      sum += term;
    }
    return 0.5 - density * sum;
  }
  return density / tailFraction(z);
}

/** z + 1/(z + 2/(z + 3/(z + …))), from the inside out: the density over the tail. */
function tailFraction(z: number): number {
  let value = z;
  for (let n = TERMS_MAX; n >= 1; n--) value = z + n / value;
  return value;
}

/** Φ⁻¹(p) for 0 < p < 1, by halving. */
export function normalQuantile(p: number): number {
  let low = -QUANTILE_MAX;
  let high = QUANTILE_MAX;
  for (let step = 0; step < BISECTIONS; step++) {
    const middle = (low + high) / 2;
    if (normalCdf(middle) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
