import { expect, test } from "vitest";
import { randomStream } from "../traffic/index.ts";
import type { CounterWindow, PodCounters } from "./pod-counters.ts";
import { splitPods } from "./split-pods.ts";

const BOUNDS = [100, 250];

/** A pod that gets `each` requests an interval, one of ten of them bad, half of them slow. */
function podOf(name: string, each: number, overrides: Partial<PodCounters> = {}): PodCounters {
  const at = (share: number): number[] => Array.from({ length: 11 }, (_, index) => index * each * share);
  return { pod: name, requests: at(1), errors: at(0.1), within: [at(0.5), at(0.75)], ...overrides };
}

function windowOf(pods: readonly PodCounters[]): CounterWindow {
  return { timesMs: Array.from({ length: 11 }, (_, index) => 1_000_000 + index * 30_000), boundsMs: BOUNDS, pods };
}

function split(pods: readonly PodCounters[], seed = 1, historyCount = 4) {
  return splitPods(windowOf(pods), { random: randomStream(seed, "split"), historyCount });
}

const four = ["a", "b", "c", "d"].map((name) => podOf(name, 100));

test("splitPods: increments of both halves, after a history of the whole that both are part of", () => {
  const ticks = split(four) ?? [];
  expect(ticks).toHaveLength(6);
  expect(ticks.map(({ untilMs }) => untilMs)).toEqual([5, 6, 7, 8, 9, 10].map((index) => 1_000_000 + index * 30_000));
  const half = { total: 200, bad: 20 };
  const histogram = { boundsMs: BOUNDS, above: [100, 50], total: 200 };
  for (const { metrics } of ticks)
    expect(metrics).toEqual([
      { name: "request-success-rate", kind: "counts", arms: { canary: half, primary: half } },
      { name: "request-duration", kind: "latency", canary: histogram, primary: histogram },
    ]);
  const [errors, latency] = ticks[0]?.history ?? [];
  expect(errors).toMatchObject({ name: "request-success-rate", counts: { total: 1600, bad: 160 } });
  // Pods that do not differ; four intervals are too few to say that for sure.
  expect(errors?.dispersions).toEqual([1.25]);
  expect(latency?.histogram).toEqual({ boundsMs: BOUNDS, above: [800, 400], total: 1600 });
  expect(ticks.slice(1).some(({ history }) => history !== undefined)).toBe(false);
});

test("splitPods: the halves are drawn, by the seed alone; of three pods the canary has two", () => {
  const pods = [1, 10, 100].map((each, index) => podOf(`p${index}`, each));
  const canaryOf = (seed: number): number => {
    const [tick] = split(pods, seed) ?? [];
    const [counts] = tick?.metrics ?? [];
    return counts?.kind === "counts" ? counts.arms.canary.total : 0;
  };
  expect(canaryOf(5)).toBe(canaryOf(5));
  const seen = new Set(Array.from({ length: 60 }, (_, seed) => canaryOf(seed)));
  expect([...seen].toSorted((a, b) => a - b)).toEqual([11, 101, 110]);
});

test("splitPods: a counter that begins anew counts what it has, a pod counts where both ends are known, first errors count", () => {
  const restarted = podOf("a", 100, { requests: [0, 100, 200, 300, 400, 500, 30, 130, 230, 330, 430] });
  const late = podOf("b", 100, { requests: [...Array.from({ length: 8 }, () => undefined), 700, 800, 900] });
  const firstErrors = podOf("b", 100, { errors: [...Array.from({ length: 8 }, () => undefined), 7, 7, 7] });
  const totals = (pods: readonly PodCounters[]): number[] =>
    (split(pods) ?? []).map(({ metrics: [counts] }) =>
      counts?.kind === "counts" ? counts.arms.canary.total + counts.arms.primary.total : 0,
    );
  expect(totals([restarted, late])).toEqual([100, 30, 100, 100, 200, 200]);
  const bads = (split([podOf("a", 100, { errors: [] }), firstErrors]) ?? []).map(({ metrics: [counts] }) =>
    counts?.kind === "counts" ? counts.arms.canary.bad + counts.arms.primary.bad : 0,
  );
  expect(bads).toEqual([0, 0, 0, 7, 0, 0]);
});

test("splitPods: fewer than two pods cannot be split", () => {
  expect(split([podOf("a", 10)])).toBeUndefined();
  expect(split([podOf("a", 10), podOf("b", 10, { requests: [] })])).toBeUndefined();
});
