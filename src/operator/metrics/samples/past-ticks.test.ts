import { expect, test } from "vitest";
import { seededRandom } from "#base";
import { pastDispersion, pastTicks, sumOfTicks } from "./past-ticks.ts";

const STEP_MS = 60_000;
const requests = ([total = 0, bad = 0]: readonly number[]) => ({ total, bad });

function series(source: string, values: readonly (readonly number[])[], startAt = 0) {
  const points = values.map((value, index) => ({ atMs: (startAt + index) * STEP_MS, values: value }));
  return { id: source, source, pod: source, arm: "primary" as const, points };
}

test("pastTicks: differences of neighbouring steps by process; a restart counts whole, a gap and what is no count not at all", () => {
  const gap = {
    ...series("c", [
      [5, 0],
      [6, 0],
    ]),
    points: [...series("c", [[5, 0]]).points, ...series("c", [[9, 0]], 3).points],
  };
  const ticks = pastTicks(
    [
      series("a", [
        [10, 1],
        [14, 2],
        [3, 0],
      ]),
      series("b", [
        [1, 0],
        [2, 0],
        [Number.NaN, 0],
      ]),
      gap,
    ],
    STEP_MS,
  );
  expect(ticks.map((tick) => [...tick])).toEqual([
    [
      ["a", [4, 1]],
      ["b", [1, 0]],
    ],
    [["a", [3, 0]]],
  ]);
  expect(sumOfTicks(ticks)).toEqual([8, 1]);
  expect(sumOfTicks([])).toEqual([]);
});

/** Ticks of pods whose rates of errors are given by pod and tick. */
function ticksOf(pods: readonly string[], count: number, rate: (pod: string, tick: number) => number) {
  const random = seededRandom(5);
  return Array.from({ length: count }, (_, tick) => {
    const counts = pods.map((pod) => {
      const bad = Array.from({ length: 1000 }, () => random.next()).filter((value) => value < rate(pod, tick)).length;
      return [pod, [1000, bad]] as const;
    });
    return new Map<string, readonly number[]>(counts);
  });
}

test("pastDispersion: near 1 when chance is all, large when one pod or one moment fails, unknown without enough past", () => {
  const even = ticksOf(["a", "b", "c"], 60, () => 0.01);
  expect(pastDispersion(even, requests)).toBeLessThan(1.5);
  expect(
    pastDispersion(
      ticksOf(["a", "b", "c"], 60, (pod) => (pod === "a" ? 0.05 : 0.005)),
      requests,
    ),
  ).toBeGreaterThan(10);
  // Without pods a copy is compared with itself: what comes and goes counts.
  expect(
    pastDispersion(
      ticksOf(["a"], 120, () => 0.01),
      requests,
    ),
  ).toBeLessThan(1.6);
  expect(
    pastDispersion(
      ticksOf(["a"], 120, (_, tick) => (tick % 20 < 6 ? 0.05 : 0.005)),
      requests,
    ),
  ).toBeGreaterThan(5);
  expect(pastDispersion(even.slice(0, 24), requests)).toBeUndefined();
  expect(
    pastDispersion(
      ticksOf(["a", "b"], 60, () => 0).map(() => new Map([["a", [0, 0]]])),
      requests,
    ),
  ).toBeUndefined();
});
