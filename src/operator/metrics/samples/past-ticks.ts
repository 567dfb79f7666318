import {
  addChiSquare,
  type ArmCounts,
  type ChiSquare,
  dispersionOf,
  NO_CHI_SQUARE,
  estimateDispersion,
  type PodCounts,
  pairChiSquare,
  startDispersion,
  updateDispersion,
} from "#stats";
import type { VectorSeries } from "./counter-vectors.ts";

/** What each process counted in each step of the past: raw values that belong together, as in a series. */
export type PastTicks = readonly ReadonlyMap<string, readonly number[]>[];

/** Steps with requests below which clusters of errors cannot be told from chance. Source: statistics 2.8. */
const TICKS_MIN = 25;
/** Block lengths, in steps, over which one copy is compared with itself. Source: statistics 2.8. */
const BLOCK_TICKS = [1, 6, 30] as const;

/** Differences between neighbouring steps. The first value of a series has none: when it began is not known. */
export function pastTicks(series: readonly VectorSeries[], stepMs: number): PastTicks {
  const ticks = new Map<number, Map<string, readonly number[]>>();
  for (const { source, points } of series) {
    points.forEach(({ atMs, values }, index) => {
      const before = points[index - 1];
      if (before === undefined || atMs - before.atMs !== stepMs || !areCounts(values) || !areCounts(before.values))
        return;
      const isReset = values.some((value, at) => value < (before.values[at] ?? 0));
      const deltas = values.map((value, at) => value - (isReset ? 0 : (before.values[at] ?? 0)));
      const tick = ticks.get(atMs) ?? new Map<string, readonly number[]>();
      ticks.set(atMs, tick);
      tick.set(source, added(tick.get(source), deltas));
    });
  }
  return [...ticks].sort(([a], [b]) => a - b).map(([, tick]) => tick);
}

function areCounts(values: readonly number[]): boolean {
  return values.every((value) => value >= 0 && value < Infinity);
}

function added(sum: readonly number[] | undefined, values: readonly number[]): readonly number[] {
  return sum === undefined ? values : values.map((value, index) => value + (sum[index] ?? 0));
}

/** All steps and processes together; empty when there are none. */
export function sumOfTicks(ticks: PastTicks): readonly number[] {
  let sum: readonly number[] | undefined;
  for (const tick of ticks) for (const values of tick.values()) sum = added(sum, values);
  return sum ?? [];
}

/**
 * The design effect of the past: of the pods where there are two or more, otherwise of one copy against itself. Undefined
 * without enough of it. `countsOf` tells requests and bad ones from the values of a process. Source: statistics 2.8.
 */
export function pastDispersion(
  ticks: PastTicks,
  countsOf: (values: readonly number[]) => ArmCounts,
): number | undefined {
  const perPod = ticks.map((tick) => [...tick].map(([pod, values]): PodCounts => ({ pod, ...countsOf(values) })));
  const used = perPod.filter((pods) => pods.some(({ total }) => total > 0));
  if (used.length < TICKS_MIN) return undefined;
  const podCount = new Set(used.flatMap((pods) => pods.filter(({ total }) => total > 0).map(({ pod }) => pod))).size;
  if (podCount >= 2) return estimateDispersion(perPod.reduce(updateDispersion, startDispersion()));
  return pairDispersion(perPod.map(sumOfPods));
}

function sumOfPods(pods: readonly ArmCounts[]): ArmCounts {
  return pods.reduce((sum, pod) => ({ total: sum.total + pod.total, bad: sum.bad + pod.bad }), { total: 0, bad: 0 });
}

function pairDispersion(ticks: readonly ArmCounts[]): number {
  const perLength = BLOCK_TICKS.map((length) => {
    const blocks: ArmCounts[] = [];
    for (let start = 0; start + length <= ticks.length; start += length)
      blocks.push(sumOfPods(ticks.slice(start, start + length)));
    let chi: ChiSquare = NO_CHI_SQUARE;
    blocks.forEach((block, index) => {
      const before = blocks[index - 1];
      if (before !== undefined && index % 2 === 1) chi = addChiSquare(chi, pairChiSquare(before, block));
    });
    return dispersionOf(chi);
  });
  return Math.max(1, ...perLength);
}
