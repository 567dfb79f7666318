import type { Canary, CanaryMetric } from "#api";
import { type MetricHistory, partsOf, type Samples, type SamplesQuestion } from "#rollout";
import type { MeasureContext } from "./measure-context.ts";
import { prometheusTargetOf } from "./providers/prometheus.ts";
import { askCounters, type CounterQuestion } from "./samples/ask-counters.ts";
import { builtinCounters } from "./samples/builtin-counters.ts";
import type { CounterMetric } from "./samples/counter-metric.ts";
import { countInterval, windowMsFor } from "./samples/interval-samples.ts";
import { askScalar, type ScalarQuestion } from "./samples/ask-scalar.ts";
import { type Missing, missingSamples } from "./samples/missing-samples.ts";
import { askHistory, askScalarHistory } from "./samples/primary-history.ts";
import { templateComparison } from "./samples/template-comparison.ts";

/**
 * Counts what both copies did since the last tick; never rejects.
 *
 * Nothing is kept between ticks: the raw counters of the whole gap are asked for, so a restart, a lost tick or a late scrape
 * changes no count. Source: statistics 2.9.
 */
export async function measureSamples(
  question: SamplesQuestion,
  { canary }: { readonly canary: Canary },
  context: MeasureContext,
): Promise<Samples> {
  const { afterMs } = question;
  const nowMs = context.clock.nowMs();
  const plans = plansOf(canary, context);
  const counters = plans.flatMap((plan) => (plan.kind === "counters" ? [plan.question] : []));
  const scalars = plans.flatMap((plan) => (plan.kind === "scalar" ? [plan.question] : []));
  const [counted, measured] = await Promise.all([
    counters.length === 0 ? [] : askCounters(counters, windowMsFor(afterMs, nowMs), context),
    Promise.all(scalars.map((scalar) => askScalar(scalar))),
  ]);
  const interval = countInterval(counted, { afterMs, nowMs });
  const found = new Map([...interval.metrics, ...measured].map((samples) => [samples.name, samples]));
  const metrics = plans.flatMap((plan) =>
    plan.kind === "missing"
      ? [missingSamples({ name: plan.name, owner: "" }, plan.missing)]
      : (found.get(plan.name) ?? []),
  );
  const samples = { untilMs: counters.length === 0 && scalars.length > 0 ? nowMs : interval.untilMs, metrics };
  if (!question.needsHistory) return samples;
  const chosen = new Map(counted.map(({ metric }) => [metric.name, metric]));
  const histories = plans.map((plan) => historyOf(plan, chosen, context));
  return { ...samples, history: await Promise.all(histories) };
}

/** The past of the counters that were found, or of a number. */
async function historyOf(
  plan: MetricPlan,
  chosen: ReadonlyMap<string, CounterMetric>,
  context: MeasureContext,
): Promise<MetricHistory> {
  switch (plan.kind) {
    case "counters": {
      const { otherwise, target } = plan.question;
      const metric = chosen.get(plan.name) ?? plan.question.metric;
      const served = otherwise === undefined || otherwise === metric ? {} : { served: otherwise };
      return askHistory({ metric, target, ...served }, context);
    }
    case "scalar":
      return askScalarHistory(plan.question, context);
    case "missing":
      return { name: plan.name };
  }
}

type MetricPlan =
  | { readonly kind: "counters"; readonly name: string; readonly question: CounterQuestion }
  | { readonly kind: "scalar"; readonly name: string; readonly question: ScalarQuestion }
  | { readonly kind: "missing"; readonly name: string; readonly missing: Missing };

/** How each metric that can be compared is asked for; each name once. */
function plansOf(canary: Canary, context: MeasureContext): readonly MetricPlan[] {
  const plans = new Map<string, MetricPlan>();
  for (const metric of canary.spec.analysis.metrics ?? []) {
    if (plans.has(metric.name)) continue;
    const plan = planOf(canary, metric, context);
    if (plan !== undefined) plans.set(metric.name, plan);
  }
  return [...plans.values()];
}

function planOf(canary: Canary, metric: CanaryMetric, context: MeasureContext): MetricPlan | undefined {
  const { name } = metric;
  const parts = partsOf(metric);
  const missing = (message: string): MetricPlan => ({ kind: "missing", name, missing: { reason: "error", message } });
  if (parts.includes("builtin")) {
    const counters = builtinCounters(name, canary, context);
    if (!counters.ok) return missing(counters.error);
    const address = canary.spec.metricsServer || context.metricsServer;
    const target = { address, dispatcher: context.http.dispatcher };
    return { kind: "counters", name, question: { ...counters.value, target, server: address, owner: "" } };
  }
  if (!parts.includes("template")) return undefined;
  const comparison = templateComparison({ canary, metric }, context);
  if (!comparison.ok) return missing(`${comparison.error.message}; ${comparison.error.fix ?? ""}`);
  if (comparison.value.kind === "none") return undefined;
  const { located } = comparison.value;
  if (comparison.value.kind === "scalar")
    return { kind: "scalar", name, question: { name, ...comparison.value, located } };
  const target = prometheusTargetOf(located.request);
  if (!target.ok) return missing(`${located.owner}: ${target.error}`);
  const { address, headers, credentials } = target.value;
  const server =
    headers === undefined && credentials === undefined ? address : JSON.stringify([located.owner, address]);
  return {
    kind: "counters",
    name,
    question: { metric: comparison.value.metric, target: target.value, server, owner: located.owner },
  };
}
