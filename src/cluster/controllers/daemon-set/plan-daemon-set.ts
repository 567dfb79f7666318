import { type DaemonSet, type Pod, resources } from "#api";
import { deepEqual, scaleIntOrPercent } from "#base";
import { hashTemplate } from "../deployment/hash-template.ts";
import { availableInMs, controllerReference, isPodActive, isPodEnded, isPodReady, timeMs } from "../shared/index.ts";
import type { DaemonNode } from "./daemon-node.ts";

const HASH_LABEL = "controller-revision-hash";

type Status = NonNullable<DaemonSet["status"]>;

export interface DaemonSetInput {
  readonly daemonSet: DaemonSet;
  readonly nodes: readonly DaemonNode[];
  /** Pods that it owns, ended and leaving ones included. */
  readonly pods: readonly Pod[];
  readonly nowMs: number;
}

export interface DaemonSetPlan {
  readonly createPods: readonly Pod[];
  readonly deletePods: readonly Pod[];
}

/**
 * Plans one pod for each node that the template's node selector admits. Failed pods are replaced; of an old template, as many
 * are deleted as may be unavailable, and their successors come with the next reconcile; with `maxSurge` the successor comes first,
 * and the old pod goes once it is available.
 *
 * Source: Kubernetes `daemon_controller.go` manage and `update.go` rollingUpdate. Pods get their node's name
 * directly; upstream uses an affinity that its scheduler turns into the same.
 */
export function planDaemonSet(input: DaemonSetInput): DaemonSetPlan {
  const { daemonSet, pods } = input;
  if (daemonSet.metadata.deletionTimestamp !== undefined) return { createPods: [], deletePods: [] };
  const wanted = eligibleNodes(daemonSet, input.nodes).map((node) => node.metadata.name ?? "");
  const createPods: Pod[] = [];
  const deletePods: Pod[] = [];
  for (const nodeName of wanted) {
    const here = pods.filter((pod) => pod.spec.nodeName === nodeName && pod.metadata.deletionTimestamp === undefined);
    const running = here.filter((pod) => !isPodEnded(pod)).sort(byCreation);
    deletePods.push(...here.filter(isPodEnded), ...surplus(input, running));
    // One that leaves still holds the node's ports and files.
    const isLeaving = pods.some(
      (pod) => pod.spec.nodeName === nodeName && pod.metadata.deletionTimestamp !== undefined,
    );
    if (here.length === 0 && !isLeaving) createPods.push(podOf(daemonSet, nodeName));
  }
  deletePods.push(...pods.filter((pod) => isPodActive(pod) && !wanted.includes(pod.spec.nodeName ?? "")));
  createPods.push(...planSurge(input, wanted));
  const outdated = planUpdate(input, wanted.length).filter((pod) => !deletePods.includes(pod));
  return { createPods, deletePods: [...deletePods, ...outdated] };
}

/** Pods of one node, the oldest first, that are more than it is to have: one, or while it surges one of each template. */
function surplus(input: DaemonSetInput, running: readonly Pod[]): readonly Pod[] {
  const { daemonSet, nowMs } = input;
  if (surgeOf(daemonSet, 1) === 0) return running.slice(1);
  const [updated, outdated] = [true, false].map((wanted) =>
    running.filter((pod) => isUpdated(daemonSet, pod) === wanted),
  );
  const [fresh, ...more] = updated ?? [];
  const isReplaced = fresh !== undefined && isAvailable(daemonSet, fresh, nowMs);
  return [...more, ...(outdated ?? []).slice(isReplaced ? 0 : 1)];
}

/** Pods of the new template beside those of the old one, on as many nodes as may surge. */
function planSurge({ daemonSet, pods, nowMs }: DaemonSetInput, wanted: readonly string[]): readonly Pod[] {
  const surge = surgeOf(daemonSet, wanted.length);
  if (surge === 0) return [];
  const active = pods.filter((pod) => isPodActive(pod) && wanted.includes(nodeOf(pod)));
  const updatedNodes = new Set(active.filter((pod) => isUpdated(daemonSet, pod)).map(nodeOf));
  const outdated = active.filter((pod) => !isUpdated(daemonSet, pod));
  const surgingCount = new Set(outdated.map(nodeOf).filter((node) => updatedNodes.has(node))).size;
  const waiting = outdated.filter((pod) => !updatedNodes.has(nodeOf(pod)));
  const broken = waiting.filter((pod) => !isAvailable(daemonSet, pod, nowMs));
  const healthy = waiting.filter((pod) => isAvailable(daemonSet, pod, nowMs));
  const nodes = new Set([...broken, ...healthy.slice(0, Math.max(0, surge - surgingCount))].map(nodeOf));
  return [...nodes].map((node) => podOf(daemonSet, node));
}

/** How many nodes may have a pod of either template at once; 0 where the old pod goes first. */
function surgeOf(daemonSet: DaemonSet, desired: number): number {
  const { type, rollingUpdate } = daemonSet.spec.updateStrategy ?? {};
  if (type === "OnDelete") return 0;
  const surge = scaleIntOrPercent(rollingUpdate?.maxSurge ?? 0, desired, "up");
  return surge.ok ? surge.value : 0;
}

function isAvailable(daemonSet: DaemonSet, pod: Pod, nowMs: number): boolean {
  return availableInMs(pod, daemonSet.spec.minReadySeconds ?? 0, nowMs) === 0;
}

function nodeOf(pod: Pod): string {
  return pod.spec.nodeName ?? "";
}

function eligibleNodes(daemonSet: DaemonSet, nodes: readonly DaemonNode[]): readonly DaemonNode[] {
  const selector = Object.entries(daemonSet.spec.template.spec.nodeSelector ?? {});
  return nodes.filter((node) => selector.every(([key, value]) => node.metadata.labels?.[key] === value));
}

function planUpdate({ daemonSet, pods, nowMs }: DaemonSetInput, desired: number): readonly Pod[] {
  if (daemonSet.spec.updateStrategy?.type === "OnDelete" || surgeOf(daemonSet, desired) > 0) return [];
  const active = pods.filter(isPodActive);
  const outdated = active.filter((pod) => !isUpdated(daemonSet, pod));
  const isUp = (pod: Pod): boolean => isAvailable(daemonSet, pod, nowMs);
  const broken = outdated.filter((pod) => !isUp(pod));
  const unavailable = desired - active.filter(isUp).length;
  const maxUnavailable = scaleIntOrPercent(
    daemonSet.spec.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1,
    desired,
    "up",
  );
  const budget = Math.max(0, Math.max(1, maxUnavailable.ok ? maxUnavailable.value : 1) - unavailable);
  return [...broken, ...outdated.filter(isUp).slice(0, budget)];
}

function isUpdated(daemonSet: DaemonSet, pod: Pod): boolean {
  return pod.metadata.labels?.[HASH_LABEL] === hashTemplate(daemonSet.spec.template, undefined);
}

function podOf(daemonSet: DaemonSet, nodeName: string): Pod {
  const { name, namespace } = daemonSet.metadata;
  const { metadata = {}, spec } = daemonSet.spec.template;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      generateName: `${name}-`,
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...metadata.labels, [HASH_LABEL]: hashTemplate(daemonSet.spec.template, undefined) },
      ...(metadata.annotations === undefined ? {} : { annotations: metadata.annotations }),
      ownerReferences: [controllerReference(daemonSet, resources.daemonSets)],
    },
    spec: { ...spec, nodeName },
  };
}

/**
 * Computes the status; undefined when it is as it should be. Of two pods on a node the older one counts.
 *
 * Source: Kubernetes `updateDaemonSetStatus`.
 */
export function planDaemonSetStatus(input: DaemonSetInput): Status | undefined {
  const { daemonSet, nowMs } = input;
  const wanted = new Set(eligibleNodes(daemonSet, input.nodes).map((node) => node.metadata.name ?? ""));
  const active = input.pods.filter(isPodActive);
  const onWanted = active.filter((pod) => wanted.has(nodeOf(pod))).sort(byCreation);
  const placed = onWanted.filter(
    (pod, index) => onWanted.findIndex((other) => nodeOf(other) === nodeOf(pod)) === index,
  );
  const available = placed.filter((pod) => isAvailable(daemonSet, pod, nowMs)).length;
  const updated = placed.filter((pod) => isUpdated(daemonSet, pod)).length;
  const unavailable = wanted.size - available;
  const status: Status = {
    observedGeneration: daemonSet.metadata.generation ?? 0,
    currentNumberScheduled: placed.length,
    desiredNumberScheduled: wanted.size,
    numberMisscheduled: active.length - onWanted.length,
    numberReady: placed.filter(isPodReady).length,
    ...(updated === 0 ? {} : { updatedNumberScheduled: updated }),
    ...(available === 0 ? {} : { numberAvailable: available }),
    ...(unavailable <= 0 ? {} : { numberUnavailable: unavailable }),
  };
  return deepEqual(status, daemonSet.status) ? undefined : status;
}

/** When a pod becomes available by the mere passing of time; undefined when none will. */
export function nextAvailableInMs({ daemonSet, pods, nowMs }: DaemonSetInput): number | undefined {
  const waits = pods
    .filter(isPodActive)
    .map((pod) => availableInMs(pod, daemonSet.spec.minReadySeconds ?? 0, nowMs))
    .filter((waitMs) => waitMs !== undefined && waitMs > 0);
  return waits.length === 0 ? undefined : Math.min(...waits.map((waitMs) => waitMs ?? 0));
}

function byCreation(a: Pod, b: Pod): number {
  return (timeMs(a.metadata.creationTimestamp) ?? 0) - (timeMs(b.metadata.creationTimestamp) ?? 0);
}
