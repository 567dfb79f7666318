import { expect, test } from "vitest";
import type { Arms } from "./arms.ts";
import { logBetter } from "./better-evidence.ts";
import { ERROR_MULTIPLES } from "./count-evidence.ts";
import { differenceInterval, startDifference, updateDifference } from "./difference-interval.ts";
import { EXCESS_FRACTIONS, updateExcess, upperExcess } from "./excess-bound.ts";
import { type LinearEvidence, startLinear } from "./linear-evidence.ts";
import { logBetaTails } from "./incomplete-beta.ts";
import { logGamma } from "./log-gamma.ts";
import { logMeanExp } from "./log-sum.ts";
import { normalCdf } from "./normal.ts";
import { ratioInterval } from "./ratio-interval.ts";
import { MIXTURE_DEFAULTS, mixtureEvidence, startMixture, updateMixture } from "./start-mixture.ts";
import { logWorse, worseTerms } from "./worse-evidence.ts";

/** Counts in the order of the reference: bad of the canary, bad of the primary, requests of the canary, of the primary. */
type Row = readonly [number, number, number, number];
const armsOf = ([xc, xp, nc, np]: Row): Arms => ({
  canary: { total: nc, bad: xc },
  primary: { total: np, bad: xp },
});
const DIGITS = 8;

test("V1 special functions: published values", () => {
  expect(logGamma(0.5)).toBeCloseTo(0.5723649429, 9);
  expect(logGamma(123.456)).toBeCloseTo(469.6055471299, 9);
  expect(Math.exp(logBetaTails(0.3, 2.5, 4).logLower)).toBeCloseTo(0.3521975859, 9);
  expect(Math.exp(logBetaTails(0.01, 12.5, 988.5).logLower)).toBeCloseTo(0.2523812262, 9);
  expect(normalCdf(-2.326347874)).toBeCloseTo(0.01, 9);
});

const worse = { tolerated: { ratio: 1.2, excess: 2e-4 }, ratio: 3, dispersion: 1 };
const strict = { ...worse, tolerated: { ratio: 1, excess: 0 } };

test.each<[Row, object, number]>([
  [[12, 27, 1000, 9000], worse, 4.4322505321],
  [[12, 27, 1000, 9000], { ...worse, dispersion: 2.5 }, 1.7729002128],
  [[12, 27, 1000, 9000], strict, 6.0728067491],
  [[2, 27, 1000, 9000], worse, -3.1054674917],
  [[0, 0, 1000, 9000], worse, -0.225],
  [[7, 1, 40, 160], worse, 4.0291657925],
  [[7, 1, 40, 160], strict, 4.9985081277],
])("V2 logWorse of %j", (row, question, nats) => {
  expect(logWorse(armsOf(row), { ...worse, ...question })).toBeCloseTo(nats, DIGITS);
});

test("V2 worseTerms at a share of 10 %", () => {
  const terms = worseTerms(0.1, 1.2, 3);
  expect(terms.perCanaryBad).toBeCloseTo(0.7537718024, DIGITS);
  expect(terms.perPrimaryBad).toBeCloseTo(-0.1625189295, DIGITS);
  expect(terms.perCanaryRequest).toBeCloseTo(1.125, DIGITS);
});

const excessPlan = { unacceptableRatio: 1.25, fractions: EXCESS_FRACTIONS, dispersion: 1 };
const betterLogs = (row: Row): number[] =>
  EXCESS_FRACTIONS.map((fraction) =>
    logBetter(armsOf(row), { unacceptable: { ratio: 1.25, excess: 0.005 }, ratio: fraction * 1.25, dispersion: 1 }),
  );
const excessOf = (rows: readonly Row[]): LinearEvidence =>
  rows.reduce((state, row) => updateExcess(excessPlan, state, armsOf(row)), startLinear(4));

test("V3 logBetter: each alternative and the mixture", () => {
  const logs = betterLogs([5, 45, 1000, 9000]);
  [-4.1047857183, 1.8016926648, 1.7925467561, 1.0189128729].forEach((nats, index) => {
    expect(logs[index]).toBeCloseTo(nats, DIGITS);
  });
  expect(logMeanExp(logs)).toBeCloseTo(1.3117928324, DIGITS);
  expect(logMeanExp(betterLogs([0, 0, 1000, 9000]))).toBeCloseTo(3.620623693, DIGITS);
  expect(logMeanExp(betterLogs([15, 45, 1000, 9000]))).toBeCloseTo(-2.2056584601, DIGITS);
});

test.each<[Row[], number]>([
  [[[5, 45, 1000, 9000]], 0.0082703077],
  [[[0, 0, 300, 2700]], 0.0141933163],
  [[[0, 3, 300, 2700]], 0.0128824341],
  [
    [
      [2, 20, 500, 4500],
      [3, 25, 1500, 3500],
    ],
    0.0002096211,
  ],
])("V3 upperExcess of %j", (rows, bound) => {
  expect(upperExcess(excessOf(rows), 0.05)).toBeCloseTo(bound, DIGITS);
});

test("V4 updateMixture: five ticks, one cut off", () => {
  const plan = { ...MIXTURE_DEFAULTS, width: 3, horizonTicks: 30 };
  const ticks: [Row, number[], number][] = [
    [[0, 3, 20, 980], [-0.0289024, -0.11350442, -0.47191888], -0.0891927286],
    [[1, 4, 50, 950], [0.19580453, 0.40035509, 0.08146216], 0.0356846934],
    [[2, 2, 50, 950], [0.53021645, 1.33180093, 2.18214653], 1.0378993178],
    [[4, 5, 100, 900], [0.8454626, 1.89545837, 2.02614235], 2.7550652423],
    [[6, 4, 100, 900], [1.42528706, 3.42308567, 5.01309271], 7.2727656571],
  ];
  let state = startMixture(plan);
  expect(mixtureEvidence(plan, state)).toBeCloseTo(0, 14);
  for (const [row, logs, evidence] of ticks) {
    const own = [1.5, 3, 10].map((multiple) =>
      logWorse(armsOf(row), { ...worse, ratio: 1.2 * multiple, dispersion: 1.3 }),
    );
    logs.forEach((nats, index) => expect(own[index]).toBeCloseTo(nats, 7));
    state = updateMixture(plan, state, own);
    expect(mixtureEvidence(plan, state)).toBeCloseTo(evidence, DIGITS);
  }
});

test.each<[Row[], [number, number], [number, number]]>([
  [[[30, 45, 1000, 9000]], [0.0100896765, 0.0457523591], [2.6946934773, 12.7572148814]],
  [
    [
      [2, 20, 500, 4500],
      [9, 25, 1500, 3500],
    ],
    [0, 0.0064914435],
    [0.2414102909, 2.3059150359],
  ],
])("V20 differenceInterval and ratioInterval of %j", (rows, difference, ratio) => {
  const plan = { ratios: ERROR_MULTIPLES, fractions: EXCESS_FRACTIONS, dispersion: 1 };
  const intervals = rows.map(armsOf);
  const state = intervals.reduce((sum, arms) => updateDifference(plan, sum, arms), startDifference(plan));
  const found = differenceInterval(state, 0.05);
  expect(found.low).toBeCloseTo(difference[0], DIGITS);
  expect(found.high).toBeCloseTo(difference[1], DIGITS);
  const ratios = ratioInterval(plan, intervals, 0.05);
  expect(ratios.low).toBeCloseTo(ratio[0], DIGITS);
  expect(ratios.high).toBeCloseTo(ratio[1], DIGITS);
});
