import { expect, test } from "vitest";
import { type CopyLoad, formatWayBack, isCovered, needFor, planWayBack, servablePercent } from "./plan-capacity.ts";

const load: CopyLoad = { podsForAll: 8, podCount: 8, readyCount: 8, minCount: 0, max: undefined, protectedCount: 0 };
const margins = { headroomPercent: 20, quotaPodCount: undefined };

test("needFor: the share of the load with headroom, whole pods, never below one for a copy with traffic", () => {
  expect(needFor(50, load, margins)).toEqual({ count: 5, bareCount: 4, floorCount: 5, bounds: [] });
  expect(needFor(1, load, margins)).toMatchObject({ count: 1, bareCount: 1 });
  expect(needFor(1, { ...load, podsForAll: 0 }, margins)).toMatchObject({ count: 1, bareCount: 1 });
  expect(needFor(0, load, margins)).toEqual({ count: 0, bareCount: 0, floorCount: 0, bounds: [] });
  // 10 × 30% × 1.0 is 3 pods, whatever floats make of it.
  expect(needFor(30, { ...load, podsForAll: 10 }, { ...margins, headroomPercent: 0 }).count).toBe(3);
});

test("needFor: every bound is reported with what the load wants", () => {
  const max = { count: 4, source: "hpa web" };
  expect(needFor(100, { ...load, max }, margins)).toMatchObject({
    count: 4,
    bareCount: 8,
    bounds: [{ kind: "max", limitCount: 4, wantedCount: 10, text: "hpa web allows at most 4" }],
  });
  expect(needFor(100, { ...load, podCount: 3 }, { ...margins, quotaPodCount: 2 })).toMatchObject({
    count: 5,
    bounds: [{ kind: "quota", limitCount: 5, text: "a ResourceQuota allows no more than 5" }],
  });
  expect(needFor(10, { ...load, minCount: 3 }, margins)).toMatchObject({
    count: 1,
    floorCount: 1,
    bounds: [{ kind: "min", limitCount: 3 }],
  });
  expect(needFor(10, { ...load, protectedCount: 6 }, margins)).toMatchObject({
    count: 1,
    floorCount: 6,
    bounds: [{ kind: "budget", limitCount: 6, text: "a PodDisruptionBudget keeps 6 available" }],
  });
});

test("needFor and isCovered over the small space: never covered with less than the load needs, and bounds hold", () => {
  let caseCount = 0;
  for (let podsForAll = 0; podsForAll <= 6; podsForAll += 0.5)
    for (const share of [0, 1, 10, 25, 50, 75, 99, 100])
      for (const headroomPercent of [0, 20, 100])
        for (const maxCount of [undefined, 1, 3, 8])
          for (const quotaPodCount of [undefined, 0, 2])
            for (const protectedCount of [0, 4])
              for (let readyCount = 0; readyCount <= 8; readyCount += 1) {
                const max = maxCount === undefined ? undefined : { count: maxCount, source: "hpa web" };
                const copy = { ...load, podsForAll, podCount: 2, readyCount, max, protectedCount };
                const need = needFor(share, copy, { headroomPercent, quotaPodCount });
                const servedPods = (podsForAll * share) / 100;
                caseCount += 1;
                if (share > 0) expect(need.bareCount).toBeGreaterThanOrEqual(1);
                if (isCovered(need, readyCount)) expect(readyCount).toBeGreaterThanOrEqual(servedPods - 1e-6);
                if (maxCount !== undefined) expect(need.floorCount).toBeLessThanOrEqual(maxCount);
                if (quotaPodCount !== undefined) expect(need.count).toBeLessThanOrEqual(2 + quotaPodCount);
                // Enough pods are always enough: no wait without an end.
                const needed = Math.max(need.count, need.bareCount);
                expect(isCovered(need, needed)).toBe(true);
                expect(needed).toBeLessThanOrEqual(Math.max(1, Math.ceil(servedPods * (1 + headroomPercent / 100))));
              }
  expect(caseCount).toBeGreaterThan(60_000);
});

test("servablePercent: the largest share that the need of ready pods covers", () => {
  expect(servablePercent(5, 8, 0)).toBe(62);
  for (let podsForAll = 0.5; podsForAll <= 12; podsForAll += 0.5)
    for (let readyCount = 0; readyCount <= 14; readyCount += 1) {
      const percent = servablePercent(readyCount, podsForAll, 20);
      const copy = { ...load, podsForAll };
      if (readyCount === 0) expect(percent).toBe(0);
      if (percent > 0) expect(isCovered(needFor(percent, copy, margins), readyCount)).toBe(true);
      // One pod serves any share that needs less than one.
      if (percent < 100 && readyCount > 0)
        expect((podsForAll * 1.2 * (percent + 1)) / 100).toBeGreaterThan(readyCount - 1e-6);
    }
});

test("planWayBack: what is ready goes back at once, the rest when its pods are there", () => {
  expect(formatWayBack(planWayBack(load, 19_000))).toBe("100% in 1s");
  expect(formatWayBack(planWayBack({ ...load, readyCount: 5 }, 19_000))).toBe("62% in 1s, 100% in 20s");
  expect(formatWayBack(planWayBack({ ...load, readyCount: 5 }, undefined))).toBe(
    "62% in 1s, 100% when its pods are ready",
  );
});
