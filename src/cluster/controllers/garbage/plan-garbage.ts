import type { OwnerReference } from "#api";
import type { Node } from "./owner-graph.ts";

export const FOREGROUND = "foregroundDeletion";
export const ORPHAN = "orphan";

/** How an owner that a reference names stands. */
export type OwnerState =
  | "alive"
  /** Waits, in foreground deletion, until its dependents are gone. */
  | "waiting"
  /** Does not exist, or another object has its name now. */
  | "absent";

/** What to do with an object because of its owners. */
export type GarbagePlan =
  | { readonly action: "keep" }
  | { readonly action: "delete"; readonly propagationPolicy: "Background" | "Foreground" | "Orphan" }
  | { readonly action: "forgetOwners"; readonly keep: readonly OwnerReference[] };

/**
 * Decides about an object with owners. One owner that is alive keeps it; without any, it is deleted.
 *
 * Source: Kubernetes `garbagecollector.go` attemptToDeleteItem.
 */
export function planGarbage(
  node: Node,
  stateOf: (owner: OwnerReference) => OwnerState,
  hasDependents: boolean,
): GarbagePlan {
  if (node.owners.length === 0 || node.isLeaving) return { action: "keep" };
  const alive = node.owners.filter((owner) => stateOf(owner) === "alive");
  if (alive.length === node.owners.length) return { action: "keep" };
  if (alive.length > 0) return { action: "forgetOwners", keep: alive };
  const isAwaited = node.owners.some((owner) => stateOf(owner) === "waiting");
  if (isAwaited && hasDependents) return { action: "delete", propagationPolicy: "Foreground" };
  return { action: "delete", propagationPolicy: policyOf(node) };
}

/** True while an object waits in foreground deletion. */
export function isForeground(node: Node): boolean {
  return node.isLeaving && node.finalizers.includes(FOREGROUND);
}

/** True while an object waits for its dependents to be let go. */
export function isOrphaning(node: Node): boolean {
  return node.isLeaving && node.finalizers.includes(ORPHAN);
}

/** A policy that a client has asked for before is kept: its finalizer says so. */
function policyOf(node: Node): "Background" | "Foreground" | "Orphan" {
  if (node.finalizers.includes(ORPHAN)) return "Orphan";
  return node.finalizers.includes(FOREGROUND) ? "Foreground" : "Background";
}

/** Dependents that hold up the foreground deletion of an owner. */
export function blockingDependents(owner: Node, dependents: readonly Node[]): readonly Node[] {
  return dependents.filter((dependent) =>
    dependent.owners.some((reference) => reference.uid === owner.uid && reference.blockOwnerDeletion === true),
  );
}
