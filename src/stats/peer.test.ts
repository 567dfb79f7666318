import { expect, test } from "vitest";
import { brentRoot } from "./brent-root.ts";
import { judgeAsKayenta } from "./kayenta-judge.ts";
import { shiftEstimate } from "./mann-whitney.ts";
import { logNormalCdf, normalCdf, normalQuantile } from "./normal.ts";

const ones = Array.from({ length: 10 }, () => 1);
const hundreds = (count: number) => ones.map((one, index) => (index < count ? 100 : one));

test("V19 shiftEstimate: seven of ten points at a hundredfold, as reported in spinnaker#6278", () => {
  const { estimate, interval } = shiftEstimate(hundreds(7), ones, 0.98);
  expect(interval.low).toBeCloseTo(6.825022991538788e-5, 12);
  expect(interval.high).toBeCloseTo(99, 12);
  expect(estimate).toBeCloseTo(98.99992904170193, 10);
});

test("V19 shiftEstimate: four points against four", () => {
  const { estimate, interval } = shiftEstimate([10, 20, 30, 40], [1, 2, 3, 4], 0.95);
  expect(interval.low).toBeCloseTo(6, 3);
  expect(interval.high).toBeCloseTo(39, 3);
  expect(estimate).toBeCloseTo(22.5, 3);
});

test("shiftEstimate: two constants differ by exactly their difference, as they do within any noise", () => {
  expect(shiftEstimate([1, 1], [1, 1, 1], 0.95)).toEqual({ estimate: 0, interval: { low: 0, high: 0 } });
  const exact = shiftEstimate([5, 5, 5, 5], [2, 2, 2], 0.98);
  expect(exact).toEqual({ estimate: 3, interval: { low: 3, high: 3 } });
  const noisy = (value: number) => [1.1e-5, -0.4e-5, 0.7e-5, -0.9e-5].map((noise) => value * (1 + noise));
  const { estimate, interval } = shiftEstimate(noisy(5), noisy(2), 0.98);
  for (const value of [estimate, interval.low, interval.high]) expect(value).toBeCloseTo(3, 3);
});

test("judgeAsKayenta: two constants are judged by their difference, one point against one by nothing", () => {
  const twos = ones.map(() => 2);
  expect(judgeAsKayenta(twos, ones)).toBe("high");
  expect(judgeAsKayenta(ones, twos)).toBe("low");
  expect(judgeAsKayenta([2, 2], [1, Number.NaN])).toBe("high");
  expect(judgeAsKayenta(twos, [0, 0])).toBe("high");
  expect(judgeAsKayenta([0, 0], ones)).toBe("low");
  expect(judgeAsKayenta([2, Number.NaN], [1])).toBe("pass");
});

test("V19 judgeAsKayenta: what it lets pass, and what tips it over", () => {
  expect(judgeAsKayenta(hundreds(7), ones)).toBe("pass");
  expect(judgeAsKayenta(hundreds(8), ones)).toBe("high");
  expect(judgeAsKayenta([0, 1, 2, 1, 0, 0], [0, 0, 0, 0, 0, 0])).toBe("pass");
  expect(judgeAsKayenta(ones, hundreds(8))).toBe("low");
  expect(judgeAsKayenta(ones, ones)).toBe("pass");
  expect(judgeAsKayenta([Number.NaN], ones)).toBe("nodata");
});

test("brentRoot: finds roots, and refuses ends of one sign", () => {
  expect(brentRoot((x) => x ** 3 - 2, [0, 2], 1e-12)).toBeCloseTo(Math.cbrt(2), 11);
  expect(brentRoot((x) => x, [0, 2], 1e-12)).toBe(0);
  expect(brentRoot((x) => x - 2, [0, 2], 1e-12)).toBe(2);
  expect(() => brentRoot((x) => x + 1, [0, 2], 1e-12)).toThrow("opposite signs");
});

test("normalQuantile: published values, and the inverse of normalCdf in the tails", () => {
  expect(normalQuantile(0.975)).toBeCloseTo(1.959963984540054, 12);
  expect(normalQuantile(0.01)).toBeCloseTo(-2.3263478740408408, 12);
  expect(normalCdf(normalQuantile(1e-200)) / 1e-200).toBeCloseTo(1, 9);
  expect(logNormalCdf(-5)).toBeCloseTo(Math.log(normalCdf(-5)), 12);
  // ln Φ(−z) ≈ −z²/2 − ln z − ½ ln 2π − 1/z² far out.
  expect(logNormalCdf(-1e4)).toBeCloseTo(-5e7 - Math.log(1e4) - Math.log(2 * Math.PI) / 2 - 1e-8, 7);
  expect(normalCdf(0)).toBe(0.5);
  expect(normalCdf(40)).toBe(1);
});
