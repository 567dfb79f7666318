import { logBetaTails } from "./incomplete-beta.ts";
import type { Interval } from "./difference-interval.ts";

const BISECTIONS = 60;

/**
 * The exact interval of a share seen once, at a number of trials that was set before: for benchmarks, not for peeking.
 *
 * Source: C. Clopper and E. Pearson, Biometrika 26 (1934), as quantiles of Beta distributions.
 */
export function clopperPearson(hits: number, total: number, alpha: number): Interval {
  const level = Math.log(alpha / 2);
  const misses = total - hits;
  return {
    low: hits === 0 ? 0 : bisect((share) => logBetaTails(share, hits, misses + 1).logLower >= level).low,
    high: misses === 0 ? 1 : bisect((share) => logBetaTails(share, hits + 1, misses).logUpper <= level).high,
  };
}

function bisect(isReached: (share: number) => boolean): Interval {
  let low = 0;
  let high = 1;
  for (let step = 0; step < BISECTIONS; step++) {
    const middle = (low + high) / 2;
    if (isReached(middle)) high = middle;
    else low = middle;
  }
  return { low, high };
}
