import type { Deployment, ReplicaSet } from "#api";
import { scaleIntOrPercent } from "#base";
import { timeMs } from "../shared/index.ts";

/** The numbers of a deployment that every part of its plan starts from. */
export interface Sizes {
  readonly desired: number;
  /** Pods above the desired count while rolling. */
  readonly maxSurge: number;
  /** Pods that may be missing from the desired count while rolling. */
  readonly maxUnavailable: number;
}

/** Source: API default of `rollingUpdate`. */
const DEFAULT_STEP = "25%";

/**
 * Resolves a deployment's counts. Surge rounds up and unavailable down; were both zero, nothing could ever move, so one pod
 * may be unavailable then. Source: Kubernetes `deployment_util` ResolveFenceposts, MaxSurge and MaxUnavailable.
 */
export function sizesOf(deployment: Deployment): Sizes {
  const desired = deployment.spec.replicas ?? 1;
  if (!isRollingUpdate(deployment)) return { desired, maxSurge: 0, maxUnavailable: 0 };
  const { maxSurge = DEFAULT_STEP, maxUnavailable = DEFAULT_STEP } = deployment.spec.strategy?.rollingUpdate ?? {};
  const surge = resolveCount(maxSurge, desired, "up");
  const unavailable = resolveCount(maxUnavailable, desired, "down");
  const atLeastOne = surge === 0 && unavailable === 0 ? 1 : unavailable;
  return { desired, maxSurge: surge, maxUnavailable: Math.min(atLeastOne, desired) };
}

export function isRollingUpdate(deployment: Deployment): boolean {
  return deployment.spec.strategy?.type !== "Recreate";
}

/** Validation keeps malformed values out; one that got in counts as none rather than stopping the deployment. */
function resolveCount(value: number | string, desired: number, round: "up" | "down"): number {
  const count = scaleIntOrPercent(value, desired, round);
  return count.ok ? Math.max(0, count.value) : 0;
}

export function specReplicas(replicaSet: ReplicaSet): number {
  return replicaSet.spec.replicas ?? 1;
}

/** Pods asked for by all of them. */
export function totalSpecReplicas(replicaSets: readonly ReplicaSet[]): number {
  return replicaSets.reduce((sum, replicaSet) => sum + specReplicas(replicaSet), 0);
}

/** Pods that exist of all of them, as their status says. */
export function totalReplicas(replicaSets: readonly ReplicaSet[]): number {
  return replicaSets.reduce((sum, replicaSet) => sum + (replicaSet.status?.replicas ?? 0), 0);
}

/** Available pods of all of them, as their status says. */
export function totalAvailable(replicaSets: readonly ReplicaSet[]): number {
  return replicaSets.reduce((sum, replicaSet) => sum + (replicaSet.status?.availableReplicas ?? 0), 0);
}

/**
 * Available pods that are sure to stay: a status from before a scale-down counts pods that go. Counting them would let a
 * rolling update give up more than it may, so what is asked for is the bound. (Upstream counts the status alone.)
 */
export function lastingAvailable(replicaSet: ReplicaSet): number {
  return Math.min(replicaSet.status?.availableReplicas ?? 0, specReplicas(replicaSet));
}

export function activeOnly(replicaSets: readonly ReplicaSet[]): ReplicaSet[] {
  return replicaSets.filter((replicaSet) => specReplicas(replicaSet) > 0);
}

/** Oldest first; the name decides between equal times. */
export function byCreation(replicaSets: readonly ReplicaSet[]): ReplicaSet[] {
  return [...replicaSets].sort(compareCreation);
}

/** Source: Kubernetes `ReplicaSetsByCreationTimestamp`. */
export function compareCreation(a: ReplicaSet, b: ReplicaSet): number {
  const order = (timeMs(a.metadata.creationTimestamp) ?? 0) - (timeMs(b.metadata.creationTimestamp) ?? 0);
  return order !== 0 ? order : (a.metadata.name ?? "") < (b.metadata.name ?? "") ? -1 : 1;
}
