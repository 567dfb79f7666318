import type { LabelSelector, MetricSpec } from "#api";
import { Failure } from "#base";
import type { MetricSource } from "./metric-source.ts";
import { proposeByValue } from "./propose-by-value.ts";

/** A metric that belongs to no object of the cluster, the length of a queue for example; its series are added up. */
export const externalMetric: MetricSource = {
  type: "External",
  failureReason: "FailedGetExternalMetric",
  failureOf: (spec) => `failed to get ${spec.external?.metric.name ?? ""} external metric value`,
  async propose(spec, context) {
    const { metric, target } = requireExternal(spec);
    const { namespace } = context;
    const selector = describeSelector(metric.selector);
    const values = await context.reader.external({ namespace, metric }).catch((cause: unknown): never => {
      const message = `unable to get external metric ${namespace}/${metric.name}/${selector}`;
      throw new Failure(message, { code: "NoMetrics", retryable: true, cause });
    });
    const usage = values.reduce((sum, value) => sum + value, 0);
    const { replicas, current } = proposeByValue(usage, target, context);
    return {
      replicas,
      name: `external metric ${metric.name}(${selector})`,
      current: { type: "External", external: { metric, current } },
    };
  },
};

function requireExternal(spec: MetricSpec): NonNullable<MetricSpec["external"]> {
  if (spec.external !== undefined) return spec.external;
  throw new Failure('a metric of type "External" needs the field "external"', { code: "InvalidMetric" });
}

/** The selector as messages write it. Source: the generated `String` of apimachinery `metav1.LabelSelector`. */
export function describeSelector(selector: LabelSelector | undefined): string {
  if (selector === undefined) return "nil";
  const { matchLabels = {}, matchExpressions = [] } = selector;
  const labels = Object.keys(matchLabels).sort();
  const pairs = labels.map((key) => `${key}: ${matchLabels[key] ?? ""},`).join("");
  const expressions = matchExpressions.map(
    ({ key, operator, values = [] }) =>
      `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(" ")}],},`,
  );
  return (
    `&LabelSelector{MatchLabels:map[string]string{${pairs}},` +
    `MatchExpressions:[]LabelSelectorRequirement{${expressions.join("")}},}`
  );
}
