import { type MetricTarget, type Pod, quantityOfMilli } from "#api";
import { Failure, parseQuantity } from "#base";
import { isWithinTolerance, proposeByAverage } from "#scaling";
import { isPodReady } from "../shared/index.ts";
import type { MetricContext } from "./metric-source.ts";

/** What a metric of the whole target, rather than of each pod, is compared with. */
type ValueContext = Pick<MetricContext, "pods" | "replicas" | "statusReplicas" | "tolerance">;

export interface ValueProposal {
  readonly replicas: number;
  /** The `current` of the metric's status. */
  readonly current: { readonly value: string } | { readonly averageValue: string };
}

/**
 * Proposes a size from one value for the whole target: in proportion to the pods that serve (`Value`), or so that each gets its
 * part (`AverageValue`).
 *
 * @throws Failure `InvalidMetric` when the target is neither.
 */
export function proposeByValue(usage: number, target: MetricTarget, context: ValueContext): ValueProposal {
  const value = target.type === "Value" ? positive(target.value) : undefined;
  if (value !== undefined) {
    return { replicas: byValue(usage / value, context), current: { value: quantityOf(usage) } };
  }
  const average = target.type === "AverageValue" ? positive(target.averageValue) : undefined;
  if (average !== undefined) {
    const averageValue = context.statusReplicas === 0 ? 0 : usage / context.statusReplicas;
    return {
      replicas: proposeByAverage({ usage, average, ...context }),
      current: { averageValue: quantityOf(averageValue) },
    };
  }
  throw new Failure("invalid metric source: neither a value target nor an average value target was set", {
    code: "InvalidMetric",
  });
}

/** Source: Kubernetes `replica_calculator.go` getUsageRatioReplicaCount (keda-hpa-spec 18.3). */
function byValue(ratio: number, { pods, replicas, tolerance }: ValueContext): number {
  if (replicas === 0) return Math.ceil(ratio);
  if (isWithinTolerance(ratio, tolerance)) return replicas;
  if (pods.length === 0) {
    throw new Failure("no pods returned by selector while calculating replica count", { code: "NoPods" });
  }
  return Math.ceil(ratio * pods.filter(isServing).length);
}

function isServing(pod: Pod): boolean {
  return pod.status?.phase === "Running" && isPodReady(pod);
}

function positive(quantity: string | number | undefined): number | undefined {
  const parsed = quantity === undefined ? undefined : parseQuantity(quantity);
  return parsed?.ok === true && parsed.value > 0 ? parsed.value : undefined;
}

/** Writes a value in the form of the API, rounded up to thousandths: `57`, `2500m`, `1k`. */
export function quantityOf(value: number): string {
  return quantityOfMilli(Math.ceil(value * 1000 - 1e-6));
}
