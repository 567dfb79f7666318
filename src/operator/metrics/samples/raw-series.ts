import { err, isObject, ok, type Result } from "#base";
import type { PrometheusData } from "../prometheus-client.ts";

/** One counter of one process as it was scraped, with the times of its scrapes. */
export interface RawSeries {
  readonly labels: Readonly<Record<string, string>>;
  /** Rising in time. A value that is no number is NaN. */
  readonly samples: readonly RawSample[];
}

export interface RawSample {
  readonly atMs: number;
  readonly value: number;
}

/** Series that an answer may have; more are an unfit question. */
export const RAW_SERIES_MAX = 20_000;

/** What to do about too large an answer. */
export const FEWER_SERIES =
  "drop labels that nobody asks for, such as source_principal, or compare by a MetricTemplate whose counters have fewer series";

/** Reads the answer to a range selector or a range query; the error says what came instead. */
export function readMatrix({ resultType, result }: PrometheusData): Result<readonly RawSeries[], string> {
  if (resultType !== "matrix" || !Array.isArray(result))
    return err(`the query gives a ${shortType(resultType)}; it must give counters with the times of their samples`);
  if (result.length > RAW_SERIES_MAX)
    return err(`the query gives ${result.length} series, at most ${RAW_SERIES_MAX} are read; ${FEWER_SERIES}`);
  const all: RawSeries[] = [];
  for (const element of result) {
    const series = readSeries(element);
    if (!series.ok) return series;
    all.push(series.value);
  }
  return ok(all);
}

function shortType(type: unknown): string {
  return typeof type === "string" ? type.slice(0, 20) : typeof type;
}

function readSeries(element: unknown): Result<RawSeries, string> {
  if (!isObject(element) || !isObject(element.metric)) return err("the query gives a series without labels");
  const { metric, values, histograms } = element;
  if (!Array.isArray(values))
    return err(
      Array.isArray(histograms)
        ? "the query gives a native histogram; only classic buckets with the label le are counted"
        : "the query gives a series without samples",
    );
  const samples: RawSample[] = [];
  for (const pair of values) {
    const [seconds, text]: unknown[] = Array.isArray(pair) ? pair : [];
    if (typeof seconds !== "number" || typeof text !== "string") return err("the query gives a sample without a value");
    const atMs = Math.round(seconds * 1000);
    if (atMs <= (samples[samples.length - 1]?.atMs ?? Number.NEGATIVE_INFINITY))
      return err("the query gives samples that are not in the order of their times");
    samples.push({ atMs, value: text.trim() === "" ? Number.NaN : Number(text) });
  }
  if (!areTexts(metric)) return err("the query gives a label that is no text");
  return ok({ labels: metric, samples });
}

function areTexts(labels: Readonly<Record<string, unknown>>): labels is Record<string, string> {
  return Object.values(labels).every((value) => typeof value === "string");
}
