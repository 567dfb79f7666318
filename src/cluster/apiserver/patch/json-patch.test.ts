import fastJsonPatch, { type Operation } from "fast-json-patch";
import fc from "fast-check";
import { expect, test } from "vitest";
import { applyJsonPatch } from "./json-patch.ts";
import { CANNOT_APPLY } from "./patch-problem.ts";

const document = { a: { b: [1, 2, 3] }, "x/y": { "~t": 1 } };

function patched(...operations: unknown[]): unknown {
  const result = applyJsonPatch(document, operations);
  return result.ok ? result.value : result.error.code;
}

test("applyJsonPatch carries out each kind of operation", () => {
  expect(patched({ op: "add", path: "/a/c", value: 1 })).toEqual({ ...document, a: { b: [1, 2, 3], c: 1 } });
  expect(patched({ op: "add", path: "/a/b/1", value: 9 })).toMatchObject({ a: { b: [1, 9, 2, 3] } });
  expect(patched({ op: "add", path: "/a/b/-", value: 9 })).toMatchObject({ a: { b: [1, 2, 3, 9] } });
  expect(patched({ op: "remove", path: "/a/b/0" })).toMatchObject({ a: { b: [2, 3] } });
  expect(patched({ op: "replace", path: "/x~1y/~0t", value: 2 })).toMatchObject({ "x/y": { "~t": 2 } });
  expect(patched({ op: "move", from: "/a/b/0", path: "/first" })).toMatchObject({ a: { b: [2, 3] }, first: 1 });
  expect(patched({ op: "copy", from: "/a", path: "/c" })).toMatchObject({ a: document.a, c: document.a });
  expect(patched({ op: "test", path: "/a/b", value: [1, 2, 3] })).toEqual(document);
  expect(patched({ op: "replace", path: "", value: 7 })).toBe(7);
});

test("applyJsonPatch refuses what does not fit the document with 422, and changes nothing", () => {
  const unfit = [
    { op: "remove", path: "/nope" },
    { op: "replace", path: "/a/nope", value: 1 },
    { op: "add", path: "/nope/x", value: 1 },
    { op: "add", path: "/a/b/4", value: 1 },
    { op: "add", path: "/a/b/01", value: 1 },
    { op: "test", path: "/a/b/0", value: 2 },
    { op: "move", from: "/a", path: "/a/b/c" },
    { op: "copy", path: "/x" },
    { op: "add", path: "/x" },
    { op: "frobnicate", path: "/x" },
    { op: "add", path: "no-slash", value: 1 },
    { op: "remove", path: "/toString" },
  ];
  const before = JSON.stringify(document);
  for (const operation of unfit) {
    const result = applyJsonPatch(document, [{ op: "add", path: "/new", value: 1 }, operation]);
    expect(result).toMatchObject({ ok: false, error: { code: "Invalid", message: CANNOT_APPLY } });
  }
  expect(JSON.stringify(document)).toBe(before);
});

test("applyJsonPatch refuses a malformed patch with 400 and too many operations with 413", () => {
  expect(applyJsonPatch(document, { op: "add" })).toMatchObject({
    error: {
      code: "BadRequest",
      message: "error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch",
    },
  });
  expect(patched("x")).toBe("BadRequest");
  const many = Array.from({ length: 10_001 }, () => ({ op: "test", path: "", value: document }));
  expect(applyJsonPatch(document, many)).toMatchObject({
    error: { message: "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001" },
  });
});

test("applyJsonPatch refuses prototype keys wherever they stand", () => {
  const value: unknown = JSON.parse('{"deep":[{"__proto__":{"polluted":1}}]}');
  expect(patched({ op: "add", path: "/x", value })).toBe("BadRequest");
  expect(patched({ op: "add", path: "/__proto__/polluted", value: 1 })).toBe("BadRequest");
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
});

test("applyJsonPatch bounds what copies add", () => {
  const operations = Array.from({ length: 40 }, (_, i) => ({ op: "copy", from: "", path: `/c${i}` }));
  expect(applyJsonPatch({ text: "x".repeat(1000) }, operations)).toMatchObject({ error: { code: "Invalid" } });
});

const key = fc.constantFrom("a", "b", "c~d", "e/f", "0", "1");
const value = fc.letrec((tie) => ({
  node: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<unknown>(1, "s", true, null),
    fc.array(tie("node"), { maxLength: 3 }),
    fc.dictionary(key, tie("node"), { maxKeys: 3 }),
  ),
})).node;
const pointer = fc
  .array(fc.oneof(key, fc.constant("-"), fc.constant("2")), { maxLength: 3 })
  .map((tokens) => tokens.map((token) => `/${token.replaceAll("~", "~0").replaceAll("/", "~1")}`).join(""));
const operation = fc.oneof(
  fc.record({ op: fc.constantFrom("add", "replace", "test"), path: pointer, value }),
  fc.record({ op: fc.constant("remove"), path: pointer }),
  fc.record({ op: fc.constantFrom("move", "copy"), path: pointer, from: pointer }),
);

/** The oracle has no error for these: it reads past arrays and removes or moves the root in its own way. */
function isOutsideOracle(operations: readonly { op: string; path: string; from?: string }[]): boolean {
  return operations.some((o) => o.path === "" || o.from === "" || /\/-(?:\/|$)/.test(o.from ?? ""));
}

/** What the oracle makes of a patch; undefined when it refuses. */
function oracle(root: unknown, operations: readonly unknown[]): { readonly value: unknown } | undefined {
  const copy: { root: unknown; patch: Operation[] } = JSON.parse(JSON.stringify({ root, patch: operations }));
  try {
    return { value: fastJsonPatch.applyPatch(copy.root, copy.patch, true, false).newDocument };
  } catch {
    return undefined;
  }
}

test("applyJsonPatch agrees with fast-json-patch on random documents and patches", () => {
  fc.assert(
    fc.property(fc.dictionary(key, value), fc.array(operation, { minLength: 1, maxLength: 3 }), (root, operations) => {
      fc.pre(!isOutsideOracle(operations));
      const mine = applyJsonPatch(root, operations);
      expect(mine.ok ? { value: mine.value } : undefined).toEqual(oracle(root, operations));
    }),
    { seed: 20_251, numRuns: 3000 },
  );
});
