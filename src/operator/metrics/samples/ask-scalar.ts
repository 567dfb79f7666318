import type { MetricResult, MetricSamples, ScalarRule } from "#rollout";
import type { ArmName } from "#stats";
import type { Located } from "../locate-metric.ts";
import type { MetricRequest } from "../metric-source.ts";
import { askPrometheus, elementResult } from "../prometheus-client.ts";
import { prometheusTargetOf } from "../providers/prometheus.ts";
import { type Missing, missingSamples } from "./missing-samples.ts";

/** A number of each copy to be asked for. */
export interface ScalarQuestion {
  readonly name: string;
  readonly rule: ScalarRule;
  readonly located: Located;
  readonly requests: Readonly<Record<ArmName, Pick<MetricRequest, "query" | "intervalMs">>>;
}

/** Asks for the number of each copy; never rejects. */
export async function askScalar({ name, rule, located, requests }: ScalarQuestion): Promise<MetricSamples> {
  const [canary, primary] = await Promise.all([
    numberOf(located, requests.canary),
    numberOf(located, requests.primary),
  ]);
  const base = { name, query: requests.canary.query };
  const missing = (arm: ArmName, { reason, message }: Missing): MetricSamples =>
    missingSamples({ ...base, owner: located.owner }, { reason, message: `spec.query, ${arm}: ${message}` });
  if (typeof canary !== "number") return missing("canary", canary);
  if (typeof primary !== "number") return missing("primary", primary);
  const wrong = [canary, primary].find((value) => rule.scale === "ratio" && !(value > 0));
  if (wrong !== undefined)
    return missing(wrong === canary ? "canary" : "primary", {
      reason: "invalid",
      message: `it is ${wrong}, and a ratio needs numbers above 0; set spec.scalar.scale to difference`,
    });
  return { ...base, kind: "scalar", canary, primary, rule };
}

async function numberOf(
  { source, request }: Located,
  query: Pick<MetricRequest, "query" | "intervalMs">,
): Promise<number | Missing> {
  if (!source.types.includes("prometheus")) return fromResult(await source.query({ ...request, ...query }));
  const target = prometheusTargetOf(request);
  if (!target.ok) return { reason: "error", message: target.error };
  const answer = await askPrometheus(target.value, query.query, request.signal);
  if (answer.kind !== "series") return { reason: answer.kind, message: answer.message };
  const [element] = answer.elements;
  if (answer.elements.length > 1)
    return {
      reason: "invalid",
      message: `the query gives ${answer.elements.length} series; aggregate them to one, for instance with sum(…)`,
    };
  if (element === undefined) return fromResult({ kind: "empty" });
  const result = elementResult(element, query.intervalMs);
  if (result.kind === "empty" || result.kind === "error")
    return {
      reason: "invalid",
      message: `the query gives ${JSON.stringify(element.value.slice(0, 40))}; it must give a number`,
    };
  return fromResult(result);
}

function fromResult(result: MetricResult): number | Missing {
  switch (result.kind) {
    case "value":
      return result.value;
    case "zero":
      return 0;
    case "empty":
      return { reason: "none", message: "the query gives no sample" };
    case "stale":
      return { reason: "waiting", message: `the newest sample is ${Math.round(result.ageMs / 1000)} s old` };
    case "error":
    case "unreachable":
      return { reason: result.kind, message: result.message };
  }
}
