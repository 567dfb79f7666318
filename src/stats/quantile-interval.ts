import type { LatencyHistogram } from "./histogram.ts";
import { shareInterval } from "./share-interval.ts";

export interface QuantileQuestion {
  /** Between 0 and 1. */
  readonly quantile: number;
  readonly alpha: number;
  /** Requests at which the interval is to be tightest. */
  readonly tunedFor: number;
}

/** Bounds of the histogram; `high` is undefined while the quantile may lie beyond the last one. */
export interface QuantileInterval {
  readonly lowMs: number;
  readonly highMs: number | undefined;
}

/**
 * The bounds that a quantile lies between, for reports: right at all times at once with confidence 1 − alpha.
 *
 * A quantile lies above a bound when more than the rest of the requests take longer. Each bound gets an equal part of alpha; nothing
 * is interpolated. Source: statistics reference 2.4, 2.5.
 */
export function quantileInterval(
  { boundsMs, above, total }: LatencyHistogram,
  { quantile, alpha, tunedFor }: QuantileQuestion,
): QuantileInterval {
  let lowMs = 0;
  let highMs: number | undefined;
  boundsMs.forEach((boundMs, index) => {
    const slow = above[index] ?? 0;
    const { low, high } = shareInterval({ hits: slow, misses: total - slow }, alpha / boundsMs.length, tunedFor);
    if (low > 1 - quantile) lowMs = boundMs;
    if (high < 1 - quantile) highMs ??= boundMs;
  });
  return { lowMs, highMs };
}
