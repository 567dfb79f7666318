import { validateHeaderName, validateHeaderValue } from "node:http";
import type { Canary, CanaryMetric, MetricTemplate } from "#api";
import { err, ok, type Problem, type Result } from "#base";
import type { MetricPart } from "#rollout";
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

/** Why a metric cannot be asked for; where in the Canary is known to who asks. */
export type MetricFault = Omit<Problem, "path">;

export interface Located {
  readonly source: MetricSource;
  readonly request: Omit<MetricRequest, "query" | "intervalMs">;
  /** The query, not yet rendered. */
  readonly template: string;
  /** Whose fields the source may complain of, for messages; empty for the operator's own server. */
  readonly owner: string;
  /** How both copies are compared by it, of its template. */
  readonly comparison?: Pick<MetricTemplate["spec"], "counts" | "scalar">;
}

/** Finds who answers a metric, and what is needed to ask. */
export function locate(
  { canary, metric, part }: MeasureSubject,
  context: MeasureContext,
): Result<Located, MetricFault> {
  if (part === "template") return fromTemplate(canary, metric, context);
  const address = canary.spec.metricsServer || context.metricsServer;
  const provider = { type: "prometheus", address };
  return located({ provider, secret: undefined, query: metric.query ?? "", owner: "" }, context);
}

/** Renders the query of a metric that was located. */
export function renderedQuery(
  { template, owner }: Pick<Located, "template" | "owner">,
  { canary, metric }: Omit<MeasureSubject, "part">,
  context: MeasureContext,
): Result<Pick<MetricRequest, "query" | "intervalMs">, MetricFault> {
  const values = templateValuesOf(canary, metric, context);
  if (!values.ok) return invalid(values.error, "wait for it");
  const intervalMs = parseWindow(values.value.interval);
  if (!intervalMs.ok) return invalid(intervalMs.error, "correct the interval of the metric");
  const query = renderTemplate(template, values.value);
  const fix = `correct the query${owner === "" ? "" : ` of the ${owner}`}, or templateVariables of the metric`;
  if (!query.ok) return invalid(`the query template is wrong at ${query.error}`, fix);
  return ok({ query: query.value, intervalMs: intervalMs.value });
}

/** A reference to a template of another namespace is allowed here; the flag against it is looked at with the spec. */
function fromTemplate(canary: Canary, metric: CanaryMetric, context: MeasureContext): Result<Located, MetricFault> {
  const namespace = metric.templateRef?.namespace || (canary.metadata.namespace ?? "default");
  const name = metric.templateRef?.name ?? "";
  const owner = `MetricTemplate "${namespace}/${name}"`;
  const template = context.template({ namespace, name });
  if (template === undefined)
    return err({
      code: "not-found",
      message: `the ${owner} does not exist`,
      fix: "create it, or correct name and namespace",
    });
  const { provider, query } = template.spec;
  const secret = secretOf(template, context);
  if (!secret.ok) return secret;
  const found = located({ provider, secret: secret.value, query, owner }, context);
  if (!found.ok) return err({ ...found.error, message: `${owner}: ${found.error.message}` });
  return ok({ ...found.value, comparison: template.spec });
}

function located(
  { provider, secret, query, owner }: Pick<MetricRequest, "provider" | "secret" | "query"> & { readonly owner: string },
  context: MeasureContext,
): Result<Located, MetricFault> {
  const source = sourceOf(provider.type);
  const known = sourceTypes().join(", ");
  if (source === undefined)
    return invalid(
      `the provider type "${provider.type}" is not executed; use one of ${known}`,
      "correct spec.provider.type",
    );
  const wrongHeader = Object.entries(provider.headers ?? {}).find(([name, values]) => !isHeader(name, values));
  if (wrongHeader !== undefined)
    return invalid(
      `spec.provider.headers has ${JSON.stringify(wrongHeader[0])}, which cannot be sent`,
      "remove white space, line breaks and signs that no header may have, from its name and values",
    );
  const { http, signal, clock, env = {} } = context;
  const request = { provider, secret, http, signal, env, nowMs: clock.nowMs() };
  return ok({ source, template: query, request, owner });
}

/** The decoded Secret of a template, from the template's own namespace. */
function secretOf(template: MetricTemplate, context: MeasureContext): Result<MetricRequest["secret"], MetricFault> {
  const name = template.spec.provider.secretRef?.name;
  if (name === undefined) return ok(undefined);
  const namespace = template.metadata.namespace ?? "default";
  const secret = context.secret({ namespace, name });
  if (secret === undefined)
    return err({
      code: "not-found",
      message: `the Secret "${namespace}/${name}" of the MetricTemplate does not exist`,
      fix: `create it, or correct spec.provider.secretRef.name of the MetricTemplate "${template.metadata.name}"`,
    });
  const decoded = Object.entries(secret.data ?? {}).map(
    ([key, value]) => [key, Buffer.from(value, "base64").toString("utf8")] as const,
  );
  return ok(new Map(decoded));
}

function isHeader(name: string, values: readonly string[]): boolean {
  try {
    validateHeaderName(name);
    for (const value of values) validateHeaderValue(name, value);
    return true;
  } catch {
    return false;
  }
}

function invalid(message: string, fix: string): Result<never, MetricFault> {
  return err({ code: "invalid-value", message, fix });
}
