import fc from "fast-check";
import { expect, test } from "vitest";
import { ok } from "#base";
import type { CounterMetric } from "./counter-metric.ts";
import { countInterval, GAP_MAX_MS, windowMsFor } from "./interval-samples.ts";
import { LOOKBACK_MS } from "./joint-counts.ts";
import type { RawSeries } from "./raw-series.ts";

const T0 = 1_700_000_000_000;
const SCRAPE_MS = 15_000;

const metric: CounterMetric = {
  name: "errors",
  kind: "counts",
  selectors: (["canary", "primary"] as const).map((arm) => ({
    arm,
    role: "requests",
    matchers: [{ name: "to", op: "=", value: arm }],
  })),
  isBad: ({ code }) => code === "500",
  badLabels: ["code"],
  boundFactor: 1,
};

const latency: CounterMetric = {
  ...metric,
  name: "slow",
  kind: "latency",
  selectors: metric.selectors.map((selector) => ({ ...selector, role: "bucket" })),
};

/** Values at scrapes 15 s apart, the first at `T0` plus the offset; undefined is a scrape that failed. */
function series(
  labels: { to: string; pod: string; job?: string; code?: string; le?: string },
  values: readonly (number | undefined)[],
  offsetMs = 0,
): RawSeries {
  const samples = values.flatMap((value, index) =>
    value === undefined ? [] : [{ atMs: T0 + offsetMs + index * SCRAPE_MS, value }],
  );
  return { labels, samples };
}

const at = (scrapes: number): number => T0 + scrapes * SCRAPE_MS;

function count(raw: readonly RawSeries[], afterMs: number | undefined, nowMs: number, of = metric) {
  const seen = raw.map(({ labels, samples }) => ({
    labels,
    samples: samples.filter(({ atMs }) => atMs <= nowMs && atMs > nowMs - windowMsFor(afterMs, nowMs)),
  }));
  const counted = { metric: of, query: "q", owner: "", raw: ok(seen.filter(({ samples }) => samples.length > 0)) };
  return countInterval([counted], { afterMs, nowMs });
}

const steady = series({ to: "primary", pod: "p" }, [100, 110, 120, 130, 140, 150, 160, 170, 180]);
const missing = (reason: string, message: unknown) => ({
  name: "errors",
  kind: "missing",
  reason,
  message,
  query: "q",
});
const counts = (canary: [number, number], primary: [number, number]) => ({
  name: "errors",
  kind: "counts",
  query: "q",
  arms: { canary: { total: canary[0], bad: canary[1] }, primary: { total: primary[0], bad: primary[1] } },
});

test("countInterval: the first look learns where counting begins, and counts nothing", () => {
  expect(count([steady], undefined, at(3))).toEqual({
    untilMs: at(3),
    metrics: [missing("waiting", "counting begins now")],
  });
});

test.each<[string, readonly RawSeries[], unknown]>([
  ["deltas of both", [series({ to: "canary", pod: "c" }, [5, 7, 9, 9, 12])], counts([7, 0], [40, 0])],
  [
    "a restart counts its new value whole, also one between two looks",
    [series({ to: "canary", pod: "c" }, [50, 52, 1, 4, 2])],
    counts([2 + 1 + 3 + 2, 0], [40, 0]),
  ],
  [
    "a new pod counts from 0, its first errors included",
    [series({ to: "canary", pod: "c", code: "500" }, [undefined, undefined, undefined, 6, 8])],
    counts([8, 8], [40, 0]),
  ],
  [
    "a new code of a known process counts from 0",
    [
      series({ to: "canary", pod: "c", code: "200" }, [10, 10, 10, 10, 15]),
      series({ to: "canary", pod: "c", code: "500" }, [undefined, undefined, undefined, undefined, 3]),
    ],
    counts([8, 3], [40, 0]),
  ],
  [
    "a series that its process lost in a restart is not waited for, and counts from 0 when it is back",
    [
      series({ to: "canary", pod: "c", code: "200" }, [10, 12, undefined, undefined, 15]),
      series({ to: "canary", pod: "c", code: "500" }, [10, 12, 1, 2, 3]),
    ],
    counts([2 + 15 + 2 + 3, 2 + 3], [40, 0]),
  ],
  [
    "a series that its process dropped has counted until then",
    [
      series({ to: "canary", pod: "c", code: "200" }, [10, 12, 13, 14, 15]),
      series({ to: "canary", pod: "c", code: "500" }, [10, 14, undefined, undefined, undefined]),
    ],
    counts([5 + 4, 4], [40, 0]),
  ],
  [
    "a failed scrape delays both copies",
    [series({ to: "canary", pod: "c" }, [5, 7, 9, 11, undefined])],
    counts([6, 0], [30, 0]),
  ],
  [
    "a copy without series is waited for",
    [],
    missing("waiting", expect.stringContaining("the canary has no such series yet")),
  ],
  [
    "NaN",
    [series({ to: "canary", pod: "c" }, [5, 7, Number.NaN, 9, 9])],
    missing("invalid", expect.stringContaining("is NaN")),
  ],
  [
    "a negative counter",
    [series({ to: "canary", pod: "c" }, [5, 7, -1, 9, 9])],
    missing("invalid", expect.stringContaining("is -1")),
  ],
  [
    "a series twice",
    [series({ to: "canary", pod: "c" }, [5, 6]), series({ to: "canary", pod: "c" }, [5, 7])],
    missing("invalid", expect.stringContaining("is there twice")),
  ],
  [
    "a copy of which nothing was requested has counted 0",
    [series({ to: "canary", pod: "c" }, [5, 5, 5, 5, 5])],
    counts([0, 0], [40, 0]),
  ],
])("countInterval: %s", (_, others, expected) => {
  expect(count([steady, ...others], at(0), at(4)).metrics).toEqual([expected]);
});

test("countInterval: a process whose labels were edited is not new, and its counts of all time are not counted again", () => {
  const gone = Array.from({ length: 2 }, () => undefined);
  const raw = [
    series({ to: "primary", pod: "p" }, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
    series({ to: "canary", pod: "c", job: "old" }, [500, 502]),
    series({ to: "canary", pod: "c", job: "new" }, [...gone, 504, 506, 509, 510, 511, 512, 513, 520]),
  ];
  expect(count(raw, at(1), at(7))).toEqual({ untilMs: at(7), metrics: [counts([0, 0], [6, 0])] });
  expect(count(raw, at(7), at(9)).metrics).toEqual([counts([8, 0], [2, 0])]);
});

test("countInterval: a copy without series for over a minute gets no requests, and what the other counted is kept", () => {
  const late = series({ to: "canary", pod: "c" }, [...Array.from({ length: 5 }, () => undefined), 2, 3, 4]);
  expect(count([steady, late], at(0), at(4)).metrics).toMatchObject([{ reason: "waiting" }]);
  const primary = series({ to: "primary", pod: "p" }, [0, 1, 2, 3, 4, 5, 6, 7]);
  expect(count([primary], at(0), at(5)).metrics).toMatchObject([{ reason: "none" }]);
  expect(count([primary, late], at(0), at(7)).metrics).toEqual([counts([4, 0], [7, 0])]);
});

test("countInterval: a pod that is gone counts until its last sample once it is given up, and the others go on", () => {
  const gone = series({ to: "canary", pod: "old" }, [5, 7, 9]);
  const stays = series({ to: "canary", pod: "new" }, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(count([steady, gone, stays], at(0), at(5))).toMatchObject({ untilMs: at(2) });
  expect(count([steady, gone, stays], at(2), at(5)).metrics).toEqual([missing("waiting", expect.any(String))]);
  expect(count([steady, gone, stays], at(0), at(7))).toEqual({
    untilMs: at(7),
    metrics: [counts([4 + 7, 0], [70, 0])],
  });
});

test("countInterval: a pod that comes back after it was given up goes on from its new value", () => {
  const values = [5, 7, undefined, undefined, undefined, undefined, undefined, undefined, 90, 95];
  const back = series({ to: "canary", pod: "back" }, values);
  const stays = series({ to: "canary", pod: "stays" }, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  const primary = series({ to: "primary", pod: "p" }, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(count([primary, back, stays], at(6), at(8)).metrics).toEqual([counts([2, 0], [2, 0])]);
  expect(count([primary, back, stays], at(8), at(9)).metrics).toEqual([counts([1 + 5, 0], [1, 0])]);
});

test("countInterval: a server that was away takes nobody for gone", () => {
  const gap = Array.from({ length: 10 }, () => undefined);
  const canary = series({ to: "canary", pod: "c" }, [1, 2, ...gap, undefined, 30]);
  const primary = series({ to: "primary", pod: "p" }, [10, 20, ...gap, 200, 210], 5000);
  expect(count([primary, canary], at(1), at(12) + 6000)).toMatchObject({ untilMs: undefined });
  expect(count([primary, canary], at(1) + 5000, at(13) + 6000).metrics).toEqual([counts([28, 0], [180, 0])]);
});

test("countInterval: after too long a gap counting begins anew, and says so", () => {
  const nowMs = at(0) + GAP_MAX_MS + 60_000;
  const values = Array.from({ length: 60 }, (_, index) => index);
  const both = [series({ to: "canary", pod: "c" }, values), series({ to: "primary", pod: "p" }, values)];
  const { untilMs, metrics } = count(both, at(0), nowMs);
  expect(untilMs).toBe(at(44));
  expect(metrics).toEqual([
    missing("waiting", "the last counts are 11m0s old, and at most 10m0s are made up for; counting begins now"),
  ]);
  expect(windowMsFor(at(0), nowMs)).toBe(LOOKBACK_MS);
  expect(windowMsFor(nowMs - GAP_MAX_MS, nowMs)).toBe(15 * 60_000);
});

test("countInterval: one process with very many samples and series is refused, and takes no time", () => {
  const many = Array.from({ length: 2000 }, (_, index) => series({ to: "canary", pod: "c", code: String(index) }, [1]));
  const long = series(
    { to: "canary", pod: "c" },
    Array.from({ length: 1000 }, (_, index) => index),
  );
  const counted = { metric, query: "q", owner: "", raw: ok([...many, long]) };
  const { metrics } = countInterval([counted], { afterMs: at(1), nowMs: at(30) });
  expect(metrics).toEqual([missing("invalid", expect.stringContaining("2001000 samples are too many"))]);
});

test.each<[string, string[], unknown]>([
  [
    "counts of one layout are histograms",
    ["10", "20"],
    { kind: "latency", canary: { boundsMs: [10, 20], above: [3, 1], total: 4 } },
  ],
  [
    "other bounds",
    ["10", "25"],
    { kind: "missing", reason: "invalid", message: expect.stringContaining("different bounds") },
  ],
  [
    "a bound that is text",
    ["10", "fast"],
    { kind: "missing", reason: "invalid", message: expect.stringContaining('"fast"') },
  ],
])("countInterval: latency, %s", (_, bounds, expected) => {
  const buckets = (to: string, les: readonly string[]) =>
    [
      [0, 1],
      [0, 3],
      [0, 4],
    ].map((values, index) => series({ to, pod: to, le: les[index] ?? "+Inf" }, values));
  const raw = [...buckets("primary", ["10", "20"]), ...buckets("canary", bounds)];
  expect(count(raw, at(0), at(1), latency).metrics).toEqual([expect.objectContaining(expected)]);
});

const podOf = fc.record({
  arm: fc.constantFrom("canary" as const, "primary" as const),
  offsetMs: fc.integer({ min: 0, max: 14_999 }),
  steps: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 40, maxLength: 40 }),
  restartAt: fc.integer({ min: 1, max: 60 }),
  failsAt: fc.integer({ min: 1, max: 60 }),
});
const looks = fc.array(fc.integer({ min: 5, max: 95 }), { minLength: 3, maxLength: 12 });
const steadyPod = { offsetMs: 0, steps: Array.from({ length: 40 }, () => 1), restartAt: 99, failsAt: 99 };

test("countInterval: looks at any times, repeated, with series in another order and scrapes that fail, add up to all that was counted", () => {
  fc.assert(
    fc.property(fc.array(podOf, { maxLength: 4 }), looks, (some, seconds) => {
      const pods = [...some, { ...steadyPod, arm: "canary" as const }, { ...steadyPod, arm: "primary" as const }];
      const raw = pods.map(({ arm, steps, restartAt, failsAt, offsetMs }, index) => {
        let value = 1000;
        const values = steps.map((step, scrape) => {
          value = scrape === restartAt ? step : value + step;
          return scrape === failsAt ? undefined : value;
        });
        return series({ to: arm, pod: `pod-${index}` }, values, offsetMs);
      });
      let nowMs = at(2);
      let { untilMs: afterMs } = count(raw, undefined, nowMs);
      const beganMs = afterMs ?? 0;
      const sums = { canary: 0, primary: 0 };
      for (const wait of seconds) {
        nowMs = Math.min(nowMs + wait * 1000, at(38));
        const look = count(raw, afterMs, nowMs);
        expect(count([...raw].reverse(), afterMs, nowMs)).toEqual(look);
        const [one] = look.metrics;
        if (one?.kind === "counts") {
          sums.canary += one.arms.canary.total;
          sums.primary += one.arms.primary.total;
        }
        afterMs = look.untilMs ?? afterMs;
      }
      const counted = { canary: 0, primary: 0 };
      for (const { labels, samples } of raw)
        samples.forEach(({ atMs, value }, index) => {
          const before = samples[index - 1]?.value ?? 0;
          if (atMs <= beganMs || atMs > (afterMs ?? 0)) return;
          counted[labels.to === "canary" ? "canary" : "primary"] += value < before ? value : value - before;
        });
      expect(sums).toEqual(counted);
    }),
    { seed: 7, numRuns: 300 },
  );
});
