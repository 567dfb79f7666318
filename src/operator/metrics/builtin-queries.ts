import type { Canary } from "#api";
import type { Result } from "#base";
import { type BuiltinRow, builtinRows, istioRow } from "./builtin-table.ts";
import { renderTemplate, type TemplateValues } from "./template.ts";

/** Source: flagger-spec 5.1. Templates have no default in Flagger and render `[]`; here they get the same. */
export const DEFAULT_METRIC_INTERVAL = "1m";

/** Percent of requests that did not fail; 99th percentile (or average) in milliseconds; requests of the window. */
export type BuiltinKind = "success-rate" | "duration" | "requests";

/** A workload as metrics name it. */
export interface Workload {
  readonly namespace: string;
  readonly name: string;
}

/**
 * The provider whose series a Canary's built-in metrics are in.
 *
 * A mesh named by the flag measures whatever router the Canary uses. Targets that are Services get their own name, for which
 * only prefixes have a row. Source: flagger-spec 5.1, last paragraph.
 */
export function metricsProviderOf({ spec }: Canary, meshProvider: string): string {
  const own = spec.provider ?? "";
  const provider = meshProvider.includes("crossover")
    ? "crossover"
    : own !== "" && meshProvider.includes("linkerd")
      ? "linkerd"
      : own || meshProvider;
  return spec.targetRef.kind === "Service" ? `${provider}:service` : provider;
}

/** The row of a provider; Istio's when it has none. */
export function builtinRowOf(provider: string): BuiltinRow {
  const row = builtinRows.find(({ providers, takesPrefix }) =>
    providers.some((name) => provider === name || (takesPrefix === true && provider.startsWith(name))),
  );
  return row ?? istioRow;
}

/** The query for one Canary. */
export function builtinQuery(kind: BuiltinKind, row: BuiltinRow, values: TemplateValues): Result<string, string> {
  return renderTemplate(composed(kind, row, { scope: row.scope, labels: [] }), writtenIn(row, values));
}

/** The matchers that select the series of the target. */
export function builtinScope(row: BuiltinRow, values: TemplateValues): Result<string, string> {
  return renderTemplate(row.scope, writtenIn(row, values));
}

/** Names as the matchers of a row take them. */
function writtenIn(row: BuiltinRow, values: TemplateValues): TemplateValues {
  const written = (name: string): string =>
    row.writesWords === true ? name.replace(/\W/g, "_") : row.isExact === true ? name : name.replaceAll(".", "[.]");
  return {
    ...values,
    namespace: written(values.namespace),
    target: written(values.target),
    service: written(values.service),
    ingress: written(values.ingress),
    route: written(values.route),
  };
}

/**
 * Selectors that name more are left out, and the query asks for all namespaces or all workloads. A query holds its selectors
 * up to three times, and addresses above 8 KiB are refused by many proxies.
 */
const MAX_SELECTOR_LENGTH = 1500;

/** One query for many workloads, and which workloads its answer tells about: those without a series had no traffic. */
export interface WorkloadQuery {
  readonly query: string;
  covers(workload: Workload): boolean;
}

/** The query that answers for many workloads at once, grouped by namespace and name; undefined where labels do not allow it. */
export function workloadQuery(
  kind: BuiltinKind,
  row: BuiltinRow,
  of: { readonly workloads: readonly Workload[]; readonly interval: string },
): WorkloadQuery | undefined {
  if (row.workload === undefined) return undefined;
  const { namespaceLabel, nameLabel, matchers } = row.workload;
  const namespaces = alternatives(of.workloads.map(({ namespace }) => namespace));
  const names = alternatives(of.workloads.map(({ name }) => name));
  const scope = [
    ...(matchers === undefined ? [] : [matchers]),
    namespaces === undefined ? `${namespaceLabel}!=""` : `${namespaceLabel}=~"${namespaces.pattern}"`,
    names === undefined ? `${nameLabel}!=""` : `${nameLabel}=~"${names.pattern}"`,
  ].join(",");
  const template = composed(kind, row, { scope, labels: [namespaceLabel, nameLabel] });
  return {
    query: template.replaceAll("{{ interval }}", of.interval),
    covers: ({ namespace, name }) => namespaces?.has(namespace) !== false && names?.has(name) !== false,
  };
}

function alternatives(texts: readonly string[]): { pattern: string; has(text: string): boolean } | undefined {
  const unique = new Set(texts);
  const pattern = [...unique]
    .sort()
    .map((text) => text.replaceAll(".", "[.]"))
    .join("|");
  return pattern.length > MAX_SELECTOR_LENGTH ? undefined : { pattern, has: (text) => unique.has(text) };
}

/**
 * Puts the fragments of a row together.
 *
 * Flagger's success rate has no value while every answer is an error, because nothing is left to sum; here it is 0, which
 * is what it is.
 */
function composed(
  kind: BuiltinKind,
  { requests, duration }: BuiltinRow,
  { scope, labels }: { readonly scope: string; readonly labels: readonly string[] },
): string {
  const selector = (...more: (string | undefined)[]): string =>
    `{${[scope, ...more].filter((matcher) => matcher !== undefined).join(",")}}[{{ interval }}]`;
  const by = labels.length === 0 ? "" : ` by (${labels.join(", ")})`;
  if (kind === "requests") return `sum(increase(${requests.series}${selector(requests.matchers)}))${by}`;
  if (kind === "success-rate") {
    const all = `sum(rate(${requests.series}${selector(requests.matchers)}))${by}`;
    const succeeded = `sum(rate(${requests.series}${selector(requests.matchers, requests.succeeded)}))${by}`;
    return `(${succeeded} or ${all} * 0) / ${all} * 100`;
  }
  const factor = duration.factor === undefined ? "" : ` * ${duration.factor}`;
  if (duration.kind === "quantile") {
    const rates = `sum(rate(${duration.series}${selector(duration.matchers)})) by (${["le", ...labels].join(", ")})`;
    return `histogram_quantile(0.99, ${rates})${factor}`;
  }
  const rateOf = (part: string): string => `sum(rate(${duration.series}_${part}${selector(duration.matchers)}))${by}`;
  return `${rateOf("sum")} / ${rateOf("count")}${factor}`;
}
