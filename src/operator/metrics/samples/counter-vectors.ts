import type { ArmName } from "#stats";
import { type CounterMetric, type CounterSelector, matches, podOf, processOf } from "./counter-metric.ts";
import type { RawSeries } from "./raw-series.ts";

/** What one process counted for one copy and metric, sample by sample. */
export interface VectorSeries {
  /** Tells it from all others of the metric. */
  readonly id: string;
  readonly source: string;
  /** The process again, by the one label that stays the same when others change. */
  readonly pod: string;
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
  /** The same for all buckets of a histogram, and different for all others. */
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
    if (fitting.length === 0) continue;
    if (fitting.some(({ arm }) => arm !== fitting[0]?.arm))
      return {
        series: [],
        fault: `the selectors of both copies take the series ${shownLabels(one)}; the target's must not match the primary's name too`,
      };
    const labels = labelKey(one.labels);
    for (const { arm, role } of fitting) {
      const key = `${role}\0${labels}`;
      const own = role === "bucket" ? `${key}${one.labels.le ?? ""}` : key;
      if (seen.has(own)) return { series: [], fault: `the series ${shownLabels(one)} is there twice` };
      seen.add(own);
      series.push({ raw: one, arm, role, key });
    }
  }
  return { series };
}

/** Identity of a label set, whatever its order; without `le`. */
function labelKey(labels: Readonly<Record<string, string>>): string {
  const names = Object.keys(labels);
  // Prometheus writes them in order, as a rule.
  if (names.some((name, index) => index > 0 && name < (names[index - 1] ?? ""))) names.sort();
  let key = "";
  for (const name of names) if (name !== "le") key += `${name}\0${labels[name] ?? ""}\0`;
  return key;
}

function byKey(a: { readonly key: string }, b: { readonly key: string }): number {
  if (a.key === b.key) return 0;
  return a.key < b.key ? -1 : 1;
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
  const vectors = [...series].sort(byKey).map(({ raw, arm, role }, index): VectorSeries => {
    const badShare = role === "bad" || isBad(raw.labels) ? 1 : 0;
    const totalShare = role === "bad" ? 0 : 1;
    const points = raw.samples.map(({ atMs, value }) => ({ atMs, values: [value * totalShare, value * badShare] }));
    return { id: String(index), source: processOf(raw.labels), pod: podOf(raw.labels), arm, points };
  });
  return { width: 2, boundsMs: [], series: vectors };
}

interface BucketGroup {
  readonly key: string;
  readonly arm: ArmName;
  readonly source: string;
  readonly pod: string;
  /** By bound. */
  readonly buckets: Map<number, RawSeries["samples"]>;
  newestMs: number;
}

/** A group whose bounds are in order. */
interface Histogram extends BucketGroup {
  readonly bounds: readonly number[];
}

function bucketVectors(metric: CounterMetric, series: readonly Assigned[], sinceMs: number): CounterVectors {
  const none = { width: 1, boundsMs: [], series: [] };
  const groups = new Map<string, BucketGroup>();
  for (const { raw, arm, key } of series) {
    const { le } = raw.labels;
    const bound = boundOf(le, metric.boundFactor);
    if (bound === undefined) return { ...none, fault: `a bucket has the bound ${JSON.stringify(le ?? "")}` };
    const group = groups.get(key) ?? newGroup({ raw, arm, key });
    groups.set(key, group);
    // A bound may be written in two ways, as `1` and `1.0`, one after the other.
    const samples = together(group.buckets.get(bound), raw.samples);
    if (samples === undefined) return { ...none, fault: `the bucket of ${bound} ms is there twice` };
    group.buckets.set(bound, samples);
    group.newestMs = Math.max(group.newestMs, samples[samples.length - 1]?.atMs ?? 0);
  }
  const all = [...groups.values()].sort(byKey).map((group): Histogram => {
    return { ...group, bounds: [...group.buckets.keys()].sort((a, b) => a - b) };
  });
  const living = all.filter(({ newestMs }) => newestMs > sinceMs);
  const bounds = living[0]?.bounds ?? [];
  const other = living.find((group) => !isSameList(group.bounds, bounds));
  if (other !== undefined)
    return {
      ...none,
      fault: `histograms have different bounds: ${living[0]?.source ?? ""} ${shownBounds(bounds)}, ${other.source} ${shownBounds(other.bounds)}; give the pods of both copies the same buckets`,
    };
  if (bounds.length > 0 && bounds[bounds.length - 1] !== Number.POSITIVE_INFINITY)
    return { ...none, fault: 'a histogram has no bucket with le="+Inf"' };
  const vectors = all.filter((group) => isSameList(group.bounds, bounds)).map(vectorOf);
  return { width: Math.max(1, bounds.length), boundsMs: bounds.slice(0, -1), series: vectors };
}

function newGroup({ raw: { labels }, arm, key }: Pick<Assigned, "raw" | "arm" | "key">): BucketGroup {
  return { key, arm, source: processOf(labels), pod: podOf(labels), buckets: new Map(), newestMs: 0 };
}

/** Samples of one bucket under two names; undefined when both are of one moment. */
function together(
  before: RawSeries["samples"] | undefined,
  samples: RawSeries["samples"],
): RawSeries["samples"] | undefined {
  if (before === undefined) return samples;
  const all = [...before, ...samples].sort((a, b) => a.atMs - b.atMs);
  return all.some(({ atMs }, index) => atMs === all[index - 1]?.atMs) ? undefined : all;
}

function isSameList(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}

function boundOf(text: string | undefined, factor: number): number | undefined {
  if (text === "+Inf") return Number.POSITIVE_INFINITY;
  const bound = text === undefined || text.trim() === "" ? Number.NaN : Number(text) * factor;
  // 0.07 s are 70 ms, not 70.00000000000001.
  return Number.isFinite(bound) ? Number(bound.toPrecision(12)) : undefined;
}

function shownBounds(bounds: readonly number[]): string {
  return `[${bounds.slice(0, 6).join(", ")}${bounds.length > 6 ? ", …" : ""}] ms (${bounds.length})`;
}

/** Only moments at which each bucket was read make a histogram. */
function vectorOf({ arm, source, pod, buckets, bounds }: Histogram, index: number): VectorSeries {
  const columns = bounds.map((bound) => buckets.get(bound) ?? []);
  const next = columns.map(() => 0);
  const points: VectorPoint[] = [];
  for (const { atMs } of columns[0] ?? []) {
    const values: number[] = [];
    for (const [column, samples] of columns.entries()) {
      let at = next[column] ?? 0;
      while ((samples[at]?.atMs ?? Infinity) < atMs) at++;
      next[column] = at;
      const sample = samples[at];
      if (sample?.atMs !== atMs) break;
      values.push(sample.value);
    }
    if (values.length === columns.length) points.push({ atMs, values });
  }
  return { id: String(index), source, pod, arm, points };
}
