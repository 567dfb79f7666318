import { expect, test } from "vitest";
import { conditionOf, isConditionTrue, setCondition } from "./conditions.ts";
import type { KubeObject } from "./meta.ts";
import { controllerOf, isControlledBy, keyOf, ownerReferenceTo, splitKey } from "./object-builders.ts";
import { base64Of, encodeUtf8 } from "./utf8.ts";

const ready = { type: "Ready", status: "True", reason: "Up", message: "m" } as const;

test("setCondition: the transition time moves with the status only", () => {
  const first = setCondition(undefined, ready, "t1");
  expect(first).toEqual([{ ...ready, lastTransitionTime: "t1" }]);
  expect(setCondition(first, ready, "t2")).toBe(first);
  const reworded = setCondition(first, { ...ready, message: "n" }, "t2");
  expect(conditionOf(reworded, "Ready")).toMatchObject({ message: "n", lastTransitionTime: "t1" });
  const down = setCondition(reworded, { ...ready, status: "False" }, "t3");
  expect(conditionOf(down, "Ready")).toMatchObject({ status: "False", lastTransitionTime: "t3" });
  expect([isConditionTrue(first, "Ready"), isConditionTrue(down, "Ready"), isConditionTrue(down, "Other")]).toEqual([
    true,
    false,
    false,
  ]);
});

test("setCondition: keeps the place of the others", () => {
  const list = setCondition(setCondition([], ready, "t"), { type: "B", status: "False" }, "t");
  expect(setCondition(list, { ...ready, status: "False" }, "u").map(({ type }) => type)).toEqual(["Ready", "B"]);
});

const owner: KubeObject = {
  apiVersion: "apps/v1",
  kind: "ReplicaSet",
  metadata: { name: "r", namespace: "n", uid: "u" },
};

test("ownerReferenceTo: a controller blocks its deletion, a mere owner does not", () => {
  expect(ownerReferenceTo(owner)).toEqual({ apiVersion: "apps/v1", kind: "ReplicaSet", name: "r", uid: "u" });
  const reference = ownerReferenceTo(owner, { controller: true });
  expect(reference).toMatchObject({ controller: true, blockOwnerDeletion: true });
  const pod = {
    metadata: { ownerReferences: [ownerReferenceTo({ ...owner, metadata: { name: "x", uid: "v" } }), reference] },
  };
  expect(controllerOf(pod)).toBe(reference);
  expect(isControlledBy(pod, owner)).toBe(true);
  expect(isControlledBy({ metadata: {} }, owner)).toBe(false);
  expect(() => ownerReferenceTo({ ...owner, metadata: { name: "r" } })).toThrow("a name and a uid");
});

test("keyOf, splitKey: belong together", () => {
  expect(keyOf(owner)).toBe("n/r");
  expect(splitKey("n/r")).toEqual({ namespace: "n", name: "r" });
  expect(splitKey(keyOf({ metadata: { name: "node" } }))).toEqual({ namespace: "", name: "node" });
});

test.each(["", "a", "ab", "abc", "é€😀", "x".repeat(1000), "\ud800"])(
  "encodeUtf8, base64Of: %j as the platform has it",
  (text) => {
    expect([...encodeUtf8(text)]).toEqual([...new TextEncoder().encode(text)]);
    expect(base64Of(text)).toBe(Buffer.from(new TextEncoder().encode(text)).toString("base64"));
  },
);
