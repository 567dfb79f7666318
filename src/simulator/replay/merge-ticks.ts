import type { MetricSamples } from "#rollout";
import { addArms, addHistograms } from "#stats";
import type { RecordedTick } from "./decode-recording.ts";

/** One metric over several ticks: counts added, of numbers the newest. Ticks without the metric, or with other bounds, are left out. */
export function mergeMetric(name: string, ticks: readonly RecordedTick[]): MetricSamples {
  let merged: MetricSamples = { name, kind: "missing", reason: "none", message: "nothing was recorded of it" };
  for (const { metrics } of ticks) {
    const next = metrics.find((metric) => metric.name === name);
    if (next !== undefined) merged = mergeTwo(merged, next);
  }
  return merged;
}

function mergeTwo(before: MetricSamples, next: MetricSamples): MetricSamples {
  if (next.kind === "missing") return before.kind === "missing" ? next : before;
  if (before.kind === "counts" && next.kind === "counts") return { ...next, arms: addArms(before.arms, next.arms) };
  if (before.kind === "latency" && next.kind === "latency") {
    if (before.primary.boundsMs.join() !== next.primary.boundsMs.join()) return next;
    return {
      ...next,
      canary: addHistograms(before.canary, next.canary),
      primary: addHistograms(before.primary, next.primary),
    };
  }
  return next;
}
