import { matchesSelector } from "#api";
import type { Clock } from "#base";
import { labelEntries, type Labels, labelValue, METRIC_NAME, type Queryable } from "#promql";
import type {
  CustomMetricName,
  CustomMetricQuery,
  CustomMetricsSource,
  CustomMetricValue,
  ExternalMetricsSource,
  MetricApis,
} from "../../metric-apis.ts";
import { findMetric, servedName } from "./find-metric.ts";

export interface PromqlMetricsOptions {
  readonly queryable: Queryable;
  /** Labels of the series that have a value now. */
  readonly live: () => readonly Labels[];
  readonly clock: Clock;
}

/**
 * Serves the series of the metrics store as custom and external metrics, as prometheus-adapter does on a cluster: a series
 * with the labels `namespace` and `pod` describes that pod, one with `namespace` and `service` that service, and so on.
 */
export function createPromqlMetrics(options: PromqlMetricsOptions): MetricApis {
  return { custom: customSource(options), external: externalSource(options) };
}

/** Labels that are taken for the name of an object, in the order in which discovery lists them. */
const DESCRIBING = ["pod", "service", "ingress", "deployment", "namespace", "node"];
/** Of those, what is in no namespace. */
const UNSCOPED: ReadonlySet<string> = new Set(["namespace", "node"]);
/** How long a list of names serves discovery: controllers ask every half minute, each of them. */
const NAMES_TTL_MS = 10_000;

function customSource({ queryable, live, clock }: PromqlMetricsOptions): CustomMetricsSource {
  let kept: { readonly names: readonly CustomMetricName[]; readonly atMs: number } | undefined;
  return {
    names() {
      const nowMs = clock.nowMs();
      if (kept === undefined || kept.atMs + NAMES_TTL_MS <= nowMs) kept = { names: namesOf(live()), atMs: nowMs };
      return kept.names;
    },
    list(query) {
      const nowMs = clock.nowMs();
      const found = findMetric(query.metric, { queryable, nowMs, matchers: describedMatchers(query) });
      if (found === undefined) return undefined;
      const sums = new Map<string, number>();
      for (const { labels, value } of found.elements) {
        const name = labelValue(labels, query.singular);
        if (!query.names.has(name) || !matchesSelector(query.selector, recordOf(labels))) continue;
        sums.set(name, (sums.get(name) ?? 0) + value);
      }
      const window = found.windowMs === undefined ? {} : { windowMs: found.windowMs };
      return [...sums].sort(byName).map(([name, value]): CustomMetricValue => {
        return { name, value, timestampMs: nowMs, ...window };
      });
    },
  };
}

function byName([a]: readonly [string, number], [b]: readonly [string, number]): number {
  return a < b ? -1 : 1;
}

function describedMatchers({ singular, namespace }: CustomMetricQuery): string {
  const described = `${singular}!=""`;
  return namespace === undefined ? described : `namespace=${JSON.stringify(namespace)},${described}`;
}

function namesOf(series: readonly Labels[]): readonly CustomMetricName[] {
  const found = new Map<string, CustomMetricName>();
  for (const labels of series) {
    const metric = servedName(labelValue(labels, METRIC_NAME));
    for (const singular of DESCRIBING) {
      const isScoped = UNSCOPED.has(singular) || labelValue(labels, "namespace") !== "";
      if (isScoped && labelValue(labels, singular) !== "") found.set(`${singular}/${metric}`, { metric, singular });
    }
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, name]) => name);
}

/** A series that names a namespace belongs to it; any other is there for all. */
function externalSource({ queryable, clock }: PromqlMetricsOptions): ExternalMetricsSource {
  return {
    list: async ({ namespace, name, selector }) => {
      const nowMs = clock.nowMs();
      const matchers = `namespace=~${JSON.stringify(`|${escapePattern(namespace)}`)}`;
      const found = findMetric(name, { queryable, nowMs, matchers });
      return found?.elements
        .map(({ labels, value }) => ({ labels: recordOf(labels), value, timestampMs: nowMs }))
        .filter(({ labels }) => matchesSelector(selector, labels));
    },
  };
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.|?*+()[\]{}]/g, "\\$&");
}

function recordOf(labels: Labels): Readonly<Record<string, string>> {
  return Object.fromEntries(labelEntries(labels).filter(([name]) => name !== METRIC_NAME));
}
