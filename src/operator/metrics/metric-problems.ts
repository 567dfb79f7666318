import type { Canary } from "#api";
import type { Problem } from "#base";
import { partsOf } from "#rollout";
import { locate, type MeasureSubject, type MetricFault, renderedQuery } from "./locate-metric.ts";
import type { MeasureContext } from "./measure-context.ts";
import { templateComparison } from "./samples/template-comparison.ts";

/**
 * What keeps the metrics of a Canary from being asked for, as far as Canary, MetricTemplates and Secrets tell: nobody is
 * asked. Flagger finds it at the first check of a release.
 */
export function metricProblems(canary: Canary, context: MeasureContext): readonly Problem[] {
  // A Canary without a target is looked at as well, so the spec may be anything that the schema takes.
  const metrics = canary.spec.analysis?.metrics ?? [];
  return metrics.flatMap((metric, index) =>
    partsOf(metric).flatMap((part) => {
      const fault = metricFault({ canary, metric, part }, context);
      if (fault === undefined || part === "builtin") return [];
      const field = part === "inline" ? "query" : "templateRef";
      return [{ path: `spec.analysis.metrics[${index}].${field}`, ...fault }];
    }),
  );
}

/** What is wrong with one form of a metric; undefined when it can be asked for. */
export function metricFault(subject: MeasureSubject, context: MeasureContext): MetricFault | undefined {
  const found = locate(subject, context);
  if (!found.ok) return found.error;
  const { source, request, owner } = found.value;
  if (subject.part === "builtin") return undefined;
  const rendered = renderedQuery(found.value, subject, context);
  if (!rendered.ok) return rendered.error;
  const message = source.fault?.({ ...request, ...rendered.value });
  if (message === undefined) return comparisonFault(subject, context);
  return owner === ""
    ? { code: "invalid-value", message, fix: "correct the query" }
    : { code: "invalid-value", message: `${owner}: ${message}`, fix: "correct the MetricTemplate or its Secret" };
}

/** How a template compares both copies matters to a sequential analysis alone; others may use the template all the same. */
function comparisonFault({ canary, metric, part }: MeasureSubject, context: MeasureContext): MetricFault | undefined {
  if (part !== "template" || canary.spec.analysis.method !== "sequential") return undefined;
  const comparison = templateComparison({ canary, metric }, context);
  return comparison.ok ? undefined : comparison.error;
}
