import type { Fault, Noise, TrafficPlan } from "#simulator";

/** One kind of release on one service, of which many are judged. Source: statistics reference 5.1. */
export interface Cell {
  /** `FAMILY RATE`, unique. */
  readonly key: string;
  readonly family: string;
  readonly requestsPerSecond: number;
  readonly plan: TrafficPlan;
}

const HEALTHY_ERRORS = 0.005;
const LOW_ERRORS = 0.001;
const ALL_RATES = [0.2, 0.5, 1, 2, 10, 100, 1000, 10_000, 100_000];
/** Where the time is short: each decade once, and noise where it is worst. */
const SOME_RATES: Readonly<Record<Noise, readonly number[]>> = {
  iid: [1, 100, 10_000],
  auto: [0.2, 1, 10, 100, 1000, 10_000, 100_000],
  burst: [1, 10, 100, 1000],
};
const USUAL_RATES = [10, 100, 1000, 10_000];

function cellsOf(family: string, rates: readonly number[], plan: Partial<TrafficPlan>): Cell[] {
  return rates.map((requestsPerSecond) => ({
    key: `${family} ${requestsPerSecond}`,
    family,
    requestsPerSecond,
    plan: {
      requestsPerSecond,
      errorRate: HEALTHY_ERRORS,
      noise: "auto",
      load: "flat",
      canaryFaults: [],
      sharedFaults: [],
      ...plan,
    },
  }));
}

const incident = { fromMs: 60_000, untilMs: 360_000 } as const;
const warmUp = { untilMs: 40_000 } as const;

/** Releases that are as good as what they replace; whoever rolls one back is wrong. `isFull`: at every rate. */
export function healthyCells({ isFull }: { readonly isFull: boolean }): Cell[] {
  const noises: readonly Noise[] = ["iid", "auto", "burst"];
  return [
    ...noises.flatMap((noise) => cellsOf(noise, isFull ? ALL_RATES : SOME_RATES[noise], { noise })),
    ...cellsOf("base 0.9%", [10, 100, 1000], { errorRate: 0.009 }),
    ...cellsOf("base 1.2%", [10, 100, 1000], { errorRate: 0.012 }),
    ...cellsOf("incident +5 pt", USUAL_RATES, { sharedFaults: [{ kind: "errors", share: 0.05, ...incident }] }),
    ...cellsOf("incident latency x3", USUAL_RATES, { sharedFaults: [{ kind: "latency", factor: 3, ...incident }] }),
    ...cellsOf("warm-up 40 s", USUAL_RATES, {
      canaryFaults: [
        { kind: "latency", factor: 4, ...warmUp },
        { kind: "errors", share: 0.02, ...warmUp },
      ],
    }),
    ...cellsOf("diurnal", USUAL_RATES, { load: "diurnal" }),
  ];
}

/** The share of errors of a canary that is exactly as bad as is tolerated: 1.2 times the primary's, and 0.02 points. */
const BOUNDARY_EXCESS = 0.2 * HEALTHY_ERRORS + 0.0002;

/** Releases exactly at the tolerance, with independent requests. Source: statistics reference 5.2, 6 G2. */
export function boundaryCells(): Cell[] {
  return cellsOf("boundary", [100, 1000, 10_000], {
    noise: "iid",
    canaryFaults: [{ kind: "errors", share: BOUNDARY_EXCESS }],
  });
}

/** Releases that are worse than what they replace; whoever promotes one is wrong. */
export function badCells(): Cell[] {
  return [
    ...bad("+5 pt", [0.5, 1, 10, 100, 1000, 10_000], { kind: "errors", share: 0.05 }),
    ...bad("+20 pt", [0.5, 1, 10, 100, 1000, 10_000], { kind: "errors", share: 0.2 }),
    ...bad("+50 pt", [0.5, 1, 2, 10, 100, 1000, 10_000], { kind: "errors", share: 0.5 }),
    ...bad("+1 pt", USUAL_RATES, { kind: "errors", share: 0.01 }),
    ...bad("+0.5 pt", [100, 1000], { kind: "errors", share: 0.005 }),
    ...bad("+0.1 pt", [100, 1000, 10_000], { kind: "errors", share: 0.001 }),
    ...bad("latency x1.3", [10, 100, 1000], { kind: "latency", factor: 1.3 }),
    ...bad("latency x1.5", [10, 100, 1000], { kind: "latency", factor: 1.5 }),
    ...bad("latency x2", [10, 100, 1000], { kind: "latency", factor: 2 }),
    ...bad("latency x3", [10, 100, 1000], { kind: "latency", factor: 3 }),
    ...bad("tail 1%", [10, 100, 1000], { kind: "tail", share: 0.01, ms: 1500 }),
    ...bad("tail 2%", [10, 100, 1000], { kind: "tail", share: 0.02, ms: 1500 }),
    ...bad("tail 5%", [100, 1000], { kind: "tail", share: 0.05, ms: 1500 }),
    ...bad("leak 0.5 pt/min", [10, 100, 1000], { kind: "leak", sharePerMinute: 0.005 }),
    ...bad("late +5 pt", [100, 1000], { kind: "errors", share: 0.05, fromMs: 150_000 }),
  ];
}

function bad(family: string, rates: readonly number[], fault: Fault): Cell[] {
  return cellsOf(family, rates, { errorRate: LOW_ERRORS, canaryFaults: [fault] });
}
