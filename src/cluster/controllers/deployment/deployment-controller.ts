import { type Deployment, type KubeObject, type Pod, type ReplicaSet, resources } from "#api";
import { ApiFailure, type EventRecorder, type Informer, type ReconcileOutcome } from "#kube";
import {
  type Controller,
  type ControllerPorts,
  controllerOf,
  controllerReference,
  createWriteLedger,
  keyOf,
  objectKey,
  ownerReferencesPatch,
  parseKey,
  performWrites,
  planClaims,
  recordAbout,
  runController,
  type Write,
} from "../shared/index.ts";
import { isSameTemplate } from "./hash-template.ts";
import { newReplicaSet } from "./new-replica-set.ts";
import { planDeployment } from "./plan-deployment.ts";
import { isRollingUpdate, sizesOf } from "./sizes.ts";

/** Rolls out deployments by way of ReplicaSets. */
export function startDeploymentController(ports: ControllerPorts): Controller {
  const { client, clock, informers } = ports;
  const deployments = informers.of<Deployment>(resources.deployments);
  const replicaSets = informers.of<ReplicaSet>(resources.replicaSets);
  const pods = informers.of<Pod>(resources.pods);
  const ledger = createWriteLedger(replicaSets, clock);
  const controller = runController(ports, { name: "deployment-controller", reconcile: reconcileKey, concurrency: 8 });

  deployments.onChange(({ object }) => controller.queue.add(keyOf(object)));
  replicaSets.onChange(({ object, old }) => {
    enqueueOwner(object);
    if (old !== undefined && controllerOf(old)?.uid !== controllerOf(object)?.uid) enqueueOwner(old);
  });
  pods.onChange(({ type, object }) => {
    // Only Recreate waits for single pods: for the last old one to be gone.
    if (type === "added") return;
    const replicaSet = findOwner(object, "ReplicaSet", replicaSets);
    const deployment = replicaSet === undefined ? undefined : findOwner(replicaSet, "Deployment", deployments);
    if (deployment !== undefined && !isRollingUpdate(deployment)) controller.queue.add(keyOf(deployment));
  });

  function enqueueOwner(replicaSet: ReplicaSet): void {
    const namespace = replicaSet.metadata.namespace ?? "";
    const owner = controllerOf(replicaSet);
    if (owner !== undefined) {
      if (owner.kind === "Deployment") controller.queue.add(`${namespace}/${owner.name}`);
      return;
    }
    for (const deployment of deployments.list(namespace)) {
      if (planClaims(deployment, deployment.spec.selector, [replicaSet]).adopt.length > 0) {
        controller.queue.add(keyOf(deployment));
      }
    }
  }

  async function reconcileKey(key: string, { events }: { events: EventRecorder }): Promise<ReconcileOutcome | void> {
    const deployment = deployments.get(parseKey(key));
    if (deployment === undefined) return;
    if (selectsEverything(deployment)) return refuseSelector(deployment, events);
    const claimed = await claimReplicaSets(deployment, events);
    const namespace = deployment.metadata.namespace ?? "";
    const { writes, requeueAfterMs } = planDeployment({
      deployment,
      replicaSets: claimed,
      podsOf: (uid) => pods.list(namespace).filter((pod) => controllerOf(pod)?.uid === uid),
      nowMs: clock.nowMs(),
    });
    try {
      await performWrites({ client, events, onWritten: noteReplicaSet }, writes);
    } catch (thrown) {
      if (!(thrown instanceof ApiFailure) || thrown.code !== "AlreadyExists") throw thrown;
      await resolveCollision(deployment);
    }
    return requeueAfterMs === undefined ? undefined : { requeueAfterMs };
  }

  function noteReplicaSet(object: KubeObject): void {
    if (object.kind === resources.replicaSets.kind) ledger.noteWritten(object as ReplicaSet);
  }

  async function claimReplicaSets(deployment: Deployment, events: EventRecorder): Promise<readonly ReplicaSet[]> {
    const candidates = ledger.list(deployment.metadata.namespace ?? "");
    const { owned, adopt, release } = planClaims(deployment, deployment.spec.selector, candidates);
    if (adopt.length > 0) {
      const live = await client.get<Deployment>(resources.deployments, objectKey(deployment));
      if (live?.metadata.uid !== deployment.metadata.uid || live?.metadata.deletionTimestamp !== undefined)
        return owned;
    }
    const owner = controllerReference(deployment, resources.deployments);
    const writes: Write[] = [
      ...adopt.map((one) => ownerReferencesPatch(resources.replicaSets, one, [...ownersOf(one), owner])),
      ...release.map((one) => {
        const others = ownersOf(one).filter((reference) => reference.uid !== owner.uid);
        return ownerReferencesPatch(resources.replicaSets, one, others);
      }),
    ];
    await performWrites({ client, events }, writes);
    return [...owned, ...adopt];
  }

  /**
   * The new ReplicaSet's name is taken: by our own that the copy does not show yet, then there is nothing to do, or by
   * another template with the same hash, then the collision count gives the next attempt another name.
   */
  async function resolveCollision(deployment: Deployment): Promise<void> {
    const { name = "", namespace = "" } = newReplicaSet(deployment, {
      revision: 0,
      replicas: 0,
      sizes: sizesOf(deployment),
    }).metadata;
    const taken = await client.get<ReplicaSet>(resources.replicaSets, { namespace, name });
    if (taken === undefined) return controller.queue.addAfter(keyOf(deployment), 100);
    const isOurs = controllerOf(taken)?.uid === deployment.metadata.uid;
    if (isOurs && isSameTemplate(taken.spec.template, deployment.spec.template)) return;
    const status = { ...deployment.status, collisionCount: (deployment.status?.collisionCount ?? 0) + 1 };
    await client.update<Deployment>(resources.deployments, { ...deployment, status }, { subresource: "status" });
  }

  /** A selector that selects every pod would take over those of others. Source: upstream's SelectingAll event. */
  async function refuseSelector(deployment: Deployment, events: EventRecorder): Promise<void> {
    recordAbout(events, deployment, {
      type: "Warning",
      reason: "SelectingAll",
      message: "This deployment is selecting all pods. A non-empty selector is required.",
    });
    const observedGeneration = deployment.metadata.generation ?? 0;
    if ((deployment.status?.observedGeneration ?? 0) >= observedGeneration) return;
    const status = { ...deployment.status, observedGeneration };
    await client.update<Deployment>(resources.deployments, { ...deployment, status }, { subresource: "status" });
  }

  return controller;
}

function selectsEverything(deployment: Deployment): boolean {
  const { matchLabels = {}, matchExpressions = [] } = deployment.spec.selector;
  return Object.keys(matchLabels).length === 0 && matchExpressions.length === 0;
}

function ownersOf(object: KubeObject) {
  return object.metadata.ownerReferences ?? [];
}

function findOwner<T extends KubeObject>(object: KubeObject, kind: string, owners: Informer<T>): T | undefined {
  const reference = controllerOf(object);
  if (reference === undefined || reference.kind !== kind) return undefined;
  return owners.get({ namespace: object.metadata.namespace ?? "", name: reference.name });
}
