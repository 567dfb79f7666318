import { deepEqual } from "#base";
import { type LatencyHistogram, readCounts } from "#stats";
import type { MetricSamples } from "../observation.ts";

/** Why samples cannot be counted with; they are then as good as invalid, and nothing of them is used. */
export function faultOf(sample: MetricSamples): string | undefined {
  if (sample.kind === "counts") {
    const { canary, primary } = sample.arms;
    for (const { total, bad } of [canary, primary]) {
      const read = readCounts(total, bad);
      if (!read.ok) return read.error;
    }
    return undefined;
  }
  if (sample.kind === "latency")
    return isHistogram(sample.canary) &&
      isHistogram(sample.primary) &&
      deepEqual(sample.canary.boundsMs, sample.primary.boundsMs)
      ? undefined
      : "the histograms of the copies have other bounds, or counts that do not fall";
  if (sample.kind === "scalar" && !(Number.isFinite(sample.canary) && Number.isFinite(sample.primary)))
    return `a copy's number is none: ${sample.canary} and ${sample.primary}`;
  return undefined;
}

/** Whether it is one: rising bounds, and by bound requests that took longer. */
export function isHistogram({ boundsMs, above, total }: LatencyHistogram): boolean {
  const boundCount = boundsMs.length;
  if (boundCount === 0 || boundCount > MAX_BOUND_COUNT || above.length !== boundCount || !Number.isFinite(total))
    return false;
  let lastBound = 0;
  let lastCount = total;
  for (let index = 0; index < boundCount; index++) {
    const bound = boundsMs[index] ?? Number.NaN;
    const count = above[index] ?? Number.NaN;
    if (!(Number.isFinite(bound) && bound > lastBound && count >= 0 && count <= lastCount)) return false;
    lastBound = bound;
    lastCount = count;
  }
  return true;
}

/** More bounds than this are no histogram of a mesh, and would not fit into the status. Istio has 20. */
const MAX_BOUND_COUNT = 24;
