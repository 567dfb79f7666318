import { deepCopy, isObject } from "#base";
import { expect, test } from "vitest";
import {
  COUNTER_DEFAULTS,
  errorPlan,
  NO_COUNTERS,
  NO_RANKS,
  NO_SAMPLES,
  observeCounters,
  planLatency,
  readCounterState,
  readCountEvidence,
  readCountSummary,
  readLatencyEvidence,
  readSampleRatio,
  readSignedRank,
  startCountEvidence,
  startCountSummary,
  startLatencyEvidence,
  updateCountEvidence,
  updateCountSummary,
  updateSignedRank,
} from "./index.ts";

const plan = errorPlan({ dispersion: 1, horizonTicks: 30 });
const arms = { canary: { total: 100, bad: 3 }, primary: { total: 900, bad: 4 } };
const evidence = updateCountEvidence(plan, startCountEvidence(plan), { strata: [arms], countsForBound: true });
const summary = updateCountSummary(plan, startCountSummary(plan), arms);
const histogram = { boundsMs: [10, 100, 1000], above: [900, 100, 3], total: 1000 };
const latencyPlan = planLatency(histogram, { slower: 1.15, horizonTicks: 30, dispersions: [] });
const counterPlan = { ...COUNTER_DEFAULTS, skewMs: 5, width: 2 };

function counters() {
  const reading = (id: string, value: number, atMs: number) => ({
    id,
    source: id,
    arm: id === "c" ? ("canary" as const) : ("primary" as const),
    values: [value, 0],
    timestampMs: atMs,
  });
  const both = (value: number, atMs: number) => [reading("c", value, atMs), reading("p", value, atMs)];
  const start = observeCounters(counterPlan, NO_COUNTERS, { readings: both(1, 0), goneSources: [], nowMs: 10 });
  const bad = { ...reading("p2", Number.NaN, 10), id: "p2" };
  return observeCounters(counterPlan, start.state, { readings: [reading("c", 5, 10), bad], goneSources: [], nowMs: 10 })
    .state;
}

const CASES: [string, unknown, (json: unknown) => unknown][] = [
  ["readCountEvidence", evidence, (json) => readCountEvidence(plan, json)],
  ["readCountSummary", summary, (json) => readCountSummary(plan, json)],
  ["readLatencyEvidence", startLatencyEvidence(latencyPlan), (json) => readLatencyEvidence(latencyPlan, json)],
  ["readSampleRatio", { ...NO_SAMPLES, canary: 3 }, readSampleRatio],
  ["readSignedRank", updateSignedRank(updateSignedRank(NO_RANKS, 2), -3), readSignedRank],
  ["readCounterState", counters(), (json) => readCounterState(counterPlan, json)],
];

/** Every place in a JSON value where something stands that is no object. */
function leaves(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => leaves(item, [...path, String(index)]));
  if (isObject(value)) return Object.entries(value).flatMap(([key, item]) => leaves(item, [...path, key]));
  return [path];
}

/** A copy of the value with something else in one place. */
function withLeaf(value: unknown, path: readonly string[], leaf: unknown): unknown {
  const copy: unknown = deepCopy(value);
  let inner = copy;
  for (const key of path.slice(0, -1)) inner = Reflect.get(inner as object, key);
  Reflect.set(inner as object, path[path.length - 1] ?? "", leaf);
  return copy;
}

test.each(CASES)("%s: reads what was written, exactly", (_, state, read) => {
  expect(read(JSON.parse(JSON.stringify(state)))).toEqual(state);
});

test.each(CASES)("%s: a wrong value in any place is refused", (_, state, read) => {
  const paths = leaves(state);
  expect(paths.length).toBeGreaterThan(2);
  for (const path of paths)
    for (const leaf of [null, {}, [], /x/, Number.NaN, Number.POSITIVE_INFINITY])
      expect([path, leaf, read(withLeaf(state, path, leaf))]).toEqual([path, leaf, undefined]);
});

test.each(CASES)("%s: another thing altogether is refused", (_, _state, read) => {
  for (const json of [undefined, null, 3, "x", {}, [1]]) expect(read(json)).toBeUndefined();
});

test("readSignedRank: more sizes than are kept are refused", () => {
  const sizes = Array.from({ length: 257 }, () => 1);
  expect(readSignedRank({ ...NO_RANKS, sizes })).toBeUndefined();
  expect(readSignedRank({ ...NO_RANKS, sizes: sizes.slice(1) })).toBeDefined();
});

test("readCountEvidence, readLatencyEvidence, readCounterState: state of another plan is refused", () => {
  expect(readCountEvidence({ ...plan, multiples: [2, 3] }, evidence)).toBeUndefined();
  expect(readCountEvidence({ ...plan, fractions: [0.5] }, evidence)).toBeUndefined();
  expect(readLatencyEvidence(latencyPlan.slice(1), startLatencyEvidence(latencyPlan))).toBeUndefined();
  expect(readCounterState({ ...counterPlan, width: 3 }, counters())).toBeUndefined();
  expect(readCounterState({ ...counterPlan, seriesMax: 1 }, counters())).toBeUndefined();
  expect(readCounterState(counterPlan, NO_COUNTERS)).toEqual(NO_COUNTERS);
});
