/**
 * Sums of numbers that are kept as logarithms.
 *
 * Evidence multiplies over thousands of requests and leaves the range of a double long before it stops to mean something,
 * so everywhere in this room it is a natural logarithm (nats).
 */

/** ln Σ exp(v). An empty list gives −∞, the logarithm of nothing. Source: factor out the largest term. */
export function logSumExp(logs: readonly number[]): number {
  let max = Number.NEGATIVE_INFINITY;
  for (const log of logs) if (log > max) max = log;
  if (!Number.isFinite(max)) return max;
  let sum = 0;
  for (const log of logs) sum += Math.exp(log - max);
  return max + Math.log(sum);
}

/** ln of the mean of exp(v). */
export function logMeanExp(logs: readonly number[]): number {
  return logSumExp(logs) - Math.log(logs.length);
}

/** ln(exp(a) + exp(b)). */
export function logAddExp(a: number, b: number): number {
  const high = Math.max(a, b);
  if (!Number.isFinite(high)) return high;
  return high + Math.log1p(Math.exp(Math.min(a, b) - high));
}

/**
 * ln(1 − exp(v)) for v ≤ 0.
 *
 * Source: M. Mächler, "Accurately computing log(1 − exp(−|a|))" (2012), equation 7: each branch is exact where the other cancels.
 */
export function logOneMinusExp(log: number): number {
  if (log >= 0) return Number.NEGATIVE_INFINITY;
  return log > -Math.LN2 ? Math.log(-Math.expm1(log)) : Math.log1p(-Math.exp(log));
}
