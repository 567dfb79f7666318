import type { TriggerConfig } from "./trigger-config.ts";
import type { ExternalMetricSpec, TriggerOptions } from "./trigger.ts";

/** How an external metric is compared, by the trigger's `metricType`. Source: keda-hpa-spec 15, head. */
export function targetTypeOf({ metricType = "", config }: TriggerOptions): ExternalMetricSpec["targetType"] {
  if (metricType === "" || metricType === "AverageValue") return "AverageValue";
  if (metricType === "Value") return "Value";
  config.mistake(`metricType "${metricType}" is not one of this trigger: write AverageValue or Value`);
  return "AverageValue";
}

/** A threshold that an autoscaler can divide by; a formula does without. */
export function positiveTarget(name: string, options: TriggerOptions): number {
  const { config, isFormulaInput } = options;
  const value = isFormulaInput ? (config.number(name) ?? 0) : config.number(name, { isRequired: true });
  if (!isFormulaInput) mustBePositive(config, name);
  return value;
}

/** Says so when a number that was given is not above 0; one that is missing or unreadable has been said already. */
export function mustBePositive(config: TriggerConfig, name: string): void {
  const text = config.text(name);
  if (text !== undefined && Number(text) <= 0)
    config.mistake(`parameter "${name}" value "${text}" must be greater than 0`);
}
