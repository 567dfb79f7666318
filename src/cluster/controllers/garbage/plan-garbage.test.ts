import { expect, test } from "vitest";
import { type OwnerReference, resources } from "#api";
import { createOwnerGraph, type Node } from "./owner-graph.ts";
import { blockingDependents, type OwnerState, planGarbage } from "./plan-garbage.ts";

const owner = (uid: string, extra: Partial<OwnerReference> = {}): OwnerReference => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  name: uid,
  uid,
  ...extra,
});

function node(uid: string, owners: readonly OwnerReference[], extra: Partial<Node> = {}): Node {
  const resource = { ...resources.configMaps, verbs: [] };
  return { uid, resource, key: { namespace: "shop", name: uid }, owners, finalizers: [], isLeaving: false, ...extra };
}

/** Every combination of the states of two owners, and what it must lead to. */
test.each<[OwnerState, OwnerState, string]>([
  ["alive", "alive", "keep"],
  ["alive", "waiting", "forgetOwners a"],
  ["alive", "absent", "forgetOwners a"],
  ["waiting", "waiting", "delete Foreground"],
  ["waiting", "absent", "delete Foreground"],
  ["absent", "absent", "delete Background"],
])("planGarbage: owners %s and %s", (first, second, expected) => {
  const states: Record<string, OwnerState> = { a: first, b: second };
  const plan = planGarbage(node("x", [owner("a"), owner("b")]), ({ uid }) => states[uid] ?? "alive", true);
  const text =
    plan.action === "delete"
      ? `delete ${plan.propagationPolicy}`
      : plan.action === "forgetOwners"
        ? `forgetOwners ${plan.keep.map((one) => one.uid).join()}`
        : plan.action;
  expect(text).toBe(expected);
});

test("planGarbage: an awaited object without dependents needs no foreground deletion", () => {
  expect(planGarbage(node("x", [owner("a")]), () => "waiting", false)).toEqual({
    action: "delete",
    propagationPolicy: "Background",
  });
});

test("planGarbage: a policy asked for before is kept", () => {
  const orphaned = node("x", [owner("a")], { finalizers: ["orphan"] });
  expect(planGarbage(orphaned, () => "absent", true)).toEqual({ action: "delete", propagationPolicy: "Orphan" });
});

test("planGarbage: what has no owner, or leaves already, is kept", () => {
  expect(planGarbage(node("x", []), () => "absent", false)).toEqual({ action: "keep" });
  expect(planGarbage(node("x", [owner("a")], { isLeaving: true }), () => "absent", false)).toEqual({ action: "keep" });
});

test("blockingDependents are those with blockOwnerDeletion", () => {
  const blocking = node("x", [owner("a", { blockOwnerDeletion: true })]);
  expect(blockingDependents(node("a", []), [blocking, node("y", [owner("a")])])).toEqual([blocking]);
});

test("createOwnerGraph follows references as they come and go", () => {
  const graph = createOwnerGraph();
  graph.put(node("x", [owner("a"), owner("b")]));
  graph.put(node("y", [owner("a")]));
  const dependents = (uid: string): string[] => graph.dependentsOf(uid).map((one) => one.uid);
  expect(dependents("a")).toEqual(["x", "y"]);
  graph.put(node("x", [owner("b")]));
  expect(dependents("a")).toEqual(["y"]);
  graph.remove("y");
  expect(dependents("a")).toEqual([]);
  expect(dependents("b")).toEqual(["x"]);
});
