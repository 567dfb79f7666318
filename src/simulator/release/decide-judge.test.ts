import fc from "fast-check";
import { expect, test } from "vitest";
import { FLAGGER_ANALYSIS, plainCanary } from "../plain-canary.ts";
import { flagger, FLAGGER_DEFAULT } from "../peers/index.ts";
import { type Fault, NO_HISTORY, type TrafficPlan } from "../traffic/index.ts";
import { runTrial, type Trial } from "../trials/index.ts";
import type { Environment } from "./environment.ts";
import { DecideJudge } from "./decide-judge.ts";

const canary = plainCanary(FLAGGER_ANALYSIS);
const calm: TrafficPlan = {
  requestsPerSecond: 100,
  errorRate: 0.005,
  noise: "auto",
  load: "flat",
  canaryFaults: [],
  sharedFaults: [],
};

function trialOf(options: {
  readonly plan?: Partial<TrafficPlan>;
  readonly environment?: Environment;
  readonly seed: number;
}): Trial {
  const { seed } = options;
  const judge = new DecideJudge({
    canary,
    history: NO_HISTORY,
    environment: options.environment ?? {},
    seed,
    stepMs: 10_000,
  });
  return runTrial(judge, { plan: { ...calm, ...options.plan }, seed, stepMs: 10_000, horizonMs: 3_600_000 });
}

test("flagger: the peer's stepper is the real decide with method threshold, but for the tick that Flagger waits before it rolls back", () => {
  const faults: Fault[][] = [
    [],
    [{ kind: "errors", share: 0.01 }],
    [{ kind: "errors", share: 0.05, fromMs: 150_000 }],
    [{ kind: "latency", factor: 2 }],
    [{ kind: "tail", share: 0.01, ms: 1500 }],
  ];
  const verdicts = new Set<string>();
  for (const canaryFaults of faults) {
    for (let seed = 0; seed < 40; seed += 1) {
      const plan: TrafficPlan = { ...calm, errorRate: 0.008, canaryFaults };
      const peer = runTrial(flagger(FLAGGER_DEFAULT), { plan, seed, stepMs: 10_000, horizonMs: 3_600_000 });
      const own = trialOf({ plan, seed });
      verdicts.add(own.verdict);
      expect({ seed, verdict: own.verdict }).toEqual({ seed, verdict: peer.verdict });
      expect(own.endedMs).toBe(peer.verdict === "rolled-back" ? peer.endedMs - 60_000 : peer.endedMs);
      expect(own.maxWeightPercent).toBe(peer.maxWeightPercent);
    }
  }
  expect([...verdicts].toSorted()).toEqual(["promoted", "rolled-back"]);
});

test("DecideJudge: the same seed is the same trial, whatever goes wrong around it", () => {
  const environment: Environment = {
    metricsOutages: [{ fromMs: 100_000, untilMs: 250_000 }],
    conflictShare: 0.2,
    crashesAtMs: [60_000, 200_000],
    podStartMs: 30_000,
    scrapeLagMs: 20_000,
  };
  expect(trialOf({ environment, seed: 3 })).toEqual(trialOf({ environment, seed: 3 }));
});

test("DecideJudge: an outage of the metrics only delays a healthy release", () => {
  const trial = trialOf({
    plan: { errorRate: 0.0001, noise: "iid" },
    environment: { metricsOutages: [{ fromMs: 100_000, untilMs: 700_000 }] },
    seed: 1,
  });
  expect(trial).toMatchObject({ verdict: "promoted", endedMs: 300_000 + 600_000 });
});

test("DecideJudge: crashes and refused writes at any look delay a healthy release, and neither promote nor save a bad one", () => {
  fc.assert(
    fc.property(
      fc.record({
        crashesAtMs: fc.array(fc.integer({ min: 0, max: 400_000 }), { maxLength: 6 }),
        conflictShare: fc.double({ min: 0, max: 0.3, noNaN: true }),
        podStartMs: fc.integer({ min: 0, max: 90_000 }),
        seed: fc.nat(),
      }),
      ({ seed, ...environment }) => {
        const good = trialOf({ plan: { errorRate: 0.0001, noise: "iid" }, environment, seed });
        expect(good.verdict).toBe("promoted");
        expect(good.endedMs).toBeGreaterThanOrEqual(300_000);
        const bad = trialOf({ plan: { canaryFaults: [{ kind: "errors", share: 0.2 }] }, environment, seed });
        expect(bad.verdict).toBe("rolled-back");
      },
    ),
    { numRuns: 40 },
  );
});
