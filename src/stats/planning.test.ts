import { seededRandom } from "#base";
import { expect, test } from "vitest";
import { clopperPearson } from "./clopper-pearson.ts";
import { metricWeights, combineEvidence, evidenceLevel, evidencePValue } from "./combine.ts";
import { errorPlan, startCountEvidence, updateCountEvidence } from "./count-evidence.ts";
import {
  dispersionOf,
  estimateDispersion,
  pairChiSquare,
  podChiSquare,
  scaleDispersion,
  startDispersion,
  updateDispersion,
  addChiSquare,
} from "./dispersion.ts";
import { allowedExcess, FINAL_ERRORS, finalMargin, STAKE_ERRORS, STAKE_LATENCY, startShare } from "./ladder.ts";
import { TOLERATED_ERRORS } from "./margin.ts";
import { detectableExcess, detectionNats, detectionPower, requestsToDetect } from "./power.ts";
import { bestBetterPrice, bestWorsePrice } from "./price-list.ts";
import { requestsUntilBound, requestsUntilRollback, ticksFor } from "./remaining.ts";

const SHARES = [0.01, 0.05, 0.1, 0.25, 0.5, 0.9];
const outlook = (share: number, excess: number, primaryRate: number) => ({
  share,
  canaryRate: primaryRate + excess,
  primaryRate,
});

test("bestWorsePrice, bestBetterPrice: the price list of the reference", () => {
  const worse = (rate: number) =>
    SHARES.map((share) => bestWorsePrice(outlook(share, 0.01, rate), TOLERATED_ERRORS).mean.toFixed(4));
  expect(worse(0.001)).toEqual(["0.0127", "0.0115", "0.0102", "0.0072", "0.0039", "0.0006"]);
  expect(worse(0.005)).toEqual(["0.0044", "0.0041", "0.0038", "0.0029", "0.0017", "0.0003"]);
  const better = SHARES.map((share) => bestBetterPrice(outlook(share, 0, 0.005), { ratio: 1.25, excess: 0.004 }));
  expect(better.map(({ mean }) => mean.toFixed(4))).toEqual([
    "0.0017",
    "0.0016",
    "0.0016",
    "0.0014",
    "0.0011",
    "0.0003",
  ]);
});

const question = { tolerated: TOLERATED_ERRORS, alpha: 0.01, dispersion: 1 };

test("requestsToDetect: the requests of the reference, none within the margin, more with clusters", () => {
  expect(detectionNats(0.01)).toBeCloseTo(7.4, 1);
  const needed = (excess: number) =>
    [0.01, 0.25].map((share) => requestsToDetect(outlook(share, excess, 0.001), question));
  const between = (excess: number, low: number, high: number) => {
    for (const requests of needed(excess)) {
      expect(requests).toBeGreaterThan(low);
      expect(requests).toBeLessThan(high);
    }
  };
  between(0.001, 65_000, 92_000);
  between(0.005, 1800, 2950);
  between(0.01, 570, 1050);
  between(0.05, 58, 141);
  between(0.2, 10, 32);
  expect(requestsToDetect(outlook(0.1, 0, 0.001), question)).toBe(Number.POSITIVE_INFINITY);
  const clustered = requestsToDetect(outlook(0.1, 0.01, 0.001), { ...question, dispersion: 3 });
  expect(clustered / requestsToDetect(outlook(0.1, 0.01, 0.001), question)).toBeCloseTo(3, 9);
});

/** How often evidence, simulated request by request in ticks, crosses the level within so many requests of the canary. */
function simulatedPower(requests: number, runs: number): number {
  const view = outlook(0.1, 0.01, 0.001);
  const { mean, variance } = bestWorsePrice(view, TOLERATED_ERRORS);
  const random = seededRandom(11);
  let crossed = 0;
  for (let run = 0; run < runs; run++) {
    let log = 0;
    for (let tick = 0; tick < 200; tick++) {
      const spread = Math.sqrt((variance * requests) / 200);
      const normal = Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
      log += (mean * requests) / 200 + spread * normal;
      if (log < detectionNats(0.01)) continue;
      crossed++;
      break;
    }
  }
  return crossed / runs;
}

test("detectionPower: agrees with simulated evidence, grows with requests, is 0 within the margin", () => {
  const view = outlook(0.1, 0.01, 0.001);
  for (const requests of [400, 700, 1200])
    expect(Math.abs(detectionPower(view, question, requests) - simulatedPower(requests, 2000))).toBeLessThan(0.05);
  expect(detectionPower(view, question, 1e7)).toBeCloseTo(1, 9);
  expect(detectionPower(view, question, 0)).toBe(0);
  expect(detectionPower(outlook(0.1, 0.0001, 0.001), question, 1e9)).toBe(0);
});

test("detectableExcess: is found with the power asked for, and is undefined where nothing can be", () => {
  const traffic = { requests: 3000, power: 0.8 };
  const view = { share: 0.1, primaryRate: 0.001 };
  const excess = detectableExcess(view, question, traffic) ?? 0;
  expect(detectionPower(outlook(0.1, excess, 0.001), question, 3000)).toBeCloseTo(0.8, 6);
  expect(detectableExcess(view, question, { ...traffic, requests: 30_000 })).toBeLessThan(excess / 3);
  expect(detectableExcess(view, question, { ...traffic, requests: 1 })).toBeUndefined();
});

const plan = errorPlan({ dispersion: 1, horizonTicks: 360 });
const healthy = { strata: [{ canary: { total: 100, bad: 0 }, primary: { total: 900, bad: 1 } }], countsForBound: true };

test("requestsUntilBound: announces, give or take a tick, when the bound is reached", () => {
  const view = { share: 0.1, canaryRate: 0, primaryRate: 1 / 900 };
  const wish = { outlook: view, excess: 0.005, beta: 0.05 };
  let state = startCountEvidence(plan);
  const announced = ticksFor(requestsUntilBound(plan, state.excess, wish) ?? 0, 100) ?? 0;
  let ticks = 0;
  while (requestsUntilBound(plan, state.excess, wish) !== 0 && ticks < 100) {
    state = updateCountEvidence(plan, state, healthy);
    ticks++;
  }
  expect(Math.abs(ticks - announced)).toBeLessThanOrEqual(1);
  expect(ticks).toBeGreaterThan(5);
  const bad = { ...wish, outlook: { ...view, canaryRate: 0.05 } };
  expect(requestsUntilBound(plan, startCountEvidence(plan).excess, bad)).toBeUndefined();
});

test("requestsUntilRollback: falls with evidence, and is undefined for a healthy canary", () => {
  const wish = { outlook: outlook(0.1, 0.02, 0.001), level: evidenceLevel(0.01) };
  const start = startCountEvidence(plan);
  const before = requestsUntilRollback(plan, start, wish) ?? 0;
  const tick = { strata: [{ canary: { total: 100, bad: 2 }, primary: { total: 900, bad: 1 } }], countsForBound: true };
  const after = requestsUntilRollback(plan, updateCountEvidence(plan, start, tick), wish) ?? 0;
  expect(before).toBeGreaterThan(after);
  expect(before - after).toBeLessThan(200);
  const calm = { ...wish, outlook: outlook(0.1, 0, 0.001) };
  expect(requestsUntilRollback(plan, start, calm)).toBeUndefined();
  expect(ticksFor(101, 100)).toBe(2);
  expect(ticksFor(5, 0)).toBeUndefined();
});

test("V14 podChiSquare, dispersionOf: three pods in three blocks, one of them without errors", () => {
  const block = (...pods: [number, number][]) => podChiSquare(pods.map(([bad, total]) => ({ bad, total })));
  const sum = [
    block([3, 100], [9, 100], [1, 100]),
    block([0, 120], [4, 90], [8, 110]),
    block([0, 100], [0, 100], [0, 100]),
  ].reduce(addChiSquare);
  expect(sum.sum).toBeCloseTo(16.2558922559, 8);
  expect(sum.freedom).toBe(4);
  expect(dispersionOf(sum)).toBeCloseTo(1.6381342157, 8);
});

test("pairChiSquare: two blocks of one copy", () => {
  // 30 bad in equal halves: 15 each are expected, with a variance of 7.5.
  expect(pairChiSquare({ bad: 20, total: 500 }, { bad: 10, total: 500 })).toMatchObject({ sum: 25 / 7.5, freedom: 1 });
  expect(pairChiSquare({ bad: 0, total: 500 }, { bad: 0, total: 500 }).freedom).toBe(0);
});

/** φ of ten pods whose bad requests come in clusters of the given size. */
function measuredDispersion(cluster: number): number {
  const random = seededRandom(3);
  let state = startDispersion();
  for (let tick = 0; tick < 360; tick++) {
    const pods = Array.from({ length: 10 }, (_, index) => {
      let bad = 0;
      for (let trial = 0; trial < 20; trial++) if (random.next() < 0.1 / cluster) bad += cluster;
      return { pod: `p${index}`, total: 1000, bad };
    });
    state = updateDispersion(state, pods);
  }
  expect(JSON.parse(JSON.stringify(state))).toEqual(state);
  return estimateDispersion(state);
}

test("estimateDispersion: about 1 for single errors, about the size of clusters", () => {
  expect(measuredDispersion(1)).toBeLessThan(1.2);
  expect(measuredDispersion(1)).toBeGreaterThanOrEqual(1);
  expect(measuredDispersion(6)).toBeGreaterThan(5);
  expect(measuredDispersion(6)).toBeLessThan(7.5);
  expect(estimateDispersion(startDispersion())).toBe(1.25);
});

test("estimateDispersion: clusters that are rare and of many sizes count by what a bad request is likely to be in", () => {
  const random = seededRandom(5);
  let state = startDispersion();
  let clusters = 0;
  let size = 0;
  for (let tick = 0; tick < 7200; tick++) {
    const worst = random.next() < 0.02 ? Math.floor(random.next() * 10) : -1;
    let bad = worst < 0 ? 0 : 1;
    // Geometric, four on average, so φ = E[k²]/E[k] = 7.
    while (bad > 0 && random.next() < 0.75) bad++;
    clusters += worst < 0 ? 0 : 1;
    size += bad;
    const pods = Array.from({ length: 10 }, (_, index) => ({
      pod: `p${index}`,
      total: 20,
      bad: index === worst ? bad : 0,
    }));
    state = updateDispersion(state, pods);
  }
  const [tick] = state;
  const { sum = 0, freedom = 0 } = tick?.chiSquare ?? {};
  // A block is a cluster, so the plain mean of the blocks is that of the sizes.
  expect(sum / freedom).toBeCloseTo(size / clusters, 6);
  expect(size / clusters).toBeLessThan(4.5);
  expect(estimateDispersion(state)).toBeGreaterThan(5.5);
  expect(estimateDispersion(state)).toBeLessThan(8.5);
});

test("estimateDispersion: one pod that is always worse shows in long blocks", () => {
  const random = seededRandom(4);
  let state = startDispersion();
  for (let tick = 0; tick < 360; tick++) {
    const pods = Array.from({ length: 10 }, (_, index) => {
      let bad = 0;
      for (let trial = 0; trial < 20; trial++) if (random.next() < (index === 0 ? 0.1 : 0.05)) bad++;
      return { pod: `p${index}`, total: 1000, bad };
    });
    state = updateDispersion(state, pods);
  }
  const [tick, , half] = state.map(({ chiSquare }) => dispersionOf(chiSquare));
  expect(half).toBeGreaterThan((tick ?? 0) + 0.5);
  expect(estimateDispersion(state)).toBe(half);
});

test("updateDispersion: pods beyond the bound are left out, and any name is a name", () => {
  const pods = Array.from({ length: 300 }, (_, index) => ({
    pod: index === 0 ? "__proto__" : `p${index}`,
    total: 1,
    bad: 0,
  }));
  const [, block] = updateDispersion(startDispersion(), pods);
  expect(block?.pods).toHaveLength(200);
  expect(block?.pods[0]).toEqual({ pod: "__proto__", total: 1, bad: 0 });
});

test("scaleDispersion: what exceeds 1 grows with the load, and never shrinks", () => {
  expect(scaleDispersion(3, 2)).toBe(5);
  expect(scaleDispersion(3, 0.5)).toBe(3);
});

test("startShare, allowedExcess, finalMargin: large services pay in percent, small ones in requests", () => {
  expect([1000, 10, 0.2, 0].map(startShare)).toEqual([0.01, 0.05, 0.1, 0.1]);
  expect(allowedExcess(0.1, 1000, STAKE_ERRORS)).toBeCloseTo(0.1, 12);
  expect(allowedExcess(0.5, 1, STAKE_ERRORS)).toBe(1);
  expect(allowedExcess(1, 10, STAKE_ERRORS)).toBeCloseTo(0.05, 12);
  // A slow request is a fifth as bad.
  expect(allowedExcess(0.1, 1000, STAKE_LATENCY)).toBeCloseTo(0.5, 12);
  const margin = (elapsedMs: number, requestsPerSecond: number) =>
    finalMargin({ ...FINAL_ERRORS, elapsedMs, requestsPerSecond });
  expect(margin(0, 1000)).toBe(0.001);
  expect(margin(300_000, 1000)).toBe(0.001);
  expect(margin(900_000, 1000)).toBe(0.004);
  expect(margin(0, 1)).toBeCloseTo(1 / 60, 12);
  expect(margin(0, 0)).toBe(1);
});

test("metricWeights: sum to 1 whatever metrics there are", () => {
  const all = metricWeights({ hasErrors: true, hasLatency: true, customCount: 2 });
  expect(all).toEqual({ errors: 0.5, latency: 0.4, custom: 0.05 });
  const some = metricWeights({ hasErrors: true, hasLatency: false, customCount: 1 });
  expect(some.errors + some.custom).toBeCloseTo(1, 12);
  expect(() => metricWeights({ hasErrors: false, hasLatency: false, customCount: 0 })).toThrow("a metric to weigh");
  expect(() => combineEvidence([{ log: 0, weight: 0.4 }])).toThrow("sum to 1");
  expect(evidencePValue(evidenceLevel(0.01))).toBeCloseTo(0.01, 12);
  expect(evidencePValue(-3)).toBe(1);
});

test("clopperPearson: published values, and the ends", () => {
  expect(clopperPearson(0, 10, 0.05).high).toBeCloseTo(0.3084971, 6);
  expect(clopperPearson(10, 10, 0.05)).toEqual({ low: expect.closeTo(0.6915029, 6) as number, high: 1 });
  const { low, high } = clopperPearson(5, 50, 0.05);
  expect(low).toBeCloseTo(0.0332751, 5);
  expect(high).toBeCloseTo(0.2181354, 5);
});
