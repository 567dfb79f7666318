import type { ArmCounts } from "./arms.ts";

/**
 * In clusters of how many bad events arrive: the design effect φ.
 *
 * Requests of one pod share its node, its cache and its bad luck, so their errors are not independent, and evidence that counts
 * them as if they were is too sure of itself. φ is measured on the primary's pods, which all run the same release: what they
 * differ by is not the release.
 */

/** Block lengths over which pods are compared, in ticks: errors cluster in moments, minutes, and on pods. Source: statistics reference 2.8. */
const BLOCK_TICKS = [1, 6, 30] as const;
/** What the belief in `PRIOR_DISPERSION` is worth, in degrees of freedom. Source: statistics reference 2.8. */
const PRIOR_FREEDOM = 25;
const PRIOR_DISPERSION = 1.25;
/** Pods that are looked at; more add nothing to the estimate. */
const PODS_MAX = 200;

/** φ to assume for a metric without history. Source: statistics reference 2.8. */
export const UNKNOWN_DISPERSION = 2;

/** From so many bad requests on a block has clusters enough to tell their size by itself. */
const CLUSTERED_BAD_MAX = 40;

/** How far pods differ: Σ χ² over the blocks, and its expectation if they did not. */
export interface ChiSquare {
  readonly sum: number;
  readonly freedom: number;
  /** The same sums with each block counted as often as it has bad requests. */
  readonly badSum: number;
  readonly badFreedom: number;
}

/** Counts of one pod. */
export interface PodCounts extends ArmCounts {
  readonly pod: string;
}

/** Sums for one block length; plain data. */
export interface DispersionBlock {
  /** Ticks in the open block. */
  readonly ticks: number;
  /** Counts in the open block. */
  readonly pods: readonly PodCounts[];
  readonly chiSquare: ChiSquare;
}

/** By block length; plain data, bounded by the pods. */
export type DispersionState = readonly DispersionBlock[];

/** Of a block that says nothing. */
export const NO_CHI_SQUARE: ChiSquare = { sum: 0, freedom: 0, badSum: 0, badFreedom: 0 };

export function startDispersion(): DispersionState {
  return BLOCK_TICKS.map(() => ({ ticks: 0, pods: [], chiSquare: NO_CHI_SQUARE }));
}

/** Adds a tick of the primary, by pod. Two to six hours of ticks make a good estimate; bursts are rare. */
export function updateDispersion(state: DispersionState, tick: readonly PodCounts[]): DispersionState {
  return state.map((block, index) => {
    const pods = addPods(block.pods, tick);
    const ticks = block.ticks + 1;
    if (ticks < (BLOCK_TICKS[index] ?? 1)) return { ...block, ticks, pods };
    return { ticks: 0, pods: [], chiSquare: addChiSquare(block.chiSquare, podChiSquare(pods)) };
  });
}

function addPods(before: readonly PodCounts[], tick: readonly PodCounts[]): PodCounts[] {
  const pods = new Map(before.map((counts) => [counts.pod, counts]));
  for (const { pod, total, bad } of tick) {
    const old = pods.get(pod);
    if (old === undefined && pods.size >= PODS_MAX) continue;
    pods.set(pod, { pod, total: (old?.total ?? 0) + total, bad: (old?.bad ?? 0) + bad });
  }
  return [...pods.values()];
}

/** φ, 1 or more: the largest of the block lengths. Source: statistics reference 2.8. */
export function estimateDispersion(state: DispersionState): number {
  return Math.max(1, ...state.map(({ chiSquare }) => dispersionOf(chiSquare)));
}

/**
 * φ of one block length, drawn towards the prior while there is little history: (Σχ² + 25·1.25)/(Σdof + 25). Source: statistics
 * reference 2.8.
 *
 * Where errors are so rare that a block has one cluster of them at most, its χ² per degree of freedom is the cluster's size, and
 * the mean of the sizes k is less than φ, which is E[k²]/E[k]: what a request that fails is likely to be in. Counting a block as
 * often as it has bad requests gives that, and changes nothing where blocks are alike. The larger one is taken.
 */
export function dispersionOf({ sum, freedom, badSum, badFreedom }: ChiSquare): number {
  const byBad = badFreedom > 0 ? (badSum * freedom) / badFreedom : 0;
  return (Math.max(sum, byBad) + PRIOR_FREEDOM * PRIOR_DISPERSION) / (freedom + PRIOR_FREEDOM);
}

/**
 * χ² of the pods of one block: Σ (X_i − m s_i)²/(m s_i), s_i the pod's share of the requests, m all bad ones.
 *
 * A block without a bad request says nothing. Source: Pearson's χ² test of homogeneity; statistics reference 2.8.
 */
export function podChiSquare(pods: readonly ArmCounts[]): ChiSquare {
  const used = pods.filter(({ total }) => total > 0);
  const total = used.reduce((sum, pod) => sum + pod.total, 0);
  const bad = used.reduce((sum, pod) => sum + pod.bad, 0);
  if (bad === 0 || used.length < 2) return NO_CHI_SQUARE;
  const sum = used.reduce((chi, pod) => {
    const expected = (bad * pod.total) / total;
    return chi + (pod.bad - expected) ** 2 / expected;
  }, 0);
  return chiSquareOf(sum, used.length - 1, bad);
}

function chiSquareOf(sum: number, freedom: number, bad: number): ChiSquare {
  const weight = Math.min(bad, CLUSTERED_BAD_MAX);
  return { sum, freedom, badSum: weight * sum, badFreedom: weight * freedom };
}

/**
 * χ² of two successive blocks of one copy, for metrics without pod labels: (X₁ − m s)²/(m s (1 − s)).
 *
 * Includes what hits all pods alike, so it is too large rather than too small. Source: statistics reference 2.8.
 */
export function pairChiSquare(first: ArmCounts, second: ArmCounts): ChiSquare {
  const bad = first.bad + second.bad;
  if (bad === 0 || first.total <= 0 || second.total <= 0) return NO_CHI_SQUARE;
  const share = first.total / (first.total + second.total);
  return chiSquareOf((first.bad - bad * share) ** 2 / (bad * share * (1 - share)), 1, bad);
}

export function addChiSquare(a: ChiSquare, b: ChiSquare): ChiSquare {
  return {
    sum: a.sum + b.sum,
    freedom: a.freedom + b.freedom,
    badSum: a.badSum + b.badSum,
    badFreedom: a.badFreedom + b.badFreedom,
  };
}

/**
 * φ for pods that carry `loadRatio` times the load of those it was measured on; never less than measured.
 *
 * What pods share grows with their load, what is chance does not: φ − 1 is proportional to it. Source: statistics reference 2.8.
 */
export function scaleDispersion(dispersion: number, loadRatio: number): number {
  return 1 + (dispersion - 1) * Math.max(1, loadRatio);
}
