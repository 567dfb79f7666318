import type { MetricSpec, MetricTarget } from "#api";
import { parseQuantity } from "#base";
import type { TriggerConfig } from "./parameters/trigger-config.ts";
import type { TriggerKind, TriggerOptions } from "./trigger.ts";

/** Usage of the pods, which the autoscaler reads itself. Source: keda-hpa-spec 15.2. */
export const resourceUsage: TriggerKind = {
  types: ["cpu", "memory"],
  canCache: false,
  build(options) {
    const metric = metricOf(options);
    options.config.end();
    return Promise.resolve({ kind: "resource", metric, close: () => Promise.resolve() });
  },
};

function metricOf(options: TriggerOptions): MetricSpec {
  const { type: name, config } = options;
  if (config.text("type") !== undefined)
    config.mistake('parameter "type" is no longer read: write it as the metricType of the trigger');
  const target = targetOf(options, config.text("value", { isRequired: true }));
  const container = config.text("containerName");
  return container === undefined
    ? { type: "Resource", resource: { name, target } }
    : { type: "ContainerResource", containerResource: { name, container, target } };
}

function targetOf({ config, metricType = "" }: TriggerOptions, value: string): MetricTarget {
  if (metricType === "Utilization") {
    // As KEDA reads it, without a sign for percent.
    const percent = /^\d{1,9}$/.test(value) ? Number(value) : 0;
    mustBeAmount(config, value, { amount: percent, what: "a whole percentage such as 60" });
    return { type: "Utilization", averageUtilization: percent };
  }
  if (metricType === "AverageValue") {
    const quantity = parseQuantity(value);
    mustBeAmount(config, value, { amount: quantity.ok ? quantity.value : 0, what: "a quantity such as 500m or 64Mi" });
    return { type: "AverageValue", averageValue: value };
  }
  config.mistake(
    metricType === ""
      ? "metricType is missing: write Utilization or AverageValue"
      : `metricType "${metricType}" is not one of this trigger: write Utilization or AverageValue`,
  );
  return { type: "AverageValue", averageValue: value };
}

function mustBeAmount(config: TriggerConfig, value: string, expected: { amount: number; what: string }): void {
  // An empty one is missing, which has been said.
  if (value !== "" && expected.amount <= 0)
    config.mistake(`parameter "value" value "${value}" must be ${expected.what}, greater than 0`);
}
