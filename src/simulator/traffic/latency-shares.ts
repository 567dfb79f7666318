/** Latency as a lognormal, seen through the bounds of a histogram. */

/** Bounds of `istio_request_duration_milliseconds`, in ms. Source: Envoy's default buckets; statistics reference 2.5. */
export const ISTIO_BOUNDS_MS: readonly number[] = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000,
  3_600_000,
];

/** How long requests of one version take. */
export interface LatencyShape {
  readonly medianMs: number;
  /** Standard deviation of the logarithm. */
  readonly sigma: number;
  /** Requests that take a fixed time instead: a timeout, a slow dependency. */
  readonly tail?: { readonly share: number; readonly ms: number };
}

/** The share of requests that take longer than a bound. */
export function shareAbove({ medianMs, sigma, tail }: LatencyShape, boundMs: number): number {
  const body = normalTail(Math.log(boundMs / medianMs) / sigma);
  if (tail === undefined) return body;
  return (1 - tail.share) * body + (boundMs < tail.ms ? tail.share : 0);
}

/** P(Z > z), to 1.2e-7 of itself. Source: W. Press et al., Numerical Recipes, 6.2: Chebyshev fit of erfc. */
export function normalTail(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.5 * x);
  const high = t * (-0.82215223 + t * 0.17087277);
  const middle = t * (-1.13520398 + t * (1.48851587 + high));
  const low = t * (0.09678418 + t * (-0.18628806 + t * (0.27886807 + middle)));
  const tail = 0.5 * t * Math.exp(-x * x - 1.26551223 + t * (1.00002368 + t * (0.37409196 + low)));
  return z >= 0 ? tail : 1 - tail;
}
