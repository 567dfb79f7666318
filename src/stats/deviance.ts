/** Where the series converges fast and the closed form begins to cancel. */
const NEAR = 0.1;
/** The series gains two decimals a term at least; it has converged long before. */
const TERMS_MAX = 1000;

/**
 * x ln(x / mean) + mean − x: how far a count lies from its mean, in nats, at full precision also where the two nearly agree.
 *
 * Source: C. Loader, "Fast and accurate computation of binomial probabilities" (2000), section 3, the function bd0.
 */
export function deviance(x: number, mean: number): number {
  if (x === 0) return mean;
  if (Math.abs(x - mean) >= NEAR * (x + mean)) return x * Math.log(x / mean) + mean - x;
  const v = (x - mean) / (x + mean);
  let sum = (x - mean) * v;
  let power = 2 * x * v;
  for (let term = 1; term < TERMS_MAX; term++) {
    power *= v * v;
    const next = sum + power / (2 * term + 1);
    if (next === sum) return next;
    sum = next;
  }
  return sum;
}
