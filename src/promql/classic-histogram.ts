/** A cumulative bucket of a classic histogram: observations up to and including `upperBound`. */
export interface Bucket {
  readonly upperBound: number;
  count: number;
}

export interface BucketQuantile {
  readonly value: number;
  /** Counts fell from one bucket to the next by more than rounding explains, and were raised. */
  readonly isForcedMonotonic: boolean;
}

/** Relative difference below which two cumulative counts are taken as equal. Source: Prometheus `smallDeltaTolerance`. */
const SMALL_DELTA = 1e-12;

/**
 * Estimates a quantile from buckets sorted by bound, taking observations as spread evenly within a bucket. The buckets'
 * counts are corrected in place when they are not monotonic.
 *
 * Source: Prometheus documentation, `histogram_quantile`; `promql.BucketQuantile`.
 */
export function bucketQuantile(phi: number, sorted: readonly Bucket[]): BucketQuantile {
  const none = (value: number): BucketQuantile => ({ value, isForcedMonotonic: false });
  if (Number.isNaN(phi)) return none(Number.NaN);
  if (phi < 0) return none(Number.NEGATIVE_INFINITY);
  if (phi > 1) return none(Number.POSITIVE_INFINITY);
  if (sorted.at(-1)?.upperBound !== Number.POSITIVE_INFINITY) return none(Number.NaN);
  const buckets = mergeEqualBounds(sorted);
  const isForcedMonotonic = ensureMonotonic(buckets);
  const observationCount = buckets.at(-1)?.count ?? 0;
  if (buckets.length < 2 || !(observationCount > 0)) return { value: Number.NaN, isForcedMonotonic };
  return { value: interpolate(buckets, phi * observationCount), isForcedMonotonic };
}

function interpolate(buckets: readonly Bucket[], rankOverall: number): number {
  const last = buckets.length - 1;
  let index = 0;
  while (index < last && !((buckets[index]?.count ?? 0) >= rankOverall)) index++;
  if (index === last) return buckets[last - 1]?.upperBound ?? Number.NaN;
  const bucket = buckets[index] ?? { upperBound: Number.NaN, count: Number.NaN };
  const before = buckets[index - 1];
  if (before === undefined && bucket.upperBound <= 0) return bucket.upperBound;
  const start = before?.upperBound ?? 0;
  const below = before?.count ?? 0;
  return start + (bucket.upperBound - start) * ((rankOverall - below) / (bucket.count - below));
}

/** Adds up buckets that differ only in how their bound is written (`le="1"`, `le="1.0"`). */
function mergeEqualBounds(sorted: readonly Bucket[]): Bucket[] {
  const merged: Bucket[] = [];
  for (const bucket of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && last.upperBound === bucket.upperBound) last.count += bucket.count;
    else merged.push({ ...bucket });
  }
  return merged;
}

/** Scrapes of several targets are not one instant, so that sums of buckets may fall; each is raised to the one before. */
function ensureMonotonic(buckets: readonly Bucket[]): boolean {
  let isForced = false;
  let previous = buckets[0]?.count ?? 0;
  for (const bucket of buckets) {
    if (bucket.count === previous) continue;
    if (isAlmostEqual(previous, bucket.count)) bucket.count = previous;
    else if (bucket.count < previous) {
      bucket.count = previous;
      isForced = true;
    } else previous = bucket.count;
  }
  return isForced;
}

function isAlmostEqual(a: number, b: number): boolean {
  const sum = Math.abs(a) + Math.abs(b);
  const difference = Math.abs(a - b);
  if (a === 0 || b === 0 || sum < 2.2250738585072014e-308) return difference < SMALL_DELTA * 2.2250738585072014e-308;
  return difference / Math.min(sum, Number.MAX_VALUE) < SMALL_DELTA;
}

/**
 * Estimates the share of observations between two bounds.
 *
 * Source: Prometheus documentation, `histogram_fraction`: nothing can be said within a bucket of infinite width, which
 * therefore contributes only when it lies in the range as a whole.
 */
export function bucketFraction(sorted: readonly Bucket[], { lower, upper }: { lower: number; upper: number }): number {
  if (sorted.at(-1)?.upperBound !== Number.POSITIVE_INFINITY) return Number.NaN;
  const buckets = mergeEqualBounds(sorted);
  ensureMonotonic(buckets);
  const observationCount = buckets.at(-1)?.count ?? 0;
  if (!(observationCount > 0) || Number.isNaN(lower) || Number.isNaN(upper)) return Number.NaN;
  if (lower >= upper) return 0;
  return Math.max(0, rankOf(upper, buckets) - rankOf(lower, buckets)) / observationCount;
}

/** How many observations lie at or below a value. */
function rankOf(value: number, buckets: readonly Bucket[]): number {
  if (value === Number.NEGATIVE_INFINITY) return 0;
  let below = 0;
  let start = (buckets[0]?.upperBound ?? 0) > 0 ? 0 : Number.NEGATIVE_INFINITY;
  if (value <= start) return 0;
  for (const { upperBound, count } of buckets) {
    if (value >= upperBound) {
      below = count;
      start = upperBound;
      continue;
    }
    if (start === Number.NEGATIVE_INFINITY) return count;
    if (upperBound === Number.POSITIVE_INFINITY) return below;
    return below + ((value - start) / (upperBound - start)) * (count - below);
  }
  return below;
}
