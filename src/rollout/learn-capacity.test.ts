import { expect, test } from "vitest";
import type { LearnedCapacity } from "#api";
import { seededRandom } from "#base";
import { learn, learnedRequestsPerPod } from "./learn-capacity.ts";

const sample = (requestsPerSecond: number, podsForLoad: number, revision = "s-a") => ({
  revision,
  requestsPerSecond,
  podsForLoad,
});

function learnAll(rates: readonly number[], revision = "s-a"): readonly LearnedCapacity[] {
  return rates.reduce<readonly LearnedCapacity[]>((known, rate) => learn(known, sample(rate * 2, 2, revision)), []);
}

test("learn: mean and deviation of what one pod served, version by version", () => {
  const known = learnAll([48, 50, 52, 50]);
  expect(known).toEqual([
    { revision: "s-a", requestsPerPod: 50, deviation: expect.closeTo(Math.sqrt(2), 4) as number, sampleCount: 4 },
  ]);
  expect(learn(known, sample(30, 1, "s-b")).map(({ revision }) => revision)).toEqual(["s-a", "s-b"]);
});

test("learn: no more than two versions are kept, and old samples fade", () => {
  const three = ["s-a", "s-b", "s-c"].reduce<readonly LearnedCapacity[]>(
    (known, revision) => learn(known, sample(10, 1, revision)),
    [],
  );
  expect(three.map(({ revision }) => revision)).toEqual(["s-b", "s-c"]);
  const changed = learnAll([...Array<number>(200).fill(50), ...Array<number>(120).fill(30)]);
  expect(changed[0]?.requestsPerPod).toBeCloseTo(30, 0);
  expect(changed[0]?.sampleCount).toBe(30);
});

test("learn: too little load says nothing", () => {
  expect(learn([], sample(0.5, 2))).toEqual([]);
  expect(learn([], sample(20, 0.1))).toEqual([]);
});

test("learnedRequestsPerPod: unknown before five samples, and below the mean by its uncertainty", () => {
  expect(learnedRequestsPerPod(learnAll([50, 50, 50, 50]), "s-a")).toBeUndefined();
  expect(learnedRequestsPerPod(learnAll([50, 50, 50, 50, 50]), "s-a")).toBe(50);
  expect(learnedRequestsPerPod(learnAll([50, 50, 50, 50, 50]), "s-b")).toBeUndefined();
  const noisy = learnedRequestsPerPod(learnAll([40, 60, 40, 60, 50]), "s-a") ?? 0;
  expect(noisy).toBeGreaterThan(40);
  expect(noisy).toBeLessThan(45);
});

test("learnedRequestsPerPod: above the truth in few of many noisy runs (seed 7)", () => {
  const random = seededRandom(7);
  const noise = (): number => (random.next() + random.next() + random.next() - 1.5) * 20;
  let tooHighCount = 0;
  for (let run = 0; run < 500; run += 1) {
    const rates = Array.from({ length: 10 }, () => 50 + noise());
    if ((learnedRequestsPerPod(learnAll(rates), "s-a") ?? 0) > 50) tooHighCount += 1;
  }
  expect(tooHighCount).toBeLessThan(500 * 0.07);
});
