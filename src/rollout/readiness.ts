import type { WorkloadObservation } from "./observation.ts";

/** Whether a copy can take traffic: yes, not yet (and may still), or not without help. */
export type Readiness =
  | { readonly kind: "ready" }
  | { readonly kind: "waiting"; readonly reason: string }
  | { readonly kind: "stuck"; readonly reason: string };

export interface ReadinessRule {
  /** Share of the updated pods that must be available. */
  readonly readyPercent: number;
  /** How long the copy may be unavailable before it counts as stuck. */
  readonly deadlineMs: number;
  /** Since when the present step of the release waits: an update may rest for hours before, as at a closed gate. */
  readonly stepSinceMs: number;
  /** Since when it is seen to lack pods; undefined when that was not seen before. */
  readonly shortSinceMs?: number | undefined;
  readonly nowMs: number;
}

/**
 * Judges a workload by its numbers. A core Service has no pods to wait for.
 *
 * Source: flagger-spec 2.8. Three differences: a copy that is to have no pods is waiting, not ready; with pods asked for
 * at least one must be available, whatever the percentage rounds to; and the deadline holds for a rolling update too, whose
 * old pods keep the Deployment "available" for as long as the new ones fail, and for the few pods that a Deployment may lack
 * and still be "available".
 */
export function judgeReadiness(workload: WorkloadObservation, rule: ReadinessRule): Readiness {
  if (workload.kind === "Service") return { kind: "ready" };
  if (workload.generation > workload.observedGeneration)
    return waiting(
      `waiting for rollout to finish: observed ${workload.kind.toLowerCase()} generation less than desired generation`,
    );
  return workload.kind === "DaemonSet" ? judgeDaemonSet(workload, rule) : judgeDeployment(workload, rule);
}

function judgeDeployment(workload: WorkloadObservation, rule: ReadinessRule): Readiness {
  const { updatedCount, replicaCount, availableCount, desiredCount } = workload;
  const excuse = stuckReason(workload, rule) ?? shortReason(workload, rule);
  const answer = (reason: string): Readiness =>
    excuse === undefined ? waiting(reason) : stuck(`${reason}; ${excuse}`);
  if (workload.progressing?.reason === "ProgressDeadlineExceeded")
    return stuck(`deployment "${workload.name}" exceeded its progress deadline`);
  if (desiredCount === 0) return waiting("it is scaled to zero");
  const late = excuse ?? lateReason(workload, rule);
  const answerUpdating = (reason: string): Readiness =>
    late === undefined ? waiting(reason) : stuck(`${reason}; ${late}`);
  if (updatedCount < desiredCount)
    return answerUpdating(
      `waiting for rollout to finish: ${updatedCount} out of ${desiredCount} new replicas have been updated`,
    );
  if (replicaCount > updatedCount)
    return answerUpdating(
      `waiting for rollout to finish: ${replicaCount - updatedCount} old replicas are pending termination`,
    );
  const needed = Math.max(1, Math.floor((updatedCount * rule.readyPercent) / 100));
  if (availableCount >= needed) return { kind: "ready" };
  return answer(
    `waiting for rollout to finish: ${availableCount} of ${updatedCount} (readyThreshold ${rule.readyPercent}%) updated replicas are available`,
  );
}

/**
 * Whether nothing of the workload says since when it lacks pods: a DaemonSet has no conditions, and a Deployment whose update
 * is complete counts as available without a few of its pods.
 */
export function isUntimed({ kind, available, progressing }: WorkloadObservation): boolean {
  return kind === "DaemonSet" || (available?.status === "True" && progressing?.reason === UPDATED);
}

/** Source: k8s.io/kubernetes, pkg/controller/deployment/util, NewRSAvailableReason. */
const UPDATED = "NewReplicaSetAvailable";

/** A DaemonSet has no conditions: its deadline runs from the step that waits for it. */
function judgeDaemonSet(workload: WorkloadObservation, rule: ReadinessRule): Readiness {
  const { updatedCount, availableCount, desiredCount } = workload;
  if (desiredCount === 0) return waiting("it is held off its nodes, or no node takes it");
  const answer = (reason: string): Readiness =>
    isOver(rule.stepSinceMs, rule)
      ? stuck(`${reason}; not ready for longer than ${deadlineText(rule)}`)
      : waiting(reason);
  if (updatedCount < desiredCount)
    return answer(`waiting for rollout to finish: ${updatedCount} out of ${desiredCount} new pods have been scheduled`);
  const needed = Math.max(1, Math.floor((desiredCount * rule.readyPercent) / 100));
  if (availableCount < needed)
    return answer(
      `waiting for rollout to finish: ${availableCount} of ${desiredCount} (readyThreshold ${rule.readyPercent}%) updated pods are available`,
    );
  return { kind: "ready" };
}

/** Why waiting makes no sense any more: below its minimum availability for longer than the deadline. */
function stuckReason(workload: WorkloadObservation, rule: ReadinessRule): string | undefined {
  const { available, progressing } = workload;
  if (progressing === undefined || available?.status !== "False") return undefined;
  if (available.reason !== "MinimumReplicasUnavailable") return undefined;
  return isOver(available.lastUpdateMs, rule) ? `unavailable for longer than ${deadlineText(rule)}` : undefined;
}

/** Why the last pods of a complete update are given up. */
function shortReason(workload: WorkloadObservation, rule: ReadinessRule): string | undefined {
  if (!isUntimed(workload) || !isOver(rule.shortSinceMs, rule)) return undefined;
  return `short of pods for longer than ${deadlineText(rule)}`;
}

/**
 * Why a rolling update is given up: its last progress, and the step that waits for it, are longer ago than the deadline. Pods
 * that are added after it are none of it.
 */
function lateReason({ progressing }: WorkloadObservation, rule: ReadinessRule): string | undefined {
  if (progressing?.lastUpdateMs === undefined || progressing.reason === UPDATED) return undefined;
  if (!isOver(Math.max(progressing.lastUpdateMs, rule.stepSinceMs), rule)) return undefined;
  return `without progress for longer than ${deadlineText(rule)}`;
}

/** Whether the deadline, counted from then, has passed. */
function isOver(sinceMs: number | undefined, { deadlineMs, nowMs }: ReadinessRule): boolean {
  return sinceMs !== undefined && sinceMs + deadlineMs <= nowMs;
}

function deadlineText({ deadlineMs }: ReadinessRule): string {
  return `the progress deadline of ${Math.round(deadlineMs / 1000)}s`;
}

function waiting(reason: string): Readiness {
  return { kind: "waiting", reason };
}

function stuck(reason: string): Readiness {
  return { kind: "stuck", reason };
}
