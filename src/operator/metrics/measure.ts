import type { Canary, CanaryMetric, MetricTemplate } from "#api";
import { err, ok, type Result } from "#base";
import { type MetricPart, type MetricResult, REQUEST_DURATION } from "#rollout";
import { askBuiltin, prepareBuiltin } from "./ask-builtin.ts";
import type { MeasureContext } from "./measure-context.ts";
import type { MetricRequest, MetricSource } from "./metric-source.ts";
import { parseWindow } from "./metric-window.ts";
import { sourceOf, sourceTypes } from "./providers/index.ts";
import { renderTemplate } from "./template.ts";
import { templateValuesOf } from "./template-values-of.ts";

/** One form of a metric of a Canary. */
export interface MeasureSubject {
  readonly canary: Canary;
  readonly metric: CanaryMetric;
  readonly part: MetricPart;
}

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
  const rendered = located.ok ? renderedQuery(located.value.template, subject, context) : located;
  if (!located.ok) return { result: { kind: "error", message: located.error } };
  if (!rendered.ok) return { result: { kind: "error", message: rendered.error } };
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
  if (!found.ok) return found.error;
  const { source, request, template } = found.value;
  const rendered = subject.part === "builtin" ? undefined : renderedQuery(template, subject, context);
  return rendered?.ok === false ? rendered.error : source.probe(request);
}

interface Located {
  readonly source: MetricSource;
  readonly request: Omit<MetricRequest, "query" | "intervalMs">;
  /** The query, not yet rendered. */
  readonly template: string;
}

/** Finds who answers a metric, and what is needed to ask. */
function locate({ canary, metric, part }: MeasureSubject, context: MeasureContext): Result<Located, string> {
  if (part === "template") return fromTemplate(canary, metric, context);
  const address = canary.spec.metricsServer || context.metricsServer;
  return located({ provider: { type: "prometheus", address }, secret: undefined, query: metric.query ?? "" }, context);
}

/** A reference to a template of another namespace is allowed here; the flag against it is looked at with the spec. */
function fromTemplate(canary: Canary, metric: CanaryMetric, context: MeasureContext): Result<Located, string> {
  const namespace = metric.templateRef?.namespace || (canary.metadata.namespace ?? "default");
  const name = metric.templateRef?.name ?? "";
  const template = context.template({ namespace, name });
  if (template === undefined) return err(`the MetricTemplate "${namespace}/${name}" does not exist`);
  const { provider, query } = template.spec;
  const secret = secretOf(template, context);
  if (!secret.ok) return secret;
  const found = located({ provider, secret: secret.value, query }, context);
  return found.ok ? found : err(`MetricTemplate "${namespace}/${name}": ${found.error}`);
}

function located(
  { provider, secret, query }: Pick<MetricRequest, "provider" | "secret" | "query">,
  context: MeasureContext,
): Result<Located, string> {
  const source = sourceOf(provider.type);
  if (source === undefined)
    return err(`the provider type "${provider.type}" is not executed; use one of ${sourceTypes().join(", ")}`);
  const { http, signal, clock, env = {} } = context;
  return ok({ source, template: query, request: { provider, secret, http, signal, env, nowMs: clock.nowMs() } });
}

/** The decoded Secret of a template, from the template's own namespace. */
function secretOf(template: MetricTemplate, context: MeasureContext): Result<MetricRequest["secret"], string> {
  const name = template.spec.provider.secretRef?.name;
  if (name === undefined) return ok(undefined);
  const namespace = template.metadata.namespace ?? "default";
  const secret = context.secret({ namespace, name });
  if (secret === undefined) return err(`the Secret "${namespace}/${name}" of the MetricTemplate does not exist`);
  const decoded = Object.entries(secret.data ?? {}).map(
    ([key, value]) => [key, Buffer.from(value, "base64").toString("utf8")] as const,
  );
  return ok(new Map(decoded));
}

function renderedQuery(
  template: string,
  { canary, metric }: MeasureSubject,
  context: MeasureContext,
): Result<Pick<MetricRequest, "query" | "intervalMs">, string> {
  const values = templateValuesOf(canary, metric, context);
  if (!values.ok) return values;
  const intervalMs = parseWindow(values.value.interval);
  if (!intervalMs.ok) return intervalMs;
  const query = renderTemplate(template, values.value);
  if (!query.ok) return err(`the query template is wrong at ${query.error}`);
  return ok({ query: query.value, intervalMs: intervalMs.value });
}

/** Source: flagger-spec 5.1, durations are cut to whole milliseconds. */
function wholeMs(result: MetricResult): MetricResult {
  if (result.kind !== "value") return result;
  const value = Math.trunc(result.value);
  return value === 0 ? { kind: "zero" } : { kind: "value", value };
}
