import { assert } from "#base";
import type { CountPlan } from "./count-evidence.ts";
import { EXCESS_FRACTIONS } from "./excess-bound.ts";
import type { LatencyHistogram } from "./histogram.ts";

/**
 * Which bounds of a latency histogram are tested, and with which margins.
 *
 * "Slower than the bound" is a count like any other, so the count engine answers for each bound. A tolerance in latency ("15 %
 * slower is fine") becomes a tolerance in counts by the slope of the primary's histogram at the bound.
 */

/** Fixed from the primary's history before the first tick. */
export interface LatencyBoundPlan {
  readonly boundMs: number;
  readonly count: CountPlan;
  /** Whether promotion waits for it. Rollback looks at all. */
  readonly isForPromotion: boolean;
}

export interface LatencySettings {
  /** Factor by which a canary may be slower. */
  readonly slower: number;
  readonly horizonTicks: number;
  /** By bound, the design effect φ ≥ 1. */
  readonly dispersions: readonly number[];
}

/** Source: statistics reference 2.5. */
export const SLOWER_DEFAULT = 1.15;
const RATIO_MIN = 1.1;
const RATIO_MAX = 20;
const EXCESS = 0.0005;
const UNACCEPTABLE_FACTOR = 1.3;
const ROLLBACK_SHARES = { from: 1e-7, to: 0.8 } as const;
const PROMOTION_SHARES = { from: 0.002, to: 0.3 } as const;

/** Alternatives, as multiples of the tolerated ratio. Source: statistics reference 2.3. */
const LATENCY_MULTIPLES: readonly number[] = [1.3, 1.7, 2.5, 5, 15];

/**
 * The plan for a primary whose history is given; empty while it has none, as there is nothing to compare then.
 *
 * Source: statistics reference 2.5: bounds with an exceedance in (10⁻⁷, 0.8) for rollback, in (0.2 %, 30 %) for promotion.
 */
export function planLatency(history: LatencyHistogram, settings: LatencySettings): LatencyBoundPlan[] {
  if (history.total <= 0) return [];
  const { boundsMs, above, total } = history;
  const plans: LatencyBoundPlan[] = [];
  boundsMs.forEach((boundMs, boundIndex) => {
    const share = (above[boundIndex] ?? 0) / total;
    if (share <= ROLLBACK_SHARES.from || share >= ROLLBACK_SHARES.to) return;
    const previous =
      boundIndex === 0
        ? undefined
        : { boundMs: boundsMs[boundIndex - 1] ?? 0, share: (above[boundIndex - 1] ?? 0) / total };
    const ratio = toleratedSlowRatio({ boundMs, share }, previous, settings.slower);
    const dispersion = settings.dispersions[boundIndex] ?? 1;
    plans.push({
      boundMs,
      count: countPlan(ratio, dispersion, settings.horizonTicks),
      isForPromotion: share > PROMOTION_SHARES.from && share < PROMOTION_SHARES.to,
    });
  });
  return plans;
}

/** A bound, and the share of the primary's requests that take longer. */
export interface Exceedance {
  readonly boundMs: number;
  readonly share: number;
}

/**
 * How many times more requests may exceed a bound when all of them take `slower` times as long.
 *
 * (S_{j−1}/S_j)^{ln κ / ln(b_j/b_{j−1})}, the straight line through both points on logarithmic axes, at b_j/κ; kept between 1.1
 * and 20. Source: statistics reference 2.5.
 */
export function toleratedSlowRatio(at: Exceedance, previous: Exceedance | undefined, slower: number): number {
  assert(slower >= 1 && at.share > 0, "a tolerance is a factor of 1 or more, on a bound that is exceeded");
  if (previous === undefined) return RATIO_MIN;
  const exponent = Math.log(slower) / Math.log(at.boundMs / previous.boundMs);
  return Math.min(RATIO_MAX, Math.max(RATIO_MIN, (previous.share / at.share) ** exponent));
}

function countPlan(ratio: number, dispersion: number, horizonTicks: number): CountPlan {
  return {
    tolerated: { ratio, excess: EXCESS },
    multiples: LATENCY_MULTIPLES,
    unacceptableRatio: UNACCEPTABLE_FACTOR * ratio,
    fractions: EXCESS_FRACTIONS,
    dispersion,
    horizonTicks,
  };
}
