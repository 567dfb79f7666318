import { isObject, seededRandom } from "#base";
import { expect, test } from "vitest";
import { startCountEvidence, worseEvidence } from "./count-evidence.ts";
import { upperExcess } from "./excess-bound.ts";
import { addHistograms, displayQuantile, type LatencyHistogram, readHistogram } from "./histogram.ts";
import {
  type LatencyEvidence,
  meanEvidence,
  startLatencyEvidence,
  startLatencyStep,
  updateLatencyEvidence,
} from "./latency-evidence.ts";
import { type LatencyBoundPlan, planLatency, SLOWER_DEFAULT, toleratedSlowRatio } from "./latency-plan.ts";
import { quantileInterval } from "./quantile-interval.ts";
import { countsForBound, LATENCY_WIDENING, warmUpEnvelope, widenMargin } from "./warm-up.ts";

/** The bounds of Istio's histogram, in ms. */
const BOUNDS = [0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000];

test("V17 toleratedSlowRatio: 12.6 % above 100 ms and 1.1 % above 250 ms", () => {
  const ratio = toleratedSlowRatio({ boundMs: 250, share: 0.011 }, { boundMs: 100, share: 0.126 }, 1.15);
  expect(ratio).toBeCloseTo(1.4505277051, 8);
});

test("toleratedSlowRatio: stays between 1.1 and 20, and is the least at the first bound", () => {
  expect(toleratedSlowRatio({ boundMs: 250, share: 0.5 }, undefined, 1.15)).toBe(1.1);
  expect(toleratedSlowRatio({ boundMs: 250, share: 0.5 }, { boundMs: 100, share: 0.5 }, 1.15)).toBe(1.1);
  expect(toleratedSlowRatio({ boundMs: 110, share: 1e-6 }, { boundMs: 100, share: 0.9 }, 1.15)).toBe(20);
});

test("V18 displayQuantile: p99 and p50 as Prometheus interpolates them", () => {
  const bounds = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000];
  const above = [998, 985, 720, 390, 126, 11, 1, 0, 0, 0];
  const histogram = { boundsMs: bounds, above, total: 1000 };
  expect(displayQuantile(histogram, 0.99)).toBe(275);
  expect(displayQuantile(histogram, 0.5)).toBeCloseTo(41.6666666667, 8);
  expect(displayQuantile({ ...histogram, above: above.map(() => 1000) }, 0.5)).toBe(5000);
  expect(displayQuantile({ ...histogram, total: 0 }, 0.5)).toBeUndefined();
});

test("readHistogram: reads cumulative counts, and says what is wrong with others", () => {
  const read = readHistogram([10, 100], [3, 8, 9]);
  expect(read).toEqual({ ok: true, value: { boundsMs: [10, 100], above: [6, 1], total: 9 } });
  const faults = [
    readHistogram([], [3]),
    readHistogram([10, 10], [1, 1, 1]),
    readHistogram([0], [1, 1]),
    readHistogram([10, Number.NaN], [1, 1, 1]),
    readHistogram([10, 100], [3, 8]),
    readHistogram([10, 100], [3, 2, 9]),
    readHistogram([10, 100], [3, Number.NaN, 9]),
  ].map((result) => (isObject(result) && !result.ok ? result.error.kind : "ok"));
  expect(faults).toEqual([
    "no-bounds",
    "bounds-not-rising",
    "bounds-not-rising",
    "bounds-not-rising",
    "counts-missing",
    "counts-not-rising",
    "counts-not-rising",
  ]);
});

/** Lognormal latencies, by the polar form of two uniforms. */
function latencies(random: { next(): number }, count: number, medianMs: number): LatencyHistogram {
  const cumulative = BOUNDS.map(() => 0);
  for (let index = 0; index < count; index++) {
    const radius = Math.sqrt(-2 * Math.log(1 - random.next()));
    const ms = medianMs * Math.exp(0.8 * radius * Math.cos(2 * Math.PI * random.next()));
    BOUNDS.forEach((bound, at) => {
      if (ms <= bound) cumulative[at] = (cumulative[at] ?? 0) + 1;
    });
  }
  return { boundsMs: BOUNDS, above: cumulative.map((upTo) => count - upTo), total: count };
}

const history = latencies(seededRandom(1), 20_000, 40);
const settings = { slower: SLOWER_DEFAULT, horizonTicks: 360, dispersions: [] };

test("planLatency: takes the bounds that the primary's requests reach, and nothing without history", () => {
  const plan = planLatency(history, settings);
  expect(plan.map(({ boundMs }) => boundMs)).toEqual([25, 50, 100, 250, 500, 1000]);
  expect(plan.filter(({ isForPromotion }) => isForPromotion).map(({ boundMs }) => boundMs)).toEqual([100, 250]);
  expect(plan.every(({ count }) => count.unacceptableRatio > count.tolerated.ratio)).toBe(true);
  expect(planLatency({ ...history, total: 0 }, settings)).toEqual([]);
});

function run(factor: number, ticks: number, envelope = 0): { evidence: number; state: LatencyEvidence } {
  const plan = planLatency(history, settings);
  const random = seededRandom(5);
  let state = startLatencyEvidence(plan);
  for (let tick = 0; tick < ticks; tick++) {
    // Both copies get four times as slow for a while.
    const medianMs = tick % 20 < 5 ? 160 : 40;
    state = updateLatencyEvidence(plan, state, {
      canary: latencies(random, 100, medianMs * factor),
      primary: latencies(random, 400, medianMs),
      envelope,
      widening: LATENCY_WIDENING,
      countsForBound: envelope === 0,
    });
    state = JSON.parse(JSON.stringify(state)) as LatencyEvidence;
  }
  const logs = plan.map(({ count }, index) => worseEvidence(count, state[index] ?? startCountEvidence(count)));
  return { evidence: meanEvidence(logs), state };
}

/** Of the bounds that promotion waits for, the one whose excess is least ruled out. */
function widest(plan: readonly LatencyBoundPlan[], state: LatencyEvidence): { boundMs: number; excess: number } {
  const bounds = plan.flatMap(({ boundMs, isForPromotion }, index) => {
    const evidence = state[index];
    if (!isForPromotion || evidence === undefined) return [];
    return [{ boundMs, excess: upperExcess(evidence.excess, 0.05) }];
  });
  return bounds.reduce((widestOne, one) => (one.excess > widestOne.excess ? one : widestOne));
}

test("meanEvidence: twice as slow is found, 10 % slower is tolerated, and so is an incident of both", () => {
  expect(run(2, 40).evidence).toBeGreaterThan(Math.log(100));
  expect(run(1.1, 40).evidence).toBeLessThan(Math.log(3));
  expect(run(1, 40).evidence).toBeLessThan(0.1);
});

test("upperExcess of slow requests: falls with healthy ones at each bound, and starts anew with a step", () => {
  const plan = planLatency(history, settings);
  const { state } = run(1.3, 80);
  const [early, late] = [widest(plan, run(1.3, 2).state), widest(plan, state)];
  expect(late.excess).toBeLessThan(early.excess);
  expect(late.excess).toBeLessThan(0.02);
  expect([100, 250]).toContain(late.boundMs);
  for (const { stepExcess } of startLatencyStep(state)) expect(upperExcess(stepExcess, 0.05)).toBe(1);
  expect(meanEvidence([])).toBe(0);
  expect(JSON.stringify(state).length).toBeLessThan(5000);
});

test("updateLatencyEvidence: a warm-up at four times the latency is no evidence while the margin is wide", () => {
  expect(run(4, 6, 1).evidence).toBeLessThan(Math.log(3));
  expect(run(4, 6, 0).evidence).toBeGreaterThan(Math.log(100));
  const plan = planLatency(history, settings);
  expect(widest(plan, run(4, 6, 1).state).excess).toBe(1);
});

test("updateLatencyEvidence: a bound that a copy does not have is not updated", () => {
  const plan = planLatency(history, settings);
  const start = startLatencyEvidence(plan);
  const canary = { boundsMs: [50, 100], above: [9, 4], total: 20 };
  const tick = { primary: history, envelope: 0, widening: LATENCY_WIDENING, countsForBound: true };
  const ticks = updateLatencyEvidence(plan, start, { ...tick, canary }).map(({ worse }) => worse.ticks);
  expect(ticks).toEqual([0, 1, 1, 0, 0, 0]);
});

test("quantileInterval: bounds that the quantile lies between, closer with more requests", () => {
  const settled = { quantile: 0.99, alpha: 0.05, tunedFor: 10_000 };
  expect(quantileInterval(history, settled)).toEqual({ lowMs: 100, highMs: 500 });
  expect(quantileInterval(latencies(seededRandom(3), 30, 40), settled)).toEqual({ lowMs: 25, highMs: undefined });
  expect(quantileInterval({ ...history, total: 0, above: history.above.map(() => 0) }, settled)).toEqual({
    lowMs: 0,
    highMs: undefined,
  });
});

test("warmUpEnvelope: full during the burn-in, then halved every 10 s, gone in the end", () => {
  const at = [0, 60_000, 70_000, 80_000, 161_000].map((ms) => warmUpEnvelope(ms, 60_000));
  expect(at).toEqual([1, 1, 0.5, 0.25, 0]);
  expect([69_999, 70_000].map((ms) => countsForBound(ms, 60_000))).toEqual([false, true]);
  const { ratio, excess } = widenMargin({ ratio: 1.2, excess: 0.0002 }, { ratio: 2, excess: 0.05 }, 0.5);
  expect([ratio, excess]).toEqual([2.4, 0.0252]);
});

test("addHistograms: sums counts of one layout", () => {
  const sum = addHistograms({ boundsMs: [10], above: [2], total: 5 }, { boundsMs: [10], above: [3], total: 4 });
  expect(sum).toEqual({ boundsMs: [10], above: [5], total: 9 });
});
