import { err, ok, type Result } from "#base";

/** Requests by how long they took: what Prometheus calls a classic histogram, in milliseconds. */
export interface LatencyHistogram {
  /** Upper bounds of the buckets, rising; the bucket without a bound is left out. */
  readonly boundsMs: readonly number[];
  /** By bound, requests that took longer. */
  readonly above: readonly number[];
  readonly total: number;
}

/** Why cumulative counts are no histogram. */
export interface HistogramFault {
  readonly kind: "no-bounds" | "bounds-not-rising" | "counts-missing" | "counts-not-rising";
  readonly message: string;
}

/**
 * Reads the counts of an interval as they come from the wire: by bound, requests that took at most so long, the bucket without
 * a bound last. Counts that fall from one bound to the next are refused: their buckets were not read at one moment.
 */
export function readHistogram(
  boundsMs: readonly number[],
  cumulative: readonly number[],
): Result<LatencyHistogram, HistogramFault> {
  if (boundsMs.length === 0) return fault("no-bounds", "Cannot read a histogram without a bound");
  for (const [index, bound] of boundsMs.entries()) {
    if (!Number.isFinite(bound) || bound <= (boundsMs[index - 1] ?? 0))
      return fault(
        "bounds-not-rising",
        `Cannot read a histogram: bound ${index} is ${bound}, after ${boundsMs[index - 1] ?? 0}`,
      );
  }
  if (cumulative.length !== boundsMs.length + 1)
    return fault(
      "counts-missing",
      `Cannot read a histogram: ${boundsMs.length} bounds take one count more, received ${cumulative.length}`,
    );
  for (const [index, count] of cumulative.entries()) {
    if (!Number.isFinite(count) || count < (cumulative[index - 1] ?? 0))
      return fault(
        "counts-not-rising",
        `Cannot read a histogram: count ${index} is ${count}, after ${cumulative[index - 1] ?? 0}`,
      );
  }
  const total = cumulative[boundsMs.length] ?? 0;
  return ok({ boundsMs, above: boundsMs.map((_, index) => total - (cumulative[index] ?? 0)), total });
}

function fault(kind: HistogramFault["kind"], message: string): Result<never, HistogramFault> {
  return err({ kind, message });
}

/**
 * A quantile in milliseconds, interpolated within its bucket; undefined for an empty histogram, the last bound beyond it.
 *
 * For display alone: with bounds at 250 and 500 a p99 of 275 is what straight lines make of it, not what requests took.
 * Source: Prometheus `histogram_quantile`.
 */
export function displayQuantile({ boundsMs, above, total }: LatencyHistogram, quantile: number): number | undefined {
  if (total <= 0) return undefined;
  const rank = quantile * total;
  for (const [index, bound] of boundsMs.entries()) {
    const upTo = total - (above[index] ?? 0);
    if (upTo < rank) continue;
    const from = index === 0 ? 0 : (boundsMs[index - 1] ?? 0);
    const before = index === 0 ? 0 : total - (above[index - 1] ?? 0);
    return upTo === before ? bound : from + ((bound - from) * (rank - before)) / (upTo - before);
  }
  return boundsMs[boundsMs.length - 1];
}

/** Sums histograms of one layout. */
export function addHistograms(a: LatencyHistogram, b: LatencyHistogram): LatencyHistogram {
  return { ...a, above: a.above.map((count, index) => count + (b.above[index] ?? 0)), total: a.total + b.total };
}
