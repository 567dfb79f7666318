import { type Random, seededRandom } from "#base";
import { expect, test } from "vitest";
import {
  type ArmName,
  type Arms,
  combineEvidence,
  COUNTER_DEFAULTS,
  type CounterReading,
  type CounterState,
  type CountEvidence,
  type CountPlan,
  type CountSummary,
  errorPlan,
  estimateDispersion,
  evidenceLevel,
  explainCounts,
  type LatencyBoundPlan,
  type LatencyEvidence,
  type LatencyHistogram,
  LATENCY_WIDENING,
  meanEvidence,
  metricWeights,
  NO_COUNTERS,
  observeCounters,
  planLatency,
  readCounterState,
  readCountEvidence,
  readCountSummary,
  readLatencyEvidence,
  readHistogram,
  startCountEvidence,
  startCountSummary,
  startDispersion,
  startLatencyEvidence,
  updateCountEvidence,
  updateCountSummary,
  updateDispersion,
  updateLatencyEvidence,
  upperExcess,
  worseEvidence,
} from "./index.ts";

/** From raw counters of pods to a verdict, with three metrics: what the operator will do, here on a made-up service. */

const BOUNDS = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000];
/** Values of a pod's series: requests, errors, retries, and requests up to each bound. */
const WIDTH = 3 + BOUNDS.length;
const weights = metricWeights({ hasErrors: true, hasLatency: true, customCount: 1 });

interface Pod {
  readonly name: string;
  readonly arm: ArmName;
  values: number[];
}

interface Service {
  readonly random: Random;
  readonly pods: readonly Pod[];
  readonly canaryErrorRate: number;
}

function newService(seed: number, canaryErrorRate: number): Service {
  const pods = Array.from({ length: 12 }, (_, index) => ({
    name: `web-${index < 2 ? "canary" : "primary"}-5f6d8c7b9-${index}`,
    arm: index < 2 ? ("canary" as const) : ("primary" as const),
    values: Array.from({ length: WIDTH }, () => 0),
  }));
  return { random: seededRandom(seed), pods, canaryErrorRate };
}

function serve({ random, pods, canaryErrorRate }: Service): void {
  for (const pod of pods) {
    for (let request = 0; request < 40; request++) {
      const isBad = random.next() < (pod.arm === "canary" ? canaryErrorRate : 0.01);
      const ms = 40 * Math.exp(0.8 * (random.next() + random.next() + random.next() - 1.5) * 2);
      pod.values = pod.values.map((value, index) => {
        if (index === 0) return value + 1;
        if (index === 1) return isBad ? value + 1 : value;
        if (index === 2) return random.next() < 0.02 ? value + 1 : value;
        return ms <= (BOUNDS[index - 3] ?? 0) ? value + 1 : value;
      });
    }
  }
}

function read({ pods }: Service, atMs: number): CounterReading[] {
  return pods.map(({ name, arm, values }) => ({ id: name, source: name, arm, values: [...values], timestampMs: atMs }));
}

function histogramOf(values: readonly number[]): LatencyHistogram {
  const result = readHistogram(BOUNDS, [...values.slice(3), values[0] ?? 0]);
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
}

const armsOf = (canary: readonly number[], primary: readonly number[], bad: number): Arms => ({
  canary: { total: canary[0] ?? 0, bad: canary[bad] ?? 0 },
  primary: { total: primary[0] ?? 0, bad: primary[bad] ?? 0 },
});

interface Plans {
  readonly errors: CountPlan;
  readonly latency: readonly LatencyBoundPlan[];
}

interface Analysis {
  readonly errors: CountEvidence;
  readonly summary: CountSummary;
  readonly retries: CountEvidence;
  readonly latency: LatencyEvidence;
}

/** History of the primary alone: its dispersion and its histogram. */
function learn(): Plans {
  const service = newService(1, 0.01);
  let dispersion = startDispersion();
  let before = read(service, 0);
  for (let tick = 0; tick < 60; tick++) {
    serve(service);
    const now = read(service, tick);
    const pods = now.map(({ source, values }, index) => ({
      pod: source,
      total: (values[0] ?? 0) - (before[index]?.values[0] ?? 0),
      bad: (values[1] ?? 0) - (before[index]?.values[1] ?? 0),
    }));
    dispersion = updateDispersion(dispersion, pods);
    before = now;
  }
  const total = before.reduce<number[]>((sum, { values }) => values.map((value, at) => value + (sum[at] ?? 0)), []);
  const errors = errorPlan({ dispersion: estimateDispersion(dispersion), horizonTicks: 180 });
  const latency = planLatency(histogramOf(total), { slower: 1.15, horizonTicks: 180, dispersions: [] });
  return { errors, latency };
}

function update(plans: Plans, state: Analysis, canary: readonly number[], primary: readonly number[]): Analysis {
  const tick = (bad: number) => ({ strata: [armsOf(canary, primary, bad)], countsForBound: true });
  return {
    errors: updateCountEvidence(plans.errors, state.errors, tick(1)),
    summary: updateCountSummary(plans.errors, state.summary, armsOf(canary, primary, 1)),
    retries: updateCountEvidence(plans.errors, state.retries, tick(2)),
    latency: updateLatencyEvidence(plans.latency, state.latency, {
      canary: histogramOf(canary),
      primary: histogramOf(primary),
      envelope: 0,
      widening: LATENCY_WIDENING,
      countsForBound: true,
    }),
  };
}

function decide(plans: Plans, state: Analysis): string {
  const slower = plans.latency.map(({ count }, index) =>
    worseEvidence(count, state.latency[index] ?? startCountEvidence(count)),
  );
  const { log } = combineEvidence([
    { log: worseEvidence(plans.errors, state.errors), weight: weights.errors },
    { log: meanEvidence(slower), weight: weights.latency },
    { log: worseEvidence(plans.errors, state.retries), weight: weights.custom },
  ]);
  if (log >= evidenceLevel(0.01)) return "rollback";
  const slow = Math.max(
    ...plans.latency.map(({ isForPromotion }, index) => {
      const evidence = state.latency[index];
      return isForPromotion && evidence !== undefined ? upperExcess(evidence.excess, 0.05) : 0;
    }),
  );
  return upperExcess(state.errors.excess, 0.05) < 0.01 && slow < 0.03 ? "promote" : "collect";
}

interface Trial {
  readonly canaryErrorRate: number;
  /** Everything is written down and read again at each tick, the readings come in another order, and some scrapes fail. */
  readonly isRestarted: boolean;
}

function reread(plans: Plans, written: { [K in keyof Analysis]: unknown }): Analysis {
  const { errors, latency } = plans;
  return {
    errors: readCountEvidence(errors, written.errors) ?? startCountEvidence(errors),
    summary: readCountSummary(errors, written.summary) ?? startCountSummary(errors),
    retries: readCountEvidence(errors, written.retries) ?? startCountEvidence(errors),
    latency: readLatencyEvidence(latency, written.latency) ?? startLatencyEvidence(latency),
  };
}

function rollOut(plans: Plans, { canaryErrorRate, isRestarted }: Trial) {
  const service = newService(7, canaryErrorRate);
  let counters: CounterState = NO_COUNTERS;
  let state: Analysis = {
    errors: startCountEvidence(plans.errors),
    summary: startCountSummary(plans.errors),
    retries: startCountEvidence(plans.errors),
    latency: startLatencyEvidence(plans.latency),
  };
  const decisions: string[] = [];
  const plan = { ...COUNTER_DEFAULTS, width: WIDTH };
  for (let tick = 0; tick < 60; tick++) {
    const readings = read(service, tick * 10_000);
    if (isRestarted) readings.reverse();
    const step = observeCounters(plan, counters, { readings, goneSources: [], nowMs: tick * 10_000 });
    const written: unknown = JSON.parse(JSON.stringify(step.state));
    counters = isRestarted ? (readCounterState(plan, written) ?? NO_COUNTERS) : step.state;
    if (step.outcome.kind === "counted") {
      state = update(plans, state, step.outcome.canary, step.outcome.primary);
      if (isRestarted) state = reread(plans, JSON.parse(JSON.stringify(state)));
    }
    decisions.push(decide(plans, state));
    serve(service);
  }
  return { decisions, state, counters };
}

const plans = learn();

test("a canary with three metrics: a healthy one is promoted, a bad one rolled back, and a word is to be had about both", () => {
  const healthy = rollOut(plans, { canaryErrorRate: 0.01, isRestarted: false });
  expect(healthy.decisions).not.toContain("rollback");
  expect(healthy.decisions).toContain("promote");
  const bad = rollOut(plans, { canaryErrorRate: 0.06, isRestarted: false });
  expect(bad.decisions.indexOf("rollback")).toBeGreaterThan(1);
  expect(bad.decisions.slice(0, bad.decisions.indexOf("rollback"))).not.toContain("promote");
  const { estimate, ratio, difference, canary } = explainCounts(bad.state.summary, 0.05);
  expect(estimate).toBeCloseTo(0.05, 1);
  expect(ratio).toBeGreaterThan(3);
  expect(difference.low).toBeGreaterThan(0);
  expect(difference.low).toBeLessThan(0.05);
  expect(difference.high).toBeGreaterThan(0.04);
  expect(canary.total).toBe(59 * 80);
});

test("a canary with three metrics: restarts at each tick and another order of the series change nothing", () => {
  for (const canaryErrorRate of [0.01, 0.06]) {
    const straight = rollOut(plans, { canaryErrorRate, isRestarted: false });
    const restarted = rollOut(plans, { canaryErrorRate, isRestarted: true });
    expect(restarted).toEqual(straight);
  }
});

test("a canary with three metrics: its state is below 20 kB, counters of twelve pods included", () => {
  const { state, counters } = rollOut(plans, { canaryErrorRate: 0.01, isRestarted: false });
  expect(JSON.stringify(state).length).toBeLessThan(6000);
  expect(JSON.stringify({ state, counters }).length).toBeLessThan(20_000);
});
