import { expect, test } from "vitest";
import { errorPrice, latencyPrice, neededFor, type Step } from "./needs.ts";

const errors = errorPrice(0.001);
const step: Step = { from: 10, to: 25, isPromotion: false, elapsedMs: 0, requestsPerSecond: 1000 };

test("neededFor: up to 25% what is not ruled out, times the weight, is a hundredth of the requests; of slow ones five", () => {
  expect(neededFor(step, errors)).toEqual({ whole: 0.04, since: undefined });
  expect(neededFor({ ...step, to: 5 }, errors).whole).toBeCloseTo(0.2, 12);
  expect(neededFor(step, latencyPrice).whole).toBeCloseTo(0.2, 12);
  expect(neededFor({ ...step, to: 2 }, latencyPrice).whole).toBe(1);
});

test("neededFor: leaving 25% takes the final bound, once; small services take it at 50%", () => {
  expect(neededFor({ ...step, from: 25, to: 50 }, errors)).toEqual({ whole: 0.001, since: undefined });
  expect(neededFor({ ...step, from: 5, to: 40 }, errors).whole).toBe(0.001);
  expect(neededFor({ ...step, from: 50, to: 80 }, errors).whole).toBeCloseTo(0.0125, 12);
  const small = { ...step, requestsPerSecond: 4 };
  expect(neededFor({ ...small, from: 25, to: 50 }, errors).whole).toBeCloseTo(0.25, 12);
  expect(neededFor({ ...small, from: 50, to: 80 }, errors).whole).toBeCloseTo(1 / 240, 12);
});

test("neededFor: promotion takes the final bound of the whole run, and five times as much of the last weight alone", () => {
  const promotion = { ...step, from: 50, to: 100, isPromotion: true };
  expect(neededFor(promotion, errors)).toEqual({ whole: 0.001, since: 0.005 });
  expect(neededFor({ ...promotion, elapsedMs: 900_000 }, errors)).toEqual({ whole: 0.004, since: 0.02 });
  expect(neededFor(promotion, latencyPrice)).toEqual({ whole: 0.005, since: 0.025 });
  // Nothing is left to compare with.
  expect(neededFor({ ...promotion, from: 100 }, errors)).toEqual({ whole: 0.001, since: undefined });
  expect(neededFor({ ...promotion, requestsPerSecond: 0.01 }, errors)).toEqual({ whole: 1, since: 1 });
});
