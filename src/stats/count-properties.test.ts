import fc from "fast-check";
import { seededRandom } from "#base";
import { expect, test } from "vitest";
import { type Arms, addArms, readCounts } from "./arms.ts";
import { logBetter } from "./better-evidence.ts";
import {
  type CountEvidence,
  type CountPlan,
  ERROR_MULTIPLES,
  errorPlan,
  startCountEvidence,
  startStep,
  updateCountEvidence,
  worseEvidence,
} from "./count-evidence.ts";
import { explainCounts, startCountSummary, updateCountSummary } from "./count-summary.ts";
import { updateExcess, upperExcess } from "./excess-bound.ts";
import { startLinear } from "./linear-evidence.ts";
import { logBinomial } from "./log-beta.ts";
import { logMeanExp } from "./log-sum.ts";
import { MIXTURE_DEFAULTS, mixtureEvidence, startMixture, updateMixture } from "./start-mixture.ts";
import { logWorse } from "./worse-evidence.ts";

const arms = (xc: number, xp: number, nc: number, np: number): Arms => ({
  canary: { total: nc, bad: xc },
  primary: { total: np, bad: xp },
});

/** P(count of total) for a bad rate. */
function binomial(total: number, count: number, rate: number): number {
  if (rate === 0) return count === 0 ? 1 : 0;
  if (rate === 1) return count === total ? 1 : 0;
  return Math.exp(logBinomial(total, count) + count * Math.log(rate) + (total - count) * Math.log1p(-rate));
}

/** E[exp(log)] over all outcomes of one interval. */
function expectation(sizes: { nc: number; np: number }, rates: { pc: number; pp: number }, log: (a: Arms) => number) {
  let sum = 0;
  for (let xc = 0; xc <= sizes.nc; xc++)
    for (let xp = 0; xp <= sizes.np; xp++) {
      const chance = binomial(sizes.nc, xc, rates.pc) * binomial(sizes.np, xp, rates.pp);
      if (chance > 0) sum += chance * Math.exp(log(arms(xc, xp, sizes.nc, sizes.np)));
    }
  return sum;
}

const SIZES = [1, 2, 5, 13, 30].flatMap((nc) => [1, 3, 12, 30].map((np) => ({ nc, np })));
const PRIMARY_RATES = [0, 0.001, 0.02, 0.2, 0.5, 0.8];

test("logWorse: the expectation is at most 1 at and below the margin, by enumeration", () => {
  let largest = 0;
  for (const ratio of [1, 1.2, 2])
    for (const excess of [0, 2e-4, 0.05])
      for (const multiple of [1.5, 5, 100])
        for (const pp of PRIMARY_RATES)
          for (const part of [0.5, 1])
            for (const sizes of SIZES) {
              const pc = Math.min(1, part * (ratio * pp + excess));
              const question = { tolerated: { ratio, excess }, ratio: ratio * multiple, dispersion: 1 };
              largest = Math.max(
                largest,
                expectation(sizes, { pc, pp }, (a) => logWorse(a, question)),
              );
            }
  expect(largest).toBeLessThanOrEqual(1 + 1e-9);
  expect(largest).toBeGreaterThan(0.999);
});

test("logBetter: the expectation is at most 1 at and above the margin, by enumeration", () => {
  let largest = 0;
  for (const ratio of [1, 1.25, 2])
    for (const excess of [0, 0.004, 0.05])
      for (const fraction of [0.001, 0.05, 0.6, 0.9])
        for (const pp of PRIMARY_RATES)
          for (const sizes of SIZES) {
            const pc = Math.min(1, ratio * pp + excess);
            if (pc < ratio * pp + excess) continue;
            const question = { unacceptable: { ratio, excess }, ratio: ratio * fraction, dispersion: 1 };
            largest = Math.max(
              largest,
              expectation(sizes, { pc, pp }, (a) => logBetter(a, question)),
            );
          }
  expect(largest).toBeLessThanOrEqual(1 + 1e-9);
  expect(largest).toBeGreaterThan(0.999);
});

/** A tree of all outcomes of a few ticks: the chance that evidence reaches the level at any of them, and its mean at the end. */
function explore(ticks: readonly { nc: number; np: number; pc: number; pp: number }[], level: number) {
  const width = 2;
  const plan = { ...MIXTURE_DEFAULTS, width, horizonTicks: 4, tickMaxNats: 1.5 };
  const question = { tolerated: { ratio: 1.2, excess: 0.01 }, dispersion: 1 };
  let mean = 0;
  let reached = 0;
  const visit = (index: number, state: ReturnType<typeof startMixture>, chance: number, isReached: boolean): void => {
    const tick = ticks[index];
    if (tick === undefined) {
      mean += chance * Math.exp(mixtureEvidence(plan, state));
      if (isReached) reached += chance;
      return;
    }
    for (let xc = 0; xc <= tick.nc; xc++)
      for (let xp = 0; xp <= tick.np; xp++) {
        const counts = arms(xc, xp, tick.nc, tick.np);
        const logs = [3, 20].map((ratio) => logWorse(counts, { ...question, ratio }));
        const next = updateMixture(plan, state, logs);
        const now = chance * binomial(tick.nc, xc, tick.pc) * binomial(tick.np, xp, tick.pp);
        visit(index + 1, next, now, isReached || mixtureEvidence(plan, next) >= level);
      }
  };
  visit(0, startMixture(plan), 1, false);
  return { mean, reached };
}

test("updateMixture: whatever the shares and the drift, the mean is at most 1 and a level is rarely ever reached", () => {
  for (const pp of [0.02, 0.1, 0.3]) {
    const at = (nc: number, np: number, rate: number) => ({ nc, np, pp: rate, pc: 1.2 * rate + 0.01 });
    const { mean, reached } = explore([at(1, 3, pp), at(2, 2, pp), at(3, 1, pp * 2), at(2, 3, pp / 2)], Math.log(3));
    expect(mean).toBeLessThanOrEqual(1 + 1e-9);
    expect(mean).toBeGreaterThan(0.5);
    expect(reached).toBeLessThanOrEqual(1 / 3);
    expect(reached).toBeGreaterThan(0);
  }
});

const countsArb = fc
  .record({
    nc: fc.integer({ min: 1, max: 5000 }),
    np: fc.integer({ min: 1, max: 50_000 }),
    xc: fc.double({ min: 0, max: 1, noNaN: true }),
    xp: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ nc, np, xc, xp }) => arms(Math.floor(nc * xc), Math.floor(np * xp), nc, np));
const question = { tolerated: { ratio: 1.2, excess: 2e-4 }, ratio: 3, dispersion: 1 };

test("logWorse: two intervals of one share are worth their sum", () => {
  fc.assert(
    fc.property(countsArb, fc.integer({ min: 1, max: 9 }), (first, factor) => {
      const { canary, primary } = first;
      const second = arms(factor, 0, canary.total * factor, primary.total * factor);
      const apart = logWorse(first, question) + logWorse(second, question);
      expect(logWorse(addArms(first, second), question)).toBeCloseTo(apart, 6);
    }),
  );
});

test("logWorse: φ is the same as counting clusters instead of events, when the tolerated excess is 0", () => {
  fc.assert(
    fc.property(countsArb, fc.double({ min: 1, max: 300, noNaN: true }), (counts, dispersion) => {
      const plain = { ...question, tolerated: { ratio: 1.2, excess: 0 } };
      const scaled = arms(
        counts.canary.bad / dispersion,
        counts.primary.bad / dispersion,
        counts.canary.total / dispersion,
        counts.primary.total / dispersion,
      );
      expect(logWorse(counts, { ...plain, dispersion })).toBeCloseTo(logWorse(scaled, plain), 7);
    }),
  );
});

test("logWorse: grows with bad requests of the canary, falls with those of the primary, is 0 without a copy's requests", () => {
  fc.assert(
    fc.property(countsArb, ({ canary, primary }) => {
      const at = (xc: number, xp: number) => logWorse(arms(xc, xp, canary.total, primary.total), question);
      if (canary.bad > 0) expect(at(canary.bad, primary.bad)).toBeGreaterThan(at(canary.bad - 1, primary.bad));
      if (primary.bad > 0) expect(at(canary.bad, primary.bad)).toBeLessThan(at(canary.bad, primary.bad - 1));
    }),
  );
  expect(logWorse(arms(0, 5, 0, 100), question)).toBe(0);
  expect(logWorse(arms(100, 0, 100, 0), question)).toBe(0);
});

test("logWorse, updateExcess: extremes stay finite", () => {
  const extremes = [
    arms(0, 0, 1, 1),
    arms(1e15, 1e15, 1e15, 1e15),
    arms(0, 1e15, 1, 1e15),
    arms(1e15, 0, 1e15, 1),
    arms(1, 1, 1, 1e15),
  ];
  for (const counts of extremes) {
    const plan = errorPlan({ dispersion: 1, horizonTicks: 10 });
    const state = updateCountEvidence(plan, startCountEvidence(plan), { strata: [counts], countsForBound: true });
    expect(Number.isFinite(worseEvidence(plan, state))).toBe(true);
    expect(upperExcess(state.excess, 0.05)).toBeGreaterThanOrEqual(0);
    expect(upperExcess(state.excess, 0.05)).toBeLessThanOrEqual(1);
    expect(JSON.parse(JSON.stringify(state))).toEqual(state);
  }
});

test("logWorse: refuses counts that cannot be", () => {
  for (const [xc, nc] of [
    [2, 1],
    [-1, 1],
    [Number.NaN, 1],
    [0, Number.NaN],
    [0, Number.POSITIVE_INFINITY],
  ] as const)
    expect(() => logWorse(arms(xc, 0, nc, 1), question)).toThrow("counts are finite");
});

test("readCounts: takes what can be, and says what cannot", () => {
  expect(readCounts(10, 3)).toEqual({ ok: true, value: { total: 10, bad: 3 } });
  expect(readCounts(3, 10)).toEqual({
    ok: false,
    error: "Cannot use the counts of an interval: 10 bad of 3 requests; both are finite, and 0 ≤ bad ≤ total",
  });
  for (const [total, bad] of [
    [Number.NaN, 0],
    [3, Number.NaN],
    [Number.POSITIVE_INFINITY, 1],
    [-1, -1],
  ] as const)
    expect(readCounts(total, bad).ok).toBe(false);
});

/** A Poisson count by multiplying uniforms; fine for small means. */
function poisson(random: { next(): number }, mean: number): number {
  if (mean > 30) return poisson(random, mean / 2) + poisson(random, mean / 2);
  let count = -1;
  let product = 1;
  do {
    product *= random.next();
    count++;
  } while (product > Math.exp(-mean));
  return count;
}

interface Run {
  readonly seed: number;
  readonly canaryRate: number;
  readonly primaryRate: number;
}

/** A release of 120 ticks at a growing share; tells whether the evidence ever called for a rollback, and the last bound. */
function release(plan: CountPlan, { seed, canaryRate, primaryRate }: Run) {
  const random = seededRandom(seed);
  let state: CountEvidence = startCountEvidence(plan);
  let summary = startCountSummary(plan);
  let isRolledBack = false;
  let isBoundBroken = false;
  let isDifferenceBroken = false;
  for (let tick = 0; tick < 120; tick++) {
    const share = [0.02, 0.05, 0.1, 0.25][Math.floor(tick / 30)] ?? 0.25;
    const drift = tick % 40 < 10 ? 4 : 1;
    const nc = poisson(random, 400 * share);
    const np = poisson(random, 400 * (1 - share));
    const xc = Math.min(nc, poisson(random, nc * canaryRate * drift));
    const xp = Math.min(np, poisson(random, np * primaryRate * drift));
    state = updateCountEvidence(plan, state, { strata: [arms(xc, xp, nc, np)], countsForBound: true });
    summary = updateCountSummary(plan, summary, arms(xc, xp, nc, np));
    isRolledBack ||= worseEvidence(plan, state) >= Math.log(1 / 0.05);
    isBoundBroken ||= upperExcess(state.excess, 0.05) < canaryRate - 1.25 * primaryRate;
    if (tick % 10 === 9) {
      const { low, high } = explainCounts(summary, 0.05).difference;
      isDifferenceBroken ||= low > 4 * (canaryRate - primaryRate) || high < canaryRate - primaryRate;
    }
  }
  return { isRolledBack, isBoundBroken, isDifferenceBroken, state };
}

const RUNS = 150;
const runs = (canaryRate: number, primaryRate: number) => {
  const plan = errorPlan({ dispersion: 1, horizonTicks: 120 });
  return Array.from({ length: RUNS }, (_, index) => release(plan, { seed: index + 1, canaryRate, primaryRate }));
};

test("worseEvidence: a canary at the margin, with incidents in both copies, is rolled back no more often than alpha", () => {
  const found = runs(1.2 * 0.005 + 2e-4, 0.005);
  // 5 % of 150 is 7.5; more than 16 has a chance below 0.1 %.
  expect(found.filter(({ isRolledBack }) => isRolledBack).length).toBeLessThanOrEqual(16);
});

test("worseEvidence, upperExcess: a bad canary is found, and its bound is never below what it does", () => {
  const found = runs(0.02, 0.005);
  expect(found.filter(({ isRolledBack }) => isRolledBack).length).toBeGreaterThan(RUNS * 0.95);
  expect(found.filter(({ isBoundBroken }) => isBoundBroken).length).toBeLessThanOrEqual(16);
  expect(found.filter(({ isDifferenceBroken }) => isDifferenceBroken).length).toBeLessThanOrEqual(16);
});

test("updateCountEvidence: a restart at any tick changes nothing, and the state stays small", () => {
  const plan = errorPlan({ dispersion: 1.7, horizonTicks: 360 });
  const random = seededRandom(7);
  let whole = startCountEvidence(plan);
  let restarted = whole;
  for (let tick = 0; tick < 360; tick++) {
    const nc = poisson(random, 50);
    const np = poisson(random, 300);
    const counts = arms(poisson(random, nc / 100), poisson(random, np / 100), nc, np);
    const step = { strata: [counts], countsForBound: tick > 6 };
    if (tick === 100) {
      whole = startStep(whole);
      restarted = startStep(restarted);
    }
    whole = updateCountEvidence(plan, whole, step);
    restarted = JSON.parse(JSON.stringify(updateCountEvidence(plan, restarted, step))) as CountEvidence;
    expect(restarted).toEqual(whole);
    expect(worseEvidence(plan, restarted)).toBe(worseEvidence(plan, whole));
    expect(upperExcess(restarted.stepExcess, 0.05)).toBe(upperExcess(whole.stepExcess, 0.05));
  }
  expect(JSON.stringify(whole).length).toBeLessThan(600);
});

test("updateCountEvidence: strata in any order, and a copy that gets another mix of requests is no worse for it", () => {
  const plan = errorPlan({ dispersion: 1, horizonTicks: 30 });
  // Uploads fail at 10 %, the rest at 0.1 %; the canary gets mostly uploads.
  const uploads = arms(90, 30, 900, 300);
  const others = arms(1, 9, 1000, 9000);
  const evidence = (strata: readonly Arms[]) => {
    const state = updateCountEvidence(plan, startCountEvidence(plan), { strata, countsForBound: true });
    return { worse: worseEvidence(plan, state), bound: upperExcess(state.excess, 0.05) };
  };
  const apart = evidence([uploads, others]);
  const turned = evidence([others, uploads]);
  expect(turned.worse).toBeCloseTo(apart.worse, 12);
  expect(turned.bound).toBeCloseTo(apart.bound, 12);
  expect(apart.worse).toBeLessThan(0.1);
  expect(evidence([addArms(uploads, others)]).worse).toBeGreaterThan(3);
});

test("updateExcess: intervals of one share may be added up", () => {
  const plan = { unacceptableRatio: 1.25, fractions: [0.05, 0.3, 0.6, 0.8], dispersion: 2 };
  fc.assert(
    fc.property(countsArb, fc.integer({ min: 1, max: 9 }), (first, factor) => {
      const second = arms(factor, 0, first.canary.total * factor, first.primary.total * factor);
      const apart = updateExcess(plan, updateExcess(plan, startLinear(4), first), second);
      const joined = updateExcess(plan, startLinear(4), addArms(first, second));
      expect(upperExcess(joined, 0.05)).toBeCloseTo(upperExcess(apart, 0.05), 9);
    }),
  );
});

test("updateCountEvidence: no request of a copy is no update, a warm-up keeps the bound unknown", () => {
  const plan = errorPlan({ dispersion: 1, horizonTicks: 30 });
  const start = startCountEvidence(plan);
  expect(updateCountEvidence(plan, start, { strata: [arms(0, 3, 0, 100)], countsForBound: true })).toBe(start);
  const warm = updateCountEvidence(plan, start, { strata: [arms(0, 3, 900, 9000)], countsForBound: false });
  expect(upperExcess(warm.excess, 0.05)).toBe(1);
  expect(warm.worse.ticks).toBe(1);
  const after = updateCountEvidence(plan, warm, { strata: [arms(0, 3, 900, 9000)], countsForBound: true });
  expect(upperExcess(after.excess, 0.05)).toBeLessThan(0.01);
  expect(upperExcess(startStep(after).stepExcess, 0.05)).toBe(1);
});

test.each([
  [0.05, 86],
  [0.01, 426],
  [0.005, 852],
  [0.001, 4258],
])("upperExcess: without a bad request it falls to %d after %i requests of a canary at 10 %%", (bound, requests) => {
  const plan = { unacceptableRatio: 1.25, fractions: [0.05, 0.3, 0.6, 0.8], dispersion: 1 };
  const at = (nc: number) => upperExcess(updateExcess(plan, startLinear(4), arms(0, 0, nc, 9 * nc)), 0.05);
  expect(at(requests)).toBeLessThanOrEqual(bound);
  expect(at(requests - 1)).toBeGreaterThan(bound);
});

test.each([
  [0.01, 2],
  [0.05, 3],
  [0.1, 4],
  [0.25, 6],
  [0.5, 12],
])("worseEvidence: at a share of %d it takes %i bad requests of the canary alone", (share, count) => {
  const evidence = (bad: number) => {
    const counts = arms(bad, 0, 1e6 * share, 1e6 * (1 - share));
    const tolerated = { ratio: 1.2, excess: 0 };
    return logMeanExp(
      ERROR_MULTIPLES.map((multiple) => logWorse(counts, { tolerated, ratio: 1.2 * multiple, dispersion: 1 })),
    );
  };
  // Half of the stake lies on this metric, half of that on the first tick; rollback at 1 %.
  const needed = Math.log(0.5 * MIXTURE_DEFAULTS.firstStake * 0.01) * -1;
  expect(evidence(count)).toBeGreaterThanOrEqual(needed);
  expect(evidence(count - 1)).toBeLessThan(needed);
});
