import { expect, test } from "vitest";
import type { Canary } from "#api";
import { plainCanary } from "../plain-canary.ts";
import { drawHistory, type TrafficPlan } from "../traffic/index.ts";
import { runTrial } from "../trials/index.ts";
import { DecideJudge } from "./decide-judge.ts";
import type { Environment } from "./environment.ts";
import { RouteModel } from "./route-model.ts";

const STEP_MS = 10_000;
const healthy: TrafficPlan = {
  requestsPerSecond: 300,
  errorRate: 0.001,
  noise: "iid",
  load: "flat",
  canaryFaults: [],
  sharedFaults: [],
};
const broken: TrafficPlan = { ...healthy, canaryFaults: [{ kind: "errors", share: 0.1 }] };

const history = drawHistory(healthy, 1);

function canaryOf(method: "threshold" | "sequential"): Canary {
  const [rate, duration] =
    method === "threshold" ? [{ thresholdRange: { min: 99 } }, { thresholdRange: { max: 800 } }] : [{}, {}];
  return plainCanary({
    method,
    interval: "30s",
    threshold: 3,
    stepWeights: [5, 20, 50],
    metrics: [
      { name: "request-success-rate", ...rate },
      { name: "request-duration", ...duration },
    ],
  });
}

function releaseOf(environment: Environment, { plan = healthy } = {}) {
  return runIn(environment, { plan, method: "threshold", seed: 1 });
}

function runIn(
  environment: Environment,
  of: { readonly plan: TrafficPlan; readonly method: "threshold" | "sequential"; readonly seed: number },
) {
  const { plan, method, seed } = of;
  const judge = new DecideJudge({ canary: canaryOf(method), history, environment, seed, stepMs: STEP_MS });
  const trial = runTrial(judge, { plan, seed, stepMs: STEP_MS, horizonMs: 3_600_000 });
  const { incidents, preparedMs } = judge.release;
  return { ...trial, ...incidents, preparedMs, isSettled: judge.release.settle(trial.endedMs) };
}

const calm = releaseOf({});

test("no fault of the environment rolls a healthy release back, saves a bad one, or leaves one halfway", () => {
  const span = [{ fromMs: 20_000, untilMs: 120_000 }];
  const environments: Environment[] = [
    { metricsOutages: span },
    { conflictShare: 0.5 },
    { conflictShare: 0.5, conflictSpans: span },
    { crashesAtMs: [0, 30_000, 40_000] },
    { crashShare: 0.3 },
    { podStartMs: 90_000 },
    { meshLagMs: 25_000 },
    { scrapeLagMs: 30_000 },
    {
      metricsOutages: span,
      conflictShare: 0.2,
      crashShare: 0.1,
      podStartMs: 40_000,
      meshLagMs: 5000,
      scrapeLagMs: 10_000,
    },
  ];
  for (const method of ["threshold", "sequential"] as const)
    for (const [seed, environment] of environments.entries()) {
      const good = runIn(environment, { plan: healthy, method, seed });
      expect({ method, environment, ...good }).toMatchObject({ verdict: "promoted", isSettled: true });
      const bad = runIn(environment, { plan: broken, method, seed });
      expect({ method, environment, ...bad }).toMatchObject({ verdict: "rolled-back", isSettled: true });
      expect(runIn(environment, { plan: broken, method, seed })).toEqual(bad);
    }
});

test("metrics outage: looks find nothing to read, and the release waits as long as it lasts", () => {
  const { blindLookCount, endedMs } = releaseOf({ metricsOutages: [{ fromMs: 20_000, untilMs: 200_000 }] });
  expect(blindLookCount).toBe(6);
  expect(endedMs).toBe(calm.endedMs + 180_000);
});

test("API conflicts: a refused write costs a step, in the span alone", () => {
  const { refusedWriteCount, endedMs } = releaseOf({ conflictShare: 0.5 });
  expect(refusedWriteCount).toBeGreaterThan(0);
  expect(endedMs).toBeGreaterThan(calm.endedMs);
  expect((endedMs - calm.endedMs) % STEP_MS).toBe(0);
  const later = [{ fromMs: 1_000_000, untilMs: 2_000_000 }];
  expect(releaseOf({ conflictShare: 0.5, conflictSpans: later })).toEqual(calm);
});

test("crash: the operator goes on from the status alone, a step later", () => {
  const crashed = releaseOf({ crashesAtMs: [30_000] });
  expect(crashed).toMatchObject({ crashCount: 1, endedMs: calm.endedMs + STEP_MS, maxWeightPercent: 50 });
  expect(releaseOf({ crashShare: 0.5, crashSpans: [{ fromMs: 0, untilMs: 1 }] }).endedMs).toBe(calm.endedMs);
  expect(releaseOf({ crashShare: 0.3 }).crashCount).toBeGreaterThan(0);
});

test("slow pods: the first request waits for them; for longer than a Deployment's deadline there is none", () => {
  expect(releaseOf({ podStartMs: 90_000 })).toMatchObject({ preparedMs: 90_000, endedMs: calm.endedMs });
  const never = releaseOf({ podStartMs: 900_000 });
  expect(never).toMatchObject({ verdict: "rolled-back", canaryRequests: 0, preparedMs: 600_000 });
});

test("mesh lag: proxies hear of weights late, of the way back too", () => {
  const lagging = releaseOf({ meshLagMs: 20_000 }, { plan: broken });
  const prompt = releaseOf({}, { plan: broken });
  expect(lagging.preparedMs).toBe(prompt.preparedMs + 20_000);
  // The first look comes 20 s sooner after the first request, the last request 20 s later than the decision.
  expect(lagging.endedMs).toBe(prompt.endedMs);
});

test("scrape lag: what is judged is old, so a fault that begins is found later", () => {
  const plan: TrafficPlan = { ...healthy, canaryFaults: [{ kind: "errors", share: 0.1, fromMs: 40_000 }] };
  const late = runIn({ scrapeLagMs: 60_000 }, { plan, method: "sequential", seed: 1 });
  const prompt = runIn({}, { plan, method: "sequential", seed: 1 });
  expect([prompt.verdict, late.verdict]).toEqual(["rolled-back", "rolled-back"]);
  expect(late.endedMs).toBeGreaterThan(prompt.endedMs);
  expect(late.badRequests).toBeGreaterThan(prompt.badRequests);
});

test("RouteModel: the mean of what is in force, each weight a lag after it was asked for", () => {
  const route = new RouteModel(5000);
  expect(route.servedOver(0, 10_000)).toBe(0);
  route.ask(10, 10_000);
  route.ask(30, 12_000);
  expect(route.askedPercent).toBe(30);
  // 5 s of 0, 2 s of 10, 3 s of 30.
  expect(route.servedOver(10_000, 20_000)).toBe(11);
  expect(route.servedOver(20_000, 30_000)).toBe(30);
});
