import { brentRoot } from "./brent-root.ts";
import type { Interval } from "./difference-interval.ts";
import { normalQuantile } from "./normal.ts";

/** Absolute, in the unit of the values: feed percent, not fractions of 1. Source: statistics reference 1.3. */
const TOLERANCE = 1e-4;

/** The shift between two samples. */
export interface ShiftEstimate {
  /** How far `sample` lies above `baseline`: Hodges and Lehmann's estimate. */
  readonly estimate: number;
  readonly interval: Interval;
}

/**
 * The interval of the shift of a sample against a baseline, by inversion of the rank-sum test.
 *
 * One look at a time: repeated on growing samples it is an uncorrected peek. It is here to compare with: Kayenta judges by it.
 * Of two constants the shift is their difference, whatever the confidence: any other one parts all values of one sample from all
 * of the other, and only there are they all tied.
 *
 * Source: H. Mann and D. Whitney (1947), with the normal approximation, midranks and a continuity correction; statistics
 * reference 1.3.
 */
export function shiftEstimate(
  sample: readonly number[],
  baseline: readonly number[],
  confidence: number,
): ShiftEstimate {
  const least = Math.min(...sample) - Math.max(...baseline);
  const most = Math.max(...sample) - Math.min(...baseline);
  // The test's variance is 0 where all values are tied, so its inversion has no step to find.
  if (most === least) return { estimate: least, interval: { low: least, high: least } };
  const root = (z: number): number => {
    const f = (shift: number) => rankDeviate(sample, baseline, shift) - z;
    if (f(least) <= 0) return least;
    if (f(most) >= 0) return most;
    return brentRoot(f, [least, most], TOLERANCE);
  };
  const z = -normalQuantile((1 - confidence) / 2);
  return { estimate: root(0), interval: { low: root(z), high: root(-z) } };
}

/** The standardized rank sum of the sample moved down by `shift`. */
function rankDeviate(sample: readonly number[], baseline: readonly number[], shift: number): number {
  const n = sample.length;
  const m = baseline.length;
  const { rankSum, tieSum } = ranksOf(
    sample.map((value) => value - shift),
    baseline,
  );
  const offset = rankSum - (n * (n + 1)) / 2 - (n * m) / 2;
  const variance = ((n * m) / 12) * (n + m + 1 - tieSum / ((n + m) * (n + m - 1)));
  return (offset - Math.sign(offset) * 0.5) / Math.sqrt(variance);
}

/** The sum of the midranks of `first` among both, and Σ (t³ − t) over groups of t equal values. */
function ranksOf(first: readonly number[], second: readonly number[]): { rankSum: number; tieSum: number } {
  const all = [
    ...first.map((value) => ({ value, isFirst: 1 })),
    ...second.map((value) => ({ value, isFirst: 0 })),
  ].sort((a, b) => a.value - b.value);
  let rankSum = 0;
  let tieSum = 0;
  for (let start = 0; start < all.length; ) {
    let end = start;
    let firstCount = 0;
    while (end < all.length && all[end]?.value === all[start]?.value) firstCount += all[end++]?.isFirst ?? 0;
    const ties = end - start;
    rankSum += firstCount * ((start + 1 + end) / 2);
    tieSum += ties ** 3 - ties;
    start = end;
  }
  return { rankSum, tieSum };
}
