import type { Canary, CanaryMetric, MetricTemplate } from "#api";
import { err, ok, type Result } from "#base";
import type { ScalarRule } from "#rollout";
import type { ArmName } from "#stats";
import { type Located, locate, type MetricFault } from "../locate-metric.ts";
import type { MeasureContext } from "../measure-context.ts";
import type { MetricRequest } from "../metric-source.ts";
import { parseWindow } from "../metric-window.ts";
import { renderTemplate, type TemplateValues } from "../template.ts";
import { templateValuesOf } from "../template-values-of.ts";
import { targetOf } from "./builtin-counters.ts";
import { type CounterMetric, type CounterSelector, parseSelector } from "./counter-metric.ts";

/** How a metric with a template compares both copies. */
export type TemplateComparison =
  | { readonly kind: "counts"; readonly metric: CounterMetric; readonly located: Located }
  | {
      readonly kind: "scalar";
      readonly rule: ScalarRule;
      readonly located: Located;
      readonly requests: Readonly<Record<ArmName, Pick<MetricRequest, "query" | "intervalMs">>>;
    }
  /** It has neither counts nor scalar, and keeps its check. */
  | { readonly kind: "none" };

/** Source: statistics 2.6, and the tolerance of counts for what is not said. */
const RATIO_MARGIN_DEFAULT = 1.1;

/** Reads how a metric of a Canary compares both copies; the error says what to correct. */
export function templateComparison(
  of: { readonly canary: Canary; readonly metric: CanaryMetric },
  context: MeasureContext,
): Result<TemplateComparison, MetricFault> {
  const located = locate({ ...of, part: "template" }, context);
  if (!located.ok) return located;
  const { comparison, owner } = located.value;
  // What a user leaves empty in YAML is null.
  const counts = comparison?.counts ?? undefined;
  const scalar = comparison?.scalar ?? undefined;
  if (counts === undefined && scalar === undefined) return ok({ kind: "none" });
  if (counts !== undefined && scalar !== undefined)
    return wrong(owner, "has both spec.counts and spec.scalar", "leave one of them out");
  const values = templateValuesOf(of.canary, of.metric, context);
  if (!values.ok) return err({ code: "invalid-value", message: values.error, fix: "wait for it" });
  const subject = { located: located.value, values: values.value, name: of.metric.name };
  return counts === undefined ? scalarOf(scalar ?? { worse: "higher" }, subject) : countsOf(counts, subject);
}

interface Subject {
  readonly name: string;
  readonly located: Located;
  readonly values: TemplateValues;
}

function countsOf(
  counts: NonNullable<MetricTemplate["spec"]["counts"]>,
  { located, values, name }: Subject,
): Result<TemplateComparison, MetricFault> {
  const { owner, request } = located;
  if (request.provider.type !== "prometheus")
    return wrong(
      owner,
      `spec.counts needs raw counters, which the provider type ${JSON.stringify(request.provider.type)} does not give`,
      "use the type prometheus, or spec.scalar",
    );
  const selectors: CounterSelector[] = [];
  for (const [field, role] of [
    ["total", "requests"],
    ["bad", "bad"],
  ] as const) {
    const path = `spec.counts.${field}`;
    const rendered = renderedForBoth(counts[field], values);
    if (!rendered.ok) return wrong(owner, `${path} ${rendered.error}`, "correct the query, or templateVariables");
    for (const arm of ["canary", "primary"] as const) {
      const matchers = parseSelector(rendered.value[arm]);
      if (!matchers.ok)
        return wrong(owner, `${path} is no raw counter: ${matchers.error}`, `correct ${path} of the MetricTemplate`);
      selectors.push({ arm, role, matchers: matchers.value });
    }
  }
  const metric = { name, kind: "counts", selectors, isBad: () => false, badLabels: [], boundFactor: 1 } as const;
  return ok({ kind: "counts", metric, located });
}

function scalarOf(
  scalar: NonNullable<MetricTemplate["spec"]["scalar"]>,
  { located, values }: Subject,
): Result<TemplateComparison, MetricFault> {
  const { owner, template } = located;
  const { worse, scale = "ratio", margin = scale === "ratio" ? RATIO_MARGIN_DEFAULT : 0 } = scalar;
  if (worse !== "higher" && worse !== "lower")
    return wrong(owner, `spec.scalar.worse is ${JSON.stringify(worse)}`, "write higher or lower");
  if (scale !== "ratio" && scale !== "difference")
    return wrong(owner, `spec.scalar.scale is ${JSON.stringify(scale)}`, "write ratio or difference");
  const least = scale === "ratio" ? 1 : 0;
  if (!Number.isFinite(margin) || margin < least)
    return wrong(owner, `spec.scalar.margin is ${JSON.stringify(margin)}`, `write ${least} or more for a ${scale}`);
  const rendered = renderedForBoth(template, values);
  if (!rendered.ok) return wrong(owner, `spec.query ${rendered.error}`, "correct the query, or templateVariables");
  const intervalMs = parseWindow(values.interval);
  if (!intervalMs.ok) return wrong(owner, intervalMs.error, "correct the interval of the metric");
  const requestOf = (arm: ArmName) => ({ query: rendered.value[arm], intervalMs: intervalMs.value });
  const requests = { canary: requestOf("canary"), primary: requestOf("primary") };
  return ok({ kind: "scalar", rule: { worse, scale, margin }, located, requests });
}

/** A query for each copy, by the variable `target`. */
function renderedForBoth(text: unknown, values: TemplateValues): Result<Readonly<Record<ArmName, string>>, string> {
  if (typeof text !== "string" || text.trim() === "") return err("is missing");
  const canary = renderTemplate(text, values);
  const primary = renderTemplate(text, { ...values, target: targetOf("primary", values.target) });
  if (!canary.ok) return err(`is wrong at ${canary.error}`);
  if (!primary.ok) return err(`is wrong at ${primary.error}`);
  if (canary.value === primary.value)
    return err("is the same for both copies; use the variable {{ target }}, which is the name of each copy in turn");
  return ok({ canary: canary.value, primary: primary.value });
}

function wrong(owner: string, message: string, fix: string): Result<never, MetricFault> {
  return err({ code: "invalid-value", message: `${owner}: ${message}`, fix });
}
