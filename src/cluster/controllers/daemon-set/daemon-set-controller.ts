import { type DaemonSet, type Pod, resources } from "#api";
import type { EventRecorder, ReconcileOutcome } from "#kube";
import {
  type Controller,
  type ControllerPorts,
  controllerOf,
  createWriteLedger,
  createPods,
  deletePods,
  keyOf,
  parseKey,
  runController,
} from "../shared/index.ts";
import type { DaemonNode } from "./daemon-node.ts";
import { nextAvailableInMs, planDaemonSet, planDaemonSetStatus } from "./plan-daemon-set.ts";

/** Keeps one pod of each DaemonSet on each node. Pods are owned by reference alone; orphans are not adopted. */
export function startDaemonSetController(ports: ControllerPorts): Controller {
  const { client, clock, informers } = ports;
  const daemonSets = informers.of<DaemonSet>(resources.daemonSets);
  const nodes = informers.of<DaemonNode>(resources.nodes);
  const pods = informers.of<Pod>(resources.pods);
  const ledger = createWriteLedger(pods, clock);
  const controller = runController(ports, { name: "daemonset-controller", reconcile: reconcileKey, concurrency: 2 });

  daemonSets.onChange(({ object }) => controller.queue.add(keyOf(object)));
  pods.onChange(({ object }) => {
    const owner = controllerOf(object);
    if (owner?.kind === "DaemonSet") controller.queue.add(`${object.metadata.namespace}/${owner.name}`);
  });
  nodes.onChange(({ type }) => {
    // Nodes report every few seconds; only their coming and going places pods.
    if (type !== "modified") for (const daemonSet of daemonSets.list()) controller.queue.add(keyOf(daemonSet));
  });

  async function reconcileKey(key: string, { events }: { events: EventRecorder }): Promise<ReconcileOutcome | void> {
    const daemonSet = daemonSets.get(parseKey(key));
    if (daemonSet === undefined) return;
    const read = () => ({
      daemonSet,
      nodes: nodes.list(),
      pods: ledger
        .list(daemonSet.metadata.namespace ?? "")
        .filter((pod) => controllerOf(pod)?.uid === daemonSet.metadata.uid),
      nowMs: clock.nowMs(),
    });
    const plan = planDaemonSet(read());
    const write = { client, events, ledger };
    const deleteError = await deletePods(write, daemonSet, plan.deletePods);
    const createError = await createPods(write, daemonSet, plan.createPods);
    const status = planDaemonSetStatus(read());
    if (status !== undefined) {
      await client.update<DaemonSet>(resources.daemonSets, { ...daemonSet, status }, { subresource: "status" });
    }
    if (createError !== undefined) throw createError;
    if (deleteError !== undefined) throw deleteError;
    const requeueAfterMs = nextAvailableInMs(read());
    return requeueAfterMs === undefined ? undefined : { requeueAfterMs };
  }

  return controller;
}
