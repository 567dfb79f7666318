/** Both expansions converge in fewer steps for every argument in their range. */
const TERMS_MAX = 500;
/** Below, the series is short; above, the continued fraction is. */
const SERIES_UP_TO = 3;

/** Φ(z), the standard normal distribution function; the lower tail keeps its relative precision. */
export function normalCdf(z: number): number {
  return z < 0 ? upperTail(-z) : 1 - upperTail(z);
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
  // The fraction z + 1/(z + 2/(z + 3/(z + …))), from the inside out.
  let value = z;
  for (let n = TERMS_MAX; n >= 1; n--) value = z + n / value;
  return density / value;
}
