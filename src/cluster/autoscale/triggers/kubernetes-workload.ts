import { type LabelSelector, matchesSelector, type Pod } from "#api";
import { messageOf } from "#base";
import { readLabelSelector } from "../../apiserver/index.ts";
import { externalTargetType } from "./parameters/target-type.ts";
import { mustBePositive } from "./parameters/thresholds.ts";
import type { TriggerConfig } from "./parameters/trigger-config.ts";
import type { TriggerKind } from "./trigger.ts";

/** Follows the number of other pods in the same namespace. Source: keda-hpa-spec 15.10. */
export const kubernetesWorkload: TriggerKind = {
  types: ["kubernetes-workload"],
  canCache: true,
  build(options, world) {
    const { config, scaledObject } = options;
    const selector = selectorOf(config);
    const target = config.number("value", { isRequired: true });
    mustBePositive(config, "value");
    const activation = config.number("activationValue") ?? 0;
    const isByNode = config.flag("groupByNode") ?? false;
    const targetType = externalTargetType(options);
    config.end();
    const metric = { name: `workload-${scaledObject.namespace}`, target, targetType, isWhole: false };
    return Promise.resolve({
      kind: "external",
      metrics: () => Promise.resolve([metric]),
      read() {
        const value = countPods(world.pods(scaledObject.namespace), selector, isByNode);
        return Promise.resolve({ values: [value], isActive: value > activation });
      },
      close: () => Promise.resolve(),
    });
  },
};

/**
 * Pods that have not ended, those that wait or are being deleted included; by node, the nodes that have one. A pod that
 * is not placed yet is on none.
 */
export function countPods(pods: readonly Pod[], selector: LabelSelector, isByNode: boolean): number {
  const alive = pods.filter(
    ({ metadata, status }) =>
      matchesSelector(selector, metadata.labels) && status?.phase !== "Succeeded" && status?.phase !== "Failed",
  );
  if (!isByNode) return alive.length;
  const nodes = new Set(alive.map(({ spec }) => spec.nodeName ?? ""));
  nodes.delete("");
  return nodes.size;
}

function selectorOf(config: TriggerConfig): LabelSelector {
  const text = config.text("podSelector", { isRequired: true });
  try {
    return readLabelSelector(text);
  } catch (thrown) {
    config.mistake(`invalid pod selector "${text}": ${messageOf(thrown)}`);
    return {};
  }
}
