import { type Condition, type Pod, type ReplicaSet, resources } from "#api";
import { deepEqual } from "#base";
import { availableInMs, controllerReference, formatTime, isPodReady } from "../shared/index.ts";
import { rankVictims } from "./rank-victims.ts";

/** Pods created or deleted in one reconcile. Source: Kubernetes `replicaset.BurstReplicas`. */
const BURST_COUNT = 500;

export interface ReplicaSetPlan {
  readonly createPods: readonly Pod[];
  readonly deletePods: readonly Pod[];
}

/** Plans which pods to create and delete, given the active pods that the ReplicaSet owns. */
export function planReplicaSet(replicaSet: ReplicaSet, pods: readonly Pod[], nowMs: number): ReplicaSetPlan {
  if (replicaSet.metadata.deletionTimestamp !== undefined) return { createPods: [], deletePods: [] };
  const missing = desiredReplicas(replicaSet) - pods.length;
  if (missing >= 0) {
    const count = Math.min(missing, BURST_COUNT);
    return { createPods: Array.from({ length: count }, () => podOf(replicaSet)), deletePods: [] };
  }
  return { createPods: [], deletePods: rankVictims(pods, nowMs).slice(0, Math.min(-missing, BURST_COUNT)) };
}

/** The pod that a ReplicaSet's template describes. */
function podOf(replicaSet: ReplicaSet): Pod {
  const { name, namespace } = replicaSet.metadata;
  const { metadata = {}, spec } = replicaSet.spec.template;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      generateName: `${name}-`,
      ...(namespace === undefined ? {} : { namespace }),
      ...(metadata.labels === undefined ? {} : { labels: metadata.labels }),
      ...(metadata.annotations === undefined ? {} : { annotations: metadata.annotations }),
      ...(metadata.finalizers === undefined ? {} : { finalizers: metadata.finalizers }),
      ownerReferences: [controllerReference(replicaSet, resources.replicaSets)],
    },
    spec,
  };
}

/** The count of pods asked for; the API server fills the default, so absence is only seen in tests and old stores. */
function desiredReplicas(replicaSet: ReplicaSet): number {
  return replicaSet.spec.replicas ?? 1;
}

/** What the last attempt to create or delete pods met. */
export interface PodWriteFailure {
  readonly verb: "create" | "delete";
  readonly message: string;
}

export interface ReplicaSetStatusPlan {
  /** Absent when the status is as it should be. */
  readonly status: ReplicaSet["status"];
  readonly requeueAfterMs: number | undefined;
}

/** Computes the status from the pods, and when to look again because a pod becomes available by the mere passing of time. */
export function planReplicaSetStatus(
  replicaSet: ReplicaSet,
  pods: readonly Pod[],
  options: { readonly nowMs: number; readonly failure: PodWriteFailure | undefined },
): ReplicaSetStatusPlan {
  const { nowMs } = options;
  const minReadySeconds = replicaSet.spec.minReadySeconds ?? 0;
  const waits = pods.map((pod) => availableInMs(pod, minReadySeconds, nowMs)).filter((waitMs) => waitMs !== undefined);
  const conditions = conditionsOf(replicaSet, options);
  const status: NonNullable<ReplicaSet["status"]> = {
    replicas: pods.length,
    fullyLabeledReplicas: pods.filter((pod) => carriesTemplateLabels(pod, replicaSet)).length,
    readyReplicas: pods.filter(isPodReady).length,
    availableReplicas: waits.filter((waitMs) => waitMs === 0).length,
    observedGeneration: replicaSet.metadata.generation ?? 0,
    ...(conditions.length === 0 ? {} : { conditions }),
  };
  const future = waits.filter((waitMs) => waitMs > 0);
  return {
    status: isSameStatus(replicaSet.status, status) ? undefined : withoutZeros(status),
    requeueAfterMs: future.length === 0 ? undefined : Math.min(...future),
  };
}

function carriesTemplateLabels(pod: Pod, replicaSet: ReplicaSet): boolean {
  const labels = Object.entries(replicaSet.spec.template.metadata?.labels ?? {});
  return labels.every(([key, value]) => pod.metadata.labels?.[key] === value);
}

/** Source: Kubernetes `replica_set_utils` calculateStatus: one condition, ReplicaFailure, only while writes fail. */
function conditionsOf(
  replicaSet: ReplicaSet,
  { nowMs, failure }: { nowMs: number; failure: PodWriteFailure | undefined },
): readonly Condition[] {
  const others = (replicaSet.status?.conditions ?? []).filter((condition) => condition.type !== "ReplicaFailure");
  if (failure === undefined) return others;
  const before = replicaSet.status?.conditions?.find((condition) => condition.type === "ReplicaFailure");
  const reason = failure.verb === "create" ? "FailedCreate" : "FailedDelete";
  if (before?.reason === reason) return [...others, before];
  const lastTransitionTime = formatTime(nowMs);
  return [...others, { type: "ReplicaFailure", status: "True", reason, message: failure.message, lastTransitionTime }];
}

function isSameStatus(before: ReplicaSet["status"], after: NonNullable<ReplicaSet["status"]>): boolean {
  return before !== undefined && deepEqual(withoutZeros(before), withoutZeros(after));
}

/** Servers leave zero counts out, except `replicas`. */
function withoutZeros(status: NonNullable<ReplicaSet["status"]>): NonNullable<ReplicaSet["status"]> {
  const kept = Object.entries(status).filter(([key, value]) => key === "replicas" || value !== 0);
  return { replicas: status.replicas, ...Object.fromEntries(kept) };
}
