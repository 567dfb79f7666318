import type { Condition, Deployment, ReplicaSet } from "#api";
import { formatTime, timeMs } from "../shared/index.ts";
import { type Sizes, totalAvailable } from "./sizes.ts";

/** Conditions of a deployment. Source: Kubernetes `deployment_util` and `deployment/progress.go`; kube-api.md for the reasons. */

type Status = NonNullable<Deployment["status"]>;

/** A condition before its times are set. */
export type NewCondition = Pick<Condition, "type" | "status" | "reason" | "message">;

/** Values above mean "no deadline". Source: Kubernetes `HasProgressDeadline` (math.MaxInt32). */
const NO_DEADLINE_SECONDS = 2_147_483_647;
/** Source: API default of `progressDeadlineSeconds`. */
const DEFAULT_DEADLINE_SECONDS = 600;

export function findCondition(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/**
 * Sets a condition. One with the same status and reason stays untouched; the transition time changes only with the status.
 * The changed one moves to the end, as upstream's does.
 */
export function setCondition(
  conditions: readonly Condition[],
  next: NewCondition,
  nowMs: number,
): readonly Condition[] {
  const before = findCondition(conditions, next.type);
  if (before?.status === next.status && before.reason === next.reason) return conditions;
  return [...withoutCondition(conditions, next.type), timed(next, before, nowMs)];
}

/** Sets a condition and renews its update time even when nothing else changes: progress was made. */
function renewCondition(conditions: readonly Condition[], next: NewCondition, nowMs: number): readonly Condition[] {
  return [...withoutCondition(conditions, next.type), timed(next, findCondition(conditions, next.type), nowMs)];
}

export function withoutCondition(conditions: readonly Condition[], type: string): readonly Condition[] {
  return conditions.filter((condition) => condition.type !== type);
}

function timed(next: NewCondition, before: Condition | undefined, nowMs: number): Condition {
  const now = formatTime(nowMs);
  const lastTransitionTime = before?.status === next.status ? (before.lastTransitionTime ?? now) : now;
  return { ...next, lastUpdateTime: now, lastTransitionTime };
}

export function availableCondition(sizes: Sizes, replicaSets: readonly ReplicaSet[]): NewCondition {
  return totalAvailable(replicaSets) >= sizes.desired - sizes.maxUnavailable
    ? {
        type: "Available",
        status: "True",
        reason: "MinimumReplicasAvailable",
        message: "Deployment has minimum availability.",
      }
    : {
        type: "Available",
        status: "False",
        reason: "MinimumReplicasUnavailable",
        message: "Deployment does not have minimum availability.",
      };
}

export function progressDeadlineMs(deployment: Deployment): number | undefined {
  const seconds = deployment.spec.progressDeadlineSeconds ?? DEFAULT_DEADLINE_SECONDS;
  return seconds >= NO_DEADLINE_SECONDS ? undefined : seconds * 1000;
}

/** Pausing stops the deadline's clock, resuming starts it anew. Undefined when nothing changes. */
export function pauseCondition(deployment: Deployment): NewCondition | undefined {
  const before = findCondition(deployment.status?.conditions, "Progressing");
  if (progressDeadlineMs(deployment) === undefined || before?.reason === "ProgressDeadlineExceeded") return undefined;
  const isPaused = deployment.spec.paused === true;
  const wasPaused = before?.reason === "DeploymentPaused";
  if (isPaused === wasPaused) return undefined;
  return isPaused
    ? { type: "Progressing", status: "Unknown", reason: "DeploymentPaused", message: "Deployment is paused" }
    : { type: "Progressing", status: "Unknown", reason: "DeploymentResumed", message: "Deployment is resumed" };
}

export function createdCondition(name: string): NewCondition {
  return {
    type: "Progressing",
    status: "True",
    reason: "NewReplicaSetCreated",
    message: `Created new replica set "${name}"`,
  };
}

export function foundCondition(name: string): NewCondition {
  return {
    type: "Progressing",
    status: "True",
    reason: "FoundNewReplicaSet",
    message: `Found new replica set "${name}"`,
  };
}

/** What the progress of a rollout is judged by. */
export interface ProgressInput {
  readonly deployment: Deployment;
  /** The status to be written, its conditions so far included. */
  readonly status: Status;
  readonly newest: ReplicaSet | undefined;
  readonly nowMs: number;
}

/** The conditions with Progressing brought up to date. Source: Kubernetes `syncRolloutStatus`. */
export function withProgress({ deployment, status, newest, nowMs }: ProgressInput): readonly Condition[] {
  const conditions = status.conditions ?? [];
  const deadlineMs = progressDeadlineMs(deployment);
  if (deadlineMs === undefined) return withoutCondition(conditions, "Progressing");
  const before = findCondition(conditions, "Progressing");
  const wasComplete =
    (status.replicas ?? 0) === (status.updatedReplicas ?? 0) && before?.reason === "NewReplicaSetAvailable";
  if (wasComplete) return conditions;
  const subject =
    newest === undefined ? `Deployment "${deployment.metadata.name}"` : `ReplicaSet "${newest.metadata.name}"`;
  const progressing = { type: "Progressing" } as const;
  if (isComplete(deployment, status)) {
    const message = `${subject} has successfully progressed.`;
    return setCondition(
      conditions,
      { ...progressing, status: "True", reason: "NewReplicaSetAvailable", message },
      nowMs,
    );
  }
  if (hasProgressed(deployment.status ?? {}, status)) {
    const message = `${subject} is progressing.`;
    return renewCondition(conditions, { ...progressing, status: "True", reason: "ReplicaSetUpdated", message }, nowMs);
  }
  if (isTimedOut(before, deadlineMs, nowMs)) {
    const message = `${subject} has timed out progressing.`;
    return setCondition(
      conditions,
      { ...progressing, status: "False", reason: "ProgressDeadlineExceeded", message },
      nowMs,
    );
  }
  return conditions;
}

/** True once every pod is of the newest template, available, and the status speaks of the current spec. */
export function isComplete(deployment: Deployment, status: Status): boolean {
  const desired = deployment.spec.replicas ?? 1;
  return (
    (status.updatedReplicas ?? 0) === desired &&
    (status.replicas ?? 0) === desired &&
    (status.availableReplicas ?? 0) === desired &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  );
}

function hasProgressed(before: Status, after: Status): boolean {
  const oldCount = (status: Status): number => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (
    (after.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    oldCount(after) < oldCount(before) ||
    (after.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

function isTimedOut(condition: Condition | undefined, deadlineMs: number, nowMs: number): boolean {
  if (condition === undefined || condition.reason === "NewReplicaSetAvailable") return false;
  if (condition.reason === "ProgressDeadlineExceeded") return true;
  const since = timeMs(condition.lastUpdateTime);
  return since !== undefined && since + deadlineMs < nowMs;
}

/** When the deadline has to be looked at again; undefined when it cannot strike. Source: Kubernetes `requeueStuckDeployment`. */
export function deadlineCheckInMs(deployment: Deployment, status: Status, nowMs: number): number | undefined {
  const deadlineMs = progressDeadlineMs(deployment);
  const condition = findCondition(status.conditions, "Progressing");
  if (deadlineMs === undefined || condition === undefined || isComplete(deployment, status)) return undefined;
  if (condition.reason === "ProgressDeadlineExceeded" || condition.reason === "NewReplicaSetAvailable")
    return undefined;
  const since = timeMs(condition.lastUpdateTime);
  if (since === undefined) return undefined;
  // The second on top is for times that are written in whole seconds.
  return Math.max(0, since + deadlineMs - nowMs) + 1000;
}
