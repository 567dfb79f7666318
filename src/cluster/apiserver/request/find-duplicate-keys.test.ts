import fc from "fast-check";
import { expect, test } from "vitest";
import { scanKeys } from "./find-duplicate-keys.ts";

test("scanKeys: names repeated keys with their paths, in lists and behind escapes", () => {
  const { duplicates } = scanKeys('{"a":{"b":[{"c":1},{"c":1,"c":2}]},"q\\"":1,"q\\"":2,"a":"\\"a\\":"}');
  expect(duplicates.map(({ path }) => path)).toEqual(["a.b[1].c", 'q"', "a"]);
});

test("scanKeys: a text without repetitions has none, whatever it holds", () => {
  fc.assert(
    fc.property(fc.json(), (json) => {
      expect(scanKeys(json).duplicates).toEqual([]);
    }),
  );
});
