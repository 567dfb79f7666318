import type { MetricSpec, Pod } from "#api";
import type { KubeClient } from "#kube";

/** What a metric is measured against. */
export interface MetricContext {
  readonly client: KubeClient;
  readonly namespace: string;
  /** The target's selector, as its scale subresource writes it. */
  readonly selector: string;
  /** Pods under the selector. */
  readonly pods: readonly Pod[];
  /** `spec.replicas` of the target. */
  readonly replicas: number;
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
  /** @throws Failure when the metric cannot be read or means nothing. */
  propose(spec: MetricSpec, context: MetricContext): Promise<MetricProposal>;
}

/** Deviation from the target that is taken for none. Source: `--horizontal-pod-autoscaler-tolerance`. */
const TOLERANCE = 0.1;

/** True when a usage ratio is so near to 1 that nothing should change. */
export function isWithinTolerance(ratio: number): boolean {
  return Math.abs(1 - ratio) <= TOLERANCE;
}
