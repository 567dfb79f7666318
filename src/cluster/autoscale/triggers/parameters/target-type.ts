import type { ExternalMetricSpec, TriggerOptions } from "../trigger.ts";

/**
 * How the autoscaler compares an external metric with its threshold: AverageValue unless Value is asked for; anything else is
 * noted as a mistake. Source: keda-hpa-spec 5, 15 (head).
 */
export function externalTargetType({ metricType = "", config }: TriggerOptions): ExternalMetricSpec["targetType"] {
  if (metricType === "" || metricType === "AverageValue") return "AverageValue";
  if (metricType !== "Value")
    config.mistake(`metricType "${metricType}" is not one of this trigger: write AverageValue or Value`);
  return "Value";
}
