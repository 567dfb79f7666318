import { err, ok, type Result } from "#base";
import { parsePromql, printPromql, type VectorSelector } from "#promql";
import type { MetricHistory } from "#rollout";
import { type ArmCounts, chooseBlockTicks, readCounts, readHistogram } from "#stats";
import type { MeasureContext } from "../measure-context.ts";
import { callPrometheus, type PrometheusTarget } from "../prometheus-client.ts";
import { prometheusTargetOf } from "../providers/prometheus.ts";
import { MATRIX_BYTES_MAX } from "./ask-counters.ts";
import type { ScalarQuestion } from "./ask-scalar.ts";
import { type CounterMetric, PROCESS_LABELS } from "./counter-metric.ts";
import { type CounterVectors, type VectorSeries, vectorsOf } from "./counter-vectors.ts";
import { type PastTicks, pastDispersion, pastTicks, sumOfTicks } from "./past-ticks.ts";
import { type RawSeries, readMatrix } from "./raw-series.ts";

/**
 * What the primary did before the run, of which its plan is made.
 *
 * Coarse and bounded: raw counters once a minute, summed within each process. Source: statistics 2.8.
 */

const STEP_MS = 60_000;
/** The spans that are asked for, until an answer is small enough. */
const SPANS_MS = [2 * 3_600_000, 30 * 60_000] as const;
/** Minutes of the last hour. */
const RECENT_TICKS = 60;
const SCALAR_STEP_MS = 10_000;
const SCALAR_SPAN_MS = 3_600_000;
/** Fewer values say nothing about how much neighbours depend on each other. */
const SCALARS_MIN = 60;

/** A metric whose past is asked for. */
export interface HistoryQuestion {
  readonly metric: CounterMetric;
  /** The same as the servers counted it, whose processes are the primary's pods; absent where `metric` is that. */
  readonly served?: CounterMetric;
  readonly target: PrometheusTarget;
}

type Asking = Pick<MeasureContext, "signal" | "clock">;

/** Asks for the primary's past; never rejects, and without one the history has only its name. */
export async function askHistory({ metric, served, target }: HistoryQuestion, context: Asking): Promise<MetricHistory> {
  for (const spanMs of SPANS_MS) {
    const past = { target, spanMs };
    const asked = (served === undefined ? [metric] : [metric, served]).map((one) => askPast(one, past, context));
    const [own, byPod] = await Promise.all(asked);
    if (own?.ok === true) return historyOf(metric, own.value, byPod?.ok === true ? byPod.value : undefined);
  }
  return { name: metric.name };
}

/** The past of one metric. */
interface Past {
  readonly boundsMs: readonly number[];
  readonly ticks: PastTicks;
}

async function askPast(
  metric: CounterMetric,
  { target, spanMs }: { readonly target: PrometheusTarget; readonly spanMs: number },
  context: Asking,
): Promise<Result<Past, string>> {
  const all: VectorSeries[] = [];
  let boundsMs: readonly number[] = [];
  for (const selector of metric.selectors.filter(({ arm }) => arm === "primary")) {
    const labels = [...PROCESS_LABELS, ...(selector.role === "bucket" ? ["le"] : metric.badLabels)];
    const query = summed({ kind: "vectorSelector", matchers: selector.matchers, offsetMs: 0, where: NOWHERE }, labels);
    const raw = await askRange(target, { query, spanMs, stepMs: STEP_MS }, context);
    if (!raw.ok) return raw;
    // Only labels that the sum kept are left, and all of them are of this selector.
    const vectors: CounterVectors = vectorsOf({ ...metric, selectors: [{ ...selector, matchers: [] }] }, raw.value, 0);
    if (vectors.fault !== undefined) return err(vectors.fault);
    if (vectors.series.length > 0) boundsMs = vectors.boundsMs;
    all.push(...vectors.series);
  }
  return ok({ boundsMs, ticks: pastTicks(all, STEP_MS) });
}

const NOWHERE = { line: 1, column: 1 };

function summed(selector: VectorSelector, labels: readonly string[]): string {
  const grouping = { without: false, labels };
  return printPromql({ kind: "aggregation", op: "sum", grouping, expr: selector, where: NOWHERE });
}

async function askRange(
  target: PrometheusTarget,
  { query, spanMs, stepMs }: { readonly query: string; readonly spanMs: number; readonly stepMs: number },
  { signal, clock }: Asking,
): Promise<Result<readonly RawSeries[], string>> {
  const endMs = Math.floor(clock.nowMs() / stepMs) * stepMs;
  const seconds = (ms: number): string => String(ms / 1000);
  const parameters = { query, start: seconds(endMs - spanMs), end: seconds(endMs), step: seconds(stepMs) };
  const call = { endpoint: "query_range", parameters, maxBytes: MATRIX_BYTES_MAX } as const;
  const data = await callPrometheus(target, call, signal);
  return data.kind === "data" ? readMatrix(data) : err(data.message);
}

function historyOf(metric: CounterMetric, own: Past, byPod: Past | undefined): MetricHistory {
  const { name, kind } = metric;
  const pods = byPod !== undefined && processCount(byPod) >= 2 && String(byPod.boundsMs) === String(own.boundsMs);
  // What clients differ by is not what pods differ by.
  const ticks = pods ? byPod.ticks : byPod === undefined ? own.ticks : own.ticks.map(asOneProcess);
  if (kind === "counts") {
    const [total = 0, bad = 0] = sumOfTicks(own.ticks.slice(-RECENT_TICKS));
    const counts = readCounts(total, bad);
    const dispersion = pastDispersion(ticks, ([requests = 0, failed = 0]) => ({ total: requests, bad: failed }));
    return {
      name,
      ...(dispersion === undefined ? {} : { dispersions: [dispersion] }),
      ...(counts.ok && total > 0 ? { counts: counts.value } : {}),
    };
  }
  const histogram = readHistogram(own.boundsMs, sumOfTicks(own.ticks));
  if (!histogram.ok || histogram.value.total === 0) return { name };
  const dispersions = own.boundsMs.map((_, index) => pastDispersion(ticks, (values) => slowerThan(values, index)));
  const known = dispersions.filter((dispersion) => dispersion !== undefined);
  const all = known.length === dispersions.length ? { dispersions: known } : {};
  return { name, histogram: histogram.value, ...all };
}

function processCount({ ticks }: Past): number {
  return new Set(ticks.flatMap((tick) => [...tick.keys()])).size;
}

function asOneProcess(tick: ReadonlyMap<string, readonly number[]>): ReadonlyMap<string, readonly number[]> {
  return new Map([["", sumOfTicks([tick])]]);
}

/** Requests above a bound, from the buckets of a process. */
function slowerThan(values: readonly number[], index: number): ArmCounts {
  const total = values[values.length - 1] ?? 0;
  return { total, bad: Math.max(0, total - (values[index] ?? 0)) };
}

/** Asks how long blocks of a number have to be; never rejects. Only Prometheus tells a past of any query. */
export async function askScalarHistory(
  { name, rule, located, requests }: ScalarQuestion,
  context: Asking,
): Promise<MetricHistory> {
  if (!located.source.types.includes("prometheus") || !parsePromql(requests.primary.query).ok) return { name };
  const target = prometheusTargetOf(located.request);
  if (!target.ok) return { name };
  const range = { query: requests.primary.query, spanMs: SCALAR_SPAN_MS, stepMs: SCALAR_STEP_MS };
  const raw = await askRange(target.value, range, context);
  const [only, ...more] = raw.ok ? raw.value : [];
  if (only === undefined || more.length > 0) return { name };
  const values = only.samples
    .map(({ value }) => (rule.scale === "ratio" ? Math.log(value) : value))
    .filter((value) => Number.isFinite(value));
  return values.length < SCALARS_MIN ? { name } : { name, blockTicks: chooseBlockTicks(values) };
}
