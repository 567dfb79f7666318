import type { Canary, CanaryMetric, MetricTemplate, Secret } from "#api";
import { err, ok, type Result } from "#base";
import type { ObjectKey } from "#kube";
import { type MetricPart, type MetricResult, namesOf, REQUEST_DURATION } from "#rollout";
import type { OutboundHttp } from "../gates/index.ts";
import { DEFAULT_METRIC_INTERVAL, istioQueries } from "./builtin-queries.ts";
import { type PrometheusTarget, queryPrometheus } from "./prometheus.ts";
import { renderTemplate, type TemplateValues } from "./template.ts";

/** What measuring needs from around it. */
export interface MeasureContext {
  /** `-metrics-server`. */
  readonly metricsServer: string;
  readonly http: OutboundHttp;
  readonly signal: AbortSignal;
  template(key: ObjectKey): MetricTemplate | undefined;
  secret(key: ObjectKey): Secret | undefined;
}

export interface Measurement {
  readonly result: MetricResult;
  /** The query as it was sent. */
  readonly query?: string;
}

interface Prepared {
  readonly query: string;
  readonly target: PrometheusTarget;
}

/** Measures one form of a metric; never rejects. Source: flagger-spec 5. */
export async function measure(
  subject: { readonly canary: Canary; readonly metric: CanaryMetric; readonly part: MetricPart },
  context: MeasureContext,
): Promise<Measurement> {
  const prepared = prepare(subject, context);
  if (!prepared.ok) return { result: { kind: "error", message: prepared.error } };
  const { query, target } = prepared.value;
  const result = await queryPrometheus(target, query, context.signal);
  const isDuration = subject.part === "builtin" && subject.metric.name === REQUEST_DURATION;
  return { query, result: isDuration ? wholeMs(result) : result };
}

/** Whether the provider behind a form of a metric answers; the problem otherwise. */
export async function checkProvider(
  subject: { readonly canary: Canary; readonly metric: CanaryMetric; readonly part: MetricPart },
  context: MeasureContext,
): Promise<string | undefined> {
  const prepared = prepare(subject, context);
  if (!prepared.ok) return `metric ${subject.metric.name}: ${prepared.error}`;
  const result = await queryPrometheus(prepared.value.target, "vector(1)", context.signal);
  if (result.kind === "value" && result.value === 1) return undefined;
  const why = "message" in result ? result.message : `vector(1) gave ${result.kind}`;
  return `metric ${subject.metric.name}: ${why}`;
}

function prepare(
  { canary, metric, part }: { canary: Canary; metric: CanaryMetric; part: MetricPart },
  context: MeasureContext,
): Result<Prepared, string> {
  const source =
    part === "template"
      ? fromTemplate(canary, metric, context)
      : ok({
          text: part === "inline" ? (metric.query ?? "") : (istioQueries[metric.name] ?? ""),
          target: { address: canary.spec.metricsServer ?? context.metricsServer, dispatcher: context.http.dispatcher },
        });
  if (!source.ok) return source;
  const rendered = renderTemplate(source.value.text, valuesOf(canary, metric));
  if (!rendered.ok) return err(`the query template is wrong at ${rendered.error}`);
  return ok({ query: rendered.value.trim().replace(/\s+/g, " "), target: source.value.target });
}

function fromTemplate(
  canary: Canary,
  metric: CanaryMetric,
  context: MeasureContext,
): Result<{ text: string; target: PrometheusTarget }, string> {
  const namespace = metric.templateRef?.namespace ?? canary.metadata.namespace ?? "default";
  const name = metric.templateRef?.name ?? "";
  const template = context.template({ namespace, name });
  if (template === undefined) return err(`the MetricTemplate "${namespace}/${name}" does not exist`);
  const { provider, query } = template.spec;
  if (provider.type !== "prometheus")
    return err(
      `MetricTemplate "${namespace}/${name}": the provider type "${provider.type}" is not executed; use prometheus`,
    );
  if (provider.address === undefined || provider.address === "")
    return err(`MetricTemplate "${namespace}/${name}": spec.provider.address is missing`);
  const credentials = credentialsOf(template, context);
  if (!credentials.ok) return credentials;
  const target: PrometheusTarget = {
    address: provider.address,
    dispatcher: provider.insecureSkipVerify === true ? context.http.insecure : context.http.dispatcher,
    ...(provider.headers === undefined ? {} : { headers: provider.headers }),
    ...(credentials.value === undefined ? {} : { credentials: credentials.value }),
  };
  return ok({ text: query, target });
}

function credentialsOf(
  template: MetricTemplate,
  context: MeasureContext,
): Result<PrometheusTarget["credentials"], string> {
  const name = template.spec.provider.secretRef?.name;
  if (name === undefined) return ok(undefined);
  const namespace = template.metadata.namespace ?? "default";
  const secret = context.secret({ namespace, name });
  if (secret === undefined) return err(`the Secret "${namespace}/${name}" of the MetricTemplate does not exist`);
  const read = (key: string): string | undefined => {
    const value = Object.hasOwn(secret.data ?? {}, key) ? secret.data?.[key] : undefined;
    return value === undefined ? undefined : Buffer.from(value, "base64").toString("utf8");
  };
  const token = read("token");
  if (token !== undefined) return ok({ kind: "bearer", token });
  const [username, password] = [read("username"), read("password")];
  if (username !== undefined && password !== undefined) return ok({ kind: "basic", username, password });
  return err(`the Secret "${namespace}/${name}" has neither "token" nor "username" and "password"`);
}

function valuesOf(canary: Canary, metric: CanaryMetric): TemplateValues {
  const names = namesOf(canary);
  const interval = metric.interval ?? "";
  return {
    name: names.canary,
    namespace: names.namespace,
    target: names.target,
    service: names.apexService,
    ingress: names.target,
    route: names.target,
    interval: interval === "" ? DEFAULT_METRIC_INTERVAL : interval,
    variables: metric.templateVariables ?? {},
  };
}

/** Source: flagger-spec 5.1, durations are cut to whole milliseconds. */
function wholeMs(result: MetricResult): MetricResult {
  if (result.kind !== "value") return result;
  const value = Math.trunc(result.value);
  return value === 0 ? { kind: "zero" } : { kind: "value", value };
}
