import type { ExternalMetricSpec, TriggerOptions } from "./trigger.ts";

/**
 * Returns how the autoscaler compares an external metric with its threshold; notes a mistake for what only cpu and memory
 * may have. Source: keda-hpa-spec 15, 5 (AverageValue is the default).
 */
export function externalTargetType({ metricType, config }: TriggerOptions): ExternalMetricSpec["targetType"] {
  if (metricType === undefined || metricType === "" || metricType === "AverageValue") return "AverageValue";
  if (metricType !== "Value")
    config.mistake(`metricType "${metricType}" must be AverageValue or Value: only cpu and memory have another one`);
  return "Value";
}
