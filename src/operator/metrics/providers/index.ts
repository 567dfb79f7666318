import type { MetricSource } from "../metric-source.ts";
import { cloudWatchSource } from "./cloudwatch.ts";
import { datadogSource } from "./datadog.ts";
import { dynatraceSource } from "./dynatrace.ts";
import { externalMetricsSource } from "./external-metrics.ts";
import { graphiteSource } from "./graphite.ts";
import { influxSource } from "./influxdb.ts";
import { newRelicSource } from "./new-relic.ts";
import { notExecutedSource } from "./not-executed.ts";
import { prometheus } from "./prometheus.ts";

/** Every provider that is executed, one file each. */
const executed: readonly MetricSource[] = [
  prometheus,
  datadogSource(),
  graphiteSource(),
  influxSource(),
  newRelicSource(),
  cloudWatchSource(),
  externalMetricsSource(),
  dynatraceSource(),
];

const sources: readonly MetricSource[] = [...executed, notExecutedSource(sourceTypes())];

/** Finds what executes a provider type; undefined for a type that Flagger's API does not have. */
export function sourceOf(type: string): MetricSource | undefined {
  return sources.find(({ types }) => types.includes(type));
}

/** Every type that is executed, for messages. */
export function sourceTypes(): readonly string[] {
  return executed.flatMap(({ types }) => types);
}
