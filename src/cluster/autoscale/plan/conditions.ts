import type { HorizontalPodAutoscaler, ScaledObjectCondition } from "#api";

/** The conditions of a ScaledObject that was never looked at. Source: keda-hpa-spec 11. */
const initial: readonly ScaledObjectCondition[] = [
  { type: "Ready", status: "Unknown" },
  { type: "Active", status: "Unknown" },
  { type: "Fallback", status: "Unknown" },
  { type: "Paused", status: "False" },
];

type Conditions = readonly ScaledObjectCondition[] | undefined;

/** Adds those of {@link initial} that are missing, in their order. */
export function initConditions(conditions: Conditions = []): readonly ScaledObjectCondition[] {
  const missing = initial.filter(({ type }) => !conditions.some((condition) => condition.type === type));
  return missing.length === 0 ? conditions : [...conditions, ...missing];
}

/** Sets conditions in their place, new ones at the end. */
export function setConditions(
  conditions: Conditions = [],
  updates: readonly ScaledObjectCondition[],
): readonly ScaledObjectCondition[] {
  return updates.reduce<readonly ScaledObjectCondition[]>((all, update) => {
    const isThere = all.some(({ type }) => type === update.type);
    return isThere ? all.map((one) => (one.type === update.type ? update : one)) : [...all, update];
  }, conditions);
}

export function conditionOf(
  conditions: Conditions,
  type: ScaledObjectCondition["type"],
): ScaledObjectCondition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** A ScaledObject that cannot be carried out as it is. Source: keda-hpa-spec 3.2. */
export function checkFailed(message: string): readonly ScaledObjectCondition[] {
  return [
    { type: "Ready", status: "False", reason: "ScaledObjectCheckFailed", message },
    { type: "Active", status: "Unknown", reason: "UnknownState", message: "the ScaledObject cannot be carried out" },
  ];
}

/**
 * What an evaluation says about readiness holds unless the ScaledObject was refused as it is now: triggers of an earlier
 * version that still work do not make the present one right. (KEDA overwrites it at the next poll.)
 */
export function afterEvaluation(
  conditions: Conditions = [],
  updates: readonly ScaledObjectCondition[],
): readonly ScaledObjectCondition[] {
  const isRefused = conditionOf(conditions, "Ready")?.reason === "ScaledObjectCheckFailed";
  const applied = isRefused ? updates.filter(({ type }) => type !== "Ready") : updates;
  return setConditions(conditions, applied);
}

export function pausedCondition(isPaused: boolean): ScaledObjectCondition {
  return isPaused
    ? { type: "Paused", status: "True", reason: "ScaledObjectPaused", message: "paused by an annotation" }
    : { type: "Paused", status: "False", reason: "ScaledObjectUnpaused", message: "no annotation pauses it" };
}

export function fallbackCondition(isActive: boolean): ScaledObjectCondition {
  return isActive
    ? { type: "Fallback", status: "True", reason: "FallbackExists", message: "a trigger is replaced by its fallback" }
    : { type: "Fallback", status: "False", reason: "NoFallbackFound", message: "no trigger is in fallback" };
}

/**
 * How the autoscaler does, by its own condition `ScalingActive`; undefined when that says nothing yet. One that rests because
 * its target has no pods is all right. Source: keda-hpa-spec 11.
 */
export function hpaActiveCondition(hpa: HorizontalPodAutoscaler | undefined): ScaledObjectCondition | undefined {
  const scaling = hpa?.status?.conditions?.find(({ type }) => type === "ScalingActive");
  if (scaling === undefined) return undefined;
  const { status, reason = "HPAMetricsUnavailable", message = "" } = scaling;
  if (status === "True") return { type: "HPAActive", status: "True", reason: "HPAActive", message };
  const isResting = reason === "ScalingDisabled";
  return { type: "HPAActive", status: isResting ? "True" : "False", reason, message };
}
