import { type ArmName, type CounterReading, type CounterSeries, observeCounters } from "#stats";
import type { VectorPoint, VectorSeries } from "./counter-vectors.ts";

/**
 * Counts of both copies between two moments, from raw samples and nothing else.
 *
 * A moment stands for the newest sample of each series until then. So the counts of two neighbouring intervals add up to those
 * of both together, and whoever asks for an interval gets the same counts, whenever and how often he does.
 */

/** How fast a server scrapes, and what follows from it. */
export interface Pace {
  /** How far apart the samples of one moment may be. */
  readonly skewMs: number;
  /** How long a series may have no sample until it is taken for gone. */
  readonly giveUpMs: number;
}

/** How far back before an interval samples are looked for; what has none there did not exist. */
export const LOOKBACK_MS = 5 * 60_000;
const SCRAPE_DEFAULT_MS = 15_000;
/** Rarer scrapes than this are not followed. */
const SCRAPE_MAX_MS = 120_000;
/** Three scrapes in a row may fail. Source: statistics 2.9. */
const SCRAPES_MISSED = 4;
const GIVE_UP_MIN_MS = 20_000;
/** Readings that are followed for one metric. */
export const READINGS_MAX = 5000;

/** Estimates the scrape interval: the longest of the processes' medians. */
export function paceOf(series: readonly VectorSeries[]): Pace {
  const gaps = new Map<string, number[]>();
  for (const { source, points } of series) {
    const ofSource = gaps.get(source) ?? [];
    gaps.set(source, ofSource);
    points.forEach(({ atMs }, index) => {
      const before = points[index - 1];
      if (before !== undefined) ofSource.push(atMs - before.atMs);
    });
  }
  const medians = [...gaps.values()].flatMap(
    (all) => all.sort((a, b) => a - b)[Math.floor((all.length - 1) / 2)] ?? [],
  );
  const longest = medians.reduce((most, gap) => Math.max(most, gap), 0) || SCRAPE_DEFAULT_MS;
  const scrapeMs = Math.min(longest, SCRAPE_MAX_MS);
  const giveUpMs = Math.min(Math.max(SCRAPES_MISSED * scrapeMs, GIVE_UP_MIN_MS), LOOKBACK_MS);
  return { skewMs: 1.5 * scrapeMs, giveUpMs };
}

/**
 * Puts a 0 where a process was scraped and no longer had a series: it began anew, or dropped the series, and whatever comes
 * back counts from 0.
 */
export function withAbsences(series: readonly VectorSeries[], { skewMs }: Pace): readonly VectorSeries[] {
  const scrapes = new Map<string, number[]>();
  for (const [source, times] of timesBySource(series))
    scrapes.set(
      source,
      [...times].sort((a, b) => a - b),
    );
  return series.map((one) => {
    const times = scrapes.get(one.source) ?? [];
    const zeros = one.points[0]?.values.map(() => 0) ?? [];
    const points = one.points.flatMap((point, index): readonly VectorPoint[] => {
      const nextMs = one.points[index + 1]?.atMs ?? Infinity;
      const last = nextMs === Infinity ? times[times.length - 1] : nextMs;
      // Series that are not of one scrape lie apart as well, but less.
      if ((last ?? 0) - point.atMs <= skewMs) return [point];
      const between = times.filter((atMs) => atMs > point.atMs && atMs < nextMs);
      return [point, ...between.map((atMs) => ({ atMs, values: zeros }))];
    });
    return { ...one, points };
  });
}

/** Moments of all series that {@link withAbsences} may make: 5,000 series each 5 s for a quarter of an hour. */
export const MOMENTS_MAX = 1_000_000;

/** How many there would be. */
export function momentCount(series: readonly VectorSeries[]): number {
  const times = timesBySource(series);
  return series.reduce((sum, { source }) => sum + (times.get(source)?.size ?? 0), 0);
}

function timesBySource(series: readonly VectorSeries[]): ReadonlyMap<string, ReadonlySet<number>> {
  const bySource = new Map<string, Set<number>>();
  for (const { source, points } of series) {
    const times = bySource.get(source) ?? new Set<number>();
    bySource.set(source, times);
    for (const { atMs } of points) times.add(atMs);
  }
  return bySource;
}

/**
 * The newest moment that is complete: every series that is alive has a sample then or later. Undefined without a sample.
 *
 * While nothing at all was scraped nobody is taken for gone: the server was away, not the pods.
 */
export function completeMs(series: readonly VectorSeries[], pace: Pace): number | undefined {
  const sinceMs = aliveSince(series, pace);
  const newest = series.map(newestOf).filter((atMs) => atMs >= sinceMs);
  return newest.length === 0 ? undefined : newest.reduce((least, atMs) => Math.min(least, atMs), Infinity);
}

function newestOf({ points }: VectorSeries): number {
  return points[points.length - 1]?.atMs ?? Number.NEGATIVE_INFINITY;
}

/** Series whose newest sample is older are gone. */
function aliveSince(series: readonly VectorSeries[], { giveUpMs }: Pace): number {
  const times = Float64Array.from(series.flatMap(({ points }) => points.map(({ atMs }) => atMs))).sort();
  const newestMs = times[times.length - 1] ?? 0;
  let resumedMs = Number.NEGATIVE_INFINITY;
  for (let index = 1; index < times.length; index++)
    if ((times[index] ?? 0) - (times[index - 1] ?? 0) > giveUpMs) resumedMs = times[index] ?? 0;
  return newestMs - resumedMs <= giveUpMs ? Number.MIN_SAFE_INTEGER : newestMs - giveUpMs;
}

/** What both copies counted, or why that is not known. */
export type JointCounts =
  | { readonly kind: "counted"; readonly canary: readonly number[]; readonly primary: readonly number[] }
  /** `absent`: a copy has no series at all; `waiting`: samples of a process are not there yet. */
  | { readonly kind: "absent" | "waiting" | "invalid" | "error"; readonly message: string };

export interface Interval {
  readonly afterMs: number;
  readonly untilMs: number;
}

/** Counts one metric over an interval that ends at a complete moment. */
export function countJointly(
  { width, series }: { readonly width: number; readonly series: readonly VectorSeries[] },
  { afterMs, untilMs }: Interval,
  pace: Pace,
): JointCounts {
  const spans = series.map((one) => spanOf(one, { afterMs, untilMs }));
  const faulty = spans.find(({ fault }) => fault !== undefined);
  if (faulty?.fault !== undefined) return { kind: "invalid", message: faulty.fault };
  const known = new Set(spans.flatMap(({ series: { pod }, before }) => (before === undefined ? [] : [pod])));
  const plan = { width, seriesMax: READINGS_MAX, ...pace };
  const start = {
    settledMs: afterMs,
    waited: 0,
    series: spans.flatMap(({ series: one, before }) =>
      before === undefined ? [] : followed(one, before, afterMs - 2 * pace.skewMs),
    ),
  };
  const first = observeCounters(plan, start, {
    readings: spans.flatMap((span) => readingOf(span, known)),
    goneSources: [],
    nowMs: untilMs,
  });
  // What those counted who are gone by now is known as well; they are not waited for.
  const { outcome } =
    first.outcome.kind === "waiting"
      ? observeCounters(plan, first.state, { readings: [], goneSources: goneSources(series, pace), nowMs: untilMs })
      : first;
  const [fault] = first.faults;
  if (fault !== undefined) return { kind: "invalid", message: fault.message };
  switch (outcome.kind) {
    case "counted":
      return { kind: "counted", canary: outcome.canary, primary: outcome.primary };
    case "refused":
      return {
        kind: "error",
        message: `${outcome.seriesCount} counters are too many, at most ${READINGS_MAX} are followed; drop labels such as source_workload from the series, or measure fewer`,
      };
    case "started":
      return { kind: "waiting", message: "counting begins now" };
    case "waiting":
      return waitingFor(outcome, series);
  }
}

const LATER = "what is counted meanwhile comes later, for both copies";

function waitingFor(
  { arms: [absent], missing }: { readonly arms: readonly ArmName[]; readonly missing: readonly string[] },
  series: readonly VectorSeries[],
): JointCounts {
  if (absent === undefined) return { kind: "waiting", message: `no new sample of ${missing.join("; ")}; ${LATER}` };
  if (series.some(({ arm }) => arm === absent))
    return { kind: "waiting", message: `no new sample of the ${absent}; ${LATER}` };
  return {
    kind: "absent",
    message: `the ${absent} has no such series yet: nothing was requested of it, or it is not scraped`,
  };
}

/** A series within an interval. */
interface Span {
  readonly series: VectorSeries;
  /** The newest sample when it began. */
  readonly before: VectorPoint | undefined;
  /** The first and the newest sample in it; the values of the newest go on from those before, as if nothing had restarted. */
  readonly firstMs?: number;
  readonly last?: VectorPoint;
  readonly fault?: string;
}

function spanOf(series: VectorSeries, { afterMs, untilMs }: Interval): Span {
  const before = series.points.findLast(({ atMs }) => atMs <= afterMs);
  const within = series.points.filter(({ atMs }) => atMs > afterMs && atMs <= untilMs);
  const [first] = within;
  const last = within[within.length - 1];
  if (first === undefined || last === undefined) return { series, before };
  const bad = [before, ...within]
    .flatMap((point) => point?.values ?? [])
    .find((value) => !(value >= 0 && value < Infinity));
  if (bad !== undefined)
    return {
      series,
      before,
      fault: `a counter of ${series.source || "the metric"} is ${bad}; counters are finite and not negative`,
    };
  let previous = before?.values ?? first.values;
  let values = previous;
  for (const point of within) {
    const from = previous;
    const isReset = point.values.some((value, index) => value < (from[index] ?? 0));
    values = values.map((sum, index) => sum + (point.values[index] ?? 0) - (isReset ? 0 : (from[index] ?? 0)));
    previous = point.values;
  }
  return { series, before, firstMs: first.atMs, last: { atMs: last.atMs, values } };
}

/** One that had no sample for long was given up when the interval before ended, and goes on from its next value. */
function followed({ id, source, arm }: VectorSeries, before: VectorPoint, sinceMs: number): CounterSeries {
  const phase = before.atMs >= sinceMs ? "followed" : "lost";
  return { id, source, arm, atMs: before.atMs, values: before.values, isFresh: false, phase };
}

/**
 * A process of which nothing was seen as far as one looks back began after the last interval. One that is known under other
 * labels did not: whoever edits the labels of a scrape would have all counts of all time again.
 */
function readingOf({ series, firstMs, last }: Span, known: ReadonlySet<string>): CounterReading[] {
  if (last === undefined || firstMs === undefined) return [];
  const { id, source, pod, arm } = series;
  const started = known.has(pod) ? {} : { startedMs: firstMs };
  return [{ id, source, arm, values: last.values, timestampMs: last.atMs, ...started }];
}

function goneSources(series: readonly VectorSeries[], pace: Pace): string[] {
  const sinceMs = aliveSince(series, pace);
  const alive = new Set(series.filter((one) => newestOf(one) >= sinceMs).map(({ source }) => source));
  return [...new Set(series.map(({ source }) => source))].filter((source) => !alive.has(source));
}
