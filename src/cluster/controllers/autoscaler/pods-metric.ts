import type { MetricSpec } from "#api";
import { Failure, parseQuantity } from "#base";
import { groupPods } from "./group-pods.ts";
import type { PodSamples } from "./metric-reader.ts";
import type { MetricContext, MetricProposal, MetricSource } from "./metric-source.ts";
import { quantityOf } from "./propose-by-value.ts";
import { proposeByAverage } from "./propose-replicas.ts";

type PodsMetric = NonNullable<MetricSpec["pods"]>;

/** A metric that each pod has, against an average over the pods. */
export const podsMetric: MetricSource = {
  type: "Pods",
  failureReason: "FailedGetPodsMetric",
  failureOf: () => "failed to get pods metric value",
  async propose(spec, context) {
    const pods = requirePods(spec);
    const { namespace, selector, reader } = context;
    const samples = await reader.pods({ namespace, selector, metric: pods.metric }).catch((cause: unknown): never => {
      throw new Failure(`unable to get metric ${pods.metric.name}`, { code: "NoMetrics", retryable: true, cause });
    });
    return proposeFromPods(pods, samples, context);
  },
};

function requirePods(spec: MetricSpec): PodsMetric {
  if (spec.pods !== undefined) return spec.pods;
  throw new Failure('a metric of type "Pods" needs the field "pods"', { code: "InvalidMetric" });
}

/** The pure part: from samples to a proposal. */
export function proposeFromPods(
  { metric, target }: PodsMetric,
  samples: PodSamples,
  context: Pick<MetricContext, "pods" | "replicas" | "tolerance" | "nowMs">,
): MetricProposal {
  const quantity = target.averageValue === undefined ? undefined : parseQuantity(target.averageValue);
  if (quantity?.ok !== true || quantity.value <= 0) {
    throw new Failure("invalid pods metric source: no average value target was set", { code: "InvalidMetric" });
  }
  const groups = groupPods(context.pods, samples, { resource: "", nowMs: context.nowMs });
  const { replicas, average } = proposeByAverage({ ...context, groups, samples, target: quantity.value });
  return {
    replicas,
    name: `pods metric ${metric.name}`,
    current: { type: "Pods", pods: { metric, current: { averageValue: quantityOf(average) } } },
  };
}
