import fc from "fast-check";
import { expect, test } from "vitest";
import { formatPath } from "./field-path.ts";
import {
  difference,
  differenceBelow,
  equalSets,
  type FieldSet,
  intersection,
  pathsOf,
  setOfFields,
  union,
} from "./field-set.ts";
import { decodeFieldsV1, encodeFieldsV1 } from "./fields-v1.ts";
import { mergedOrder } from "./merge-applied.ts";

const path = fc.array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 3 });
const set = fc.array(path, { maxLength: 6 }).map((paths) => setOfFields(...paths));
const keys = (fields: FieldSet): Set<string> => new Set(pathsOf(fields).map((p) => p.join("/")));

test("the operations on field sets are those on the sets of their paths", () => {
  fc.assert(
    fc.property(set, set, (a, b) => {
      const [inA, inB] = [keys(a), keys(b)];
      expect(keys(union(a, b))).toEqual(new Set([...inA, ...inB]));
      expect(keys(intersection(a, b))).toEqual(new Set([...inA].filter((p) => inB.has(p))));
      expect(keys(difference(a, b))).toEqual(new Set([...inA].filter((p) => !inB.has(p))));
      const below = [...inA].filter((p) => ![...inB].some((q) => p === q || p.startsWith(`${q}/`)));
      expect(keys(differenceBelow(a, b))).toEqual(new Set(below));
      expect(equalSets(a, b)).toBe([...inA].sort().join() === [...inB].sort().join());
    }),
    { seed: 7 },
  );
});

test("fieldsV1 is read and written without loss", () => {
  fc.assert(
    fc.property(set, (fields) => {
      const read = decodeFieldsV1(JSON.parse(JSON.stringify(encodeFieldsV1(fields))));
      expect(read !== undefined && equalSets(read, fields)).toBe(true);
    }),
    { seed: 8 },
  );
});

test("decodeFieldsV1 refuses what is no tree of path elements", () => {
  for (const fields of [null, [], "x", { "f:a": 1 }, { a: {} }, { "k:{": {} }, { "i:x": {} }]) {
    expect(decodeFieldsV1(fields)).toBeUndefined();
  }
});

test("formatPath writes paths as conflicts show them", () => {
  expect(formatPath(["f:spec", 'k:{"name":"web","port":80}', 'v:"x"', "i:2"])).toBe(
    '.spec[name="web",port=80][="x"][2]',
  );
});

test("mergedOrder keeps live entries before the next shared one and follows the applied order", () => {
  expect(mergedOrder(["c"], ["side"])).toEqual(["c", "side"]);
  expect(mergedOrder(["c", "side"], ["c"])).toEqual(["c", "side"]);
  expect(mergedOrder(["a", "b"], ["b", "x", "a"])).toEqual(["b", "x", "a"]);
  expect(mergedOrder(["p", "c", "q"], ["n", "c"])).toEqual(["p", "n", "c", "q"]);
});
