import { expect, test } from "vitest";
import type { Canary, CanaryAnalysis } from "#api";
import { plainCanary } from "../plain-canary.ts";
import { measuredWeights } from "./measured-weights.ts";
import { findReleases, type PastRelease, type ReleaseWindow } from "./past-releases.ts";
import type { PodCounters } from "./pod-counters.ts";
import { replayRelease } from "./replay-release.ts";

const STEP_MS = 30_000;
const BEGAN_MS = Date.UTC(2026, 4, 1);
const BOUNDS = [100, 250];
const COUNT = 80;

interface Life {
  readonly pod: string;
  /** Requests in each interval, from the one that ends at `from`; none after `until`. */
  readonly each: number;
  readonly from: number;
  readonly until: number;
  readonly errors?: number;
  /** The index at which its counters begin anew. */
  readonly restart?: number;
}

/** A pod that is scraped from `from` to `until`, and has no series before and after. */
function podOf({ pod, each, from, until, errors = 0, restart = Number.NaN }: Life): PodCounters {
  const line = (perTick: number): (number | undefined)[] => {
    let value = from === 0 ? 1000 : 0;
    return Array.from({ length: COUNT }, (_, index) => {
      if (index < from || index > until) return undefined;
      value = (index === restart ? 0 : value) + perTick;
      return value;
    });
  };
  return { pod, requests: line(each), errors: line(each * errors), within: [line(each * 0.9), line(each)] };
}

const primaryPods = ["primary-aaa", "primary-bbb"].map((pod) => podOf({ pod, each: 450, from: 0, until: COUNT }));

function windowOf(overrides: Partial<ReleaseWindow>): ReleaseWindow {
  return {
    timesMs: Array.from({ length: COUNT }, (_, index) => BEGAN_MS + index * STEP_MS),
    sinceMs: BEGAN_MS,
    boundsMs: BOUNDS,
    canary: [],
    primary: primaryPods,
    weights: [],
    ...overrides,
  };
}

function only(window: ReleaseWindow): PastRelease {
  const { releases } = findReleases(window);
  expect(releases).toHaveLength(1);
  if (releases[0] === undefined) throw new Error("there is a release");
  return releases[0];
}

const canaryPod: Life = { pod: "canary-ccc", each: 100, from: 30, until: 49 };

test("findReleases: from the canary's first request to its last, counted from 0, with the primary's past", () => {
  const release = only(windowOf({ canary: [podOf(canaryPod)] }));
  expect(release).toMatchObject({ beganMs: BEGAN_MS + 29 * STEP_MS, weightsFrom: "measured", wasPromoted: undefined });
  expect(release.requests).toEqual({ canary: 2000, primary: 18_000 });
  expect(release.ticks.map(({ untilMs }) => untilMs)).toEqual(
    Array.from({ length: 20 }, (_, index) => BEGAN_MS + (30 + index) * STEP_MS),
  );
  expect(release.weights).toEqual(release.ticks.map(() => 10));
  const [rate] = release.ticks[0]?.history ?? [];
  expect(rate?.counts).toEqual({ total: 29 * 900, bad: 0 });
});

test("findReleases: counters that begin anew are followed", () => {
  const release = only(windowOf({ canary: [podOf({ ...canaryPod, errors: 0.1, restart: 40 })] }));
  expect(release.requests).toEqual({ canary: 2000, primary: 18_000 });
  const bad = release.ticks.map(({ metrics: [rate] }) => (rate?.kind === "counts" ? rate.arms.canary.bad : -1));
  expect(bad).toEqual(release.ticks.map(() => 10));
});

test("findReleases: five minutes without a request part two releases, and so do pods of another revision", () => {
  const later = podOf({ ...canaryPod, pod: "canary-ddd", from: 62, until: 70 });
  expect(findReleases(windowOf({ canary: [podOf(canaryPod), later] })).releases).toHaveLength(2);
  const pods = (second: string) => [
    podOf({ ...canaryPod, pod: "web-6d4cf56db6-x2x4z" }),
    podOf({ ...canaryPod, pod: second, from: 50, until: 60 }),
  ];
  expect(findReleases(windowOf({ canary: pods("web-7f9cb88d5c-b2b4z") })).releases).toHaveLength(2);
  expect(findReleases(windowOf({ canary: pods("web-6d4cf56db6-b2b4z") })).releases).toHaveLength(1);
});

test("findReleases: a primary of another revision is the promotion, and the end of what there is to judge", () => {
  const named = (hash: string, of: Partial<Life>): PodCounters =>
    podOf({ pod: `web-primary-${hash}-x2x4z`, each: 900, from: 0, until: COUNT, ...of });
  const kept = only(windowOf({ canary: [podOf(canaryPod)], primary: [named("6d4cf56db6", {})] }));
  expect(kept.wasPromoted).toBe(false);
  const primary = [named("6d4cf56db6", { until: 44 }), named("7f9cb88d5c", { from: 44 })];
  const promoted = only(windowOf({ canary: [podOf(canaryPod)], primary }));
  expect(promoted.wasPromoted).toBe(true);
  expect(promoted.ticks.at(-1)?.untilMs).toBe(BEGAN_MS + 43 * STEP_MS);
});

test("findReleases: a weight that was recorded is taken, and holds where it is not there", () => {
  const weights = Array.from({ length: COUNT }, (_, index) => (index < 30 ? 0 : index < 40 ? 5 : 20));
  const release = only(
    windowOf({ canary: [podOf(canaryPod)], weights: weights.map((w, i) => (i === 45 ? undefined : w)) }),
  );
  expect(release.weightsFrom).toBe("recorded");
  expect(release.weights).toEqual(Array.from({ length: 20 }, (_, index) => (index < 11 ? 5 : 20)));
});

test("findReleases: intervals without a copy's samples are without data; what has no beginning is left out and counted", () => {
  const gap = (pod: PodCounters): PodCounters => ({
    ...pod,
    requests: pod.requests.map((value, index) => (index >= 36 && index <= 38 ? undefined : value)),
  });
  const release = only(windowOf({ canary: [podOf(canaryPod)], primary: primaryPods.map(gap) }));
  const missing = release.ticks.filter(({ metrics }) => metrics.every(({ kind }) => kind === "missing"));
  expect(missing.map(({ untilMs }) => (untilMs - BEGAN_MS) / STEP_MS)).toEqual([36, 37, 38, 39]);
  const always = podOf({ ...canaryPod, from: 0, until: COUNT });
  expect(findReleases(windowOf({ canary: [always] }))).toEqual({ releases: [], leftOutCount: 1 });
  const short = podOf({ ...canaryPod, until: 30 });
  expect(findReleases(windowOf({ canary: [short] }))).toEqual({ releases: [], leftOutCount: 1 });
  // Another window has it.
  const after = windowOf({ canary: [podOf(canaryPod)], sinceMs: BEGAN_MS + 60 * STEP_MS });
  expect(findReleases(after)).toEqual({ releases: [], leftOutCount: 0 });
  expect(findReleases(windowOf({}))).toEqual({ releases: [], leftOutCount: 0 });
});

test("measuredWeights: constant while the split is chance's, new where it is not, and never more than was served", () => {
  const split = (canary: number, total: number) => ({ canary, primary: total - canary });
  expect(measuredWeights([split(98, 1000), split(104, 1000), split(101, 1000)])).toEqual([10, 10, 10]);
  expect(measuredWeights([split(10, 1000), split(52, 1000), split(49, 1000)])).toEqual([1, 5, 5]);
  expect(measuredWeights([split(155, 10_000)])).toEqual([1]);
  expect(measuredWeights([split(64, 10_000)])).toEqual([0.6]);
  expect(measuredWeights([split(1, 10), split(0, 0), split(0, 9)])).toEqual([5, 5, 5]);
  expect(measuredWeights([])).toEqual([]);
});

function canaryOf(analysis: CanaryAnalysis): Canary {
  return plainCanary({ interval: "30s", threshold: 3, stepWeights: [10, 20, 50], ...analysis });
}

const byThreshold = canaryOf({ metrics: [{ name: "request-success-rate", thresholdRange: { min: 99 } }] });
const byEvidence = canaryOf({ method: "sequential", metrics: [{ name: "request-success-rate" }] });

test("replayRelease with weights: a release is judged at the weights that it had, not at those asked for", () => {
  for (const canary of [byThreshold, byEvidence]) {
    const steady = only(windowOf({ canary: [podOf(canaryPod)] }));
    // It never had more than 10%, so it never came to the top, and its small share is no loss of requests.
    const stuck = replayRelease(canary, steady.ticks, steady.weights);
    expect(stuck.verdict).toBe("running");
    expect(stuck.decisions.map(({ label }) => label)).not.toContain("hold-sample-ratio");
    const failing = only(windowOf({ canary: [podOf({ ...canaryPod, errors: 0.2 })] }));
    expect(replayRelease(canary, failing.ticks, failing.weights).verdict).toBe("rolled-back");
    const half = only(windowOf({ canary: [podOf({ ...canaryPod, each: 900, until: 78 })] }));
    expect(half.weights[0]).toBe(50);
    expect(replayRelease(canary, half.ticks, half.weights).verdict).toBe("promoted");
  }
});
