import { parseDuration, unreachable } from "#base";
import {
  type Answer,
  type MetricHistory,
  type MetricResult,
  type MetricSamples,
  type Question,
  REQUEST_DURATION,
  type Samples,
  type SamplesQuestion,
  SUCCESS_RATE,
} from "#rollout";
import { displayQuantile } from "#stats";
import { ISTIO_BOUNDS_MS, type PrimaryHistory } from "../traffic/index.ts";
import type { Moment } from "./moment.ts";
import { armsOf, histogramOf, type StepLog } from "./step-log.ts";

/** What answers questions in a simulation: the counts of the traffic, and the primary's past. Times are since the first request. */
export interface AnswerSource {
  readonly moment: Moment;
  readonly log: StepLog;
  readonly history: PrimaryHistory;
}

const DEFAULT_WINDOW_MS = 60_000;
const DOWN = "the metrics server is down (simulated)";

/** Answers as the operator would, from the model. Hooks pass. */
export function answerQuestion(question: Question, source: AnswerSource): Answer {
  switch (question.kind) {
    case "providers":
      return { kind: "providers" };
    case "hook":
      return { kind: "hook", isPassed: question.hook.type !== "rollback", detail: "" };
    case "served":
      return servedAnswer(source);
    case "metric":
      return { kind: "metric", result: metricResult(question, source) };
    case "samples":
      return { kind: "samples", samples: samplesOf(question, source) };
    default:
      return unreachable(question);
  }
}

function servedAnswer({ log, moment }: AnswerSource): Answer {
  const { countedMs, isMetricsDown } = moment;
  const counts = isMetricsDown ? undefined : log.bothOver({ afterMs: countedMs - DEFAULT_WINDOW_MS, endMs: countedMs });
  const requestCount = counts === undefined ? 0 : counts.canary.total + counts.primary.total;
  if (counts === undefined || requestCount === 0) return { kind: "served" };
  const canaryPercent = (100 * counts.canary.total) / requestCount;
  return { kind: "served", share: { canaryPercent, requestCount, windowMs: DEFAULT_WINDOW_MS } };
}

function metricResult({ metric }: Extract<Question, { kind: "metric" }>, source: AnswerSource): MetricResult {
  if (source.moment.isMetricsDown) return { kind: "unreachable", message: DOWN };
  const window = parseDuration(metric.interval ?? "");
  const windowMs = window.ok ? window.value : DEFAULT_WINDOW_MS;
  const endMs = source.moment.countedMs;
  const counts = source.log.canaryOver({ afterMs: endMs - windowMs, endMs });
  if (counts === undefined || counts.total === 0) return { kind: "empty" };
  if (metric.name === SUCCESS_RATE) return resultOf(100 * (1 - counts.bad / counts.total));
  // Whole milliseconds, as the operator measures it.
  if (metric.name === REQUEST_DURATION)
    return resultOf(Math.trunc(displayQuantile(histogramOf(counts), 0.99) ?? Number.NaN));
  return { kind: "empty" };
}

function resultOf(value: number): MetricResult {
  if (Number.isNaN(value)) return { kind: "empty" };
  return value === 0 ? { kind: "zero" } : { kind: "value", value };
}

function samplesOf(question: SamplesQuestion, source: AnswerSource): Samples {
  const { metricNames, countedMs, epochMs, isMetricsDown } = source.moment;
  if (isMetricsDown) {
    const missing = { kind: "missing", reason: "unreachable", message: DOWN } as const;
    return { untilMs: undefined, metrics: metricNames.map((name) => ({ name, ...missing })) };
  }
  const history = question.needsHistory ? { history: historyOf(source) } : {};
  const afterMs = question.afterMs === undefined ? undefined : question.afterMs - epochMs;
  // The first tick only learns where counting begins.
  const counts = afterMs === undefined ? undefined : source.log.bothOver({ afterMs, endMs: countedMs });
  const metrics = metricNames.map((name): MetricSamples => {
    if (counts === undefined)
      return { name, kind: "missing", reason: "waiting", message: "counts come with a later look" };
    if (name === SUCCESS_RATE) return { name, kind: "counts", arms: armsOf(counts) };
    return { name, kind: "latency", canary: histogramOf(counts.canary), primary: histogramOf(counts.primary) };
  });
  const isCounted = counts !== undefined || afterMs === undefined;
  const untilMs = isCounted ? epochMs + Math.max(0, countedMs) : undefined;
  return { untilMs, metrics, ...history };
}

function historyOf({ history, moment }: AnswerSource): MetricHistory[] {
  return moment.metricNames.map((name) =>
    name === SUCCESS_RATE
      ? { name, dispersions: [history.errorDispersion], counts: { total: history.total, bad: history.bad } }
      : {
          name,
          dispersions: history.latencyDispersions,
          histogram: { boundsMs: ISTIO_BOUNDS_MS, above: history.above, total: history.total },
        },
  );
}
