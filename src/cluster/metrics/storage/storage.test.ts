import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLog } from "#base";
import { createLabels, type LabelMatcher, labelValue } from "#promql";
import { createVirtualClock } from "#testing";
import { createSampleStore, openJournal, type SampleStore, type StoredSeries } from "./index.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "serin-journal-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const clock = createVirtualClock();
const all: LabelMatcher[] = [{ name: "__name__", op: "=~", value: ".+" }];

function seriesOf(store: SampleStore, name: string, labels: Readonly<Record<string, string>> = {}): StoredSeries {
  const series = store.series(createLabels([["__name__", name], ...Object.entries(labels)]));
  if (series === undefined) throw new Error("the store is full");
  return series;
}

function dump(store: SampleStore, startMs = Number.NEGATIVE_INFINITY, endMs = Number.POSITIVE_INFINITY) {
  return store.select(all, startMs, endMs).map(({ labels, timestamps, values, stale }) => ({
    name: labelValue(labels, "__name__"),
    samples: Array.from(timestamps, (timeMs, i) => [timeMs, stale?.[i] === 1 ? "stale" : values[i]]),
  }));
}

test("createSampleStore: gives back every sample in range, whatever form its chunk took", () => {
  const value = fc.oneof(
    fc.constantFrom(0, -0, 1, 2 ** 31, -(2 ** 31), Number.NaN, Number.POSITIVE_INFINITY, undefined),
    fc.integer(),
    fc.double(),
  );
  const runs = fc.array(fc.tuple(value, fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 100_000 })), {
    maxLength: 6,
  });
  fc.assert(
    fc.property(
      runs,
      fc.integer({ min: 0, max: 10_000_000 }),
      fc.integer({ min: 0, max: 10_000_000 }),
      (parts, a, b) => {
        const store = createSampleStore({ maxSeriesCount: 1 });
        const series = seriesOf(store, "m");
        const expected: (readonly [number, number | "stale"])[] = [];
        let timeMs = 0;
        for (const [sample, count, gapMs] of parts) {
          for (let i = 0; i < count; i++) {
            timeMs += gapMs;
            expect(store.append(series, timeMs, sample)).toBe(true);
            expected.push([timeMs, sample ?? "stale"]);
          }
        }
        expect(store.append(series, timeMs, 1)).toBe(timeMs === 0);
        const [startMs, endMs] = [Math.min(a, b), Math.max(a, b)];
        const wanted = expected.filter(([t]) => t >= startMs && t <= endMs);
        expect(timeMs === 0 ? [] : (dump(store, startMs, endMs)[0]?.samples ?? [])).toEqual(wanted);
      },
    ),
    { numRuns: 100 },
  );
});

test("createSampleStore: finds by index what a scan over all series finds", () => {
  const store = createSampleStore({ maxSeriesCount: 1000 });
  for (let i = 0; i < 60; i++) {
    const labels = { job: `j${i % 3}`, ...(i % 4 === 0 ? {} : { pod: `p${i % 5}` }), n: String(i) };
    store.append(seriesOf(store, i % 2 === 0 ? "a" : "b", labels), 1000, i);
  }
  const matcher = fc.record({
    name: fc.constantFrom("__name__", "job", "pod", "missing"),
    op: fc.constantFrom("=" as const, "!=" as const, "=~" as const, "!~" as const),
    value: fc.constantFrom("", "a", "j1", "j1|j2", "p1", "p[12]", ".*", ".+", "p1|"),
  });
  fc.assert(
    fc.property(fc.array(matcher, { minLength: 1, maxLength: 3 }), (matchers) => {
      const accepts = ({ op, value }: LabelMatcher, got: string): boolean => {
        const isMatch = op === "=" || op === "!=" ? got === value : new RegExp(`^(?:${value})$`).test(got);
        return op === "=" || op === "=~" ? isMatch : !isMatch;
      };
      const scanned = store
        .find(all, 0, 2000)
        .filter((labels) => matchers.every((m) => accepts(m, labelValue(labels, m.name))));
      const keys = (found: readonly { readonly key: string }[]): string[] => found.map(({ key }) => key).sort();
      expect(keys(store.find(matchers, 0, 2000))).toEqual(keys(scanned));
    }),
    { numRuns: 300 },
  );
});

test("createSampleStore: forgets what is old, and refuses series beyond its bound", () => {
  const store = createSampleStore({ maxSeriesCount: 2 });
  const old = seriesOf(store, "old");
  store.append(old, 1000, 1);
  store.append(seriesOf(store, "new"), 5000, 1);
  expect(store.series(createLabels([["__name__", "third"]]))).toBeUndefined();
  store.forgetBefore(2000);
  expect(dump(store).map(({ name }) => name)).toEqual(["new"]);
  expect([old.isForgotten, store.index.values("__name__")]).toEqual([true, ["new"]]);
  expect(store.series(createLabels([["__name__", "third"]]))).toBeDefined();
});

function writeTwoMoments(): SampleStore {
  const store = createSampleStore({ maxSeriesCount: 10 });
  const journal = openJournal({ directory, store, clock, log: silentLog });
  const [a, b] = [seriesOf(store, "a"), seriesOf(store, "b")];
  for (const [timeMs, samples] of [
    [
      1000,
      [
        { series: a, value: 1 },
        { series: b, value: 2 },
      ],
    ],
    [
      2000,
      [
        { series: a, value: 3 },
        { series: b, value: undefined },
      ],
    ],
  ] as const) {
    for (const { series, value } of samples) store.append(series, timeMs, value);
    journal.append(timeMs, samples);
  }
  journal.close();
  return store;
}

function replayed(): SampleStore {
  const store = createSampleStore({ maxSeriesCount: 10 });
  openJournal({ directory, store, clock, log: silentLog }).close();
  return store;
}

test("openJournal: replays values and staleness markers", () => {
  expect(dump(replayed())).toEqual([]);
  const written = writeTwoMoments();
  expect(dump(replayed())).toEqual(dump(written));
});

test("openJournal: a tail torn at any byte loses only records that were not whole, and what follows is kept", () => {
  const written = writeTwoMoments();
  const [name = ""] = readdirSync(directory).sort();
  const path = join(directory, name);
  const bytes = readFileSync(path);
  for (let length = 0; length < bytes.length; length += 3) {
    for (const other of readdirSync(directory)) rmSync(join(directory, other));
    writeFileSync(path, bytes.subarray(0, length));
    const store = replayed();
    for (const { name: metric, samples } of dump(store)) {
      const whole = dump(written).find((series) => series.name === metric)?.samples ?? [];
      expect(whole.slice(0, samples.length)).toEqual(samples);
    }
  }
});

test("openJournal: damage in the middle ends a segment, not the journal", () => {
  writeTwoMoments();
  const [name = ""] = readdirSync(directory).sort();
  appendFileSync(join(directory, name), Buffer.from([9, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]));
  const store = createSampleStore({ maxSeriesCount: 10 });
  const journal = openJournal({ directory, store, clock, log: silentLog });
  const a = seriesOf(store, "a");
  store.append(a, 3000, 4);
  journal.append(3000, [{ series: a, value: 4 }]);
  journal.close();
  expect(dump(replayed()).find((series) => series.name === "a")?.samples).toEqual([
    [1000, 1],
    [2000, 3],
    [3000, 4],
  ]);
});

test("openJournal: rotates by age, keeps each segment readable by itself, and deletes the old ones", async () => {
  const store = createSampleStore({ maxSeriesCount: 10 });
  const journal = openJournal({ directory, store, clock, log: silentLog });
  const a = seriesOf(store, "a");
  for (let i = 0; i < 4; i++) {
    const timeMs = clock.nowMs();
    store.append(a, timeMs, i);
    journal.append(timeMs, [{ series: a, value: i }]);
    await clock.advance(11 * 60_000);
  }
  expect(readdirSync(directory)).toHaveLength(4);
  journal.forgetBefore(clock.nowMs() - 23 * 60_000);
  expect(readdirSync(directory)).toHaveLength(2);
  journal.close();
  expect(dump(replayed())[0]?.samples.map(([, value]) => value)).toEqual([2, 3]);
});

test("openJournal: a directory that cannot be used is named", () => {
  const path = join(directory, "file");
  writeFileSync(path, "");
  const store = createSampleStore({ maxSeriesCount: 1 });
  expect(() => openJournal({ directory: path, store, clock, log: silentLog })).toThrow(
    `Cannot use the metrics journal in "${path}"`,
  );
});
