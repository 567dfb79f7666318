import type { ScaledObject } from "#api";
import type { Problem } from "#base";
import { isResourceTrigger } from "../plan/formula-names.ts";
import { hpaNameOf } from "../plan/generate-hpa.ts";
import { replicaBounds } from "../plan/replica-bounds.ts";
import { usesModifiers } from "./scale-target.ts";

/** Longest value of a label, which both names become. */
const LABEL_LENGTH_MAX = 63;

/** Rules that speak of the ScaledObject alone. */
export function ownProblems(scaledObject: ScaledObject): readonly Problem[] {
  return [
    ...nameProblems(scaledObject),
    ...replicaProblems(scaledObject),
    ...fallbackProblems(scaledObject),
    ...triggerProblems(scaledObject),
  ];
}

function nameProblems(scaledObject: ScaledObject): readonly Problem[] {
  const { name = "" } = scaledObject.metadata;
  if (name.length > LABEL_LENGTH_MAX) {
    const message = `"${name}" has ${name.length} characters, and ${LABEL_LENGTH_MAX} is the limit, as it becomes the value of a label`;
    return [{ path: "metadata.name", code: "name-too-long", message, fix: "choose a shorter name" }];
  }
  const autoscaler = hpaNameOf(scaledObject);
  if (autoscaler.length <= LABEL_LENGTH_MAX) return [];
  return [
    {
      path: "spec.advanced.horizontalPodAutoscalerConfig.name",
      code: "hpa-name-too-long",
      message: `the autoscaler's name "${autoscaler}" has ${autoscaler.length} characters, and ${LABEL_LENGTH_MAX} is the limit`,
      fix: "set a shorter one here, or shorten metadata.name",
    },
  ];
}

function replicaProblems({ spec }: ScaledObject): readonly Problem[] {
  const { minReplicaCount, idleReplicaCount } = spec;
  const { max } = replicaBounds(spec);
  const code = "incorrect-replicas";
  const problems: Problem[] = [];
  if (minReplicaCount !== undefined && minReplicaCount > max) {
    const message = `${minReplicaCount} is more than maxReplicaCount, which is ${max}`;
    problems.push({ path: "spec.minReplicaCount", code, message, fix: "raise the one or lower the other" });
  }
  // As in KEDA: without a minimum, which counts as 0, idling at 0 is refused; with a minimum of 0, which counts as 1, it is not.
  const minimum = minReplicaCount === undefined ? 0 : Math.max(minReplicaCount, 1);
  if (idleReplicaCount !== undefined && idleReplicaCount >= minimum) {
    const given = minReplicaCount === undefined ? "not set" : String(minReplicaCount);
    const message = `${idleReplicaCount} is not less than minReplicaCount, which is ${given}`;
    problems.push({ path: "spec.idleReplicaCount", code, message, fix: "set minReplicaCount to more than that" });
  }
  return problems;
}

function fallbackProblems(scaledObject: ScaledObject): readonly Problem[] {
  const { fallback, advanced, triggers } = scaledObject.spec;
  if (fallback === undefined) return [];
  const code = "incorrect-fallback";
  const problems: Problem[] = [];
  for (const field of ["failureThreshold", "replicas"] as const) {
    if (fallback[field] >= 0) continue;
    problems.push({ path: `spec.fallback.${field}`, code, message: `${fallback[field]} is negative` });
  }
  if (!usesModifiers(scaledObject) && triggers.every(isResourceTrigger)) {
    const message = "a fallback needs a trigger that is neither cpu nor memory, since those fail in the autoscaler";
    problems.push({ path: "spec.fallback", code, message, fix: "add such a trigger, or remove the fallback" });
  }
  if (fallback.behavior === "scalingModifiers" && (advanced?.scalingModifiers?.formula ?? "") === "") {
    const message = '"scalingModifiers" needs spec.advanced.scalingModifiers.formula';
    problems.push({ path: "spec.fallback.behavior", code, message });
  }
  return problems;
}

/** Triggers that are not read at the poll. Source: keda-hpa-spec 2. */
function canCache(trigger: { readonly type: string }): boolean {
  return !isResourceTrigger(trigger) && trigger.type !== "cron";
}

function triggerProblems({ spec }: ScaledObject): readonly Problem[] {
  const code = "incorrect-triggers";
  const { triggers } = spec;
  if (triggers.length === 0) return [{ path: "spec.triggers", code, message: "there must be at least one trigger" }];
  const problems: Problem[] = [];
  const seen = new Map<string, number>();
  for (const [index, trigger] of triggers.entries()) {
    const { name = "", type } = trigger;
    const first = seen.get(name);
    if (name !== "" && first !== undefined) {
      const message = `"${name}" is the name of spec.triggers[${first}] already`;
      problems.push({ path: `spec.triggers[${index}].name`, code, message, fix: "give each trigger its own name" });
    }
    if (first === undefined) seen.set(name, index);
    if (trigger.useCachedMetrics === true && !canCache(trigger)) {
      const message = `a trigger of type ${type} has no values that could be kept`;
      problems.push({ path: `spec.triggers[${index}].useCachedMetrics`, code, message, fix: "remove it" });
    }
  }
  return problems;
}
