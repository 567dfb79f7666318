import type { Condition, Pod } from "#api";

/** What controllers ask of a pod. Source: Kubernetes `pkg/api/v1/pod` and `controller_utils`. */

/** Neither ended nor on its way out. */
export function isPodActive(pod: Pod): boolean {
  return !isPodEnded(pod) && pod.metadata.deletionTimestamp === undefined;
}

/** True when all containers have ended for good. */
export function isPodEnded(pod: Pod): boolean {
  return pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
}

export function isPodReady(pod: Pod): boolean {
  return readyCondition(pod)?.status === "True";
}

/** Since when the pod is ready or not; undefined before the node has said anything. */
export function readyTransitionMs(pod: Pod): number | undefined {
  return timeMs(readyCondition(pod)?.lastTransitionTime);
}

export function readyCondition(pod: Pod): Condition | undefined {
  return pod.status?.conditions?.find((condition) => condition.type === "Ready");
}

/** Milliseconds until a pod counts as available: 0 when it does, undefined when it is not even ready. */
export function availableInMs(pod: Pod, minReadySeconds: number, nowMs: number): number | undefined {
  if (!isPodReady(pod)) return undefined;
  if (minReadySeconds === 0) return 0;
  const since = readyTransitionMs(pod);
  if (since === undefined) return minReadySeconds * 1000;
  return Math.max(0, since + minReadySeconds * 1000 - nowMs);
}

/** Parses a time of the API; undefined when it is absent or malformed. */
export function timeMs(text: string | null | undefined): number | undefined {
  const ms = text === null || text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

/** Writes a time as the API does: whole seconds, UTC. */
export function formatTime(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19)}Z`;
}
