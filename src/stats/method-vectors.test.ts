import { expect, test } from "vitest";
import { asymptoticMargin, asymptoticRadius, asymptoticRhoSquared } from "./asymptotic-interval.ts";
import { logShareDiffers, logShareExceeds } from "./beta-binomial.ts";
import { NO_BETS, updateBetting } from "./betting.ts";
import { combineEvidence } from "./combine.ts";
import { logSharesDiffer } from "./multinomial.ts";
import { logObjectiveBroken, logObjectiveKept } from "./objective-evidence.ts";
import { logMeanDiffers, logMeanExceeds, meanDiffersBound, meanExceedsBound, tightestRho } from "./normal-mixture.ts";
import { bandConstant, bandRadius } from "./quantile-band.ts";
import { NO_SAMPLES, sampleRatioEvidence, updateSampleRatio } from "./sample-ratio.ts";
import { shareInterval } from "./share-interval.ts";
import { signEvidence } from "./sign-evidence.ts";
import { NO_RANKS, signedRankEvidence, updateSignedRank } from "./signed-rank.ts";
import { logTMixture, tMixtureMaxNats, tRadius, zRadius } from "./t-mixture.ts";
import { logTable } from "./table-evidence.ts";

const DIGITS = 8;

test("V5 logShareDiffers, logShareExceeds: 12 of 39 against 10 %", () => {
  const trials = { hits: 12, misses: 27 };
  expect(logShareDiffers(trials, 0.1, { a: 1, b: 1 })).toBeCloseTo(4.6998684466, DIGITS);
  expect(logShareExceeds(trials, 0.1, { a: 1, b: 1 })).toBeCloseTo(4.8051405107, DIGITS);
  expect(logShareExceeds(trials, 0.1, { a: 1, b: 9 })).toBeCloseTo(5.0700298919, DIGITS);
});

test("V6 logObjectiveBroken, logObjectiveKept: an objective of 1 %", () => {
  const question = { badRate: 0.01, dispersion: 1 };
  expect(logObjectiveBroken({ total: 1000, bad: 25 }, question)).toBeCloseTo(4.405888251, DIGITS);
  expect(logObjectiveBroken({ total: 1000, bad: 10 }, question)).toBeCloseTo(-4.270180364, DIGITS);
  expect(logObjectiveKept({ total: 1000, bad: 2 }, question)).toBeCloseTo(3.8643065041, DIGITS);
  expect(logObjectiveKept({ total: 500, bad: 0 }, question)).toBeCloseTo(4.0962237184, DIGITS);
});

test.each([
  [700, 1000, 100, 0.6516298139, 0.7459495008],
  [12, 1000, 1000, 0.0040296749, 0.025246758],
  [0, 300, 300, 0, 0.0136225636],
])("V7 shareInterval: %i of %i, tuned for %i", (hits, total, tunedFor, low, high) => {
  const found = shareInterval({ hits, misses: total - hits }, 0.05, tunedFor);
  expect(found.low).toBeCloseTo(low, DIGITS);
  expect(found.high).toBeCloseTo(high, DIGITS);
});

test("shareInterval: the values of the confseq library's own tests", () => {
  const first = shareInterval({ hits: 15, misses: 35 }, 0.05, 50);
  expect(first.low).toBeCloseTo(0.129556, 5);
  expect(first.high).toBeCloseTo(0.511896, 6);
  const second = shareInterval({ hits: 1, misses: 49 }, 0.05, 50);
  expect(second.low).toBe(0);
  expect(second.high).toBeCloseTo(0.13489, 5);
});

test("logShareDiffers, logShareExceeds: the beta-binomial values of the confseq library's own tests", () => {
  // g = 0.2, h = 0.8, v_opt = 100, at s = 10 and v = 100.
  const trials = { hits: (100 + 0.8 * 10) / 0.8, misses: (100 - 0.2 * 10) / 0.2 };
  const prior = (alpha: number) => {
    const r = tightestRho(100, alpha) - 0.16;
    return { a: r / 0.8, b: r / 0.2 };
  };
  expect(logShareDiffers(trials, 0.2, prior(0.05))).toBeCloseTo(-0.6941012, 7);
  expect(logShareExceeds(trials, 0.2, prior(0.1))).toBeCloseTo(-0.07134019, 7);
  expect(tightestRho(100, 0.05)).toBeCloseTo(12.60056, 5);
});

test("logMeanDiffers, logMeanExceeds and their bounds: the normal values of the confseq library's own tests", () => {
  const at = { sum: 10, variance: 100 };
  const rho = tightestRho(100, 0.05);
  expect(logMeanDiffers(at, rho)).toBeCloseTo(-0.6510052, 7);
  expect(meanDiffersBound(100, rho, 0.05)).toBeCloseTo(30.35209, 5);
  const oneSided = tightestRho(100, 0.1);
  expect(logMeanExceeds(at, oneSided)).toBeCloseTo(-0.06502391, 8);
  expect(meanExceedsBound(100, oneSided, 0.05)).toBeCloseTo(27.66071, 5);
});

test("logShareDiffers, logShareExceeds: their bounds in the confseq library's own tests", () => {
  const trials = (s: number) => ({ hits: (100 + 0.8 * s) / 0.8, misses: (100 - 0.2 * s) / 0.2 });
  const prior = (alpha: number) => {
    const r = tightestRho(100, alpha) - 0.16;
    return { a: r / 0.8, b: r / 0.2 };
  };
  expect(logShareDiffers(trials(31.4308), 0.2, prior(0.05))).toBeCloseTo(Math.log(20), 4);
  expect(logShareExceeds(trials(28.41238), 0.2, prior(0.1))).toBeCloseTo(Math.log(20), 4);
});

test("V8 logSharesDiffer and sampleRatioEvidence", () => {
  const of = (...counts: number[]) =>
    logSharesDiffer(counts.map((count, index) => ({ count, share: [0.4, 0.4, 0.2][index] ?? 0, prior: 1 })));
  expect(of(2, 2, 1)).toBeCloseTo(-1.1711189795, DIGITS);
  expect(of(3, 3, 2)).toBeCloseTo(-1.4179790574, DIGITS);
  const ratio = (canary: number, primary: number) =>
    sampleRatioEvidence(updateSampleRatio(NO_SAMPLES, { canary, primary }), 0.05);
  expect(ratio(480, 9520)).toBeCloseTo(-0.7956438707, DIGITS);
  expect(ratio(380, 9620)).toBeCloseTo(13.766086114, DIGITS);
});

test("V9 logTable: 6 of 50 against 2 of 50", () => {
  const arms = { canary: { total: 50, bad: 6 }, primary: { total: 50, bad: 2 } };
  expect(logTable(arms, { canary: 0.12, primary: 0.04 })).toBeCloseTo(1.1334802265, DIGITS);
});

test("V10 logTMixture and its radii", () => {
  expect(logTMixture({ squared: 9, freedom: 9, count: 10 }, 1)).toBeCloseTo(1.8317313815, DIGITS);
  expect(logTMixture({ squared: 25, freedom: 11, count: 12 }, 1)).toBeCloseTo(4.8645512204, DIGITS);
  expect(tRadius({ freedom: 99, count: 100 }, 1, 0.05)).toBeCloseTo(3.3467780988, DIGITS);
  expect(zRadius(100, 1, 0.05)).toBeCloseTo(3.2730186242, DIGITS);
  expect(tMixtureMaxNats({ freedom: 5, count: 6 }, 1)).toBeCloseTo(4.8647753726, DIGITS);
});

test("V11 asymptoticRadius, asymptoticMargin tuned for 100 values", () => {
  const rhoSquared = asymptoticRhoSquared(100, 0.05);
  expect(rhoSquared).toBeCloseTo(0.0821196806, DIGITS);
  [1.2090077925, 0.3035122413, 0.1026573598].forEach((radius, index) =>
    expect(asymptoticRadius(10 ** (index + 1), rhoSquared, 0.05)).toBeCloseTo(radius, DIGITS),
  );
  [1.0890192172, 0.27802136, 0.0956945194].forEach((margin, index) =>
    expect(asymptoticMargin(10 ** (index + 1), rhoSquared, 0.05)).toBeCloseTo(margin, DIGITS),
  );
});

test("V12 updateBetting: six values against a mean of one half", () => {
  const capital = [1, 1.15533981, 1.03980583, 1.35174757, 1.62209709, 2.35204078];
  let state = NO_BETS;
  [0.6, 0.9, 0.4, 0.8, 0.7, 0.95].forEach((value, index) => {
    state = updateBetting(state, value, 0.5);
    expect(Math.exp(state.log)).toBeCloseTo(capital[index] ?? 0, DIGITS);
  });
});

test("V13 bandRadius", () => {
  expect(bandConstant(0.05)).toBeCloseTo(8.1227193458, 6);
  expect(bandRadius(1000, 100, 0.05)).toBeCloseTo(0.0820477877, 8);
  expect(bandRadius(10_000, 100, 0.025)).toBeCloseTo(0.0273408663, 8);
  expect(bandRadius(1000, 100, 0.05)).toBeCloseTo(0.08204769, 6);
  expect(bandRadius(99, 100, 0.05)).toBe(Number.POSITIVE_INFINITY);
});

test("V15 signEvidence and signedRankEvidence of ten differences", () => {
  let state = NO_RANKS;
  for (const value of [1.2, 0.4, -0.3, 2, 0.9, 1.1, 0.7, -0.1, 1.5, 0.8]) state = updateSignedRank(state, value);
  [0.945312144, 2.1222843724, 3.084430934].forEach((log, index) => expect(state.logs[index]).toBeCloseTo(log, DIGITS));
  expect(signedRankEvidence(state)).toBeCloseTo(2.3911707015, DIGITS);
  expect(signEvidence({ above: 8, below: 2 })).toBeCloseTo(1.3867992841, DIGITS);
});

test("V16 combineEvidence: the average, and which metric leads", () => {
  const metrics = [
    { log: 3.2, weight: 0.5 },
    { log: 6.1, weight: 0.4 },
    { log: -1, weight: 0.1 },
  ];
  const { log, leadingIndex } = combineEvidence(metrics);
  expect(log).toBeCloseTo(5.2504191501, DIGITS);
  expect(leadingIndex).toBe(1);
});
