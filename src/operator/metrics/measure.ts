import { type MetricResult, REQUEST_DURATION } from "#rollout";
import { askBuiltin, prepareBuiltin } from "./ask-builtin.ts";
import { locate, type MeasureSubject, renderedQuery } from "./locate-metric.ts";
import type { MeasureContext } from "./measure-context.ts";

export interface Measurement {
  readonly result: MetricResult;
  /** The query that gives the figure; it may have been asked together with those of other Canaries. */
  readonly query?: string;
}

/** Measures one form of a metric; never rejects. Source: flagger-spec 5. */
export async function measure(subject: MeasureSubject, context: MeasureContext): Promise<Measurement> {
  const { canary, metric, part } = subject;
  if (part === "builtin") {
    const kind = metric.name === REQUEST_DURATION ? "duration" : "success-rate";
    const question = prepareBuiltin({ canary, kind, interval: metric.interval }, context);
    if (!question.ok) return { result: { kind: "error", message: question.error } };
    const result = await askBuiltin(question.value, context);
    return { query: question.value.query, result: kind === "duration" ? wholeMs(result) : result };
  }
  const located = locate(subject, context);
  if (!located.ok) return { result: { kind: "error", message: located.error.message } };
  const rendered = renderedQuery(located.value, subject, context);
  if (!rendered.ok) return { result: { kind: "error", message: rendered.error.message } };
  const { source, request } = located.value;
  return { query: rendered.value.query, result: await source.query({ ...request, ...rendered.value }) };
}

/** Whether a form of a metric can be asked for: its provider answers and its template has no mistake; the problem otherwise. */
export async function checkProvider(subject: MeasureSubject, context: MeasureContext): Promise<string | undefined> {
  const problem = await problemOf(subject, context);
  return problem === undefined ? undefined : `metric ${subject.metric.name}: ${problem}`;
}

async function problemOf(subject: MeasureSubject, context: MeasureContext): Promise<string | undefined> {
  const found = locate(subject, context);
  if (!found.ok) return found.error.message;
  const { source, request } = found.value;
  const rendered = subject.part === "builtin" ? undefined : renderedQuery(found.value, subject, context);
  return rendered?.ok === false ? rendered.error.message : source.probe(request);
}

/** Source: flagger-spec 5.1, durations are cut to whole milliseconds. */
function wholeMs(result: MetricResult): MetricResult {
  if (result.kind !== "value") return result;
  const value = Math.trunc(result.value);
  return value === 0 ? { kind: "zero" } : { kind: "value", value };
}
