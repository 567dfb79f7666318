import { expect, test } from "vitest";
import { LOAD_SHAPES, loadCurve, steadyLoad } from "./load-curve.ts";

const SECOND = 1000;

test("loadCurve: each shape begins at the base, reaches the peak, and is never beyond the two", () => {
  for (const shape of LOAD_SHAPES) {
    const rateAt = loadCurve(shape, 100);
    const rates = Array.from({ length: 240 }, (_, second) => rateAt(second * SECOND));
    expect(rates[0], shape).toBeCloseTo(30);
    expect(Math.max(...rates), shape).toBeCloseTo(100);
    expect(Math.min(...rates), shape).toBeCloseTo(30);
  }
});

test("loadCurve: a ramp stays up, a spike and a day come down again", () => {
  expect(loadCurve("ramp", 100)(200 * SECOND)).toBe(100);
  expect(loadCurve("spike", 100)(60 * SECOND)).toBe(100);
  expect(loadCurve("spike", 100)(110 * SECOND)).toBeCloseTo(30);
  expect(loadCurve("diurnal", 100)(60 * SECOND)).toBeCloseTo(100);
  expect(loadCurve("diurnal", 100)(120 * SECOND)).toBeCloseTo(30);
});

test("steadyLoad: the same at any time", () => {
  expect([0, 5, 1e6].map(steadyLoad(40))).toEqual([40, 40, 40]);
});
