/**
 * One counter of one process, followed over its raw values.
 *
 * Never a rate: rate() needs two samples, so it never sees the first errors of a new pod or of a new label set, and it
 * extrapolates to counts that did not happen.
 */

export type ArmName = "canary" | "primary";

/** A series as it was read. */
export interface CounterReading {
  /** What tells the series from all others, in every observation the same: its labels, in one order. */
  readonly id: string;
  /** The process that counts; its counters begin at 0 together. A pod, usually. */
  readonly source: string;
  readonly arm: ArmName;
  /** Raw values since the source began: counts that belong together, such as [requests, bad] or the buckets of a histogram. */
  readonly values: readonly number[];
  readonly timestampMs: number;
  /** When the source began to count, if that is known. */
  readonly startedMs?: number;
}

/** What is kept of a series; plain data. */
export interface CounterSeries {
  readonly id: string;
  readonly source: string;
  readonly arm: ArmName;
  readonly atMs: number;
  readonly values: readonly number[];
  /** Counted since the last joint interval; absent when nothing was. */
  readonly pending?: readonly number[];
  /** Whether it was read since the last joint interval. */
  readonly isFresh: boolean;
  // Followed → Overdue (no longer waited for; its interval is open) → Followed | Lost (the interval is over) → Followed (from its
  // new value on); Followed → Ended (its source is gone).
  readonly phase: "followed" | "overdue" | "lost" | "ended";
}

/**
 * A series is read again. A value that fell, or a source that began since the last reading, means that all counts of the process
 * began anew. Source: statistics reference 2.9.
 */
export function advanceSeries(
  series: CounterSeries,
  reading: CounterReading,
): { readonly series: CounterSeries; readonly isReset: boolean } {
  const { values, timestampMs: atMs } = reading;
  const next = { ...series, atMs, values, isFresh: true, phase: "followed" as const };
  // What a lost series counted meanwhile lies in intervals that are over for all others.
  if (series.phase === "lost") return { series: withPending(next, undefined), isReset: false };
  const isReset =
    (reading.startedMs ?? series.atMs) > series.atMs ||
    values.some((value, index) => value < (series.values[index] ?? 0));
  const deltas = isReset ? values : values.map((value, index) => value - (series.values[index] ?? 0));
  const pending = series.pending === undefined ? deltas : addVectors(series.pending, deltas);
  return { series: withPending(next, pending), isReset };
}

/** A series is read for the first time. `isCounted`: whether it is known to have begun at 0 within the open interval. */
export function startSeries(reading: CounterReading, isCounted: boolean): CounterSeries {
  const { id, source, arm, values, timestampMs: atMs } = reading;
  const series: CounterSeries = { id, source, arm, atMs, values, isFresh: true, phase: "followed" };
  return isCounted ? withPending(series, values) : series;
}

/** A series that is there, at an unknown value: it counts from its first usable reading on, and never from 0. */
export function unknownSeries({ id, source, arm }: CounterReading): CounterSeries {
  return { id, source, arm, atMs: Number.MIN_SAFE_INTEGER, values: [], isFresh: false, phase: "lost" };
}

/** The series once its pending counts were handed out and its interval is over. */
export function settleSeries(series: CounterSeries): CounterSeries {
  const settled = { ...withPending(series, undefined), isFresh: false };
  return settled.phase === "overdue" ? { ...settled, phase: "lost" } : settled;
}

export function addVectors(a: readonly number[], b: readonly number[]): number[] {
  return b.map((value, index) => value + (a[index] ?? 0));
}

function withPending(series: CounterSeries, pending: readonly number[] | undefined): CounterSeries {
  const { pending: _, ...rest } = series;
  return pending === undefined || pending.every((value) => value === 0) ? rest : { ...rest, pending };
}
