import type { Container, LimitRange, PodSpec, ScaledObject, ScaledObjectTrigger } from "#api";
import { parseQuantity, type Problem } from "#base";
import { isResourceTrigger } from "../plan/formula-names.ts";
import { targetType } from "./scale-target.ts";

/** Kinds whose pods KEDA looks at. */
const CHECKED: readonly string[] = ["apps/v1.Deployment", "apps/v1.StatefulSet"];

interface ResourceReview {
  readonly scaledObject: ScaledObject;
  readonly limitRanges: readonly LimitRange[];
  readonly podSpec: PodSpec | undefined;
  readonly isDryRun: boolean;
}

/** Tells whether the rules of {@link resourceProblems} apply. */
export function hasCheckedResources({ scaledObject, isDryRun }: ResourceReview): boolean {
  const { scaleTargetRef, triggers } = scaledObject.spec;
  return !isDryRun && CHECKED.includes(targetType(scaleTargetRef)) && triggers.some(isResourceTrigger);
}

/**
 * Rules of cpu and memory triggers: pods need requests to compare their usage with, and nobody wakes what such a trigger has
 * put to rest. KEDA also refuses a target that does not exist yet; here that is a warning, so that manifests may be applied in
 * any order.
 */
export function resourceProblems(review: ResourceReview): readonly Problem[] {
  if (!hasCheckedResources(review)) return [];
  const { triggers, minReplicaCount = 0 } = review.scaledObject.spec;
  const problems = triggers.flatMap((trigger, index) => requestProblems(review, trigger, index));
  if (minReplicaCount > 0 || !triggers.every(isResourceTrigger)) return problems;
  const only: Problem = {
    path: "spec.minReplicaCount",
    code: "scale-to-zero-requirements-not-met",
    message: "it is 0 with triggers of cpu and memory alone, which cannot scale to zero",
    fix: "set it to 1 or more, or add a trigger of another type",
  };
  return [...problems, only];
}

function requestProblems(
  { podSpec, limitRanges }: ResourceReview,
  trigger: ScaledObjectTrigger,
  index: number,
): readonly Problem[] {
  const { type } = trigger;
  if (!isResourceTrigger(trigger) || hasDefault(limitRanges, type)) return [];
  const chosen = trigger.metadata["containerName"] ?? "";
  return (podSpec?.containers ?? [])
    .filter((container) => (chosen === "" || container.name === chosen) && !hasRequest(container, type))
    .map((container) => ({
      path: `spec.triggers[${index}]`,
      code: "missing-requests",
      message: `the container "${container.name}" of the target has no ${type} request to compare its usage with`,
      fix: `set resources.requests.${type} of the container, or a default in a LimitRange of the namespace`,
    }));
}

function hasRequest({ resources }: Container, type: string): boolean {
  return isPositive(resources?.requests?.[type]) || isPositive(resources?.limits?.[type]);
}

function hasDefault(limitRanges: readonly LimitRange[], type: string): boolean {
  return limitRanges
    .flatMap(({ spec }) => spec.limits)
    .some(
      (limit) =>
        limit.type === "Container" && (isPositive(limit.defaultRequest?.[type]) || isPositive(limit.default?.[type])),
    );
}

function isPositive(quantity: string | number | undefined): boolean {
  const parsed = quantity === undefined ? undefined : parseQuantity(quantity);
  return parsed?.ok === true && parsed.value > 0;
}
