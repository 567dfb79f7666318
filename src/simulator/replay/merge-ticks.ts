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

/** The metric as it is where counting begins: nothing counted yet, of the kind that the recording has. */
export function emptyMetric(name: string, ticks: readonly RecordedTick[]): MetricSamples {
  const sample = mergeMetric(name, ticks);
  if (sample.kind === "counts") {
    const none = { total: 0, bad: 0 };
    return { ...sample, arms: { canary: none, primary: none } };
  }
  if (sample.kind !== "latency") return sample;
  const { boundsMs } = sample.primary;
  const none = { boundsMs, above: boundsMs.map(() => 0), total: 0 };
  return { ...sample, canary: none, primary: none };
}
