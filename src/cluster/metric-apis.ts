import type { LabelSelector } from "#api";

/** What the API server asks of whoever has metrics, to serve `custom.metrics.k8s.io` and `external.metrics.k8s.io`. */
export interface MetricApis {
  readonly custom: CustomMetricsSource;
  readonly external: ExternalMetricsSource;
}

/** Metrics that describe objects of the cluster. */
export interface CustomMetricsSource {
  /** What there is now, for discovery. */
  names(): readonly CustomMetricName[];
  /** The metric of each object that has it; undefined when nobody has such a metric. */
  list(query: CustomMetricQuery): readonly CustomMetricValue[] | undefined;
}

export interface CustomMetricName {
  readonly metric: string;
  /** Singular of the described resource, in lower case: `pod`. It is also the label that holds the object's name. */
  readonly singular: string;
}

export interface CustomMetricQuery {
  readonly metric: string;
  readonly singular: string;
  /** Absent for objects that are in no namespace. */
  readonly namespace?: string;
  /** Objects to tell the metric of. */
  readonly names: ReadonlySet<string>;
  /** Labels that the metric's series must have; `{}` is any. */
  readonly selector: LabelSelector;
}

export interface CustomMetricValue {
  /** The object's. */
  readonly name: string;
  readonly value: number;
  readonly timestampMs: number;
  /** What the value was measured over; absent for the value of a moment. */
  readonly windowMs?: number;
}

/** Metrics that belong to no object of the cluster. */
export interface ExternalMetricsSource {
  /**
   * The values of a metric for a namespace: one for each series that matches; undefined when this source does not have such a
   * metric at all.
   *
   * @throws Failure whose message says why a metric of this source cannot be read now.
   */
  list(query: ExternalMetricQuery): Promise<readonly ExternalMetricValue[] | undefined>;
}

export interface ExternalMetricQuery {
  readonly namespace: string;
  readonly name: string;
  /** Of the series, as the autoscaler's metric gives it; `{}` is any. `a=b` is always in `matchLabels`. */
  readonly selector: LabelSelector;
}

export interface ExternalMetricValue {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly timestampMs: number;
}

/** Joins sources: the first that has a metric answers for it. */
export function firstExternalSource(sources: readonly ExternalMetricsSource[]): ExternalMetricsSource {
  return {
    async list(query) {
      for (const source of sources) {
        const values = await source.list(query);
        if (values !== undefined) return values;
      }
      return undefined;
    },
  };
}
