import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { seededRandom } from "#base";
import type { DecisionRecord } from "#rollout";
import { decodeRun, encodeRun } from "./run-codec.ts";
import { keyOfRun, MAX_MAP_BYTES, planWrite, readLastRun, readRuns } from "./run-map.ts";
import { joinRun, MAX_RECORD_COUNT, type Run } from "./run.ts";

/** What is kept of releases: which run a record belongs to, and that what is kept stays within its bounds. */

let secondCount = 0;

function record(changes: Partial<DecisionRecord> = {}): DecisionRecord {
  return {
    at: new Date(Date.UTC(2026, 0, 1) + 1000 * secondCount++).toISOString(),
    label: "advance",
    sentence: "The canary gets 20%.",
    from: { phase: "Progressing", weight: 10 },
    to: { phase: "Progressing", weight: 20 },
    checks: [],
    done: [],
    ...changes,
  };
}

const start = (): DecisionRecord =>
  record({ label: "start", from: { phase: "Initialized", weight: 0 }, to: { phase: "Progressing", weight: 0 } });
const failed = (): DecisionRecord =>
  record({ label: "halt", from: { phase: "Progressing", weight: 20 }, to: { phase: "Failed", weight: 0 } });

/** All runs after these records, each of them read back from what was written. */
function runsAfter(records: readonly DecisionRecord[]): readonly Run[] {
  let map: { binaryData: Record<string, string> } = { binaryData: {} };
  for (const each of records) {
    const write = planWrite(map, joinRun(each, { ...readLastRun(map), revision: "s2" }));
    map = { binaryData: merged(map.binaryData, write) };
  }
  const { runs, broken } = readRuns(map);
  expect(broken).toEqual([]);
  return runs;
}

function merged(data: Record<string, string>, patch: Readonly<Record<string, string | null>>): Record<string, string> {
  const all = Object.entries({ ...data, ...patch });
  return Object.fromEntries(all.flatMap(([key, text]) => (text === null ? [] : [[key, text]])));
}

test("joinRun: a run goes from its start to its end; what comes after the end stays with it", () => {
  const scaleDown = record({
    label: "scale-down",
    from: { phase: "Failed", weight: 0 },
    to: { phase: "Failed", weight: 0 },
    done: [{ kind: "replicas", count: 0 }],
  });
  const [first, second, ...none] = runsAfter([start(), record(), failed(), scaleDown, start()]);
  expect(first).toMatchObject({ number: 1, outcome: "rolled back", revision: "s2" });
  expect(first?.records.map(({ label }) => label)).toEqual(["start", "advance", "halt", "scale-down"]);
  expect(second).toMatchObject({ number: 2 });
  expect(second?.outcome).toBeUndefined();
  expect(none).toEqual([]);
});

test.each([
  ["Initializing", "Initialized", "bootstrap-done", "initialized"],
  ["Finalising", "Succeeded", "complete", "promoted"],
  ["Promoting", "Failed", "promotion-failed", "promotion failed"],
  ["Waiting", "Initialized", "waiting-cancelled", "withdrawn"],
] as const)("joinRun: from %s to %s it ends as %s tells", (from, to, label, outcome) => {
  const [run] = runsAfter([
    record({ to: { phase: from, weight: 0 } }),
    record({ label, from: { phase: from, weight: 0 }, to: { phase: to, weight: 0 } }),
  ]);
  expect(run).toMatchObject({ outcome, endedAt: run?.records.at(-1)?.at });
});

test("joinRun: another revision in the middle ends a run as replaced; a start whose end nobody saw as unknown", () => {
  const restart = record({ label: "restart" });
  expect(runsAfter([start(), restart, record(), start()]).map(({ outcome }) => outcome)).toEqual([
    "replaced",
    "unknown",
    undefined,
  ]);
});

test("joinRun: what is held before it starts is part of the run; what is left of a run that nobody kept is none", () => {
  const paused = record({
    label: "paused",
    from: { phase: "Succeeded", weight: 0 },
    to: { phase: "Succeeded", weight: 0 },
  });
  expect(runsAfter([paused, start(), record()]).map(({ records }) => records.length)).toEqual([3]);
  expect(runsAfter([record({ label: "scale-down", to: { phase: "Failed", weight: 0 } })])).toEqual([]);
});

test("joinRun: a record that is decided again takes the place of the first; the last 200 are kept", () => {
  const hold = record({ label: "wait-capacity" });
  const again = { ...hold, repeated: { count: 2, lastAt: hold.at } };
  expect(runsAfter([start(), hold, again])[0]?.records).toHaveLength(2);
  const many = Array.from({ length: MAX_RECORD_COUNT + 9 }, () => record());
  const [run] = runsAfter([start(), ...many]);
  expect(run).toMatchObject({ droppedCount: 10 });
  expect(run?.records).toEqual(many.slice(-MAX_RECORD_COUNT));
});

test("planWrite: the last ten runs; the oldest go first", () => {
  const runs = runsAfter(Array.from({ length: 12 }, () => [start(), failed()]).flat());
  expect(runs.map(({ number }) => number)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
});

test("planWrite: never above 256 KiB, whatever the records hold: old runs go, then old decisions", () => {
  const random = seededRandom(7);
  const noise = (length: number): string =>
    Array.from({ length }, () => String.fromCharCode(33 + Math.floor(random.next() * 90))).join("");
  const run = (number: number, recordCount: number, length: number): Run => ({
    number,
    revision: "s2",
    startedAt: "2026-01-01T00:00:00Z",
    droppedCount: 0,
    records: Array.from({ length: recordCount }, () => record({ sentence: noise(length) })),
  });
  let data: Record<string, string> = {};
  for (const [number, recordCount, length] of [
    [1, 20, 3000],
    [2, 20, 3000],
    [3, 20, 3000],
    [4, 40, 20_000],
    [5, 1, 900_000],
  ] as const) {
    data = merged(data, planWrite({ binaryData: data }, [run(number, recordCount, length)]));
    const bytes = Object.values(data).reduce((sum, text) => sum + text.length, 0);
    expect(bytes).toBeLessThanOrEqual(MAX_MAP_BYTES);
    const { runs, broken } = readRuns({ binaryData: data });
    expect(broken).toEqual([]);
    const last = runs.at(-1);
    expect(last?.number).toBe(number);
    expect((last?.records.length ?? 0) + (last?.droppedCount ?? 0)).toBe(recordCount);
  }
});

test("readLastRun: what is broken is named, and a new run takes the next number", () => {
  const good = encodeRun({ number: 1, revision: "s1", startedAt: "t", droppedCount: 0, records: [] }) ?? "";
  const map = { binaryData: { "run-0001": good, "run-0002": "bm90IGd6aXA=", "run-2": good, other: good } };
  const known = readLastRun(map);
  expect(known).toMatchObject({ last: undefined, nextNumber: 3, note: expect.stringContaining("run-0002") });
  const [run] = joinRun(start(), { ...known, revision: "s2" });
  expect(run).toMatchObject({ number: 3, note: expect.stringContaining("could not be read") });
  expect(readRuns(map)).toMatchObject({ runs: [{ number: 1 }], broken: [{ number: 2 }] });
});

test.each<[string, string]>([
  ["no gzip", Buffer.from("hello").toString("base64")],
  ["empty", ""],
  ["no JSON", gzipSync("{").toString("base64")],
  ["another head", gzipSync('{"a":1}\n').toString("base64")],
  ["only lines that are no decision", gzipSync('{"revision":"","startedAt":""}\n{"at":1}\n').toString("base64")],
  ["more than is read", gzipSync("x".repeat(5 * 1024 * 1024)).toString("base64")],
  [
    "evidence without counts",
    gzipSync(
      `{"revision":"","startedAt":""}\n${JSON.stringify({ ...record(), evidence: { combined: 0, stopAt: 1, metrics: [{}] } })}\n`,
    ).toString("base64"),
  ],
])("decodeRun: refuses %s", (_, text) => {
  expect(decodeRun(1, text).ok).toBe(false);
});

test("decodeRun: a line that is no decision costs that line; what has no end is written as very much", () => {
  const counts = { total: 9, bad: 0 };
  const seen = { canary: counts, primary: counts, estimate: 0, falseAlarm: 1, bound: undefined, goAt: undefined };
  const fact = { metric: "errors", what: "errors", verdict: "unknown" as const, ...seen };
  const evidence = { combined: 0, stopAt: 4.6, metrics: [{ ...fact, worse: Number.NEGATIVE_INFINITY }] };
  const head = JSON.stringify({ revision: "s2", startedAt: "t", droppedCount: 2 });
  const mixed = [head, '{"at":1}', JSON.stringify(record())].map((line) => `${line}\n`).join("");
  expect(decodeRun(1, gzipSync(mixed).toString("base64"))).toMatchObject({ ok: true, value: { droppedCount: 3 } });
  const run: Run = { number: 1, revision: "", startedAt: "t", droppedCount: 0, records: [record({ evidence })] };
  const back = decodeRun(1, encodeRun(run));
  expect(back).toMatchObject({
    ok: true,
    value: { records: [{ evidence: { metrics: [{ worse: -Number.MAX_VALUE }] } }] },
  });
});

test("decodeRun: gives back what encodeRun was given; keys sort as their runs do", () => {
  const evidence = {
    combined: 1.5,
    stopAt: 4.6,
    leading: "request-success-rate",
    metrics: [
      {
        metric: "request-success-rate",
        what: "errors",
        canary: { total: 212, bad: 3 },
        primary: { total: 1900, bad: 2 },
        estimate: 0.01,
        worse: 1.5,
        falseAlarm: 0.22,
        bound: 0.03,
        goAt: 0.01,
        left: { requestCount: 118, etaMs: 40_000 },
        verdict: "unknown" as const,
      },
    ],
  };
  const run: Run = { number: 7, revision: "s2", startedAt: "t", droppedCount: 3, records: [record({ evidence })] };
  expect(decodeRun(7, encodeRun(run))).toEqual({ ok: true, value: run });
  expect([keyOfRun(9), keyOfRun(10), keyOfRun(12_345)]).toEqual(["run-0009", "run-0010", "run-12345"]);
});
