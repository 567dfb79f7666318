import type { MetricSpec, Pod } from "#api";
import type { Tolerance } from "#scaling";
import type { MetricReader } from "./metric-reader.ts";

/** What a metric is measured against. */
export interface MetricContext {
  readonly reader: MetricReader;
  readonly namespace: string;
  /** The target's selector, as its scale subresource writes it. */
  readonly selector: string;
  /** Pods under the selector. */
  readonly pods: readonly Pod[];
  /** `spec.replicas` of the target's scale. */
  readonly replicas: number;
  /** `status.replicas` of the target's scale: the pods that exist. */
  readonly statusReplicas: number;
  readonly tolerance: Tolerance;
  readonly nowMs: number;
}

/** What one metric asks for. */
export interface MetricProposal {
  readonly replicas: number;
  /** How events and conditions call the metric: `cpu resource utilization (percentage of request)`. */
  readonly name: string;
  /** The entry of `status.currentMetrics`. */
  readonly current: Readonly<Record<string, unknown>>;
}

/** One type of metric: reads its samples and proposes a size. Each type is one file that exports one of these. */
export interface MetricSource {
  readonly type: MetricSpec["type"];
  /** Reason of the condition and event when it cannot be read. */
  readonly failureReason: string;
  /** What a look could not do when the metric fails: `failed to get cpu resource metric value`. */
  failureOf(spec: MetricSpec): string;
  /** @throws Failure when the metric cannot be read or means nothing. */
  propose(spec: MetricSpec, context: MetricContext): Promise<MetricProposal>;
}
