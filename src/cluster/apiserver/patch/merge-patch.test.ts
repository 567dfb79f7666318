import { expect, test } from "vitest";
import { applyMergePatch } from "./merge-patch.ts";

/** The examples of RFC 7386, appendix A, whose patch is an object. */
const examples: readonly (readonly [unknown, unknown, unknown])[] = [
  [{ a: "b" }, { a: "c" }, { a: "c" }],
  [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
  [{ a: "b" }, { a: null }, {}],
  [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
  [{ a: ["b"] }, { a: "c" }, { a: "c" }],
  [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
  [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
  [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: "b", c: null }, { a: "b" }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  [{}, { toString: "x" }, { toString: "x" }],
];

test("applyMergePatch gives what RFC 7386 lists, and leaves the document alone", () => {
  for (const [document, patch, expected] of examples) {
    const before = JSON.stringify(document);
    expect(applyMergePatch(document, patch)).toEqual({ ok: true, value: expected });
    expect(JSON.stringify(document)).toBe(before);
  }
});

test("applyMergePatch refuses a patch that is no object, has prototype keys, or is nested too deep", () => {
  const deep: unknown = JSON.parse(`${'{"a":'.repeat(300)}1${"}".repeat(300)}`);
  for (const patch of ["x", 1, null, [], JSON.parse('{"a":{"__proto__":{}}}'), deep]) {
    expect(applyMergePatch({}, patch)).toMatchObject({ ok: false, error: { code: "BadRequest" } });
  }
});
