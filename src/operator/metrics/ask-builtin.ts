import type { Canary } from "#api";
import { ok, parseDuration, type Result } from "#base";
import { type MetricResult, namesOf, parseTime } from "#rollout";
import {
  type BuiltinKind,
  builtinQuery,
  builtinRowOf,
  metricsProviderOf,
  type Workload,
  workloadQuery,
} from "./builtin-queries.ts";
import type { BuiltinRow } from "./builtin-table.ts";
import type { MeasureContext } from "./measure-context.ts";
import { parseWindow } from "./metric-window.ts";
import {
  askPrometheus,
  elementResult,
  type PrometheusAnswer,
  type PrometheusTarget,
  singleResult,
} from "./prometheus-client.ts";
import { maxAnswerAgeMs, type QueryBatcher, type Sent, type SharedAnswer } from "./query-batcher.ts";
import type { TemplateValues } from "./template.ts";
import { templateValuesOf } from "./template-values-of.ts";

/** A built-in figure of one Canary, ready to be asked for. */
export interface BuiltinQuestion {
  readonly kind: BuiltinKind;
  readonly row: BuiltinRow;
  readonly values: TemplateValues;
  readonly windowMs: number;
  readonly server: string;
  readonly canary: Canary;
  /** The query that gives the figure of this Canary alone. */
  readonly query: string;
}

/** Prepares a built-in figure; the error says what is wrong with the metric. */
export function prepareBuiltin(
  of: { readonly canary: Canary; readonly kind: BuiltinKind; readonly interval: string | undefined },
  context: MeasureContext,
): Result<BuiltinQuestion, string> {
  const { canary, kind, interval } = of;
  const values = templateValuesOf(canary, interval === undefined ? {} : { interval }, context);
  if (!values.ok) return values;
  const windowMs = parseWindow(values.value.interval);
  if (!windowMs.ok) return windowMs;
  const row = builtinRowOf(metricsProviderOf(canary, context.meshProvider ?? ""));
  const query = builtinQuery(kind, rowFor(row, canary), values.value);
  if (!query.ok) return query;
  const server = canary.spec.metricsServer || context.metricsServer;
  return ok({
    kind,
    row,
    values: values.value,
    windowMs: windowMs.value,
    server,
    canary,
    query: query.value,
  });
}

/**
 * Pods of a DaemonSet have one part behind the name. Flagger's pattern wants two, and so misses the canary and takes the
 * primary, whose name is one part longer, for it.
 */
export function rowFor(row: BuiltinRow, canary: Canary): BuiltinRow {
  if (namesOf(canary).targetKind !== "DaemonSet") return row;
  return { ...row, scope: row.scope.replace("-[0-9a-zA-Z]+(-[0-9a-zA-Z]+)", "-[0-9a-zA-Z]+") };
}

/** Asks for a figure together with other Canaries where labels allow it, alone otherwise; never rejects. */
export async function askBuiltin(question: BuiltinQuestion, context: MeasureContext): Promise<MetricResult> {
  const { row, values } = question;
  if (row.workload !== undefined && context.batcher !== undefined) {
    const workload: Workload = { namespace: values.namespace, name: values[row.workload.name] };
    const answer = await askTogether(question, [workload], { ...context, batcher: context.batcher });
    if (answer.kind === "figures") return answer.of(workload);
    // A server may refuse the large query and take the small one.
    if (answer.kind !== "error") return answer;
  }
  return askAlone(question, question.query, context);
}

/** Asks for the figures of several workloads of one Canary, through the batcher. */
export function askTogether(
  question: BuiltinQuestion,
  workloads: readonly Workload[],
  context: MeasureContext & { readonly batcher: QueryBatcher },
): Promise<SharedAnswer> {
  const { canary, kind, row, values, server } = question;
  const analysis = parseDuration(canary.spec.analysis.interval || "1m");
  const intervalMs = analysis.ok && analysis.value > 0 ? analysis.value : 60_000;
  return context.batcher.ask({
    key: JSON.stringify([server, row.providers[0], kind, values.interval]),
    workloads,
    // Each tick, and so each step of the weight, moves it. Source: docs/flagger-differences.md.
    notBeforeMs: parseTime(canary.status?.lastTransitionTime) ?? 0,
    maxAgeMs: maxAnswerAgeMs(intervalMs),
    signal: context.signal,
    send: (all, signal) => send(question, all, { ...context, signal }),
  });
}

function send(question: BuiltinQuestion, workloads: readonly Workload[], context: MeasureContext): Sent {
  const { kind, row, values, windowMs, server } = question;
  const shared = workloadQuery(kind, row, { workloads, interval: values.interval });
  const [only] = workloads;
  if (shared === undefined || only === undefined || (workloads.length === 1 && kind !== "requests"))
    return {
      answer: askAlone(question, question.query, context).then((result) =>
        "message" in result ? result : { kind: "figures", of: () => result },
      ),
      covers: (workload) => workload.namespace === only?.namespace && workload.name === only.name,
    };
  return {
    answer: askPrometheus(targetOf(server, context), shared.query, context.signal).then((answer) =>
      splitByWorkload(answer, row, windowMs),
    ),
    covers: shared.covers,
  };
}

async function askAlone(
  { server, windowMs }: BuiltinQuestion,
  query: string,
  context: MeasureContext,
): Promise<MetricResult> {
  return singleResult(await askPrometheus(targetOf(server, context), query, context.signal), windowMs);
}

/** Gives each workload its own figure; one without a series has no samples in the window. */
export function splitByWorkload(
  answer: PrometheusAnswer,
  { workload: labels }: BuiltinRow,
  windowMs: number,
): SharedAnswer {
  if (answer.kind !== "series") return answer;
  const figures = new Map<string, MetricResult>();
  for (const element of answer.elements) {
    const namespace = element.labels[labels?.namespaceLabel ?? ""] ?? "";
    const name = element.labels[labels?.nameLabel ?? ""] ?? "";
    figures.set(`${namespace}/${name}`, elementResult(element, windowMs));
  }
  return { kind: "figures", of: ({ namespace, name }) => figures.get(`${namespace}/${name}`) ?? { kind: "empty" } };
}

function targetOf(server: string, { http }: MeasureContext): PrometheusTarget {
  return { address: server, dispatcher: http.dispatcher };
}
