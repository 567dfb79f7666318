import type { LimitRange, PodSpec, ScaledObject, ScaledObjectTrigger } from "#api";
import { isResourceTrigger } from "../plan/formula-names.ts";
import { hasCheckedResources } from "./resource-rules.ts";
import { targetType, usesModifiers } from "./scale-target.ts";

interface WarningInput {
  readonly scaledObject: ScaledObject;
  readonly limitRanges: readonly LimitRange[];
  readonly podSpec: PodSpec | undefined;
  readonly isDryRun: boolean;
}

/** What is accepted and probably not meant. The first two are KEDA's. Source: keda-hpa-spec 3.1. */
export function warningsOf(input: WarningInput): readonly string[] {
  const { spec } = input.scaledObject;
  const never = neverIdle(input.scaledObject);
  const warnings: string[] = [];
  if (
    never &&
    spec.pollingInterval !== undefined &&
    !spec.triggers.some(({ useCachedMetrics }) => useCachedMetrics === true)
  ) {
    warnings.push(
      "spec.pollingInterval has no effect: with minReplicaCount above 0, no idleReplicaCount and no useCachedMetrics, the autoscaler reads the triggers",
    );
  }
  if (never && spec.cooldownPeriod !== undefined) {
    warnings.push(
      "spec.cooldownPeriod has no effect: with minReplicaCount above 0 and no idleReplicaCount, there is no way to zero",
    );
  }
  return [...warnings, ...ownWarnings(input)];
}

/** Whether it never goes to zero or to the idle number. */
function neverIdle({ spec }: ScaledObject): boolean {
  return (spec.minReplicaCount ?? 0) > 0 && spec.idleReplicaCount === undefined;
}

function ownWarnings(input: WarningInput): readonly string[] {
  const { scaledObject, podSpec } = input;
  const { idleReplicaCount, scaleTargetRef, triggers } = scaledObject.spec;
  const warnings: string[] = [];
  if (idleReplicaCount !== undefined && idleReplicaCount > 0) {
    warnings.push(
      "spec.idleReplicaCount above 0 is held here, but not by KEDA, whose autoscaler does not rest below its minimum",
    );
  }
  if (hasCheckedResources(input) && podSpec === undefined) {
    warnings.push(
      `the ${targetType(scaleTargetRef)} "${scaleTargetRef.name}" does not exist yet, so its requests were not checked; KEDA refuses a cpu or memory trigger before its target`,
    );
  }
  if (usesModifiers(scaledObject)) {
    const isNameless = (trigger: ScaledObjectTrigger) => !isResourceTrigger(trigger) && (trigger.name ?? "") === "";
    const index = triggers.findIndex(isNameless);
    const moreCount = triggers.filter(isNameless).length - 1;
    const more = moreCount > 0 ? ` (and ${moreCount} more)` : "";
    if (index >= 0) warnings.push(`spec.triggers[${index}]${more} has no name, so the formula cannot use it`);
  }
  return warnings;
}
