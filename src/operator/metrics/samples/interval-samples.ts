import { formatDuration, type Result } from "#base";
import type { MetricSamples } from "#rollout";
import { type Arms, readCounts, readHistogram } from "#stats";
import type { CounterMetric } from "./counter-metric.ts";
import { type CounterVectors, vectorsOf } from "./counter-vectors.ts";
import {
  completeMs,
  countJointly,
  LOOKBACK_MS,
  momentCount,
  MOMENTS_MAX,
  type Pace,
  paceOf,
  withAbsences,
} from "./joint-counts.ts";
import { type Missing, missingSamples } from "./missing-samples.ts";
import { FEWER_SERIES, type RawSeries } from "./raw-series.ts";

/** A metric and what the server said of it. */
export interface CountedMetric {
  readonly metric: CounterMetric;
  readonly query: string;
  /** Whose fields messages speak of, such as `MetricTemplate "shop/errors"`; empty for built-in metrics. */
  readonly owner: string;
  readonly raw: Result<readonly RawSeries[], Missing>;
}

export interface CountedInterval {
  readonly untilMs: number | undefined;
  readonly metrics: readonly MetricSamples[];
}

/** How long a gap between two looks may be; after a longer one counting begins anew. */
export const GAP_MAX_MS = 10 * 60_000;
/** How far ahead of ours a server's clock may be. */
const CLOCKS_MAX_MS = 60_000;
/** A metric that is so far behind the others is not waited for. */
const BEHIND_MAX_MS = 60_000;

/** A copy that has no series for longer gets no requests, as far as anybody can tell. */
const ABSENT_MAX_MS = 60_000;

/** How far back raw samples are asked for: over the interval, and far enough before it to know where its counters stood. */
export function windowMsFor(afterMs: number | undefined, nowMs: number): number {
  const gapMs = canGoOn(afterMs, nowMs) ? Math.max(0, nowMs - (afterMs ?? nowMs)) : 0;
  return Math.ceil((gapMs + LOOKBACK_MS) / 1000) * 1000;
}

function canGoOn(afterMs: number | undefined, nowMs: number): boolean {
  return afterMs !== undefined && afterMs >= nowMs - GAP_MAX_MS && afterMs <= nowMs + CLOCKS_MAX_MS;
}

/** Counts what both copies did from a moment to the newest one that all metrics know of. */
export function countInterval(
  counted: readonly CountedMetric[],
  { afterMs, nowMs }: { readonly afterMs: number | undefined; readonly nowMs: number },
): CountedInterval {
  const read = counted.map((one) => readVectors(one, afterMs));
  const completes = read.flatMap(({ completeMs: atMs }) => atMs ?? []);
  const newestMs = Math.max(...completes);
  const untilMs = Math.min(...completes.filter((atMs) => atMs >= newestMs - BEHIND_MAX_MS));
  const hasStart = read.some(({ earliestMs }) => earliestMs <= (afterMs ?? 0));
  if (afterMs === undefined || !canGoOn(afterMs, nowMs) || (completes.length > 0 && !hasStart)) {
    const begin = { afterMs, untilMs: completes.length === 0 ? undefined : untilMs, nowMs };
    return { untilMs: begin.untilMs, metrics: read.map((one) => beginning(one, begin)) };
  }
  const results = read.map((one) => intervalOf(one, { afterMs, untilMs }));
  const isCounted = results.some(({ isCounted: was }) => was);
  return { untilMs: isCounted ? untilMs : undefined, metrics: results.map(({ samples }) => samples) };
}

interface ReadMetric {
  readonly counted: CountedMetric;
  readonly vectors: CounterVectors;
  readonly pace: Pace;
  readonly missing: Missing | undefined;
  readonly completeMs: number | undefined;
  readonly earliestMs: number;
}

function readVectors(counted: CountedMetric, afterMs: number | undefined): ReadMetric {
  const { metric, raw } = counted;
  const found = raw.ok ? bounded(vectorsOf(metric, raw.value, afterMs ?? 0)) : NO_VECTORS;
  const pace = paceOf(found.series);
  const vectors = { ...found, series: withAbsences(found.series, pace) };
  const first = vectors.series.flatMap(({ points }) => points[0]?.atMs ?? []);
  return {
    counted,
    vectors,
    pace,
    missing: raw.ok ? faultOf(vectors) : raw.error,
    completeMs: completeMs(vectors.series, pace),
    earliestMs: first.reduce((least, atMs) => Math.min(least, atMs), Infinity),
  };
}

const NO_VECTORS: CounterVectors = { width: 1, boundsMs: [], series: [] };

function bounded(vectors: CounterVectors): CounterVectors {
  const count = momentCount(vectors.series);
  return count <= MOMENTS_MAX
    ? vectors
    : { ...NO_VECTORS, fault: `${count} samples are too many, at most ${MOMENTS_MAX} are followed; ${FEWER_SERIES}` };
}

function faultOf({ fault, series }: CounterVectors): Missing | undefined {
  if (fault !== undefined) return { reason: "invalid", message: fault };
  if (series.some(({ points }) => points.length > 0)) return undefined;
  return {
    reason: "none",
    message: "neither copy has such a series: nothing was requested, or the query selects something else",
  };
}

function namesOf({ metric, query, owner }: CountedMetric): Parameters<typeof missingSamples>[0] {
  return { name: metric.name, query, owner };
}

function beginning(
  { counted, missing }: ReadMetric,
  {
    afterMs,
    untilMs,
    nowMs,
  }: { readonly afterMs: number | undefined; readonly untilMs: number | undefined; readonly nowMs: number },
): MetricSamples {
  const gap = afterMs === undefined || untilMs === undefined ? "" : `${anew(nowMs - afterMs)}; `;
  return missingSamples(namesOf(counted), missing ?? { reason: "waiting", message: `${gap}counting begins now` });
}

function anew(gapMs: number): string {
  if (gapMs > GAP_MAX_MS)
    return `the last counts are ${formatDuration(gapMs)} old, and at most ${formatDuration(GAP_MAX_MS)} are made up for`;
  if (gapMs < -CLOCKS_MAX_MS)
    return `the last counts are of a time that is ${formatDuration(-gapMs)} ahead of the operator's clock`;
  return "the server has no samples from before the last counts";
}

function intervalOf(
  { counted, vectors, pace, missing }: ReadMetric,
  interval: { readonly afterMs: number; readonly untilMs: number },
): { readonly samples: MetricSamples; readonly isCounted: boolean } {
  const without = (why: Missing) => ({ samples: missingSamples(namesOf(counted), why), isCounted: false });
  if (missing !== undefined) return without(missing);
  if (interval.untilMs <= interval.afterMs)
    return without({
      reason: "waiting",
      message: "no sample is newer than the last counts; they come with a later look",
    });
  const counts = countJointly(vectors, interval, pace);
  if (counts.kind === "absent") {
    const isLong = interval.untilMs - interval.afterMs > ABSENT_MAX_MS;
    return without({ reason: isLong ? "none" : "waiting", message: counts.message });
  }
  if (counts.kind !== "counted") return without({ reason: counts.kind, message: counts.message });
  const { name, kind } = counted.metric;
  const base = { name, query: counted.query };
  const samples = kind === "counts" ? armsOf(counts) : histogramsOf(vectors.boundsMs, counts);
  if ("reason" in samples)
    return { samples: missingSamples(namesOf(counted), samples), isCounted: samples.reason === "none" };
  return { samples: { ...base, ...samples }, isCounted: true };
}

interface BothCounts {
  readonly canary: readonly number[];
  readonly primary: readonly number[];
}

const NOTHING: Missing = { reason: "none", message: "nothing was requested of either copy" };

function armsOf({ canary, primary }: BothCounts): { readonly kind: "counts"; readonly arms: Arms } | Missing {
  const [ofCanary, ofPrimary] = [canary, primary].map(([total = 0, bad = 0]) => readCounts(total, bad));
  if (ofCanary === undefined || ofPrimary === undefined) return NOTHING;
  if (!ofCanary.ok) return { reason: "invalid", message: `canary: ${ofCanary.error}` };
  if (!ofPrimary.ok) return { reason: "invalid", message: `primary: ${ofPrimary.error}` };
  const arms = { canary: ofCanary.value, primary: ofPrimary.value };
  return arms.canary.total + arms.primary.total > 0 ? { kind: "counts", arms } : NOTHING;
}

function histogramsOf(
  boundsMs: readonly number[],
  { canary, primary }: BothCounts,
): Omit<Extract<MetricSamples, { readonly kind: "latency" }>, "name"> | Missing {
  const ofCanary = readHistogram(boundsMs, canary);
  const ofPrimary = readHistogram(boundsMs, primary);
  if (!ofCanary.ok) return { reason: "invalid", message: `canary: ${ofCanary.error.message}` };
  if (!ofPrimary.ok) return { reason: "invalid", message: `primary: ${ofPrimary.error.message}` };
  if (ofCanary.value.total + ofPrimary.value.total === 0) return NOTHING;
  return { kind: "latency", canary: ofCanary.value, primary: ofPrimary.value };
}
