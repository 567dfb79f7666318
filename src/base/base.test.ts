import fc from "fast-check";
import { expect, test } from "vitest";
import {
  apportion,
  backoffMs,
  canonicalJson,
  deepCopy,
  deepEqual,
  Failure,
  formatBytes,
  formatCores,
  messageOf,
  parseQuantity,
  scaleIntOrPercent,
  seededRandom,
} from "./index.ts";

test("apportion: parts are whole, sum to the total, and are off by less than one", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 0, max: 1000 }),
      (shares, total) => {
        const parts = apportion(shares, total);
        const sum = shares.reduce((a, b) => a + b, 0);
        expect(parts.reduce((a, b) => a + b, 0)).toBe(sum === 0 ? 0 : total);
        parts.forEach((part, i) =>
          expect(Math.abs(part - (sum === 0 ? 0 : ((shares[i] ?? 0) * total) / sum))).toBeLessThan(1),
        );
      },
    ),
  );
});

test("deepEqual, deepCopy, canonicalJson: agree on every JSON value", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      expect(deepEqual(a, deepCopy(a))).toBe(true);
      expect(deepEqual(a, b)).toBe(canonicalJson(a) === canonicalJson(b));
    }),
  );
});

test("deepCopy: a key __proto__ is a field like others, and changes no prototype", () => {
  const hostile: unknown = JSON.parse('{"a":{"__proto__":{"isAdmin":true}}}');
  const copy = deepCopy(hostile) as { a: Record<string, unknown> };
  expect(deepEqual(copy, hostile)).toBe(true);
  expect(Object.getPrototypeOf(copy.a)).toBe(Object.prototype);
  expect(copy.a.isAdmin).toBeUndefined();
});

test("deepEqual: a key that is undefined is a missing key", () => {
  expect(deepEqual({ a: 1, b: undefined }, { a: 1 })).toBe(true);
  expect(deepEqual({ a: undefined }, {})).toBe(true);
  expect(deepEqual({ a: 1 }, { a: 1, b: null })).toBe(false);
  expect(deepEqual({}, { toString: "x" })).toBe(false);
  expect(deepEqual({ toString: "x" }, {})).toBe(false);
});

test.each([
  ["100m", 0.1],
  ["64Mi", 67_108_864],
  ["1.5", 1.5],
  ["2e3", 2000],
  [3, 3],
])("parseQuantity: %s", (text, value) => expect(parseQuantity(text)).toEqual({ ok: true, value }));

test.each(["", "1x", "Mi", "1 Gi"])("parseQuantity: refuses %j", (text) => expect(parseQuantity(text).ok).toBe(false));

test("formatCores, formatBytes: write what a person would", () => {
  expect([formatCores(2), formatCores(0.25), formatCores(0.0001)]).toEqual(["2", "250m", "1m"]);
  expect([formatBytes(67_108_864), formatBytes(1536 * 1024), formatBytes(1000)]).toEqual(["64Mi", "1536Ki", "1000"]);
});

test("scaleIntOrPercent: surge rounds up, unavailable rounds down", () => {
  expect(scaleIntOrPercent("25%", 3, "up")).toEqual({ ok: true, value: 1 });
  expect(scaleIntOrPercent("25%", 3, "down")).toEqual({ ok: true, value: 0 });
  expect(scaleIntOrPercent("1x", 3, "down")).toMatchObject({ ok: false, error: expect.stringContaining('"1x"') });
});

test("seededRandom, backoffMs: repeatable and within bounds", () => {
  const policy = { initialMs: 100, factor: 2, maxMs: 1000, jitter: 0.5 };
  const draw = () => Array.from({ length: 20 }, (_, attempt) => backoffMs(policy, attempt, seededRandom(attempt)));
  expect(draw()).toEqual(draw());
  for (const ms of draw()) expect(ms).toBeLessThanOrEqual(1000);
  expect(backoffMs({ ...policy, jitter: 0 }, 2, seededRandom(1))).toBe(400);
});

test("messageOf: tells the chain of causes", () => {
  expect(messageOf(new Failure("cannot a", { code: "A", cause: new Error("b") }))).toBe("cannot a: b");
  expect(messageOf("text")).toBe("text");
});
