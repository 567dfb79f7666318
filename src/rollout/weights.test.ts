import { expect, test } from "vitest";
import { nextPromotionWeight, nextWeight } from "./weights.ts";

/** The weights that a road passes from 0 until the maximum is reached. */
function road(steps: Parameters<typeof nextWeight>[0], max: number): number[] {
  const weights: number[] = [];
  for (let weight = 0; weight < max; weights.push(weight)) weight = nextWeight(steps, weight);
  return weights;
}

test("nextWeight: a linear road may overshoot by less than a step, never 100", () => {
  expect(road({ kind: "linear", step: 20 }, 50)).toEqual([20, 40, 60]);
  expect(road({ kind: "linear", step: 50 }, 100)).toEqual([50, 100]);
  expect(road({ kind: "linear", step: 30 }, 100)).toEqual([30, 60, 90, 100]);
});

test("nextWeight: a list is followed, and a list edited during a run goes on above the present weight", () => {
  expect(road({ kind: "list", weights: [1, 2, 10, 80] }, 80)).toEqual([1, 2, 10, 80]);
  expect(nextWeight({ kind: "list", weights: [5, 25, 60] }, 10)).toBe(25);
});

test("nextPromotionWeight: at once, or in steps down to zero", () => {
  expect(nextPromotionWeight(0, 50)).toBe(0);
  expect(nextPromotionWeight(30, 50)).toBe(20);
  expect(nextPromotionWeight(30, 20)).toBe(0);
});
