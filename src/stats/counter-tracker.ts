import { assert } from "#base";
import { type CounterFault, counterFault, faultOf } from "./counter-fault.ts";
import {
  addVectors,
  advanceSeries,
  type ArmName,
  type CounterReading,
  type CounterSeries,
  settleSeries,
  startSeries,
  unknownSeries,
} from "./counter-series.ts";

/**
 * Raw counters of many processes, made into counts of both copies over the same intervals.
 *
 * An incident that hits both copies cancels only when both are counted over it. So no interval ends while a series is missing:
 * the counts wait, and the next observation that is complete covers the whole gap for both copies. A series that stays away is
 * given up after a while; what it counts meanwhile is left out, as it belongs to intervals that are over.
 */

export interface CounterPlan {
  /** Values of each reading. */
  readonly width: number;
  /** Series that are followed at most; an observation with more is refused whole. */
  readonly seriesMax: number;
  /** How far apart the samples of one interval may be: the scrape interval, as pods are not scraped all at once. */
  readonly skewMs: number;
  /** How long a single series is waited for. A copy that is missing as a whole is waited for without end. */
  readonly giveUpMs: number;
}

/** For scrapes every 15 s, of which three may fail. Source: statistics reference 2.9. */
export const COUNTER_DEFAULTS = { seriesMax: 5000, skewMs: 15_000, giveUpMs: 60_000 } as const;

/** Plain data, bounded by the plan. */
export interface CounterState {
  /** Earliest reading of the last joint interval; absent before the first. */
  readonly settledMs?: number;
  /** Observations since then. */
  readonly waited: number;
  /** In the order of their names. */
  readonly series: readonly CounterSeries[];
}

export const NO_COUNTERS: CounterState = { waited: 0, series: [] };

/** All that was read at one tick, in any order. */
export interface CounterObservation {
  readonly readings: readonly CounterReading[];
  /** Sources that are known to be gone, and are not waited for. */
  readonly goneSources: readonly string[];
  /** The time of the observation; samples from beyond it are not believed. */
  readonly nowMs: number;
}

/** Counts of one source in a joint interval. */
export interface SourceCounts {
  readonly source: string;
  readonly arm: ArmName;
  readonly values: readonly number[];
}

/** What an observation came to. */
export type CounterOutcome =
  /** The first values are known; counts follow. */
  | { readonly kind: "started" }
  /** Both copies, over one interval. */
  | {
      readonly kind: "counted";
      readonly canary: readonly number[];
      readonly primary: readonly number[];
      readonly sources: readonly SourceCounts[];
    }
  /** Not complete: the counts are kept and come with a later observation. */
  | {
      readonly kind: "waiting";
      readonly arms: readonly ArmName[];
      readonly missing: readonly string[];
      readonly waited: number;
    }
  /** More series than the plan allows: nothing was taken, and counting begins anew with the next observation that fits. */
  | { readonly kind: "refused"; readonly seriesCount: number };

export interface CounterStep {
  readonly state: CounterState;
  readonly outcome: CounterOutcome;
  readonly faults: readonly CounterFault[];
  /** Sources that began anew. */
  readonly resets: readonly string[];
  /** Series that are no longer waited for: their last counts are lost. */
  readonly lost: readonly string[];
}

const ARMS: readonly ArmName[] = ["canary", "primary"];
/** Missing sources that an outcome names. */
const NAMED_MAX = 10;

/** Takes an observation. The order of its readings does not matter, and no state is changed in place. */
export function observeCounters(plan: CounterPlan, state: CounterState, observation: CounterObservation): CounterStep {
  assert(
    plan.width >= 1 && plan.giveUpMs >= plan.skewMs,
    "a counter has a value, and is waited for as long as scrapes take",
  );
  const { readings, faults, unknown } = screen(plan, state, observation);
  const followed = follow(state, readings, unknown);
  if (followed.series.length > plan.seriesMax) {
    const outcome = { kind: "refused", seriesCount: followed.series.length } as const;
    return { state: { ...NO_COUNTERS, waited: state.waited + 1 }, outcome, faults, resets: [], lost: [] };
  }
  const newestMs = followed.series.reduce((newest, { atMs }) => Math.max(newest, atMs), Number.MIN_SAFE_INTEGER);
  const present = presentArms(followed.series, newestMs - plan.skewMs);
  const { series, lost } = giveUp(followed.series, {
    read: new Set(readings.map(({ id }) => id)),
    gone: new Set(observation.goneSources),
    present,
    beforeMs: newestMs - plan.giveUpMs,
  });
  const report = { faults, resets: followed.resets, lost };
  const missing = series.filter(
    ({ phase, isFresh, atMs }) => phase === "followed" && (!isFresh || atMs < newestMs - plan.skewMs),
  );
  const absent = ARMS.filter((arm) => !present.has(arm));
  if (missing.length > 0 || absent.length > 0) {
    const waited = state.waited + 1;
    const names = [...new Set(missing.map(({ source }) => source))].sort().slice(0, NAMED_MAX);
    const outcome = { kind: "waiting", arms: absent, missing: names, waited } as const;
    return { state: { ...state, series, waited }, outcome, ...report };
  }
  return { ...settle(plan, state, series), ...report };
}

/** Copies of which a sample is as new as an interval asks for. */
function presentArms(series: readonly CounterSeries[], sinceMs: number): ReadonlySet<ArmName> {
  return new Set(
    series
      .filter(({ phase, isFresh, atMs }) => phase === "followed" && isFresh && atMs >= sinceMs)
      .map(({ arm }) => arm),
  );
}

/** The usable readings by name, why the others are not, and those of them whose series nobody knows. */
function screen(
  plan: CounterPlan,
  state: CounterState,
  { readings, nowMs }: CounterObservation,
): { readonly readings: CounterReading[]; readonly faults: CounterFault[]; readonly unknown: CounterReading[] } {
  const known = new Map(state.series.map((series) => [series.id, series]));
  const counts = new Map<string, number>();
  for (const { id } of readings) counts.set(id, (counts.get(id) ?? 0) + 1);
  const faults: CounterFault[] = [];
  const usable: CounterReading[] = [];
  const unknown: CounterReading[] = [];
  const limits = { width: plan.width, untilMs: nowMs + plan.skewMs };
  for (const reading of readings) {
    const series = known.get(reading.id);
    // The same sample seen again is no news, and no fault: scrapes may be rarer than observations.
    if (series?.atMs === reading.timestampMs && counts.get(reading.id) === 1) continue;
    const fault = (counts.get(reading.id) ?? 0) > 1 ? repeated(reading) : faultOf(reading, limits);
    const found = fault ?? conflictOf(reading, series);
    if (found === undefined) usable.push(reading);
    else faults.push(found);
    if (found !== undefined && found.kind !== "bad-id" && !known.has(reading.id)) unknown.push(reading);
  }
  return { readings: usable.sort(byId), faults: faults.sort(byId), unknown };
}

/** Two values for one series: neither is to be trusted. */
function repeated(reading: CounterReading): CounterFault {
  return counterFault("duplicate", reading, "is there more than once");
}

function conflictOf(reading: CounterReading, series: CounterSeries | undefined): CounterFault | undefined {
  if (series === undefined) return undefined;
  if (reading.arm !== series.arm || reading.source !== series.source)
    return counterFault("moved", reading, `was counted for the ${series.arm} by ${series.source} before`);
  if (reading.timestampMs < series.atMs)
    return counterFault("late", reading, `is of ${reading.timestampMs}, and one of ${series.atMs} was used before`);
  return undefined;
}

function follow(
  { series, settledMs }: CounterState,
  readings: readonly CounterReading[],
  unknown: readonly CounterReading[],
): { readonly series: CounterSeries[]; readonly resets: string[] } {
  const next = new Map(series.map((item) => [item.id, item]));
  const sources = new Set(series.filter(({ phase }) => phase === "followed").map(({ source }) => source));
  const resets = new Set<string>();
  for (const reading of unknown) next.set(reading.id, unknownSeries(reading));
  for (const reading of readings) {
    const before = next.get(reading.id);
    if (before === undefined) {
      // A source that was read before did not have this series: it stood at 0. A source that is new since then began at 0.
      const isNewSource = settledMs !== undefined && reading.startedMs !== undefined && reading.startedMs >= settledMs;
      next.set(reading.id, startSeries(reading, sources.has(reading.source) || isNewSource));
      continue;
    }
    const advanced = advanceSeries(before, reading);
    next.set(reading.id, advanced.series);
    if (advanced.isReset) resets.add(reading.source);
  }
  return { series: [...next.values()].sort(byId), resets: [...resets].sort() };
}

interface Presence {
  readonly read: ReadonlySet<string>;
  readonly gone: ReadonlySet<string>;
  readonly present: ReadonlySet<ArmName>;
  readonly beforeMs: number;
}

function giveUp(
  series: readonly CounterSeries[],
  { read, gone, present, beforeMs }: Presence,
): { readonly series: CounterSeries[]; readonly lost: string[] } {
  const lost: string[] = [];
  const next = series.map((item): CounterSeries => {
    if (item.phase !== "followed" || read.has(item.id)) return item;
    if (gone.has(item.source)) {
      lost.push(item.id);
      return { ...item, phase: "ended" };
    }
    // A copy that is missing as a whole says nothing about one of its pods.
    if (!present.has(item.arm) || item.atMs >= beforeMs) return item;
    lost.push(item.id);
    return { ...item, phase: "overdue" };
  });
  return { series: next, lost };
}

function settle(
  { width }: CounterPlan,
  state: CounterState,
  series: readonly CounterSeries[],
): Pick<CounterStep, "state" | "outcome"> {
  const followed = series.filter(({ phase }) => phase === "followed");
  // Who comes back without a series that is followed is a new source, and counts from then on: nothing is to be remembered.
  const alive = new Set(followed.map(({ source }) => source));
  const next: CounterState = {
    settledMs: followed.reduce((earliest, { atMs }) => Math.min(earliest, atMs), Number.MAX_SAFE_INTEGER),
    waited: 0,
    series: series.filter(({ phase, source }) => phase !== "ended" && alive.has(source)).map(settleSeries),
  };
  if (state.settledMs === undefined) return { state: next, outcome: { kind: "started" } };
  const sources = new Map<string, SourceCounts>();
  for (const { arm, source, pending } of series) {
    if (pending === undefined) continue;
    const key = JSON.stringify([arm, source]);
    const sum = sources.get(key)?.values ?? [];
    sources.set(key, { source, arm, values: addVectors(sum, pending) });
  }
  const counts = [...sources.values()];
  const sumOf = (arm: ArmName): readonly number[] =>
    counts.reduce<readonly number[]>(
      (sum, item) => (item.arm === arm ? addVectors(sum, item.values) : sum),
      Array.from({ length: width }, () => 0),
    );
  return {
    state: next,
    outcome: { kind: "counted", canary: sumOf("canary"), primary: sumOf("primary"), sources: counts },
  };
}

function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  if (a.id === b.id) return 0;
  return a.id < b.id ? -1 : 1;
}
