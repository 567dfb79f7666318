import type { ScaledObjectSpec } from "#api";

/** Metrics that the autoscaler reads itself. */
const RESOURCE_TRIGGERS: readonly string[] = ["cpu", "memory"];

export function isResourceTrigger({ type }: { readonly type: string }): boolean {
  return RESOURCE_TRIGGERS.includes(type);
}

/** Names that a formula may use: values of cpu and memory are the autoscaler's. Source: keda-hpa-spec 10. */
export function formulaNames({ triggers }: ScaledObjectSpec): readonly string[] {
  return triggers
    .filter((trigger) => !isResourceTrigger(trigger))
    .flatMap(({ name = "" }) => (name === "" ? [] : [name]));
}
