import { apiVersionOf, type KubeObject, type OwnerReference, resources } from "#api";
import { Failure } from "#base";
import { ApiFailure, sleep } from "#kube";
import {
  type Controller,
  type ControllerPorts,
  discoverResources,
  findKind,
  listOrNull,
  runController,
  type ServedResource,
} from "../shared/index.ts";
import { createOwnerGraph, type Node, nodeOf } from "./owner-graph.ts";
import {
  blockingDependents,
  FOREGROUND,
  isForeground,
  isOrphaning,
  ORPHAN,
  type OwnerState,
  planGarbage,
} from "./plan-garbage.ts";

/** How often discovery is asked again for kinds that no CRD announces. */
const REDISCOVER_MS = 60_000;
const MAX_SYNC_MS = 30_000;
/** The queue's key for discovery; no uid looks like it. */
const DISCOVER = "discover";
/** Many, never owners or owned. Source: kube-controller-manager ignores them too. */
const IGNORED: ReadonlySet<string> = new Set(["/events", "events.k8s.io/events"]);

/**
 * Deletes what has lost its owners, and carries out foreground and orphan deletion.
 *
 * Source: Kubernetes `garbagecollector`: owners are known by uid; a missing one is asked for at the server before anything
 * is deleted, because the copy may lag behind.
 */
export function startGarbageCollector(ports: ControllerPorts): Controller {
  const { client, informers } = ports;
  const graph = createOwnerGraph();
  const watched = new Set<string>();
  let served: readonly ServedResource[] = [];
  /** Settles once the graph is whole: before, an owner could seem to have no dependents. */
  let isWhole: Promise<void> = Promise.resolve();
  const controller = runController(ports, { name: "garbage-collector", reconcile: reconcileKey, concurrency: 8 });

  informers.of<KubeObject>(resources.customResourceDefinitions).onChange(() => controller.queue.add(DISCOVER));
  controller.queue.add(DISCOVER);

  async function reconcileKey(key: string): Promise<{ requeueAfterMs: number } | void> {
    if (key === DISCOVER) {
      await discover();
      return { requeueAfterMs: REDISCOVER_MS };
    }
    await isWhole;
    const node = graph.get(key);
    if (node === undefined) return;
    if (isOrphaning(node)) await orphanDependents(node);
    else if (isForeground(node)) await finishForeground(node);
    else await collect(node);
  }

  async function discover(): Promise<void> {
    served = await discoverResources(client);
    for (const resource of served) {
      const key = `${resource.group}/${resource.plural}`;
      if (
        watched.has(key) ||
        IGNORED.has(key) ||
        !["list", "watch", "delete"].every((verb) => resource.verbs.includes(verb))
      ) {
        continue;
      }
      watched.add(key);
      watch(resource);
    }
    // Bounded, since a kind whose definition is broken may never give a list.
    isWhole = Promise.race([informers.synced(), sleep(ports.clock, MAX_SYNC_MS, ports.signal)]);
  }

  function watch(resource: ServedResource): void {
    const informer = informers.of<KubeObject>(resource);
    informer.onChange(({ type, object }) => {
      if (type === "deleted") forget(object);
      else learn(resource, object);
    });
    // Another controller may have filled it already.
    for (const object of informer.list()) learn(resource, object);
  }

  function learn(resource: ServedResource, object: KubeObject): void {
    const node = nodeOf(resource, object);
    const before = graph.get(node.uid);
    graph.put(node);
    if (node.owners.length > 0 || node.isLeaving) controller.queue.add(node.uid);
    // An owner that starts to wait in the foreground changes what its dependents should do.
    if (node.isLeaving && before?.isLeaving !== true) enqueueDependents(node.uid);
    enqueueWaitingOwners(before, node);
  }

  function forget(object: KubeObject): void {
    const uid = object.metadata.uid ?? "";
    const before = graph.get(uid);
    graph.remove(uid);
    enqueueDependents(uid);
    enqueueWaitingOwners(before, undefined);
  }

  function enqueueDependents(uid: string): void {
    for (const dependent of graph.dependentsOf(uid)) controller.queue.add(dependent.uid);
  }

  /** An owner in foreground deletion may be done once a dependent goes or lets go of it. */
  function enqueueWaitingOwners(before: Node | undefined, after: Node | undefined): void {
    for (const owner of before?.owners ?? []) {
      const isGone =
        after?.owners.some((one) => one.uid === owner.uid && one.blockOwnerDeletion === owner.blockOwnerDeletion) !==
        true;
      if (isGone && graph.get(owner.uid) !== undefined) controller.queue.add(owner.uid);
    }
  }

  async function collect(node: Node): Promise<void> {
    if (node.owners.length === 0) return;
    const states = new Map<string, OwnerState>();
    for (const owner of node.owners) states.set(owner.uid, await stateOf(owner, node));
    const hasDependents = graph.dependentsOf(node.uid).length > 0;
    const plan = planGarbage(node, (owner) => states.get(owner.uid) ?? "alive", hasDependents);
    if (plan.action === "delete") {
      await client.delete(node.resource, node.key, {
        propagationPolicy: plan.propagationPolicy,
        preconditions: { uid: node.uid },
      });
    } else if (plan.action === "forgetOwners") await patchMetadata(node, { ownerReferences: listOrNull(plan.keep) });
  }

  async function stateOf(owner: OwnerReference, dependent: Node): Promise<OwnerState> {
    const known = graph.get(owner.uid);
    if (known !== undefined) return isForeground(known) ? "waiting" : "alive";
    const resource = findKind(served, owner);
    if (resource === undefined) {
      throw new Failure(
        `Cannot tell whether the owner ${owner.kind} "${owner.name}" exists: ${owner.apiVersion} is not served`,
        {
          code: "UnknownOwnerKind",
          retryable: true,
        },
      );
    }
    // A cluster-scoped object cannot be owned from within a namespace; upstream treats such a reference as one to nobody
    // that must not delete anything.
    if (resource.namespaced && dependent.key.namespace === undefined) return "alive";
    const key = { name: owner.name, ...(resource.namespaced ? { namespace: dependent.key.namespace ?? "" } : {}) };
    const live = await client.get<KubeObject>(resource, key);
    if (live === undefined || live.metadata.uid !== owner.uid) return "absent";
    return isForeground(nodeOf(resource, live)) ? "waiting" : "alive";
  }

  async function finishForeground(node: Node): Promise<void> {
    const blocking = blockingDependents(node, graph.dependentsOf(node.uid));
    if (blocking.length === 0) return removeFinalizer(node, FOREGROUND);
    for (const dependent of blocking) if (!isForeground(dependent)) controller.queue.add(dependent.uid);
  }

  async function orphanDependents(node: Node): Promise<void> {
    for (const dependent of graph.dependentsOf(node.uid)) {
      const keep = dependent.owners.filter((owner) => owner.uid !== node.uid);
      await patchMetadata(dependent, { ownerReferences: listOrNull(keep) });
    }
    await removeFinalizer(node, ORPHAN);
  }

  async function removeFinalizer(node: Node, finalizer: string): Promise<void> {
    const live = await client.get<KubeObject>(node.resource, node.key);
    if (live === undefined || live.metadata.uid !== node.uid) return;
    const finalizers = live.metadata.finalizers ?? [];
    if (!finalizers.includes(finalizer)) return;
    const { resourceVersion } = live.metadata;
    await patchMetadata(node, {
      resourceVersion,
      finalizers: listOrNull(finalizers.filter((one) => one !== finalizer)),
    });
  }

  async function patchMetadata(node: Node, metadata: Record<string, unknown>): Promise<void> {
    const body = {
      apiVersion: apiVersionOf(node.resource),
      kind: node.resource.kind,
      metadata: { uid: node.uid, ...metadata },
    };
    try {
      await client.patch(node.resource, node.key, { kind: "merge", body });
    } catch (thrown) {
      // Gone, or a namesake took its place: nothing is left to do.
      if (!(thrown instanceof ApiFailure) || (thrown.httpStatus !== 404 && !isUidConflict(thrown, node))) throw thrown;
    }
  }

  return controller;
}

function isUidConflict(failure: ApiFailure, node: Node): boolean {
  return (
    failure.httpStatus === 409 && failure.status?.details?.uid !== undefined && failure.status.details.uid !== node.uid
  );
}
