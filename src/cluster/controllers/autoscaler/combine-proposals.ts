import type { EventText } from "../shared/index.ts";
import type { MetricProposal } from "./metric-source.ts";

/** What one metric said: a size, or why there is none. */
export type MetricAnswer =
  | { readonly ok: true; readonly proposal: MetricProposal }
  | {
      readonly ok: false;
      /** Reason of the condition and the event. */
      readonly reason: string;
      readonly message: string;
      /** What could not be done for it: `failed to get cpu resource metric value`. */
      readonly failure: string;
    };

/** What the metrics said together. */
export type MetricOutcome =
  | {
      readonly ok: true;
      readonly replicas: number;
      /** The metric that asked for this size. */
      readonly name: string;
      readonly current: readonly unknown[];
      /** Of the metrics that failed while the rest asks for growth, which is safe. */
      readonly events: readonly EventText[];
    }
  | {
      readonly ok: false;
      /** Of the condition ScalingActive. */
      readonly reason: string;
      readonly message: string;
      /** Text of the event FailedComputeMetricsReplicas. */
      readonly error: string;
      readonly current: readonly unknown[];
      readonly events: readonly EventText[];
    };

/**
 * Stands in `status.currentMetrics` for a metric that could not be read. The list has to keep its length: kubectl finds the
 * value of the third metric at the third place.
 */
const UNKNOWN = { type: "" };

/**
 * Joins the metrics' proposals: the largest wins; a failed one forbids to shrink but not to grow.
 *
 * Source: Kubernetes `horizontal.go` computeReplicasForMetrics (keda-hpa-spec 18.2).
 */
export function combineProposals(answers: readonly MetricAnswer[], replicas: number): MetricOutcome {
  const failed = answers.filter((answer) => !answer.ok);
  const current = answers.map((answer) => (answer.ok ? answer.proposal.current : UNKNOWN));
  const events = failed.map(({ reason, message }): EventText => ({ type: "Warning", reason, message }));
  const largest = largestOf(answers);
  const first = failed[0];
  if (largest !== undefined && (first === undefined || largest.replicas >= replicas)) {
    return { ok: true, replicas: largest.replicas, name: largest.name, current, events };
  }
  if (first === undefined) {
    return {
      ok: false,
      reason: "InvalidMetricSourceType",
      message: "no metrics are given",
      error: "",
      current,
      events,
    };
  }
  return {
    ok: false,
    reason: first.reason,
    message: `the HPA was unable to compute the replica count: ${first.message}`,
    error: `invalid metrics (${failed.length} invalid out of ${answers.length}), first error is: ${first.failure}: ${first.message}`,
    current,
    events,
  };
}

/** Of equal proposals the first counts. */
function largestOf(answers: readonly MetricAnswer[]): MetricProposal | undefined {
  let largest: MetricProposal | undefined;
  for (const answer of answers) {
    if (answer.ok && (largest === undefined || answer.proposal.replicas > largest.replicas)) largest = answer.proposal;
  }
  return largest;
}
