import fc from "fast-check";
import { expect, test } from "vitest";
import type { ArmName, CounterReading } from "./counter-series.ts";
import {
  COUNTER_DEFAULTS,
  type CounterObservation,
  type CounterPlan,
  type CounterState,
  type CounterStep,
  NO_COUNTERS,
  observeCounters,
} from "./counter-tracker.ts";

/** A scrape every 10 ms keeps the numbers short. */
const plan: CounterPlan = { ...COUNTER_DEFAULTS, skewMs: 5, giveUpMs: 30, width: 2 };

const reading = (id: string, values: readonly number[], atMs: number, more: Partial<CounterReading> = {}) => ({
  id,
  source: id.split("/")[0] ?? id,
  arm: (id.startsWith("c") ? "canary" : "primary") as ArmName,
  values,
  timestampMs: atMs,
  ...more,
});
const seen = (readings: readonly CounterReading[], goneSources: readonly string[] = []): CounterObservation => ({
  readings,
  goneSources,
  nowMs: Math.max(
    ...readings.map(({ timestampMs }) => timestampMs).filter((ms) => Number.isFinite(ms) && ms < 1000),
    0,
  ),
});
/** Observes one after the other; returns all steps. */
function observe(...observations: CounterObservation[]): CounterStep[] {
  let state: CounterState = NO_COUNTERS;
  return observations.map((observation) => {
    const step = observeCounters(plan, state, observation);
    state = JSON.parse(JSON.stringify(step.state)) as CounterState;
    return step;
  });
}
const countsOf = ({ outcome }: CounterStep) =>
  outcome.kind === "counted" ? [outcome.canary, outcome.primary] : outcome.kind;
const start = seen([reading("c1/a", [10, 1], 0), reading("p1/a", [100, 5], 0)]);

test("observeCounters: the first observation starts, the next ones count what was added", () => {
  const steps = observe(
    start,
    seen([reading("c1/a", [15, 1], 10), reading("p1/a", [140, 6], 11)]),
    seen([reading("c1/a", [15, 1], 20), reading("p1/a", [190, 6], 21)]),
  );
  expect(steps.map(countsOf)).toEqual([
    "started",
    [
      [5, 0],
      [40, 1],
    ],
    [
      [0, 0],
      [50, 0],
    ],
  ]);
});

test("observeCounters: a reset counts from 0, whether a value fell or the source says that it began anew", () => {
  const [, fell, told] = observe(
    start,
    seen([reading("c1/a", [12, 0], 10), reading("p1/a", [140, 6], 10)]),
    seen([reading("c1/a", [30, 4], 20, { startedMs: 15 }), reading("p1/a", [140, 6], 20)]),
  );
  expect(fell && countsOf(fell)).toEqual([
    [12, 0],
    [40, 1],
  ]);
  expect(fell?.resets).toEqual(["c1"]);
  expect(told && countsOf(told)).toEqual([
    [30, 4],
    [0, 0],
  ]);
});

test("observeCounters: the first errors of a new label set and of a new pod count, those of an old unknown pod do not", () => {
  const more = [reading("c1/a", [10, 1], 10), reading("p1/a", [100, 5], 10)];
  const [, label] = observe(start, seen([...more, reading("c1/500", [3, 3], 10)]));
  expect(label && countsOf(label)).toEqual([
    [3, 3],
    [0, 0],
  ]);
  const [, young] = observe(start, seen([...more, reading("c2/500", [7, 7], 10, { startedMs: 4 })]));
  expect(young && countsOf(young)).toEqual([
    [7, 7],
    [0, 0],
  ]);
  const [, old] = observe(start, seen([...more, reading("c2/500", [7, 7], 10, { startedMs: -50 })]));
  expect(old && countsOf(old)).toEqual([
    [0, 0],
    [0, 0],
  ]);
});

test("observeCounters: a missing copy holds back both, and the next observation covers the gap for both", () => {
  const onlyPrimary = (atMs: number) => seen([reading("p1/a", [100 + atMs, 5], atMs)]);
  const steps = observe(
    start,
    onlyPrimary(10),
    onlyPrimary(20),
    onlyPrimary(30),
    onlyPrimary(40),
    seen([reading("c1/a", [16, 2], 50), reading("p1/a", [150, 5], 50)]),
  );
  expect(steps.slice(1, 5).map(({ outcome }) => outcome)).toEqual(
    [1, 2, 3, 4].map((waited) => ({ kind: "waiting", arms: ["canary"], missing: ["c1"], waited })),
  );
  expect(steps.flatMap(({ lost }) => lost)).toEqual([]);
  expect(steps.slice(-1).map(countsOf)).toEqual([
    [
      [6, 1],
      [50, 0],
    ],
  ]);
});

test("observeCounters: scrapes that are rarer than observations, and not all at once, are waited for and lose nothing", () => {
  const slow: CounterPlan = { ...plan, skewMs: 15, giveUpMs: 60 };
  // Scraped every 15 ms, the primary 7 ms after the canary; observed every 5 ms.
  const at = (nowMs: number, offsetMs: number) => Math.floor((nowMs - offsetMs) / 15) * 15 + offsetMs;
  let state: CounterState = NO_COUNTERS;
  const outcomes: string[] = [];
  let counted = [0, 0];
  for (let nowMs = 30; nowMs <= 90; nowMs += 5) {
    const readings = [
      reading("c1/a", [at(nowMs, 0), 0], at(nowMs, 0)),
      reading("p1/a", [2 * at(nowMs, 7), 0], at(nowMs, 7)),
    ];
    const step = observeCounters(slow, state, { readings, goneSources: [], nowMs });
    state = step.state;
    expect(step.faults).toEqual([]);
    expect(step.lost).toEqual([]);
    outcomes.push(step.outcome.kind);
    if (step.outcome.kind === "counted")
      counted = [counted[0]! + step.outcome.canary[0]!, counted[1]! + step.outcome.primary[0]!];
  }
  expect(outcomes.filter((kind) => kind === "counted")).toHaveLength(4);
  expect(counted).toEqual([90 - 30, 2 * (82 - 22)]);
});

test("observeCounters: a reset within a gap loses nothing that was read", () => {
  const steps = observe(
    start,
    seen([reading("p1/a", [120, 6], 10)]),
    seen([reading("p1/a", [9, 2], 20)]),
    seen([reading("p1/a", [10, 2], 30), reading("c1/a", [11, 1], 30)]),
  );
  expect(steps.slice(-1).map(countsOf)).toEqual([
    [
      [1, 0],
      [30, 3],
    ],
  ]);
});

const both = (atMs: number, c: number, p: number) => [reading("c1/a", [c, 0], atMs), reading("p1/a", [p, 0], atMs)];

test("observeCounters: a series that stays away is given up; what it counts meanwhile is left out", () => {
  const p2 = (value: number, atMs: number) => reading("p2/a", [value, 0], atMs);
  const steps = observe(
    seen([...both(0, 0, 0), p2(1000, 0)]),
    seen([...both(10, 1, 1), p2(1001, 10)]),
    seen(both(20, 2, 2)),
    seen(both(30, 3, 3)),
    seen(both(40, 4, 4)),
    seen(both(50, 5, 5)),
    seen([...both(60, 6, 6), p2(5000, 60)]),
    seen([...both(70, 7, 7), p2(5002, 70)]),
  );
  expect(steps.map(countsOf)).toEqual([
    "started",
    [
      [1, 0],
      [2, 0],
    ],
    "waiting",
    "waiting",
    "waiting",
    [
      [4, 0],
      [4, 0],
    ],
    [
      [1, 0],
      [1, 0],
    ],
    [
      [1, 0],
      [3, 0],
    ],
  ]);
  expect(steps[5]?.lost).toEqual(["p2/a"]);
});

test("observeCounters: a source that is known to be gone is not waited for, and its last counts are kept", () => {
  const steps = observe(
    seen([...both(0, 0, 0), reading("c2/a", [5, 0], 0)]),
    seen([reading("c1/a", [1, 0], 10), reading("c2/a", [9, 3], 10)]),
    seen(both(20, 2, 2), ["c2"]),
    seen(both(30, 3, 3)),
  );
  expect(steps.map(countsOf)).toEqual([
    "started",
    "waiting",
    [
      [6, 3],
      [2, 0],
    ],
    [
      [1, 0],
      [1, 0],
    ],
  ]);
  expect(steps[2]?.lost).toEqual(["c2/a"]);
  expect(steps[3]?.state.series.map(({ id }) => id)).toEqual(["c1/a", "p1/a"]);
});

test.each([
  ["bad-value", { values: [Number.NaN, 0] }],
  ["bad-value", { values: [-1, 0] }],
  ["bad-value", { values: [Number.POSITIVE_INFINITY, 0] }],
  ["bad-width", { values: [1] }],
  ["bad-width", { values: [] }],
  ["bad-time", { timestampMs: Number.NaN }],
  ["bad-time", { timestampMs: Number.POSITIVE_INFINITY }],
  ["bad-time", { timestampMs: 9e12 }],
  ["late", { timestampMs: -5 }],
  ["moved", { arm: "primary" as const }],
  ["moved", { source: "c9" }],
])("observeCounters: %s is a fault, and the next reading covers it: %j", (kind, more) => {
  const [, faulty, next] = observe(
    start,
    seen([reading("c1/a", [14, 2], 10, more), reading("p1/a", [110, 5], 10)]),
    seen([reading("c1/a", [15, 3], 20), reading("p1/a", [120, 5], 20)]),
  );
  expect(faulty?.faults.map((fault) => [fault.kind, fault.id])).toEqual([[kind, "c1/a"]]);
  expect(faulty?.faults[0]?.message).toContain('Cannot use a reading of counter "c1/a": it ');
  expect(faulty?.outcome.kind).toBe("waiting");
  expect(next && countsOf(next)).toEqual([
    [5, 2],
    [20, 0],
  ]);
});

test("observeCounters: a series that is there twice is not believed", () => {
  const twice = [reading("c1/a", [14, 2], 10), reading("c1/a", [17, 2], 10), reading("p1/a", [110, 5], 10)];
  const [, step] = observe(start, seen(twice));
  expect(step?.faults.map(({ kind }) => kind)).toEqual(["duplicate", "duplicate"]);
  expect(step?.outcome.kind).toBe("waiting");
});

test("observeCounters: a series whose first reading is no use never counts from 0", () => {
  const steps = observe(
    start,
    seen([...both(10, 10, 100), reading("c1/500", [Number.NaN, 1], 10)]),
    seen([...both(20, 10, 100), reading("c1/500", [900, 900], 20)]),
    seen([...both(30, 10, 100), reading("c1/500", [902, 901], 30)]),
  );
  expect(steps.slice(2).map(countsOf)).toEqual([
    [
      [0, 0],
      [0, 0],
    ],
    [
      [2, 1],
      [0, 0],
    ],
  ]);
});

test("observeCounters: an observation beyond the bound is refused whole, and counting begins anew", () => {
  const few: CounterPlan = { ...plan, seriesMax: 3 };
  const wide = seen([...both(10, 1, 1), reading("c2/a", [1, 0], 10), reading("c3/a", [1, 0], 10)]);
  const first = observeCounters(few, NO_COUNTERS, start);
  const refused = observeCounters(few, first.state, wide);
  expect(refused.outcome).toEqual({ kind: "refused", seriesCount: 4 });
  expect(refused.state.series).toEqual([]);
  expect(observeCounters(few, refused.state, seen(both(20, 2, 2))).outcome.kind).toBe("started");
});

test("observeCounters: names of the prototype are names like any other", () => {
  const named = (atMs: number, value: number) =>
    seen([
      reading("__proto__", [value, 0], atMs, { arm: "canary", source: "constructor" }),
      reading("p1/a", [value, 0], atMs),
    ]);
  const [, step] = observe(named(0, 1), named(10, 3));
  expect(step && countsOf(step)).toEqual([
    [2, 0],
    [2, 0],
  ]);
});

/** A made-up life of several pods: counts, restarts, scrapes that fail. */
const lifeArb = fc.array(
  fc.array(
    fc.record({
      add: fc.integer({ min: 0, max: 50 }),
      bad: fc.integer({ min: 0, max: 5 }),
      isRestarted: fc.boolean(),
      isScraped: fc.integer({ min: 0, max: 4 }).map((draw) => draw > 0),
    }),
    { minLength: 4, maxLength: 4 },
  ),
  { minLength: 2, maxLength: 12 },
);

test("observeCounters: whatever restarts and fails, both copies are counted over the same ticks, and nothing is counted twice", () => {
  fc.assert(
    fc.property(lifeArb, fc.integer(), (life, shuffle) => {
      const ids = ["c1/a", "c2/a", "p1/a", "p2/a"];
      const counters = ids.map(() => [0, 0] as [number, number]);
      const startedMs = ids.map(() => -1);
      const truth = { canary: 0, primary: 0 };
      const found = { canary: 0, primary: 0 };
      let state: CounterState = NO_COUNTERS;
      life.forEach((tick, index) => {
        const isLast = index === life.length - 1;
        const readings: CounterReading[] = [];
        tick.forEach((pod, podIndex) => {
          const counter = counters[podIndex] ?? [0, 0];
          // What a process counted and never showed before it died is lost for good, so restarts follow a scrape here.
          if (pod.isRestarted && index > 0 && (index === 1 || life[index - 1]?.[podIndex]?.isScraped === true)) {
            counter.fill(0);
            startedMs[podIndex] = index * 10 - 5;
          }
          counter[0] += pod.add + pod.bad;
          counter[1] += pod.bad;
          const id = ids[podIndex] ?? "";
          if (index > 0) truth[id.startsWith("c") ? "canary" : "primary"] += pod.add + pod.bad;
          const isRead = index === 0 || isLast || pod.isScraped;
          if (isRead) readings.push(reading(id, [...counter], index * 10, { startedMs: startedMs[podIndex] ?? -1 }));
        });
        const order = readings.map((item, at) => ({ item, key: (at * 7 + shuffle) % 5 })).sort((a, b) => a.key - b.key);
        const sorted = observeCounters({ ...plan, giveUpMs: 9999 }, state, seen(readings));
        const step = observeCounters({ ...plan, giveUpMs: 9999 }, state, seen(order.map(({ item }) => item)));
        expect(step).toEqual(sorted);
        state = step.state;
        if (step.outcome.kind !== "counted") return;
        found.canary += step.outcome.canary[0] ?? 0;
        found.primary += step.outcome.primary[0] ?? 0;
        expect(found).toEqual(truth);
      });
      expect(found).toEqual(truth);
    }),
  );
});
