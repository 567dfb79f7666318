import type { Pod } from "#api";
import { readyCondition, timeMs } from "../shared/index.ts";

/** Source: `--horizontal-pod-autoscaler-cpu-initialization-period` and `-initial-readiness-delay`. */
const CPU_INITIALIZATION_MS = 300_000;
const INITIAL_READINESS_MS = 30_000;

/** A pod's usage of one resource: cores or bytes. */
export interface PodSample {
  readonly usage: number;
  readonly timestampMs: number;
  readonly windowMs: number;
}

/** Pods by what their samples are worth; leaving and failed pods are in none of them. */
export interface PodGroups {
  readonly ready: readonly Pod[];
  /** Start up, so their usage says nothing about the load. */
  readonly unready: readonly Pod[];
  readonly missing: readonly Pod[];
}

/** Sorts pods for a resource metric. Source: Kubernetes `replica_calculator.go` groupPods (keda-hpa-spec 18.3). */
export function groupPods(
  pods: readonly Pod[],
  samples: ReadonlyMap<string, PodSample>,
  of: { readonly resource: string; readonly nowMs: number },
): PodGroups {
  const ready: Pod[] = [];
  const unready: Pod[] = [];
  const missing: Pod[] = [];
  for (const pod of pods) {
    if (pod.metadata.deletionTimestamp !== undefined || pod.status?.phase === "Failed") continue;
    const sample = samples.get(pod.metadata.name ?? "");
    if (pod.status?.phase === "Pending") unready.push(pod);
    else if (sample === undefined) missing.push(pod);
    else if (of.resource === "cpu" && isStarting(pod, sample, of.nowMs)) unready.push(pod);
    else ready.push(pod);
  }
  return { ready, unready, missing };
}

function isStarting(pod: Pod, sample: PodSample, nowMs: number): boolean {
  const condition = readyCondition(pod);
  const startMs = timeMs(pod.status?.startTime);
  if (condition === undefined || startMs === undefined) return true;
  const changedMs = timeMs(condition.lastTransitionTime) ?? startMs;
  if (startMs + CPU_INITIALIZATION_MS > nowMs) {
    // The sample must cover one whole window since the pod turned ready: before, it measures the start.
    return condition.status === "False" || sample.timestampMs < changedMs + sample.windowMs;
  }
  // Never became ready: it last changed within the readiness delay of its start.
  return condition.status === "False" && startMs + INITIAL_READINESS_MS > changedMs;
}
