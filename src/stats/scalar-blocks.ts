import { assert } from "#base";

/**
 * Scalars of both copies, made into differences that a test may take as independent.
 *
 * CPU or queue depth of two neighbouring ticks are nearly the same value twice; averaged over blocks that are long enough they
 * are not.
 */

export interface ScalarPlan {
  /** `log` for positive scale metrics, whose effects multiply; `linear` for all others. */
  readonly scale: "log" | "linear";
  /** Which way is worse. */
  readonly worseIs: "higher" | "lower";
  /** Tolerated difference in the bad direction, in the unit of the scale: ln 1.2 for 20 % on the logarithmic one. */
  readonly margin: number;
  /** Ticks in a block. See {@link chooseBlockTicks}. */
  readonly blockTicks: number;
}

/** Plain data. */
export interface BlockState {
  readonly ticks: number;
  readonly sum: number;
}

export const NO_BLOCK: BlockState = { ticks: 0, sum: 0 };

/** One tick's values; positive numbers on a logarithmic scale. */
export interface ScalarPair {
  readonly canary: number;
  readonly primary: number;
}

/** How much worse than the margin the canary is in this tick; undefined where a value has no place on the scale. Source: statistics reference 2.6. */
export function scalarDifference(plan: ScalarPlan, { canary, primary }: ScalarPair): number | undefined {
  const difference = plan.scale === "log" ? Math.log(canary / primary) : canary - primary;
  if (!Number.isFinite(difference)) return undefined;
  return (plan.worseIs === "higher" ? difference : -difference) - plan.margin;
}

/** Adds a tick's difference; `mean` is there when it completes a block. */
export function updateBlock(
  plan: ScalarPlan,
  { ticks, sum }: BlockState,
  difference: number,
): { readonly state: BlockState; readonly mean?: number } {
  if (ticks + 1 < plan.blockTicks) return { state: { ticks: ticks + 1, sum: sum + difference } };
  return { state: NO_BLOCK, mean: (sum + difference) / (ticks + 1) };
}

/** Block lengths to choose from, and the correlation of neighbouring blocks that is low enough. Source: statistics reference 2.6. */
const BLOCK_TICKS = [1, 3, 6, 12, 30] as const;
const CORRELATION_MAX = 0.2;
/** Fewer blocks say nothing about a correlation. */
const BLOCKS_MIN = 8;

/** The shortest block whose means hardly depend on their predecessor, from the primary's history; the longest when none is known to. */
export function chooseBlockTicks(history: readonly number[]): number {
  for (const ticks of BLOCK_TICKS) {
    const means = blockMeans(history, ticks);
    if (means.length >= BLOCKS_MIN && lagCorrelation(means) < CORRELATION_MAX) return ticks;
  }
  return BLOCK_TICKS[BLOCK_TICKS.length - 1] ?? 1;
}

function blockMeans(values: readonly number[], ticks: number): number[] {
  const means: number[] = [];
  for (let start = 0; start + ticks <= values.length; start += ticks) {
    means.push(values.slice(start, start + ticks).reduce((sum, value) => sum + value, 0) / ticks);
  }
  return means;
}

/** Correlation of neighbours; 0 for values that never change. Source: the sample autocorrelation at lag 1. */
function lagCorrelation(values: readonly number[]): number {
  assert(values.length >= 2, "a correlation takes two values or more");
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  let products = 0;
  let squares = 0;
  values.forEach((value, index) => {
    const offset = value - mean;
    squares += offset * offset;
    if (index > 0) products += offset * ((values[index - 1] ?? 0) - mean);
  });
  return squares === 0 ? 0 : products / squares;
}
