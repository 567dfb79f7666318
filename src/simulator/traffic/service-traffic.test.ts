import { expect, test } from "vitest";
import { normalTail, shareAbove, ISTIO_BOUNDS_MS } from "./latency-shares.ts";
import { ServiceTraffic } from "./service-traffic.ts";
import { canaryPodCount, effectAt, HEALTHY_LATENCY, loadFactor, type TrafficPlan } from "./traffic-plan.ts";

const STEP_MS = 10_000;
const calm: TrafficPlan = {
  requestsPerSecond: 1000,
  errorRate: 0.005,
  noise: "iid",
  load: "flat",
  canaryFaults: [],
  sharedFaults: [],
};

interface Sums {
  readonly canary: { total: number; bad: number; above: number[] };
  readonly primary: { total: number; bad: number; above: number[] };
}

function sumOf(plan: TrafficPlan, options: { weight: number; steps: number; seed?: number }): Sums {
  const traffic = new ServiceTraffic(plan, options.seed ?? 1, STEP_MS);
  const empty = () => ({ total: 0, bad: 0, above: ISTIO_BOUNDS_MS.map(() => 0) });
  const sums: Sums = { canary: empty(), primary: empty() };
  for (let step = 1; step <= options.steps; step += 1) {
    const counts = traffic.step(step * STEP_MS, options.weight);
    for (const copy of ["canary", "primary"] as const) {
      sums[copy].total += counts[copy].total;
      sums[copy].bad += counts[copy].bad;
      sums[copy].above = sums[copy].above.map((count, index) => count + (counts[copy].above[index] ?? 0));
    }
  }
  return sums;
}

test("normalTail: known quantiles, both sides, and the far tail", () => {
  expect(normalTail(2.326347874)).toBeCloseTo(0.01, 7);
  expect(normalTail(-1.644853627)).toBeCloseTo(0.95, 7);
  expect(normalTail(5) / 2.866515719e-7).toBeCloseTo(1, 5);
  expect(normalTail(0)).toBeCloseTo(0.5, 6);
});

test("ServiceTraffic: shares of errors, of the canary and of slow requests are those of the plan", () => {
  const { canary, primary } = sumOf(calm, { weight: 20, steps: 100 });
  expect(canary.total / 200_000).toBeCloseTo(1, 1);
  expect(primary.total / 800_000).toBeCloseTo(1, 1);
  expect(primary.bad / primary.total).toBeCloseTo(0.005, 3);
  for (const [index, boundMs] of ISTIO_BOUNDS_MS.entries()) {
    const share = (primary.above[index] ?? 0) / primary.total;
    expect(share).toBeCloseTo(shareAbove(HEALTHY_LATENCY, boundMs), 2);
  }
  // The healthy p99 is 257 ms. Source: statistics reference 5.1.
  expect(shareAbove(HEALTHY_LATENCY, 257)).toBeCloseTo(0.01, 3);
});

test("ServiceTraffic: the same seed is the same traffic, and the weather does not depend on the weights", () => {
  const plan: TrafficPlan = { ...calm, noise: "auto" };
  expect(sumOf(plan, { weight: 10, steps: 30 })).toEqual(sumOf(plan, { weight: 10, steps: 30 }));
  expect(sumOf(plan, { weight: 10, steps: 30, seed: 2 })).not.toEqual(sumOf(plan, { weight: 10, steps: 30 }));
  const rateAt = (weight: number): number[] => {
    const traffic = new ServiceTraffic({ ...plan, requestsPerSecond: 1e6 }, 9, STEP_MS);
    return Array.from({ length: 20 }, (_, step) => {
      const { primary } = traffic.step((step + 1) * STEP_MS, weight);
      return primary.bad / primary.total;
    });
  };
  const light = rateAt(1);
  for (const [index, rate] of rateAt(50).entries()) expect(rate / (light[index] ?? 0)).toBeCloseTo(1, 1);
});

test("ServiceTraffic: noise spreads rates of errors between steps, and bursts spread them more", () => {
  const spreadOf = (noise: TrafficPlan["noise"]): number => {
    let squares = 0;
    for (let seed = 0; seed < 400; seed += 1) {
      const { primary } = sumOf({ ...calm, noise, requestsPerSecond: 100 }, { weight: 0, steps: 1, seed });
      squares += (primary.bad - 5) ** 2;
    }
    return squares / 400 / 5;
  };
  expect(spreadOf("iid")).toBeCloseTo(1, 0);
  expect(spreadOf("auto")).toBeGreaterThan(2);
  expect(spreadOf("burst")).toBeGreaterThan(7);
});

test("ServiceTraffic: faults of the release hit the canary alone, shared ones both, each in its time", () => {
  const errors = { kind: "errors", share: 0.2, fromMs: 100_000, untilMs: 200_000 } as const;
  const own = sumOf({ ...calm, canaryFaults: [errors] }, { weight: 50, steps: 30 });
  expect(own.canary.bad / own.canary.total).toBeCloseTo(0.005 + 0.2 / 3, 2);
  expect(own.primary.bad / own.primary.total).toBeCloseTo(0.005, 3);
  const shared = sumOf({ ...calm, sharedFaults: [errors] }, { weight: 50, steps: 30 });
  expect(shared.primary.bad / shared.primary.total).toBeCloseTo(0.005 + 0.2 / 3, 2);
  expect(shared.canary.bad / shared.canary.total).toBeCloseTo(0.005 + 0.2 / 3, 2);
});

test("ServiceTraffic.harmShare: what the faults of the release add, and nothing for a healthy one or a shared incident", () => {
  const harm = (plan: Partial<TrafficPlan>, atMs: number): number =>
    new ServiceTraffic({ ...calm, ...plan }, 1, STEP_MS).harmShare(atMs);
  expect(harm({}, 10_000)).toBe(0);
  expect(harm({ sharedFaults: [{ kind: "errors", share: 0.05 }] }, 10_000)).toBe(0);
  expect(harm({ canaryFaults: [{ kind: "errors", share: 0.05 }] }, 10_000)).toBeCloseTo(0.05, 9);
  expect(harm({ canaryFaults: [{ kind: "tail", share: 0.01, ms: 1500 }] }, 10_000)).toBeCloseTo(0.01, 3);
  // Twice as slow: as many take more than 250 ms as took more than 125.
  const slower = shareAbove(HEALTHY_LATENCY, 125) - shareAbove(HEALTHY_LATENCY, 250);
  expect(harm({ canaryFaults: [{ kind: "latency", factor: 2 }] }, 10_000)).toBeCloseTo(slower, 6);
  const leak = { kind: "leak", sharePerMinute: 0.005 } as const;
  expect(harm({ canaryFaults: [leak] }, 125_000)).toBeCloseTo(0.01, 9);
});

test("effectAt, loadFactor, canaryPodCount: windows of faults, the wave, one pod at least", () => {
  const fault = { kind: "latency", factor: 3, fromMs: 60_000, untilMs: 360_000 } as const;
  expect([59_999, 60_000, 359_999, 360_000].map((atMs) => effectAt([fault], atMs).latencyFactor)).toEqual([1, 3, 3, 1]);
  expect(loadFactor("diurnal", 900_000)).toBeCloseTo(1.8, 9);
  expect(loadFactor("diurnal", 2_700_000)).toBeCloseTo(0.2, 9);
  expect([0, 1, 14, 15, 50, 100].map(canaryPodCount)).toEqual([1, 1, 1, 2, 5, 10]);
});
