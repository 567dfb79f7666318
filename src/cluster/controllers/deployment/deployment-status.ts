import type { Condition, Deployment, ReplicaSet } from "#api";
import { availableCondition, setCondition, withoutCondition, withProgress } from "./conditions.ts";
import { sizesOf, totalAvailable, totalReplicas, totalSpecReplicas } from "./sizes.ts";

type Status = NonNullable<Deployment["status"]>;

export interface StatusInput {
  readonly deployment: Deployment;
  readonly newest: ReplicaSet | undefined;
  readonly old: readonly ReplicaSet[];
  /** Conditions that this reconcile has set already. */
  readonly conditions: readonly Condition[];
  /** False while only scaling or paused: then the rollout's progress is not judged. */
  readonly isRollout: boolean;
  readonly nowMs: number;
}

/** Computes a deployment's status from its ReplicaSets. Source: Kubernetes `calculateStatus`, `syncRolloutStatus`. */
export function planStatus(input: StatusInput): Status {
  const { deployment, newest, old, nowMs } = input;
  const all = newest === undefined ? [...old] : [...old, newest];
  const available = totalAvailable(all);
  const counts = {
    replicas: totalReplicas(all),
    updatedReplicas: newest === undefined ? 0 : totalReplicas([newest]),
    readyReplicas: all.reduce((sum, replicaSet) => sum + (replicaSet.status?.readyReplicas ?? 0), 0),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, totalSpecReplicas(all) - available),
  };
  const { collisionCount } = deployment.status ?? {};
  const base = {
    observedGeneration: deployment.metadata.generation ?? 0,
    // Servers leave zero counts out.
    ...Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0)),
    ...(collisionCount === undefined ? {} : { collisionCount }),
  };
  const conditions = setCondition(input.conditions, availableCondition(sizesOf(deployment), all), nowMs);
  if (!input.isRollout) return { ...base, conditions };
  const progressed = withProgress({ deployment, newest, nowMs, status: { ...base, conditions } });
  return { ...base, conditions: withReplicaFailure(progressed, all, newest) };
}

/** Source: Kubernetes `getReplicaFailures`: the newest one's failure counts before that of any other. */
function withReplicaFailure(
  conditions: readonly Condition[],
  all: readonly ReplicaSet[],
  newest: ReplicaSet | undefined,
): readonly Condition[] {
  const failures = [...(newest === undefined ? [] : [newest]), ...all].flatMap((replicaSet) =>
    (replicaSet.status?.conditions ?? []).filter((condition) => condition.type === "ReplicaFailure"),
  );
  const failure = failures[0];
  const others = withoutCondition(conditions, "ReplicaFailure");
  if (failure === undefined) return others.length === conditions.length ? conditions : others;
  const before = conditions.find((condition) => condition.type === "ReplicaFailure");
  if (before?.reason === failure.reason && before?.status === failure.status) return conditions;
  return [...others, { lastUpdateTime: failure.lastTransitionTime ?? "", ...failure }];
}
