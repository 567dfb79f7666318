import type { Pod } from "#api";
import { isPodReady, readyTransitionMs, timeMs } from "../shared/index.ts";

const DELETION_COST = "controller.kubernetes.io/pod-deletion-cost";
const PHASE_RANK: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

/**
 * Orders pods so that the first are the ones to delete first: what serves least is given up first.
 *
 * Source: Kubernetes `controller_utils` ActivePodsWithRanks. Its rule about several pods on one node is left out: all pods
 * here share the node, so it never decides.
 */
export function rankVictims(pods: readonly Pod[], nowMs: number): Pod[] {
  return [...pods].sort((a, b) => {
    for (const compare of RULES) {
      const order = compare(a, b, nowMs);
      if (order !== 0) return order;
    }
    return 0;
  });
}

type Rule = (a: Pod, b: Pod, nowMs: number) => number;

const RULES: readonly Rule[] = [
  // Not yet on a node, before on one.
  (a, b) => Number(isAssigned(a)) - Number(isAssigned(b)),
  (a, b) => phaseRank(a) - phaseRank(b),
  (a, b) => Number(isPodReady(a)) - Number(isPodReady(b)),
  (a, b) => deletionCost(a) - deletionCost(b),
  // Ready for a shorter time first.
  (a, b, nowMs) =>
    isPodReady(a) && isPodReady(b) ? compareAge(readyTransitionMs(a), readyTransitionMs(b), { a, b, nowMs }) : 0,
  (a, b) => restartCount(b) - restartCount(a),
  // Younger first.
  (a, b, nowMs) =>
    compareAge(timeMs(a.metadata.creationTimestamp), timeMs(b.metadata.creationTimestamp), { a, b, nowMs }),
];

function isAssigned(pod: Pod): boolean {
  return (pod.spec.nodeName ?? "") !== "";
}

function phaseRank(pod: Pod): number {
  return PHASE_RANK[pod.status?.phase ?? "Pending"] ?? 0;
}

function deletionCost(pod: Pod): number {
  const cost = Number(pod.metadata.annotations?.[DELETION_COST] ?? 0);
  return Number.isInteger(cost) ? cost : 0;
}

function restartCount(pod: Pod): number {
  return Math.max(0, ...(pod.status?.containerStatuses ?? []).map((status) => status.restartCount));
}

/**
 * Compares times by powers of two of their age, then by uid, so that among pods of like age the choice is as good as random
 * and a scale-down does not always take the youngest. Source: feature LogarithmicScaleDown.
 */
function compareAge(aMs: number | undefined, bMs: number | undefined, of: { a: Pod; b: Pod; nowMs: number }): number {
  if (aMs === bMs) return 0;
  if (aMs === undefined || bMs === undefined) return aMs === undefined ? -1 : 1;
  const order = ageBucket(aMs, of.nowMs) - ageBucket(bMs, of.nowMs);
  if (order !== 0) return order;
  return (of.a.metadata.uid ?? "") < (of.b.metadata.uid ?? "") ? -1 : 1;
}

function ageBucket(sinceMs: number, nowMs: number): number {
  const ageMs = nowMs - sinceMs;
  return ageMs <= 0 ? -1 : Math.floor(Math.log2(ageMs * 1e6));
}
