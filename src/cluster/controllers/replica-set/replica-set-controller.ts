import { type Pod, type ReplicaSet, resources } from "#api";
import { messageOf } from "#base";
import type { EventRecorder, ReconcileOutcome } from "#kube";
import {
  type Controller,
  type ControllerPorts,
  controllerOf,
  controllerReference,
  createWriteLedger,
  createPods,
  deletePods,
  isPodActive,
  keyOf,
  objectKey,
  ownerReferencesPatch,
  parseKey,
  performWrites,
  planClaims,
  runController,
  type Write,
} from "../shared/index.ts";
import { planReplicaSet, planReplicaSetStatus, type PodWriteFailure } from "./plan-replica-set.ts";

/** Keeps as many pods as each ReplicaSet asks for. */
export function startReplicaSetController(ports: ControllerPorts): Controller {
  const { client, clock, informers } = ports;
  const replicaSets = informers.of<ReplicaSet>(resources.replicaSets);
  const pods = informers.of<Pod>(resources.pods);
  const ledger = createWriteLedger(pods, clock);
  const controller = runController(ports, { name: "replicaset-controller", reconcile: reconcileKey, concurrency: 8 });

  replicaSets.onChange(({ object }) => controller.queue.add(keyOf(object)));
  pods.onChange(({ object, old }) => {
    enqueueOwner(object);
    if (old !== undefined && controllerOf(old)?.uid !== controllerOf(object)?.uid) enqueueOwner(old);
  });

  function enqueueOwner(pod: Pod): void {
    const namespace = pod.metadata.namespace ?? "";
    const owner = controllerOf(pod);
    if (owner !== undefined) {
      if (owner.kind === "ReplicaSet") controller.queue.add(`${namespace}/${owner.name}`);
      return;
    }
    // An orphan may be taken over by whoever selects it.
    for (const replicaSet of replicaSets.list(namespace)) {
      if (planClaims(replicaSet, replicaSet.spec.selector, [pod]).adopt.length > 0) {
        controller.queue.add(keyOf(replicaSet));
      }
    }
  }

  async function reconcileKey(key: string, { events }: { events: EventRecorder }): Promise<ReconcileOutcome | void> {
    const replicaSet = replicaSets.get(parseKey(key));
    if (replicaSet === undefined) return;
    const owned = await claimPods(replicaSet, events);
    const plan = planReplicaSet(replicaSet, owned, clock.nowMs());
    const write = { client, events, ledger };
    const createError = await createPods(write, replicaSet, plan.createPods);
    const deleteError = await deletePods(write, replicaSet, plan.deletePods);
    const failure = failureOf(createError, deleteError);
    const requeueAfterMs = await writeStatus(replicaSet, failure);
    if (createError !== undefined) throw createError;
    if (deleteError !== undefined) throw deleteError;
    return requeueAfterMs === undefined ? undefined : { requeueAfterMs };
  }

  async function claimPods(replicaSet: ReplicaSet, events: EventRecorder): Promise<readonly Pod[]> {
    const candidates = ledger.list(replicaSet.metadata.namespace ?? "").filter(isPodActive);
    const claims = planClaims(replicaSet, replicaSet.spec.selector, candidates);
    if (claims.adopt.length > 0 && !(await isStillThere(replicaSet))) return claims.owned;
    const owner = controllerReference(replicaSet, resources.replicaSets);
    const writes: Write[] = [
      ...claims.adopt.map((pod) =>
        ownerReferencesPatch(resources.pods, pod, [...(pod.metadata.ownerReferences ?? []), owner]),
      ),
      ...claims.release.map((pod) => ownerReferencesPatch(resources.pods, pod, withoutOwner(pod, owner.uid))),
    ];
    await performWrites({ client, events }, writes);
    return [...claims.owned, ...claims.adopt];
  }

  /** The copy may be old: a ReplicaSet that is on its way out must not adopt. Source: upstream RecheckDeletionTimestamp. */
  async function isStillThere(replicaSet: ReplicaSet): Promise<boolean> {
    const live = await client.get<ReplicaSet>(resources.replicaSets, objectKey(replicaSet));
    return live?.metadata.uid === replicaSet.metadata.uid && live?.metadata.deletionTimestamp === undefined;
  }

  async function writeStatus(
    replicaSet: ReplicaSet,
    failure: PodWriteFailure | undefined,
  ): Promise<number | undefined> {
    const owned = ledger.list(replicaSet.metadata.namespace ?? "").filter((pod) => {
      return isPodActive(pod) && controllerOf(pod)?.uid === replicaSet.metadata.uid;
    });
    const { status, requeueAfterMs } = planReplicaSetStatus(replicaSet, owned, { nowMs: clock.nowMs(), failure });
    if (status !== undefined) {
      await client.update<ReplicaSet>(resources.replicaSets, { ...replicaSet, status }, { subresource: "status" });
    }
    return requeueAfterMs;
  }

  return controller;
}

function withoutOwner(pod: Pod, ownerUid: string) {
  return (pod.metadata.ownerReferences ?? []).filter((reference) => reference.uid !== ownerUid);
}

function failureOf(createError: unknown, deleteError: unknown): PodWriteFailure | undefined {
  if (createError !== undefined) return { verb: "create", message: messageOf(createError) };
  if (deleteError !== undefined) return { verb: "delete", message: messageOf(deleteError) };
  return undefined;
}
