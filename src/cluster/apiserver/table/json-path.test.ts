import { expect, test } from "vitest";
import { evaluateJsonPath, parseJsonPath } from "./json-path.ts";

const value = {
  spec: {
    size: 3,
    "a.b": "dotted",
    list: [
      { n: "x", v: 1 },
      { n: "y", v: 2, on: true },
    ],
  },
};

function find(path: string): readonly unknown[] | undefined {
  const parsed = parseJsonPath(path);
  return parsed === undefined ? undefined : evaluateJsonPath(parsed, value);
}

test("evaluateJsonPath follows fields, indexes, wildcards and filters", () => {
  expect(find(".spec.size")).toEqual([3]);
  expect(find("{.spec.size}")).toEqual([3]);
  expect(find("$.spec.size")).toEqual([3]);
  expect(find(".spec.a\\.b")).toEqual(["dotted"]);
  expect(find(".spec['a.b']")).toEqual(["dotted"]);
  expect(find(".spec['a\\.b']")).toEqual(["dotted"]);
  expect(find(".spec.list[1].n")).toEqual(["y"]);
  expect(find(".spec.list[-1].n")).toEqual(["y"]);
  expect(find(".spec.list[*].n")).toEqual(["x", "y"]);
  expect(find('.spec.list[?(@.n=="y")].v')).toEqual([2]);
  expect(find(".spec.list[?(@.n == 'x')].v")).toEqual([1]);
  expect(find(".spec.list[?(@.v>1)].n")).toEqual(["y"]);
  expect(find(".spec.list[?(@.on)].n")).toEqual(["y"]);
  expect(find(".spec.list[?(@.on==true)].n")).toEqual(["y"]);
  expect(find(".")).toEqual([value]);
});

test("a path that leads nowhere finds nothing, never an inherited property", () => {
  for (const path of [".nope.x", ".spec.list[9]", ".spec.size.x", ".toString", '.spec.list[?(@.n=="z")].v']) {
    expect(find(path)).toEqual([]);
  }
});

test("parseJsonPath refuses what it does not support", () => {
  for (const path of [".spec[", "spec.size", "..size", ".list[0:2]", ".a.[?(x)]", ".list[?(@.n=~'x')]"]) {
    expect(find(path)).toBeUndefined();
  }
});
