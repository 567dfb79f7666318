import { expect, test } from "vitest";
import type { Canary } from "#api";
import { type Progress, type Rehearsal, type RehearsalPlan, rehearse } from "./rehearse.ts";
import { type SimulableCanary, simulableCanary } from "./simulable-canary.ts";

const canary: Canary = {
  apiVersion: "flagger.app/v1beta1",
  kind: "Canary",
  metadata: { name: "web", namespace: "shop", annotations: { "serin.dev/pause": "{}" } },
  spec: {
    targetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
    autoscalerRef: { apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", name: "web" },
    service: { port: 80 },
    analysis: {
      interval: "30s",
      threshold: 3,
      stepWeight: 20,
      maxWeight: 60,
      metrics: [
        { name: "request-success-rate", thresholdRange: { min: 99 } },
        { name: "queue-depth", templateRef: { name: "queue-depth" }, thresholdRange: { max: 5 } },
      ],
      webhooks: [{ name: "load", type: "rollout", url: "http://load/" }],
    },
  },
};

function releaseOf(spec: Partial<Canary["spec"]["analysis"]>): SimulableCanary {
  const result = simulableCanary({
    ...canary,
    spec: { ...canary.spec, analysis: { ...canary.spec.analysis, ...spec } },
  });
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

const plan: RehearsalPlan = {
  release: releaseOf({}),
  requestsPerSecond: 100,
  errorRate: 0.001,
  noise: "iid",
  load: "flat",
  environment: {},
  faults: [
    { name: "errors=20%", fault: { kind: "errors", share: 0.2 } },
    { name: "errors=0.5%", fault: { kind: "errors", share: 0.005 } },
  ],
  runCount: 30,
  seed: 1,
};

function finish(rehearsal: Generator<Progress, Rehearsal>): {
  readonly result: Rehearsal;
  readonly progress: Progress[];
} {
  const progress: Progress[] = [];
  for (;;) {
    const next = rehearsal.next();
    if (next.done === true) return { result: next.value, progress };
    progress.push(next.value);
  }
}

test("rehearse: a healthy release is promoted, a loud fault found, and one below the threshold missed and counted", () => {
  const { result, progress } = finish(rehearse(plan));
  const [healthy, loud, quiet] = result.cases;
  expect(healthy).toMatchObject({ name: "healthy", isHealthy: true, tally: { runCount: 30, promotedCount: 30 } });
  expect(healthy?.tally.promotion).toMatchObject({ medianMs: 90_000 });
  // Three checks of half a minute at a fifth of the traffic: 90 s of 20 requests per second, a fifth of them bad.
  expect(loud?.tally).toMatchObject({ rolledBackCount: 30, rollback: { medianMs: 90_000 } });
  expect(loud?.tally.rollback?.medianBad).toBeCloseTo(360, -2);
  expect(quiet?.tally.promotedCount).toBe(30);
  expect(quiet?.tally.hourBadMean).toBeGreaterThan(1700);
  expect(progress[0]).toEqual({ doneCount: 0, totalCount: 90, caseName: "healthy" });
  expect(progress.at(-1)).toMatchObject({ doneCount: 80, caseName: "errors=0.5%" });
});

test("rehearse: the same seed gives the same runs, another one others", () => {
  const runs = (seed: number): unknown => finish(rehearse({ ...plan, seed, runCount: 5 })).result;
  expect(runs(7)).toEqual(runs(7));
  expect(runs(8)).not.toEqual(runs(7));
});

test("rehearse: what the environment did to the releases is counted, and nothing of it without one", () => {
  expect(finish(rehearse({ ...plan, runCount: 2 })).result.cases[0]).not.toHaveProperty("encounter");
  const environment = { metricsOutages: [{ fromMs: 0, untilMs: 60_000 }], crashesAtMs: [70_000], podStartMs: 50_000 };
  const [healthy] = finish(rehearse({ ...plan, environment, runCount: 4 })).result.cases;
  expect(healthy?.tally).toMatchObject({ promotedCount: 4 });
  expect(healthy?.encounter).toEqual({
    crashMean: 1,
    refusedWriteMean: 0,
    blindLookMean: 5,
    firstRequestMsMean: 50_000,
    lostCount: 0,
  });
});

test("simulableCanary: what is left out is noted, and wishes of people do not hold the simulation", () => {
  const { canary: left, notes } = releaseOf({ mirror: true });
  expect(left.spec.analysis.metrics).toEqual([{ name: "request-success-rate", thresholdRange: { min: 99 } }]);
  expect(left.spec).not.toHaveProperty("autoscalerRef");
  expect(left.metadata).not.toHaveProperty("annotations");
  expect(notes).toEqual([
    "left out, as nothing is known of their values: queue-depth",
    "1 webhooks count as passed",
    "mirrored requests are left out",
  ]);
});

test("simulableCanary: releases without weights, without a built-in metric, and with mistakes are problems", () => {
  const problemsOf = (spec: Partial<Canary["spec"]["analysis"]>): string[] => {
    const result = simulableCanary({
      ...canary,
      spec: { ...canary.spec, analysis: { ...canary.spec.analysis, ...spec } },
    });
    return result.ok ? [] : result.error.map(({ path, code }) => `${path} ${code}`);
  };
  expect(problemsOf({ iterations: 5 })).toEqual(["spec.analysis not-simulable"]);
  expect(problemsOf({ metrics: [] })).toEqual(["spec.analysis.metrics not-simulable"]);
  expect(problemsOf({ interval: "soon" })[0]).toMatch(/^spec\.analysis\.interval /);
});
