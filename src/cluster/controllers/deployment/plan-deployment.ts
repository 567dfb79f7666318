import { type Condition, type Deployment, type Pod, type ReplicaSet, resources } from "#api";
import { deepEqual } from "#base";
import { isPodEnded, objectKey, type Write } from "../shared/index.ts";
import { newestAnnotations, REVISION, revisionOf, withSize } from "./annotations.ts";
import {
  createdCondition,
  deadlineCheckInMs,
  findCondition,
  foundCondition,
  isComplete,
  pauseCondition,
  progressDeadlineMs,
  setCondition,
} from "./conditions.ts";
import { planStatus } from "./deployment-status.ts";
import { isSameTemplate } from "./hash-template.ts";
import { newReplicaSet } from "./new-replica-set.ts";
import { newestSize, planRollingStep } from "./roll.ts";
import { isScaling, planScale, type Resize } from "./scale-proportionally.ts";
import { activeOnly, byCreation, isRollingUpdate, type Sizes, sizesOf, specReplicas, totalReplicas } from "./sizes.ts";

export interface DeploymentInput {
  readonly deployment: Deployment;
  /** Those that it owns. */
  readonly replicaSets: readonly ReplicaSet[];
  /** Pods of a ReplicaSet, by its uid; asked for only by strategy Recreate. */
  readonly podsOf: (replicaSetUid: string) => readonly Pod[];
  readonly nowMs: number;
}

export interface DeploymentPlan {
  readonly writes: readonly Write[];
  readonly requeueAfterMs: number | undefined;
}

/** What one reconcile has decided so far. ReplicaSets are as they will be after the writes. */
interface Draft {
  readonly newest: ReplicaSet | undefined;
  readonly old: readonly ReplicaSet[];
  readonly conditions: readonly Condition[];
  readonly writes: readonly Write[];
}

/**
 * Plans one reconcile of a deployment: at most one step of its rollout, then the status that follows from it.
 *
 * Source: Kubernetes `deployment_controller.go` syncDeployment, in its order: leaving, paused, scaled, rolled out.
 */
export function planDeployment(input: DeploymentInput): DeploymentPlan {
  const { deployment } = input;
  const sizes = sizesOf(deployment);
  const start = startDraft(input);
  if (deployment.metadata.deletionTimestamp !== undefined) return finish(input, start, false);
  if (deployment.spec.paused === true || isScaling(sizes.desired, input.replicaSets)) {
    const draft = adoptNewest(input, start);
    const scaled = applyResizes(deployment, draft, scaleOf(input, draft, sizes));
    return finish(input, deployment.spec.paused === true ? cleanUp(deployment, scaled) : scaled, false);
  }
  const rolled = isRollingUpdate(deployment) ? rollOut(input, start, sizes) : recreate(input, start, sizes);
  return finish(input, rolled, true);
}

function startDraft({ deployment, replicaSets, nowMs }: DeploymentInput): Draft {
  const matching = byCreation(replicaSets).filter((replicaSet) =>
    isSameTemplate(replicaSet.spec.template, deployment.spec.template),
  );
  // The oldest of several that match, so that all reconciles agree. Source: Kubernetes `FindNewReplicaSet`.
  const newest = matching[0];
  const conditions = deployment.status?.conditions ?? [];
  const pause = pauseCondition(deployment);
  return {
    newest,
    old: replicaSets.filter((replicaSet) => replicaSet !== newest),
    conditions: pause === undefined ? conditions : setCondition(conditions, pause, nowMs),
    writes: [],
  };
}

/** Brings the newest ReplicaSet's annotations and the deployment's revision up to date; it is not created when missing. */
function adoptNewest({ deployment, nowMs }: DeploymentInput, draft: Draft): Draft {
  const { newest } = draft;
  if (newest === undefined) return draft;
  const revision = Math.max(0, ...draft.old.map(revisionOf)) + 1;
  const annotations = newestAnnotations(deployment, newest.metadata.annotations, revision);
  const minReadySeconds = deployment.spec.minReadySeconds ?? 0;
  const isCurrent =
    deepEqual(annotations, newest.metadata.annotations ?? {}) && (newest.spec.minReadySeconds ?? 0) === minReadySeconds;
  const updated: ReplicaSet = isCurrent
    ? newest
    : { ...newest, metadata: { ...newest.metadata, annotations }, spec: { ...newest.spec, minReadySeconds } };
  const needsFound =
    progressDeadlineMs(deployment) !== undefined && findCondition(draft.conditions, "Progressing") === undefined;
  return {
    ...draft,
    newest: updated,
    conditions: needsFound
      ? setCondition(draft.conditions, foundCondition(newest.metadata.name ?? ""), nowMs)
      : draft.conditions,
    writes: [...draft.writes, ...(isCurrent ? [] : [updateOf(updated)])],
  };
}

/** The same, and a new ReplicaSet when the template has none yet. */
function ensureNewest(input: DeploymentInput, draft: Draft, sizes: Sizes): Draft {
  if (draft.newest !== undefined) return adoptNewest(input, draft);
  const { deployment, nowMs } = input;
  const revision = Math.max(0, ...draft.old.map(revisionOf)) + 1;
  const empty = newReplicaSet(deployment, { revision, replicas: 0, sizes });
  const replicas = isRollingUpdate(deployment) ? newestSize(sizes, empty, draft.old) : sizes.desired;
  const created = newReplicaSet(deployment, { revision, replicas, sizes });
  const name = created.metadata.name ?? "";
  const hasDeadline = progressDeadlineMs(deployment) !== undefined;
  return {
    ...draft,
    newest: created,
    conditions: hasDeadline ? setCondition(draft.conditions, createdCondition(name), nowMs) : draft.conditions,
    writes: [
      ...draft.writes,
      { verb: "create", resource: resources.replicaSets, object: created },
      ...(replicas === 0 ? [] : [scalingEvent(deployment, `Scaled up replica set ${name} to ${replicas}`)]),
    ],
  };
}

function rollOut(input: DeploymentInput, start: Draft, sizes: Sizes): Draft {
  const { deployment } = input;
  const draft = ensureNewest(input, start, sizes);
  // Created in this very step: its pods come first.
  if (draft.newest === undefined || start.newest === undefined) return draft;
  const resizes = planRollingStep(sizes, draft.newest, draft.old);
  if (resizes.length > 0) return applyResizes(deployment, draft, resizes);
  return isComplete(deployment, deployment.status ?? {}) ? cleanUp(deployment, draft) : draft;
}

/** Old pods go first, all of them; only then the new ones come. Source: Kubernetes `deployment/recreate.go`. */
function recreate(input: DeploymentInput, start: Draft, sizes: Sizes): Draft {
  const { deployment } = input;
  const adopted = adoptNewest(input, start);
  const active = activeOnly(adopted.old);
  if (active.length > 0) {
    return applyResizes(
      deployment,
      adopted,
      active.map((replicaSet) => ({ replicaSet, replicas: 0 })),
    );
  }
  if (hasRunningPods(input, adopted.old)) return adopted;
  const draft = adopted.newest === undefined ? ensureNewest(input, adopted, sizes) : adopted;
  if (draft.newest === undefined) return draft;
  if (specReplicas(draft.newest) !== sizes.desired) {
    return applyResizes(deployment, draft, [{ replicaSet: draft.newest, replicas: sizes.desired }]);
  }
  return isComplete(deployment, deployment.status ?? {}) ? cleanUp(deployment, draft) : draft;
}

function hasRunningPods({ podsOf }: DeploymentInput, old: readonly ReplicaSet[]): boolean {
  if (totalReplicas(old) > 0) return true;
  return old.some((replicaSet) => podsOf(replicaSet.metadata.uid ?? "").some((pod) => !isPodEnded(pod)));
}

function scaleOf({ deployment }: DeploymentInput, draft: Draft, sizes: Sizes): readonly Resize[] {
  return planScale({
    sizes,
    isRolling: isRollingUpdate(deployment),
    newest: draft.newest,
    old: draft.old,
    statusReplicas: deployment.status?.replicas ?? 0,
  });
}

/** Turns resizes into updates with events; the size annotations follow the deployment even where the count stays. */
function applyResizes(deployment: Deployment, draft: Draft, resizes: readonly Resize[]): Draft {
  const sizes = sizesOf(deployment);
  const writes: Write[] = [];
  const resized = new Map<string | undefined, ReplicaSet>();
  for (const { replicaSet, replicas } of resizes) {
    const before = specReplicas(replicaSet);
    const annotations = withSize(replicaSet.metadata.annotations, sizes.desired, sizes.desired + sizes.maxSurge);
    if (before === replicas && deepEqual(annotations, replicaSet.metadata.annotations)) continue;
    const next: ReplicaSet = {
      ...replicaSet,
      metadata: { ...replicaSet.metadata, annotations },
      spec: { ...replicaSet.spec, replicas },
    };
    resized.set(replicaSet.metadata.uid, next);
    writes.push(updateOf(next));
    if (before === replicas) continue;
    const direction = replicas > before ? "up" : "down";
    const message = `Scaled ${direction} replica set ${replicaSet.metadata.name} to ${replicas} from ${before}`;
    writes.push(scalingEvent(deployment, message));
  }
  const latest = (replicaSet: ReplicaSet): ReplicaSet => resized.get(replicaSet.metadata.uid) ?? replicaSet;
  return {
    ...draft,
    newest: draft.newest === undefined ? undefined : latest(draft.newest),
    old: draft.old.map(latest),
    // One update for each ReplicaSet: the last one holds the earlier changes, and a second would meet a newer version.
    writes: [...draft.writes.filter((write) => !isReplacedBy(write, resized)), ...writes],
  };
}

function isReplacedBy(write: Write, resized: ReadonlyMap<string | undefined, ReplicaSet>): boolean {
  return write.verb === "update" && resized.has(write.object.metadata.uid);
}

/** Deletes old ReplicaSets beyond the history limit, lowest revision first. Source: Kubernetes `cleanupDeployment`. */
function cleanUp(deployment: Deployment, draft: Draft): Draft {
  const alive = draft.old.filter((replicaSet) => replicaSet.metadata.deletionTimestamp === undefined);
  const excess = alive.length - (deployment.spec.revisionHistoryLimit ?? 10);
  const gone = [...alive].sort((a, b) => revisionOf(a) - revisionOf(b)).slice(0, Math.max(0, excess));
  const writes = gone.filter(isSettledEmpty).map(deleteOf);
  return { ...draft, writes: [...draft.writes, ...writes] };
}

function isSettledEmpty(replicaSet: ReplicaSet): boolean {
  const isObserved = (replicaSet.metadata.generation ?? 0) <= (replicaSet.status?.observedGeneration ?? 0);
  return specReplicas(replicaSet) === 0 && (replicaSet.status?.replicas ?? 0) === 0 && isObserved;
}

/** Status and revision in one write: a write to the status may change the annotations without a new generation. */
function finish(input: DeploymentInput, draft: Draft, isRollout: boolean): DeploymentPlan {
  const { deployment, nowMs } = input;
  const { newest, old, conditions, writes } = draft;
  const status = planStatus({ deployment, newest, old, conditions, isRollout, nowMs });
  const annotations =
    newest === undefined
      ? deployment.metadata.annotations
      : { ...deployment.metadata.annotations, [REVISION]: String(revisionOf(newest)) };
  const isSame = deepEqual(status, deployment.status ?? {}) && deepEqual(annotations, deployment.metadata.annotations);
  const metadata = annotations === undefined ? deployment.metadata : { ...deployment.metadata, annotations };
  const object: Deployment = { ...deployment, metadata, status };
  const write: Write = { verb: "update", resource: resources.deployments, object, subresource: "status" };
  return {
    writes: isSame ? writes : [...writes, write],
    requeueAfterMs: isRollout ? deadlineCheckInMs(deployment, status, nowMs) : undefined,
  };
}

function updateOf(replicaSet: ReplicaSet): Write {
  return { verb: "update", resource: resources.replicaSets, object: replicaSet };
}

function deleteOf(replicaSet: ReplicaSet): Write {
  const { uid } = replicaSet.metadata;
  const options = { propagationPolicy: "Background", preconditions: uid === undefined ? {} : { uid } } as const;
  return { verb: "delete", resource: resources.replicaSets, key: objectKey(replicaSet), options };
}

function scalingEvent(deployment: Deployment, message: string): Write {
  return { verb: "event", about: deployment, event: { type: "Normal", reason: "ScalingReplicaSet", message } };
}
