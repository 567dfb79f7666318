import { describe, expect, test } from "vitest";
import type { CanaryAnalysis, CanaryMetric } from "#api";
import { planRoad, type Road } from "./plan-road.ts";
import type { RoadLoad } from "./road-load.ts";
import { canaryOf, type Scene } from "./scene.ts";
import { ERRORS, healthy, release, sequential } from "./sequential-world.ts";
import { readSettings } from "./settings.ts";
import { calmLook, happen, lookAt, newWorld, type Plan } from "./world.ts";

const assumed = { errorRate: 0.001, scrapeIntervalMs: 15_000 };
const unknownLoad: RoadLoad = {
  requestsPerSecond: undefined,
  podsForAll: undefined,
  primary: undefined,
  canary: undefined,
};
const rate: CanaryMetric = { name: "request-success-rate", interval: "1m", thresholdRange: { min: 99 } };
const duration: CanaryMetric = { name: "request-duration", interval: "1m", thresholdRange: { max: 500 } };

function roadOf(scene: Scene, load: RoadLoad = unknownLoad): Road {
  const canary = canaryOf(scene);
  const settings = readSettings(canary, { minIntervalMs: 1000 });
  if (!settings.ok) throw new Error(JSON.stringify(settings.error));
  return planRoad({ settings: settings.value, load }, assumed);
}

const steps = (road: Road): string[] => road.steps.map(({ atMs, kind, weight }) => `${atMs} ${kind} ${weight}`);

/** When the weights of a release changed and when it ended, under the decisions themselves. */
function walked(plan: Plan): string[] {
  const world = newWorld();
  const look = () => lookAt(world, calmLook, { plan, before: world });
  for (let count = 0; count < 5; count++) look();
  happen(world, { kind: "release", hash: "s-b" });
  const told: string[] = [];
  let startMs: number | undefined;
  for (let count = 0; count < 100; count++) {
    const before = { weight: world.status.canaryWeight ?? 0, phase: world.status.phase };
    const { decision } = look();
    // Each look takes four seconds of its own; the next one is when it is asked for.
    const nowMs = world.nowMs;
    world.nowMs = Math.max(nowMs, decision.wakeAtMs ?? nowMs) - 4000;
    if (decision.label === "start") startMs = nowMs;
    const { phase, canaryWeight } = decision.status;
    if (startMs === undefined) continue;
    if (canaryWeight !== before.weight) told.push(`${nowMs - startMs} ${canaryWeight}`);
    if (phase === "Succeeded" && before.phase !== phase) return [...told, `${nowMs - startMs} done`];
  }
  throw new Error("the release does not end");
}

/** The same of a road. */
function planned(road: Road): string[] {
  const told: string[] = [];
  let weight = 0;
  const drainMs = 10_000;
  for (const { atMs = 0, kind, weight: next } of road.steps) {
    const atDone = kind === "done";
    if (next !== weight) told.push(`${atDone ? atMs - drainMs : atMs} ${next}`);
    if (atDone) told.push(`${atMs} done`);
    weight = next;
  }
  return told;
}

describe("planRoad: its steps and times are those that decide takes", () => {
  test.each<[string, Partial<CanaryAnalysis>, Scene["spec"]?]>([
    ["weights", { stepWeight: 10, maxWeight: 50 }],
    ["weights that do not divide", { stepWeight: 30, maxWeight: 50 }],
    ["a list", { stepWeight: 0, stepWeights: [1, 5, 25] }],
    ["a mirror", { stepWeight: 20, maxWeight: 40, mirror: true }],
    ["a way back in steps", { stepWeight: 20, maxWeight: 60, stepWeightPromotion: 25 }],
    ["blue/green", { stepWeight: 0, iterations: 3 }],
    ["no analysis", { stepWeight: 10, maxWeight: 50 }, { skipAnalysis: true }],
  ])("%s", (_, analysis, spec = {}) => {
    const plan: Plan = { analysis: { interval: "30s", ...analysis }, spec };
    expect(planned(roadOf(plan))).toEqual(walked(plan));
  });
});

test("planRoad: an A/B test and blue/green without routes", () => {
  const match = [{ headers: { user: { exact: "ann" } } }];
  expect(steps(roadOf({ analysis: { stepWeight: 0, iterations: 2, match } }))).toEqual([
    "0 scale-up 0",
    "10000 check 100",
    "20000 check 100",
    "30000 promote 100",
    "40000 done 0",
  ]);
  expect(steps(roadOf({ analysis: { iterations: 1 }, spec: { provider: "kubernetes" } }))).toEqual([
    "0 scale-up 0",
    "10000 check 0",
    "20000 check 0",
    "30000 promote 0",
    "40000 done 0",
  ]);
});

const scaled: RoadLoad = {
  requestsPerSecond: 400,
  podsForAll: 8,
  primary: { count: 8, scaler: { name: "hpa web-primary", minCount: 2, maxCount: 10 } },
  canary: { count: 1, scaler: { name: "hpa web", minCount: 1, maxCount: 3 } },
  podStartMs: 20_000,
};

test("planRoad: pods of both copies at each step, within the autoscalers' bounds, and the way back from the top", () => {
  const road = roadOf({ analysis: { stepWeight: 25, maxWeight: 50, metrics: [rate] } }, scaled);
  expect(road.steps.map(({ kind, weight, pods }) => [kind, weight, pods.canary, pods.primary])).toEqual([
    ["scale-up", 0, 3, 9],
    ["weight", 25, 3, 7],
    ["weight", 50, 3, 7],
    ["promote", 50, 3, 9],
    ["done", 0, 0, 9],
  ]);
  expect(road.wayBack).toEqual([
    { percent: 87, withinMs: 1000 },
    { percent: 100, withinMs: 21_000 },
  ]);
});

test("planRoad: the canary has the pods of its next step on each, copies of requests included", () => {
  const wide = { ...scaled, canary: { count: 1, scaler: { name: "hpa web", minCount: 1, maxCount: 20 } } };
  const pods = (analysis: Partial<CanaryAnalysis>) => roadOf({ analysis }, wide).steps.map((step) => step.pods.canary);
  expect(pods({ stepWeight: 0, stepWeights: [5, 25, 50] })).toEqual([1, 3, 5, 5, 5, 0]);
  expect(pods({ stepWeight: 50, maxWeight: 50, mirror: true })).toEqual([9, 9, 5, 5, 0]);
  expect(pods({ stepWeight: 0, iterations: 1, mirror: true })).toEqual([9, 9, 9, 9, 0]);
});

test("planRoad: without an autoscaler the primary keeps its size and the canary has at least what it starts with", () => {
  const fixed = { ...scaled, primary: { count: 8 }, canary: { count: 2 } };
  const road = roadOf({ analysis: { stepWeight: 50, maxWeight: 50 } }, fixed);
  expect(road.steps.map(({ pods }) => [pods.canary, pods.primary])).toEqual([
    [5, 8],
    [5, 8],
    [5, 8],
    [0, 8],
  ]);
  expect(road.wayBack).toEqual([{ percent: 100, withinMs: 1000 }]);
});

test("planRoad, threshold: how many bad requests a check takes, how long a bad version lives, and what passes", () => {
  const { checks } = roadOf(
    { analysis: { interval: "1m", threshold: 5, stepWeight: 10, metrics: [rate, duration] } },
    scaled,
  );
  expect(checks).toMatchObject([
    {
      name: "request-success-rate",
      weight: 10,
      requestCount: 2400,
      badToFail: 25,
      rollbackMs: 300_000,
      servedBefore: 12_000,
      blindTo: "error rates up to 1%, however good the primary is",
    },
    { badToFail: 25, blindTo: "any slowdown that leaves 99% of the requests below 500ms" },
  ]);
  // The 24th bad one of 2400 is 1%, which is allowed.
  expect(100 - (24 / 2400) * 100).toBeGreaterThanOrEqual(99);
  expect(100 - (25 / 2400) * 100).toBeLessThan(99);
});

test.each<[string, Partial<CanaryAnalysis>, number, string, string]>([
  ["a floor of 0", { metrics: [{ ...rate, thresholdRange: { min: 0 } }] }, 100, "never-fails", "every success rate"],
  ["no floor at all", { metrics: [{ name: "request-success-rate" }] }, 100, "never-fails", "every success rate"],
  [
    "a range without ends",
    { metrics: [{ name: "errors", query: "x", thresholdRange: {} }] },
    100,
    "never-fails",
    "every value",
  ],
  ["no metric", { metrics: [] }, 100, "never-fails", "no metric and no rollout hook"],
  [
    "a window of one scrape",
    { metrics: [{ ...rate, interval: "20s" }] },
    100,
    "never-decides",
    "fewer than two scrapes",
  ],
  ["no traffic", { metrics: [rate] }, 0, "never-decides", "about 0 requests in 1m0s at 10%"],
  ["a request an hour", { metrics: [rate] }, 0.01, "never-decides", "about 0.06 requests"],
  ["ten requests", { metrics: [rate] }, 2, "noisy", "one bad request among about 12 in 1m0s fails it"],
])("planRoad, threshold, warns of %s", (_, analysis, requestsPerSecond, kind, text) => {
  const { warnings } = roadOf({ analysis }, { ...unknownLoad, requestsPerSecond });
  expect(warnings).toMatchObject([{ kind, text: expect.stringContaining(text) }]);
});

test("planRoad, threshold: nothing to warn of with sound checks, or where the traffic is not known", () => {
  expect(roadOf({ analysis: { metrics: [rate, duration] } }, scaled).warnings).toEqual([]);
  expect(roadOf({ analysis: { metrics: [rate] } }).warnings).toEqual([]);
  const hook = { name: "load", url: "http://load/", type: "rollout" as const };
  expect(roadOf({ analysis: { webhooks: [hook] } }, scaled).warnings).toEqual([]);
});

const ladder: Partial<CanaryAnalysis> = {
  method: "sequential",
  interval: "10s",
  stepWeight: 0,
  stepWeights: [1, 2, 5, 10, 25, 50],
  metrics: [rate],
};

test("planRoad, sequential: the time of a good release falls with the traffic, its medians are near the measured ones", () => {
  const minutes = [1000, 100, 10].map((requestsPerSecond) => {
    const road = roadOf({ analysis: ladder }, { ...unknownLoad, requestsPerSecond });
    expect(road.forecast?.isProven).toBe(true);
    return (road.forecast?.promotedAtMs ?? 0) / 60_000;
  });
  // Source: statistics reference 6, G10: 6.5 minutes at 1000 requests/s, 10 at 100, 18 at 10.
  expect(minutes[0]).toBeLessThan(6.5);
  expect(minutes[1]).toBeLessThan(10);
  expect(minutes[2]).toBeLessThanOrEqual(18);
  expect(minutes).toEqual(minutes.toSorted((a, b) => a - b));
});

test.each([10, 100, 1000])(
  "planRoad, sequential: at %d requests/s the time is near the one that decide takes",
  (requestsPerSecond) => {
    const analysis = { ...sequential, metrics: [ERRORS] };
    const canary = canaryOf({ analysis });
    const settings = readSettings(canary, { minIntervalMs: 1000 });
    if (!settings.ok) throw new Error(JSON.stringify(settings.error));
    const load = { ...unknownLoad, requestsPerSecond };
    const road = planRoad({ settings: settings.value, load }, { ...assumed, errorRate: 0.005 });
    const seconds = [1, 2, 3, 4, 5].map((seed) => {
      const trip = release({ service: { ...healthy, requestsPerSecond }, seed, plan: { analysis, spec: {} } });
      expect(trip.last.status.phase).toBe("Promoting");
      return trip.seconds;
    });
    const median = seconds.toSorted((a, b) => a - b)[2] ?? 0;
    const ratio = (road.forecast?.promotedAtMs ?? 0) / 1000 / median;
    expect(ratio).toBeGreaterThan(0.75);
    expect(ratio).toBeLessThan(1.33);
  },
);

test("planRoad, sequential: more errors are found sooner; what is never found is said", () => {
  const road = roadOf({ analysis: ladder }, { ...unknownLoad, requestsPerSecond: 100 });
  const requests = road.forecast?.detections.map(({ requestCount }) => requestCount) ?? [];
  expect(requests).toEqual(requests.toSorted((a, b) => b - a));
  // Source: statistics reference 2.12: +1 point on 0.1% takes 600 to 1000 requests, +5 points 60 to 140.
  expect(requests[1]).toBeGreaterThan(500);
  expect(requests[1]).toBeLessThan(1000);
  expect(requests[2]).toBeLessThan(140);
  expect(road.warnings).toEqual([]);
  const idle = roadOf({ analysis: ladder }, { ...unknownLoad, requestsPerSecond: 0 });
  expect(idle.warnings.map(({ kind }) => kind)).toEqual(["never-decides", "never-decides"]);
  expect(idle.forecast).toMatchObject({ isProven: false, smallestFound: undefined });
  const held = roadOf(
    { analysis: { ...ladder, sequential: { onTimeout: "hold", profile: "strict", maxDuration: "5m" } } },
    { ...unknownLoad, requestsPerSecond: 0.5 },
  );
  expect(held.durationMs).toBeUndefined();
  expect(held.warnings.map(({ text }) => text).join()).toContain("then it is held (onTimeout)");
});

test("planRoad, sequential: without a known traffic there are requests and no times", () => {
  const { forecast, warnings } = roadOf({ analysis: ladder });
  expect(forecast?.arrivals.every(({ atMs }) => atMs === undefined)).toBe(true);
  expect(forecast?.detections[0]).toMatchObject({ excess: 0.005, afterMs: undefined });
  expect(warnings).toEqual([]);
});
