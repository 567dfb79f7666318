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
 * are deleted as may be unavailable, and their successors come with the next reconcile.
 *
 * Source: Kubernetes `daemon_controller.go` manage and `update.go` rollingUpdate, without surge. Pods get their node's name
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
    deletePods.push(...here.filter(isPodEnded), ...running.slice(1));
    // One that leaves still holds the node's ports and files.
    const isLeaving = pods.some(
      (pod) => pod.spec.nodeName === nodeName && pod.metadata.deletionTimestamp !== undefined,
    );
    if (here.length === 0 && !isLeaving) createPods.push(podOf(daemonSet, nodeName));
  }
  deletePods.push(...pods.filter((pod) => isPodActive(pod) && !wanted.includes(pod.spec.nodeName ?? "")));
  const outdated = planUpdate(input, wanted.length).filter((pod) => !deletePods.includes(pod));
  return { createPods, deletePods: [...deletePods, ...outdated] };
}

function eligibleNodes(daemonSet: DaemonSet, nodes: readonly DaemonNode[]): readonly DaemonNode[] {
  const selector = Object.entries(daemonSet.spec.template.spec.nodeSelector ?? {});
  return nodes.filter((node) => selector.every(([key, value]) => node.metadata.labels?.[key] === value));
}

function planUpdate({ daemonSet, pods, nowMs }: DaemonSetInput, desired: number): readonly Pod[] {
  if (daemonSet.spec.updateStrategy?.type === "OnDelete") return [];
  const active = pods.filter(isPodActive);
  const outdated = active.filter((pod) => !isUpdated(daemonSet, pod));
  const isAvailable = (pod: Pod): boolean => availableInMs(pod, daemonSet.spec.minReadySeconds ?? 0, nowMs) === 0;
  const broken = outdated.filter((pod) => !isAvailable(pod));
  const unavailable = desired - active.filter(isAvailable).length;
  const maxUnavailable = scaleIntOrPercent(
    daemonSet.spec.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1,
    desired,
    "up",
  );
  const budget = Math.max(0, Math.max(1, maxUnavailable.ok ? maxUnavailable.value : 1) - unavailable);
  return [...broken, ...outdated.filter(isAvailable).slice(0, budget)];
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

/** Computes the status; undefined when it is as it should be. Source: Kubernetes `updateDaemonSetStatus`. */
export function planDaemonSetStatus(input: DaemonSetInput): Status | undefined {
  const { daemonSet, nowMs } = input;
  const wanted = new Set(eligibleNodes(daemonSet, input.nodes).map((node) => node.metadata.name ?? ""));
  const active = input.pods.filter(isPodActive);
  const placed = active.filter((pod) => wanted.has(pod.spec.nodeName ?? ""));
  const minReadySeconds = daemonSet.spec.minReadySeconds ?? 0;
  const available = placed.filter((pod) => availableInMs(pod, minReadySeconds, nowMs) === 0).length;
  const updated = placed.filter((pod) => isUpdated(daemonSet, pod)).length;
  const unavailable = wanted.size - available;
  const status: Status = {
    observedGeneration: daemonSet.metadata.generation ?? 0,
    currentNumberScheduled: placed.length,
    desiredNumberScheduled: wanted.size,
    numberMisscheduled: active.length - placed.length,
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
