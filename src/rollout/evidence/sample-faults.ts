import { deepEqual } from "#base";
import { type LatencyHistogram, readCounts } from "#stats";
import type { MetricSamples } from "../observation.ts";

/** Why samples cannot be counted with; they are then as good as invalid, and nothing of them is used. */
export function faultOf(sample: MetricSamples): string | undefined {
  if (sample.kind === "counts") {
    const faults = [sample.arms.canary, sample.arms.primary].map(({ total, bad }) => readCounts(total, bad));
    return faults.flatMap((fault) => (fault.ok ? [] : [fault.error]))[0];
  }
  if (sample.kind === "latency")
    return [sample.canary, sample.primary].every(isHistogram) &&
      deepEqual(sample.canary.boundsMs, sample.primary.boundsMs)
      ? undefined
      : "the histograms of the copies have other bounds, or counts that do not fall";
  if (sample.kind === "scalar" && !(Number.isFinite(sample.canary) && Number.isFinite(sample.primary)))
    return `a copy's number is none: ${sample.canary} and ${sample.primary}`;
  return undefined;
}

/** Whether it is one: rising bounds, and by bound requests that took longer. */
export function isHistogram({ boundsMs, above, total }: LatencyHistogram): boolean {
  return (
    boundsMs.length > 0 &&
    boundsMs.length <= MAX_BOUND_COUNT &&
    above.length === boundsMs.length &&
    Number.isFinite(total) &&
    boundsMs.every((bound, index) => Number.isFinite(bound) && bound > (boundsMs[index - 1] ?? 0)) &&
    above.every((count, index) => count >= 0 && count <= (above[index - 1] ?? total))
  );
}

/** More bounds than this are no histogram of a mesh, and would not fit into the status. Istio has 20. */
const MAX_BOUND_COUNT = 24;
