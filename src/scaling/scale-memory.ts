/** What an autoscaler remembers between looks; lost on a restart, as upstream's is. */
export interface ScaleMemory {
  /** Sizes that the metrics proposed, before bounds and rates. */
  readonly recommendations: readonly TimedCount[];
  /** Replicas added and removed, kept while a policy may look at them. */
  readonly scaleUps: readonly TimedCount[];
  readonly scaleDowns: readonly TimedCount[];
}

export interface TimedCount {
  readonly count: number;
  readonly atMs: number;
}

/** Longest window and policy period that validation admits, an hour and half an hour. */
const KEEP_RECOMMENDATIONS_MS = 3_600_000;
const KEEP_CHANGES_MS = 1_800_000;

/** The first look starts from the size that is there. Source: Kubernetes recordInitialRecommendation. */
export function initialMemory(replicas: number, nowMs: number): ScaleMemory {
  return { recommendations: [{ count: replicas, atMs: nowMs }], scaleUps: [], scaleDowns: [] };
}

export function rememberRecommendation(memory: ScaleMemory, count: number, nowMs: number): ScaleMemory {
  const recommendations = keep(memory.recommendations, nowMs - KEEP_RECOMMENDATIONS_MS);
  return { ...memory, recommendations: [...recommendations, { count, atMs: nowMs }] };
}

export function rememberScale(memory: ScaleMemory, change: { from: number; to: number }, nowMs: number): ScaleMemory {
  const { from, to } = change;
  const scaleUps = keep(memory.scaleUps, nowMs - KEEP_CHANGES_MS);
  const scaleDowns = keep(memory.scaleDowns, nowMs - KEEP_CHANGES_MS);
  if (to > from) return { ...memory, scaleUps: [...scaleUps, { count: to - from, atMs: nowMs }], scaleDowns };
  return { ...memory, scaleUps, scaleDowns: [...scaleDowns, { count: from - to, atMs: nowMs }] };
}

/** The sum of the changes within the last period. */
export function changedWithin(changes: readonly TimedCount[], periodMs: number, nowMs: number): number {
  return changes.filter(({ atMs }) => atMs > nowMs - periodMs).reduce((sum, { count }) => sum + count, 0);
}

function keep(entries: readonly TimedCount[], sinceMs: number): readonly TimedCount[] {
  return entries.filter(({ atMs }) => atMs > sinceMs);
}
