import type { Schema } from "#api";
import { expect, test } from "vitest";
import { applyStrategicMergePatch } from "./strategic-merge-patch.ts";

const text: Schema = { type: "string" };
const byName = (items: Schema): Schema => ({
  type: "array",
  items,
  "x-kubernetes-patch-strategy": "merge",
  "x-kubernetes-patch-merge-key": "name",
});
const container: Schema = {
  type: "object",
  properties: {
    name: text,
    image: text,
    args: { type: "array", items: text },
    env: byName({ type: "object", properties: { name: text, value: text } }),
  },
};
const schema: Schema = {
  type: "object",
  properties: {
    replicas: { type: "integer", format: "int32" },
    labels: { type: "object", additionalProperties: text },
    containers: byName(container),
    finalizers: { type: "array", items: text, "x-kubernetes-patch-strategy": "merge" },
    strategy: {
      type: "object",
      "x-kubernetes-patch-strategy": "retainKeys",
      properties: { type: text, rollingUpdate: {} },
    },
    selector: { type: "object", "x-kubernetes-patch-strategy": "replace", additionalProperties: text },
  },
};

function patched(document: object, patch: object): unknown {
  const result = applyStrategicMergePatch({ schema, document, patch });
  return result.ok ? result.value : result.error;
}

const c = { name: "c", image: "c:1" };
const d = { name: "d", image: "d:1" };

test("applyStrategicMergePatch merges lists by their merge key, at every depth", () => {
  const live = { containers: [{ ...c, env: [{ name: "A", value: "1" }] }, d] };
  expect(patched(live, { containers: [{ name: "c", image: "c:2", env: [{ name: "B", value: "2" }] }] })).toEqual({
    containers: [
      {
        name: "c",
        image: "c:2",
        env: [
          { name: "B", value: "2" },
          { name: "A", value: "1" },
        ],
      },
      d,
    ],
  });
});

test("applyStrategicMergePatch puts new elements before those the patch does not name", () => {
  expect(patched({ containers: [c] }, { containers: [d] })).toEqual({ containers: [d, c] });
});

test("$setElementOrder orders the elements that the patch names, and leaves the others where they were", () => {
  const live = { containers: [c, d, { name: "own" }] };
  const order = [{ name: "d" }, { name: "n" }, { name: "c" }];
  expect(patched(live, { "$setElementOrder/containers": order, containers: [{ name: "n" }] })).toEqual({
    containers: [d, { name: "n" }, c, { name: "own" }],
  });
  expect(patched({ finalizers: ["a", "b"] }, { "$setElementOrder/finalizers": ["c", "a"], finalizers: ["c"] })).toEqual(
    {
      finalizers: ["c", "a", "b"],
    },
  );
});

test("$patch deletes, replaces and merges", () => {
  expect(patched({ containers: [c, d] }, { containers: [{ $patch: "delete", name: "c" }] })).toEqual({
    containers: [d],
  });
  expect(patched({ containers: [c] }, { containers: [{ $patch: "replace" }, d] })).toEqual({ containers: [d] });
  expect(patched({ labels: { a: "1" } }, { labels: { $patch: "replace", b: "2" } })).toEqual({ labels: { b: "2" } });
  expect(patched({ labels: { a: "1" } }, { labels: { $patch: "delete" } })).toEqual({ labels: {} });
  expect(patched({ labels: { a: "1" } }, { labels: { $patch: "merge", b: "2" } })).toEqual({
    labels: { a: "1", b: "2" },
  });
  expect(patched({ labels: { a: "1" } }, { labels: { $patch: "frob" } })).toMatchObject({
    code: "BadRequest",
    message: "unknown patch type: frob in map: map[$patch:frob]",
  });
});

test("$retainKeys keeps only the named keys, and must name those of the patch", () => {
  const live = { strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1 } } };
  expect(patched(live, { strategy: { $retainKeys: ["type"], type: "Recreate" } })).toEqual({
    strategy: { type: "Recreate" },
  });
  expect(patched(live, { strategy: { $retainKeys: ["rollingUpdate"], type: "Recreate" } })).toMatchObject({
    code: "BadRequest",
    message: "invalid patch format of retainKeys",
  });
});

test("$deleteFromPrimitiveList removes values, and lists of scalars merge without duplicates", () => {
  expect(patched({ finalizers: ["a", "b"] }, { "$deleteFromPrimitiveList/finalizers": ["a"] })).toEqual({
    finalizers: ["b"],
  });
  expect(patched({ finalizers: ["a", "b"] }, { finalizers: ["b", "c"] })).toEqual({ finalizers: ["a", "b", "c"] });
});

test("a list or map whose strategy is not merge is replaced", () => {
  expect(patched({ containers: [{ ...c, args: ["x"] }] }, { containers: [{ name: "c", args: ["y"] }] })).toEqual({
    containers: [{ ...c, args: ["y"] }],
  });
  expect(patched({ selector: { a: "1" } }, { selector: { b: "2" } })).toEqual({ selector: { b: "2" } });
});

test("directives and nulls leave nothing behind where the object had nothing", () => {
  const patch = {
    labels: { a: null, b: "1" },
    containers: [
      { $patch: "delete", name: "x" },
      { name: "c", image: null },
    ],
  };
  expect(patched({}, patch)).toEqual({ labels: { b: "1" }, containers: [{ name: "c" }] });
});

test("an element without its merge key is refused, and the patch named", () => {
  expect(patched({ containers: [c] }, { containers: [{ image: "x" }] })).toMatchObject({
    code: "BadRequest",
    message: "map: map[image:x] does not contain declared merge key: name",
  });
});

test("values of a wrong type are refused in the words of the real server", () => {
  expect(patched({}, { labels: { a: 5 } })).toEqual({
    path: "patch",
    code: "FieldValueInvalid",
    message: 'Invalid value: "map[labels:map[a:5]]": cannot convert int64 to string',
  });
  expect(patched({}, { replicas: "x" })).toMatchObject({
    message: 'Invalid value: "map[replicas:x]": unrecognized type: int32',
  });
  expect(patched({}, { containers: "x" })).toMatchObject({
    message: 'Invalid value: "map[containers:x]": cannot restore slice from string',
  });
});

test("a patch of many elements takes time in proportion", () => {
  const containers = Array.from({ length: 20_000 }, (_, i) => ({ name: `c${i}` }));
  const started = performance.now();
  patched({ containers: [...containers].reverse() }, { containers });
  expect(performance.now() - started).toBeLessThan(5000);
});
