import { seededRandom } from "#base";
import { expect, test } from "vitest";
import { logArrivalsDiffer } from "./arrivals.ts";
import { logShareDiffers, logShareExceeds, logShareFallsBelow } from "./beta-binomial.ts";
import { NO_BETS, updateBetting } from "./betting.ts";
import { deviance } from "./deviance.ts";
import { logBetaTails } from "./incomplete-beta.ts";
import { lambertWLower } from "./lambert-w.ts";
import { logBeta, logBinomial } from "./log-beta.ts";
import { logGamma } from "./log-gamma.ts";
import { logAddExp, logMeanExp, logOneMinusExp, logSumExp } from "./log-sum.ts";
import { logObjectiveBroken } from "./objective-evidence.ts";
import { closeSampleRatio, NO_SAMPLES, sampleRatioEvidence, updateSampleRatio } from "./sample-ratio.ts";
import { chooseBlockTicks, NO_BLOCK, type ScalarPlan, scalarDifference, updateBlock } from "./scalar-blocks.ts";
import { signEvidence } from "./sign-evidence.ts";
import { NO_RANKS, type SignedRankState, signedRankEvidence, updateSignedRank } from "./signed-rank.ts";
import { tMixtureMaxNats, tRadius, logTMixture } from "./t-mixture.ts";
import { logTable } from "./table-evidence.ts";

/** P(count of total), and Σ over all counts of P times f. */
const chance = (total: number, count: number, rate: number) =>
  Math.exp(logBinomial(total, count) + count * Math.log(rate) + (total - count) * Math.log1p(-rate));
const expectation = (total: number, rate: number, f: (count: number) => number) =>
  Array.from({ length: total + 1 }, (_, count) => chance(total, count, rate) * f(count)).reduce((a, b) => a + b, 0);

test("logGamma: agrees with factorials and with the recurrence, near 0 and far out", () => {
  let log = 0;
  for (let n = 1; n <= 170; n++) {
    expect(Math.abs(logGamma(n) - log)).toBeLessThan(1e-12 * Math.max(1, log));
    log += Math.log(n);
  }
  for (const x of [1e-300, 1e-10, 0.3, 1.7, 9.999, 10, 55.5, 1e6, 1e15])
    expect(Math.abs(logGamma(x + 1) - logGamma(x) - Math.log(x))).toBeLessThan(1e-12 * Math.max(1, logGamma(x + 1)));
});

test("logBeta, logBinomial: exact for small numbers, precise for huge ones", () => {
  expect(Math.exp(logBinomial(10, 3))).toBeCloseTo(120, 9);
  expect(logBinomial(10, 0)).toBeCloseTo(0, 12);
  expect(logBinomial(1e15, 1)).toBeCloseTo(Math.log(1e15), 10);
  expect(logBinomial(1e15, 2)).toBeCloseTo(Math.log(1e15) + Math.log(1e15 - 1) - Math.LN2, 10);
  expect(logBeta(1, 1e12)).toBeCloseTo(-Math.log(1e12), 10);
  expect(() => logBinomial(3, 4)).toThrow("between 0 and the total");
});

test("deviance: the series meets the closed form, and nothing is lost near the mean", () => {
  for (const x of [0.5, 3, 1000]) expect(deviance(x, x * 1.2)).toBeCloseTo(x * Math.log(1 / 1.2) + 0.2 * x, 12);
  expect(deviance(1e12 + 1, 1e12)).toBeCloseTo(0.5e-12, 20);
  expect(deviance(0, 7)).toBe(7);
});

test("logBetaTails: sums of binomials, symmetry, tails far below what a double holds", () => {
  const upTo3 = [0, 1, 2, 3].reduce((sum, count) => sum + chance(10, count, 0.2), 0);
  expect(Math.exp(logBetaTails(0.2, 4, 7).logUpper)).toBeCloseTo(upTo3, 13);
  for (const shape of [0.5, 3, 1e3, 1e6, 1e9])
    expect(Math.exp(logBetaTails(0.5, shape, shape).logLower)).toBeCloseTo(0.5, 10);
  expect(logBetaTails(1e-10, 1000, 1).logLower).toBeCloseTo(1000 * Math.log(1e-10), 6);
  expect(logBetaTails(0, 1, 1)).toEqual({ logLower: Number.NEGATIVE_INFINITY, logUpper: 0 });
  expect(logBetaTails(1, 1, 1)).toEqual({ logLower: 0, logUpper: Number.NEGATIVE_INFINITY });
});

test("logSumExp and its kin: nothing, infinities and far apart numbers", () => {
  expect(logSumExp([])).toBe(Number.NEGATIVE_INFINITY);
  expect(logSumExp([-1e9, -1e9])).toBeCloseTo(-1e9 + Math.LN2, 6);
  expect(logAddExp(Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY)).toBe(Number.NEGATIVE_INFINITY);
  expect(logAddExp(Number.NEGATIVE_INFINITY, 3)).toBe(3);
  expect(logAddExp(800, 799)).toBeCloseTo(800 + Math.log1p(Math.exp(-1)), 12);
  expect(logMeanExp([2, 2, 2])).toBeCloseTo(2, 12);
  expect(logOneMinusExp(Math.log(0.25))).toBeCloseTo(Math.log(0.75), 14);
  expect(logOneMinusExp(-1e-20)).toBeCloseTo(Math.log(1e-20), 12);
  expect(logOneMinusExp(0)).toBe(Number.NEGATIVE_INFINITY);
});

test("lambertWLower: solves w exp(w) = z over its whole range", () => {
  for (const z of [-1 / Math.E + 1e-12, -0.36, -0.1, -1e-5, -1e-200]) {
    const w = lambertWLower(z);
    expect(w).toBeLessThanOrEqual(-1);
    expect(Math.abs((w * Math.exp(w)) / z - 1)).toBeLessThan(1e-10);
  }
  expect(() => lambertWLower(0.1)).toThrow("lower branch");
});

const UNIFORM = { a: 1, b: 1 };

test("logShareDiffers: a mean of exactly 1 at the share under test, by enumeration", () => {
  for (const total of [1, 5, 30])
    for (const share of [0.01, 0.3, 0.9]) {
      const mean = expectation(total, share, (hits) =>
        Math.exp(logShareDiffers({ hits, misses: total - hits }, share, UNIFORM)),
      );
      expect(mean).toBeCloseTo(1, 9);
    }
});

test("logShareExceeds, logShareFallsBelow: a mean of at most 1 on the whole side under test, by enumeration", () => {
  for (const total of [1, 5, 30])
    for (const share of [0.05, 0.3, 0.9])
      for (const part of [0.1, 0.7, 1]) {
        const above = expectation(total, share * part, (hits) =>
          Math.exp(logShareExceeds({ hits, misses: total - hits }, share, UNIFORM)),
        );
        expect(above).toBeLessThanOrEqual(1 + 1e-9);
        const below = expectation(total, 1 - (1 - share) * part, (hits) =>
          Math.exp(logShareFallsBelow({ hits, misses: total - hits }, share, UNIFORM)),
        );
        expect(below).toBeLessThanOrEqual(1 + 1e-9);
      }
});

test("logShareDiffers: counts in the billions keep ten decimals", () => {
  // Exactly at the share: ½ ln of (variance of the posterior over that of the prior), to first order.
  const total = 4e12;
  const log = logShareDiffers({ hits: total / 4, misses: (3 * total) / 4 }, 0.25, UNIFORM);
  expect(log).toBeCloseTo(Math.log(Math.sqrt((2 * Math.PI * 0.25 * 0.75) / total)), 10);
});

test("logObjectiveBroken: a broken objective shows, clusters slow it down, huge counts stay finite", () => {
  const counts = { total: 10_000, bad: 200 };
  const plain = logObjectiveBroken(counts, { badRate: 0.01, dispersion: 1 });
  expect(plain).toBeGreaterThan(Math.log(100));
  expect(logObjectiveBroken(counts, { badRate: 0.01, dispersion: 5 })).toBeLessThan(plain);
  expect(logObjectiveBroken({ total: 1e12, bad: 1e12 }, { badRate: 0.01, dispersion: 1 })).toBeGreaterThan(1e11);
  expect(Number.isFinite(logObjectiveBroken({ total: 1e9, bad: 0 }, { badRate: 0.01, dispersion: 1 }))).toBe(true);
  expect(logObjectiveBroken({ total: 0, bad: 0 }, { badRate: 0.01, dispersion: 1 })).toBeCloseTo(0, 12);
});

test("logTable: a mean of at most 1 when both copies have any one rate, by enumeration", () => {
  for (const rate of [0.02, 0.3, 0.5, 0.8]) {
    const mean = expectation(6, rate, (xc) =>
      expectation(12, rate, (xp) => {
        const arms = { canary: { total: 6, bad: xc }, primary: { total: 12, bad: xp } };
        return Math.exp(logTable(arms, { canary: 0.4, primary: 0.1 }));
      }),
    );
    expect(mean).toBeLessThanOrEqual(1 + 1e-9);
  }
  expect(logTable({ canary: { total: 0, bad: 0 }, primary: { total: 5, bad: 1 } }, { canary: 0.4, primary: 0.1 })).toBe(
    0,
  );
});

test("logArrivalsDiffer: a mean of 1 at the expected rate, evidence when events pile up", () => {
  for (const expected of [0.5, 4, 20]) {
    let mean = 0;
    for (let seen = 0; seen < 200; seen++) {
      const log = seen * Math.log(expected) - expected - logGamma(seen + 1);
      mean += Math.exp(log + logArrivalsDiffer({ seen, expected }, 3));
    }
    // The mixture is over all rates, so a little of the sum lies beyond 200 events.
    expect(mean).toBeLessThanOrEqual(1 + 1e-9);
    expect(mean).toBeGreaterThan(0.98);
  }
  expect(logArrivalsDiffer({ seen: 60, expected: 20 }, 3)).toBeGreaterThan(Math.log(100));
  expect(logArrivalsDiffer({ seen: 0, expected: 0 }, 3)).toBeCloseTo(0, 12);
});

test("sampleRatioEvidence: evidence of successive weights multiplies, and the order of counts does not matter", () => {
  const first = updateSampleRatio(updateSampleRatio(NO_SAMPLES, { canary: 3, primary: 90 }), {
    canary: 1,
    primary: 99,
  });
  expect(first).toEqual(updateSampleRatio(NO_SAMPLES, { canary: 4, primary: 189 }));
  const closed = closeSampleRatio(first, 0.05);
  expect(sampleRatioEvidence(closed, 0.1)).toBe(sampleRatioEvidence(first, 0.05));
  const second = updateSampleRatio(closed, { canary: 10, primary: 90 });
  const alone = sampleRatioEvidence(updateSampleRatio(NO_SAMPLES, { canary: 10, primary: 90 }), 0.1);
  expect(sampleRatioEvidence(second, 0.1)).toBeCloseTo(sampleRatioEvidence(first, 0.05) + alone, 12);
  expect(sampleRatioEvidence(NO_SAMPLES, 1)).toBe(0);
  expect(() => sampleRatioEvidence(first, 1)).toThrow("both copies");
});

/** All sign patterns of differences with the given sizes; each is as likely as any other under the null hypothesis. */
function patterns(sizes: readonly number[]): number[][] {
  return Array.from({ length: 2 ** sizes.length }, (_, mask) =>
    sizes.map((size, index) => ((mask >> index) % 2 === 1 ? size : -size)),
  );
}

test("signedRankEvidence, signEvidence: a mean of at most 1 over all signs, ties included", () => {
  for (const sizes of [
    [1, 2, 3, 4, 5, 6, 7, 8],
    [8, 3, 3, 1, 3, 8, 2, 9],
    [5, 5, 5, 5, 5, 5, 5, 5],
  ]) {
    const all = patterns(sizes);
    const ranks = all.map((values) =>
      Math.exp(signedRankEvidence(values.reduce<SignedRankState>(updateSignedRank, NO_RANKS))),
    );
    expect(ranks.reduce((a, b) => a + b, 0) / all.length).toBeCloseTo(1, 9);
    const signs = all.map((values) => {
      const above = values.filter((value) => value > 0).length;
      return Math.exp(signEvidence({ above, below: values.length - above }));
    });
    expect(signs.reduce((a, b) => a + b, 0) / all.length).toBeLessThanOrEqual(1 + 1e-9);
  }
});

test("updateSignedRank: a shift is found, a value at the margin is none, the state stays bounded", () => {
  const random = seededRandom(2);
  let state = NO_RANKS;
  for (let block = 0; block < 400; block++) state = updateSignedRank(state, 0.3 + random.next() - 0.5);
  expect(signedRankEvidence(state)).toBeGreaterThan(Math.log(100));
  expect(state.sizes).toHaveLength(256);
  expect(JSON.parse(JSON.stringify(state))).toEqual(state);
  expect(updateSignedRank(NO_RANKS, 0).logs).toEqual([0, 0, 0]);
});

test("updateBetting: the capital does not grow on average, and it finds a mean that is exceeded", () => {
  // All sequences of seven values of a fair coin.
  const all = patterns([1, 1, 1, 1, 1, 1, 1]).map((signs) =>
    Math.exp(signs.reduce((state, sign) => updateBetting(state, sign > 0 ? 1 : 0, 0.5), NO_BETS).log),
  );
  expect(all.reduce((a, b) => a + b, 0) / all.length).toBeCloseTo(1, 9);
  const random = seededRandom(9);
  let state = NO_BETS;
  for (let block = 0; block < 200; block++) state = updateBetting(state, 0.5 + random.next() / 2, 0.6);
  expect(state.log).toBeGreaterThan(Math.log(100));
  expect(() => updateBetting(NO_BETS, 1.2, 0.5)).toThrow("between 0 and 1");
});

test("logTMixture: reaches its level at its radius, and no effect exceeds its cap", () => {
  const radius = tRadius({ freedom: 20, count: 21 }, 1, 0.01);
  expect(logTMixture({ squared: radius * radius, freedom: 20, count: 21 }, 1)).toBeCloseTo(Math.log(100), 9);
  const cap = tMixtureMaxNats({ freedom: 20, count: 21 }, 1);
  expect(logTMixture({ squared: 1e300, freedom: 20, count: 21 }, 1)).toBeCloseTo(cap, 9);
  expect(tRadius({ freedom: 3, count: 4 }, 1, 0.01)).toBe(Number.POSITIVE_INFINITY);
});

const cpu: ScalarPlan = { scale: "log", worseIs: "higher", margin: Math.log(1.2), blockTicks: 3 };

test("scalarDifference, updateBlock: margins, directions, values without a place on the scale, blocks", () => {
  expect(scalarDifference(cpu, { canary: 1.2, primary: 1 })).toBeCloseTo(0, 12);
  expect(scalarDifference({ ...cpu, worseIs: "lower" }, { canary: 0.5, primary: 1 })).toBeCloseTo(
    Math.log(2 / 1.2),
    12,
  );
  expect(scalarDifference({ ...cpu, scale: "linear", margin: 2 }, { canary: 7, primary: 4 })).toBe(1);
  for (const canary of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
    expect(scalarDifference(cpu, { canary, primary: 1 })).toBeUndefined();
  let state = NO_BLOCK;
  const means = [1, 2, 6, 4].map((difference) => {
    const step = updateBlock(cpu, state, difference);
    state = step.state;
    return step.mean;
  });
  expect(means).toEqual([undefined, undefined, 3, undefined]);
  expect(state).toEqual({ ticks: 1, sum: 4 });
});

test("chooseBlockTicks: short blocks for noise, long ones for what drifts or is not known", () => {
  const random = seededRandom(6);
  const noise = Array.from({ length: 400 }, () => random.next());
  expect(chooseBlockTicks(noise)).toBe(1);
  let level = 0;
  const drift = Array.from({ length: 2000 }, () => {
    level = 0.8 * level + random.next() - 0.5;
    return level;
  });
  expect(chooseBlockTicks(drift)).toBeGreaterThan(3);
  expect(chooseBlockTicks([1, 2, 3])).toBe(30);
  expect(chooseBlockTicks(noise.map(() => 5))).toBe(1);
});
