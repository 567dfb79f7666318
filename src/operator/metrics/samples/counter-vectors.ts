import type { ArmName } from "#stats";
import { type CounterMetric, type CounterSelector, matches, processOf } from "./counter-metric.ts";
import type { RawSeries } from "./raw-series.ts";

/** What one process counted for one copy and metric, sample by sample. */
export interface VectorSeries {
  /** Tells it from all others of the metric. */
  readonly id: string;
  readonly source: string;
  readonly arm: ArmName;
  /** Rising in time; raw values that belong together: [requests, bad], or the buckets of a histogram. */
  readonly points: readonly VectorPoint[];
}

export interface VectorPoint {
  readonly atMs: number;
  readonly values: readonly number[];
}

export interface CounterVectors {
  readonly width: number;
  /** Of a histogram: rising, without the bucket that has none. */
  readonly boundsMs: readonly number[];
  readonly series: readonly VectorSeries[];
  /** Why the series are no counts of two copies. */
  readonly fault?: string;
}

/** Finds the series of a metric in an answer, whatever its order; series that only touch `sinceMs` or earlier have no say in bounds. */
export function vectorsOf(metric: CounterMetric, raw: readonly RawSeries[], sinceMs: number): CounterVectors {
  const found = assigned(metric, raw);
  if (found.fault !== undefined) return { width: 2, boundsMs: [], series: [], fault: found.fault };
  return metric.kind === "counts" ? countVectors(metric, found.series) : bucketVectors(metric, found.series, sinceMs);
}

interface Assigned {
  readonly raw: RawSeries;
  readonly arm: ArmName;
  readonly role: CounterSelector["role"];
  readonly key: string;
}

function assigned(
  { selectors }: CounterMetric,
  raw: readonly RawSeries[],
): { readonly series: readonly Assigned[]; readonly fault?: string } {
  const tests = selectors.map(({ arm, role, matchers }) => ({ arm, role, test: matches(matchers) }));
  const series: Assigned[] = [];
  const seen = new Set<string>();
  for (const one of raw) {
    const fitting = tests.filter(({ test }) => test(one.labels));
    if (new Set(fitting.map(({ arm }) => arm)).size > 1)
      return {
        series: [],
        fault: `the selectors of both copies take the series ${shownLabels(one)}; the target's must not match the primary's name too`,
      };
    for (const { arm, role } of fitting) {
      const key = keyOf(one.labels, role);
      if (seen.has(key)) return { series: [], fault: `the series ${shownLabels(one)} is there twice` };
      seen.add(key);
      series.push({ raw: one, arm, role, key });
    }
  }
  return { series: series.sort((a, b) => (a.key < b.key ? -1 : 1)) };
}

function keyOf(labels: Readonly<Record<string, string>>, role: string, without?: string): string {
  const entries = Object.entries(labels).filter(([name]) => name !== without);
  return JSON.stringify([role, entries.sort(([a], [b]) => (a < b ? -1 : 1))]);
}

const SHOWN_MAX = 160;

/** Labels for a message. They are no secrets, but may be long. */
function shownLabels({ labels }: RawSeries): string {
  const { __name__: name = "", ...rest } = labels;
  const text = `${name}{${Object.entries(rest)
    .map(([label, value]) => `${label}=${JSON.stringify(value)}`)
    .join(",")}}`;
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
}

function countVectors({ isBad }: CounterMetric, series: readonly Assigned[]): CounterVectors {
  const vectors = series.map(({ raw, arm, role }, index): VectorSeries => {
    const badShare = role === "bad" || isBad(raw.labels) ? 1 : 0;
    const totalShare = role === "bad" ? 0 : 1;
    const points = raw.samples.map(({ atMs, value }) => ({ atMs, values: [value * totalShare, value * badShare] }));
    return { id: String(index), source: processOf(raw.labels), arm, points };
  });
  return { width: 2, boundsMs: [], series: vectors };
}

interface BucketGroup {
  readonly arm: ArmName;
  readonly source: string;
  /** Samples by bound and time. */
  readonly buckets: Map<number, Map<number, number>>;
  newestMs: number;
}

function bucketVectors(metric: CounterMetric, series: readonly Assigned[], sinceMs: number): CounterVectors {
  const none = { width: 1, boundsMs: [], series: [] };
  const groups = new Map<string, BucketGroup>();
  for (const { raw, arm, role } of series) {
    const bound = boundOf(raw.labels.le, metric.boundFactor);
    if (bound === undefined) return { ...none, fault: `a bucket has the bound ${JSON.stringify(raw.labels.le ?? "")}` };
    const key = keyOf(raw.labels, role, "le");
    const group = groups.get(key) ?? { arm, source: processOf(raw.labels), buckets: new Map(), newestMs: 0 };
    groups.set(key, group);
    // A bound may have been written in two ways, as `1` and `1.0`.
    const bucket = group.buckets.get(bound) ?? new Map<number, number>();
    group.buckets.set(bound, bucket);
    for (const { atMs, value } of raw.samples) {
      if (bucket.has(atMs)) return { ...none, fault: `the bucket of ${bound} ms is there twice` };
      bucket.set(atMs, value);
      group.newestMs = Math.max(group.newestMs, atMs);
    }
  }
  const living = [...groups.values()].filter(({ newestMs }) => newestMs > sinceMs);
  const bounds = sortedBounds(living[0]);
  const other = living.find((group) => String(sortedBounds(group)) !== String(bounds));
  if (other !== undefined)
    return {
      ...none,
      fault: `histograms have different bounds: ${living[0]?.source ?? ""} ${shownBounds(bounds)}, ${other.source} ${shownBounds(sortedBounds(other))}; give the pods of both copies the same buckets`,
    };
  if (bounds.length > 0 && bounds[bounds.length - 1] !== Number.POSITIVE_INFINITY)
    return { ...none, fault: 'a histogram has no bucket with le="+Inf"' };
  const vectors = [...groups.values()]
    .filter((group) => String(sortedBounds(group)) === String(bounds))
    .map((group, index) => vectorOf(group, bounds, index));
  return { width: Math.max(1, bounds.length), boundsMs: bounds.slice(0, -1), series: vectors };
}

function boundOf(text: string | undefined, factor: number): number | undefined {
  if (text === "+Inf") return Number.POSITIVE_INFINITY;
  const bound = text === undefined || text.trim() === "" ? Number.NaN : Number(text) * factor;
  // 0.07 s are 70 ms, not 70.00000000000001.
  return Number.isFinite(bound) ? Number(bound.toPrecision(12)) : undefined;
}

function sortedBounds(group: BucketGroup | undefined): readonly number[] {
  return group === undefined ? [] : [...group.buckets.keys()].sort((a, b) => a - b);
}

function shownBounds(bounds: readonly number[]): string {
  return `[${bounds.slice(0, 6).join(", ")}${bounds.length > 6 ? ", …" : ""}] ms (${bounds.length})`;
}

/** Only moments at which each bucket was read make a histogram. */
function vectorOf({ arm, source, buckets }: BucketGroup, bounds: readonly number[], index: number): VectorSeries {
  const columns = bounds.map((bound) => buckets.get(bound));
  const times = [...(columns[0]?.keys() ?? [])].sort((a, b) => a - b);
  const points = times.flatMap((atMs): VectorPoint[] => {
    const values = columns.map((column) => column?.get(atMs));
    return values.every((value) => value !== undefined) ? [{ atMs, values }] : [];
  });
  return { id: String(index), source, arm, points };
}
