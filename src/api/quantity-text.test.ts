import { parseQuantity } from "#base";
import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalQuantity, quantityOfMilli } from "./quantity-text.ts";

test.each([
  ["1000m", "1"],
  ["1024Mi", "1Gi"],
  ["0.1", "100m"],
  ["0.5Gi", "512Mi"],
  ["1500m", "1500m"],
  ["2", "2"],
  ["1e3", "1e3"],
  ["12e6", "12e6"],
  ["1000k", "1M"],
  ["1023Ki", "1023Ki"],
  ["0.0000000001", "1n"],
  ["-0.5", "-500m"],
  ["+5", "5"],
  ["0", "0"],
  ["0Mi", "0"],
  [0.5, "500m"],
  ["no quantity", "no quantity"],
  ["", ""],
])("canonicalQuantity: %s is %s", (text, expected) => expect(canonicalQuantity(text)).toBe(expected));

test("canonicalQuantity: keeps the amount and is its own canonical form", () => {
  const suffix = fc.constantFrom("", "m", "k", "M", "G", "Ki", "Mi", "Gi");
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_000_000 }), suffix, (amount, unit) => {
      const canonical = canonicalQuantity(`${amount}${unit}`);
      expect(canonicalQuantity(canonical)).toBe(canonical);
      const before = parseQuantity(`${amount}${unit}`);
      const after = parseQuantity(canonical);
      expect(after.ok && before.ok && Math.abs(after.value - before.value) <= 1e-9 * Math.abs(before.value)).toBe(true);
    }),
  );
});

test("quantityOfMilli: is a quantity of the same amount, however large", () => {
  expect([57_000, 2500, 0, -1500].map(quantityOfMilli)).toEqual(["57", "2500m", "0", "-1500m"]);
  for (const amount of [1e21, 1e24, 1e300]) {
    const parsed = parseQuantity(quantityOfMilli(amount));
    expect(parsed.ok ? parsed.value / amount : parsed.error).toBeCloseTo(1e-3, 12);
  }
});
