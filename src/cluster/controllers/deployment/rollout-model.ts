import type { Deployment, KubeObject, Pod, ReplicaSet } from "#api";
import type { Random } from "#base";
import { planReplicaSet, planReplicaSetStatus } from "../replica-set/plan-replica-set.ts";
import { controllerOf, isPodActive, isPodReady, type Write } from "../shared/index.ts";
import { planDeployment } from "./plan-deployment.ts";
import { type Sizes, sizesOf } from "./sizes.ts";

/**
 * For tests: a deployment's little world, with a server that refuses stale writes and a copy that lags behind until it is
 * refreshed. The planners run on the copy, as the controllers do.
 */
export interface RolloutModel {
  readonly deployment: () => Deployment;
  readonly replicaSets: () => readonly ReplicaSet[];
  readonly activePods: () => readonly Pod[];
  readonly events: readonly string[];
  nowMs: number;
  edit(change: (deployment: Deployment) => Deployment): void;
  reconcileDeployment(): void;
  reconcileReplicaSet(index: number): void;
  /** Makes one more pod ready; false when all are. */
  makeReady(random: Random): boolean;
  kill(random: Random): void;
  refresh(): void;
  refreshOne(random: Random): void;
  /** Called before a controller creates or deletes a pod. */
  onPodWrite: ((write: { verb: "create" | "delete"; pod: Pod }) => void) | undefined;
}

export function availableCount(pods: readonly Pod[]): number {
  return pods.filter(isPodReady).length;
}

export function currentSizes(model: RolloutModel): Sizes {
  return sizesOf(model.deployment());
}

export function createRolloutModel(first: Deployment): RolloutModel {
  const live = new Map<string, KubeObject>();
  const copy = new Map<string, KubeObject>();
  const events: string[] = [];
  let version = 0;
  let sequence = 0;

  const idOf = (object: KubeObject): string => `${object.kind}/${object.metadata.name}`;
  function store(object: KubeObject): void {
    version += 1;
    live.set(idOf(object), { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } });
  }
  function create(object: KubeObject): void {
    sequence += 1;
    const name = object.metadata.name ?? `${object.metadata.generateName}${sequence}`;
    const created = { creationTimestamp: new Date(model.nowMs).toISOString(), uid: `uid-${sequence}`, generation: 1 };
    store({ ...object, metadata: { ...object.metadata, ...created, name } });
  }
  function update(object: KubeObject, subresource: string | undefined): boolean {
    const before = live.get(idOf(object));
    if (before === undefined || before.metadata.resourceVersion !== object.metadata.resourceVersion) return false;
    const isStatus = subresource === "status";
    const generation = (before.metadata.generation ?? 0) + (isStatus || same(before.spec, object.spec) ? 0 : 1);
    store(
      isStatus
        ? {
            ...before,
            status: object.status,
            metadata: { ...before.metadata, annotations: object.metadata.annotations ?? {} },
          }
        : { ...object, status: before.status, metadata: { ...object.metadata, generation } },
    );
    return true;
  }
  function perform(writes: readonly Write[]): void {
    for (const write of writes) {
      if (write.verb === "event") events.push(write.event.message);
      else if (write.verb === "create") {
        if (live.has(idOf(write.object))) return;
        create(write.object);
        showOwnWrite(write.object);
      } else if (write.verb === "update") {
        if (!update(write.object, write.subresource)) return;
        showOwnWrite(write.object);
      } else if (write.verb === "delete") live.delete(`ReplicaSet/${write.key.name}`);
    }
  }
  /** What the controller wrote itself is in its ledger at once. */
  function showOwnWrite(object: KubeObject): void {
    const stored = live.get(idOf(object));
    if (stored?.kind === "ReplicaSet") copy.set(idOf(object), stored);
  }
  const of = <T extends KubeObject>(objects: ReadonlyMap<string, KubeObject>, kind: string): T[] =>
    [...objects.values()].filter((object) => object.kind === kind) as T[];
  // Own pod writes are in the ledger at once, so a ReplicaSet's view of its pods is current.
  const podsOf = (uid: string | undefined): Pod[] =>
    of<Pod>(live, "Pod").filter((pod) => controllerOf(pod)?.uid === uid && isPodActive(pod));

  const model: RolloutModel = {
    nowMs: Date.parse("2026-01-01T00:00:00Z"),
    onPodWrite: undefined,
    events,
    deployment: () => of<Deployment>(live, "Deployment")[0] as Deployment,
    replicaSets: () => of<ReplicaSet>(live, "ReplicaSet"),
    activePods: () => of<Pod>(live, "Pod").filter(isPodActive),
    edit(change) {
      const before = model.deployment();
      update({ ...change(before), metadata: before.metadata }, undefined);
    },
    reconcileDeployment() {
      const deployment = of<Deployment>(copy, "Deployment")[0];
      if (deployment === undefined) return;
      const replicaSets = of<ReplicaSet>(copy, "ReplicaSet");
      perform(planDeployment({ deployment, replicaSets, podsOf, nowMs: model.nowMs }).writes);
    },
    reconcileReplicaSet(index) {
      const all = of<ReplicaSet>(copy, "ReplicaSet");
      const replicaSet = all[index % Math.max(1, all.length)];
      if (replicaSet === undefined) return;
      const plan = planReplicaSet(replicaSet, podsOf(replicaSet.metadata.uid), model.nowMs);
      for (const pod of plan.createPods) {
        model.onPodWrite?.({ verb: "create", pod });
        create({ ...pod, status: { phase: "Pending" } });
      }
      for (const pod of plan.deletePods) {
        model.onPodWrite?.({ verb: "delete", pod });
        live.delete(idOf(pod));
      }
      const options = { nowMs: model.nowMs, failure: undefined };
      const { status } = planReplicaSetStatus(replicaSet, podsOf(replicaSet.metadata.uid), options);
      if (status !== undefined) update({ ...replicaSet, status }, "status");
    },
    makeReady(random) {
      const waiting = model.activePods().filter((pod) => !isPodReady(pod));
      const pod = waiting[Math.floor(random.next() * waiting.length)];
      if (pod === undefined) return false;
      const lastTransitionTime = new Date(model.nowMs).toISOString();
      store({
        ...pod,
        status: { phase: "Running", conditions: [{ type: "Ready", status: "True", lastTransitionTime }] },
      });
      return true;
    },
    kill(random) {
      const pods = model.activePods();
      const pod = pods[Math.floor(random.next() * pods.length)];
      if (pod !== undefined) live.delete(idOf(pod));
    },
    refresh() {
      copy.clear();
      for (const [id, object] of live) copy.set(id, object);
    },
    refreshOne(random) {
      const ids = [...new Set([...live.keys(), ...copy.keys()])].filter((id) => !id.startsWith("Pod/"));
      const id = ids[Math.floor(random.next() * ids.length)] ?? "";
      const object = live.get(id);
      if (object === undefined) copy.delete(id);
      else copy.set(id, object);
    },
  };
  create(first);
  model.refresh();
  return model;
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
