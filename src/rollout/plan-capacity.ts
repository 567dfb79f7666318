/**
 * How many pods a share of the traffic needs. Arithmetic only: where the numbers come from is another matter.
 *
 * Source: keda-hpa-spec 21: need = ceil(total × share / what a pod serves × (1 + headroom)), never below 1 for a copy with
 * traffic, bounded, and each bound reported.
 */

/** One copy as capacity sees it. */
export interface CopyLoad {
  /** Pods that all of the traffic would need on this copy, without headroom; a fraction. */
  readonly podsForAll: number;
  /** Pods that there are, ready or not. */
  readonly podCount: number;
  /** Pods that are ready and known to the proxies. */
  readonly readyCount: number;
  /** Its autoscaler's own lower bound; 0 without one. */
  readonly minCount: number;
  /** What more pods cannot be had than; undefined without a bound. */
  readonly max: { readonly count: number; readonly source: string } | undefined;
  /** Pods that a PodDisruptionBudget keeps available. */
  readonly protectedCount: number;
}

export interface CapacityMargins {
  readonly headroomPercent: number;
  /** Pods that quotas still allow; undefined without one. */
  readonly quotaPodCount: number | undefined;
}

/** What a share of the traffic needs. */
export interface Need {
  /** Pods to wait for: with headroom as far as bounds allow. */
  readonly count: number;
  /** Pods without which the share would be more than the copy can serve: without headroom, whatever the bounds. */
  readonly bareCount: number;
  /** Pods to hold its autoscaler at. */
  readonly floorCount: number;
  /** What keeps the count from being another. */
  readonly bounds: readonly Bound[];
}

/** A limit that made a need another than the load alone would have it. */
export interface Bound {
  readonly kind: "max" | "quota" | "min" | "budget";
  /** Pods that it allows, or asks for. */
  readonly limitCount: number;
  /** Pods that the load asks for, with headroom. */
  readonly wantedCount: number;
  /** For sentences: `hpa web allows at most 4`. */
  readonly text: string;
}

/** What a ratio of floats may be off by without a pod more. */
const EPSILON = 1e-6;

/** The pods that a share of the traffic needs on a copy. */
export function needFor(sharePercent: number, load: CopyLoad, margins: CapacityMargins): Need {
  if (sharePercent <= 0) return { count: 0, bareCount: 0, floorCount: 0, bounds: [] };
  const pods = (load.podsForAll * sharePercent) / 100;
  const bareCount = wholePods(pods);
  const wantedCount = wholePods(pods * (1 + margins.headroomPercent / 100));
  const upper = [...upperBounds(load, margins, wantedCount)].sort((a, b) => a.limitCount - b.limitCount);
  const count = upper[0]?.limitCount ?? wantedCount;
  const lower = lowerBounds(load, { count, wantedCount });
  return { count, bareCount, floorCount: Math.max(count, ...lower.map(keptCount)), bounds: [...upper, ...lower] };
}

function upperBounds({ max, podCount }: CopyLoad, { quotaPodCount }: CapacityMargins, wantedCount: number): Bound[] {
  const bounds: Bound[] = [];
  if (max !== undefined && wantedCount > max.count)
    bounds.push({ kind: "max", limitCount: max.count, wantedCount, text: `${max.source} allows at most ${max.count}` });
  const allowedCount = podCount + Math.max(0, quotaPodCount ?? Number.POSITIVE_INFINITY);
  if (wantedCount > allowedCount) {
    const text = `a ResourceQuota allows no more than ${allowedCount}`;
    bounds.push({ kind: "quota", limitCount: allowedCount, wantedCount, text });
  }
  return bounds;
}

/** What others keep anyway. A step does not wait for it; a floor is not below it. */
function lowerBounds(
  { minCount, protectedCount, max }: CopyLoad,
  { count, wantedCount }: { count: number; wantedCount: number },
): Bound[] {
  const upper = max?.count ?? Number.POSITIVE_INFINITY;
  const bounds: Bound[] = [];
  if (Math.min(minCount, upper) > count)
    bounds.push({ kind: "min", limitCount: minCount, wantedCount, text: `its autoscaler keeps at least ${minCount}` });
  if (Math.min(protectedCount, upper) > count) {
    const text = `a PodDisruptionBudget keeps ${protectedCount} available`;
    bounds.push({ kind: "budget", limitCount: Math.min(protectedCount, upper), wantedCount, text });
  }
  return bounds;
}

/** An autoscaler keeps its own lower bound without help. */
function keptCount({ kind, limitCount }: Bound): number {
  return kind === "budget" ? limitCount : 0;
}

/** Whether so many ready pods serve the need; bounds below what the load asks for do not make fewer pods enough. */
export function isCovered({ count, bareCount }: Need, readyCount: number): boolean {
  return readyCount >= Math.max(count, bareCount);
}

/** The largest share of the traffic, in whole percent, that so many ready pods can serve. */
export function servablePercent(readyCount: number, podsForAll: number, headroomPercent: number): number {
  if (readyCount <= 0) return 0;
  const wantedPods = podsForAll * (1 + headroomPercent / 100);
  if (wantedPods <= readyCount) return 100;
  return Math.min(100, Math.floor((readyCount / wantedPods) * 100 + EPSILON));
}

function wholePods(pods: number): number {
  return Math.max(1, Math.ceil(pods - EPSILON));
}

/** One stage of the way back: the share of all traffic that the primary can have by then. */
export interface WayBackStage {
  readonly percent: number;
  /** From now; undefined when nothing says how long its pods take. */
  readonly withinMs: number | undefined;
}

/** How long proxies take to hear of a route. */
const ROUTE_MS = 1000;

/** How fast all traffic could be back on the primary, from what is ready now and how long its pods take. */
export function planWayBack(primary: CopyLoad, podStartMs: number | undefined): readonly WayBackStage[] {
  const atOnce = servablePercent(primary.readyCount, primary.podsForAll, 0);
  const first: WayBackStage = { percent: atOnce, withinMs: ROUTE_MS };
  if (atOnce === 100) return [first];
  return [first, { percent: 100, withinMs: podStartMs === undefined ? undefined : ROUTE_MS + podStartMs }];
}

/** `60% in 1s, 100% in 20s`. */
export function formatWayBack(stages: readonly WayBackStage[]): string {
  return stages
    .map(({ percent, withinMs }) =>
      withinMs === undefined ? `${percent}% when its pods are ready` : `${percent}% in ${Math.ceil(withinMs / 1000)}s`,
    )
    .join(", ");
}
