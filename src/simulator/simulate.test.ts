import fc from "fast-check";
import { expect, test } from "vitest";
import { plainCanary } from "./plain-canary.ts";
import type { Scenario } from "./scenario.ts";
import { plotSvg } from "./plot-svg.ts";
import { simulate } from "./simulate.ts";
import { WorkloadModel } from "./workload-model.ts";

const canary = plainCanary({
  interval: "30s",
  threshold: 3,
  stepWeight: 20,
  maxWeight: 60,
  metrics: [{ name: "request-success-rate", thresholdRange: { min: 99 } }],
});
const calm: Scenario = {
  name: "calm",
  canary,
  durationMs: 1_200_000,
  releaseAtMs: 60_000,
  rateAt: () => 500,
  replicaCount: 8,
  app: { requestsPerPod: 100, podStartMs: 8000 },
  autoscaler: { minCount: 2, maxCount: 40, targetPerPod: 70, metricsDelayMs: 15_000 },
};

test("simulate: a good release is promoted, the same each time, and leaves pods and autoscalers as it found them", () => {
  const outcome = simulate(calm);
  expect(outcome).toMatchObject({ phase: "Succeeded", maxCanaryWeight: 60, overloadedCount: 0, errorCount: 0 });
  expect(outcome.samples.at(-1)).toMatchObject({ canaryWeight: 0, canaryPodCount: 0, primaryReadyCount: 8 });
  expect(simulate(calm)).toEqual(outcome);
});

test("simulate: a bad version is rolled back, and the primary serves again", () => {
  const outcome = simulate({ ...calm, app: { ...calm.app, errorRateAt: () => 0.05 } });
  expect(outcome.phase).toBe("Failed");
  expect(outcome.overloadedCount).toBe(0);
  expect(outcome.errorCount).toBeGreaterThan(0);
  expect(outcome.samples.at(-1)).toMatchObject({ canaryWeight: 0, canaryPodCount: 0 });
});

test("simulate: while it is coupled no request is beyond what ready pods serve, at any steady load, step and pod start", () => {
  const release = fc.record({
    rate: fc.integer({ min: 100, max: 2000 }),
    stepWeight: fc.integer({ min: 5, max: 60 }),
    maxWeight: fc.integer({ min: 30, max: 100 }),
    intervalS: fc.integer({ min: 10, max: 90 }),
    podStartMs: fc.integer({ min: 1, max: 45 }).map((seconds) => seconds * 1000),
    promotionStep: fc.constantFrom(0, 20),
    failsAtMs: fc.constantFrom(undefined, 0, 120_000, 300_000),
  });
  fc.assert(
    fc.property(release, ({ rate, podStartMs, intervalS, failsAtMs, promotionStep, ...steps }) => {
      const outcome = simulate({
        ...calm,
        canary: {
          ...canary,
          spec: {
            ...canary.spec,
            analysis: {
              ...canary.spec.analysis,
              interval: `${intervalS}s`,
              stepWeightPromotion: promotionStep,
              ...steps,
            },
          },
        },
        durationMs: 3_000_000,
        rateAt: () => rate,
        replicaCount: Math.max(2, Math.ceil(rate / 70)),
        app: {
          requestsPerPod: 100,
          podStartMs,
          ...(failsAtMs === undefined ? {} : { errorRateAt: (ms: number) => (ms > failsAtMs ? 0.1 : 0) }),
        },
      });
      expect(outcome.overloadedCount).toBe(0);
      expect(outcome.phase).toMatch(/Succeeded|Failed/);
    }),
    { numRuns: 60, seed: 20261127 },
  );
});

test("WorkloadModel: a rolling update keeps three quarters of the pods ready and ends with the new revision", () => {
  const workload = new WorkloadModel({ revision: "a", desiredCount: 8, podStartMs: 5000, isReadyAtMs: 0 });
  workload.revision = "b";
  for (let nowMs = 0; nowMs <= 60_000; nowMs += 1000) {
    workload.reconcile(nowMs);
    expect(workload.readyCount(nowMs)).toBeGreaterThanOrEqual(6);
    expect(workload.podCount).toBeLessThanOrEqual(10);
  }
  expect(workload).toMatchObject({ podCount: 8, updatedCount: 8 });
});

test("plotSvg: one panel for each outcome, with titles that cannot break the document", () => {
  const svg = plotSvg([{ title: "calm <1>", outcome: simulate(calm) }]);
  expect(svg).toContain("calm &lt;1&gt;");
  expect(svg.match(/<path /g)?.length).toBe(4);
  expect(svg.startsWith("<svg ")).toBe(true);
});
