import type { Condition } from "./meta.ts";

/** What a controller says about a condition; the times are kept by {@link setCondition}. */
export type ConditionUpdate = Omit<Condition, "lastTransitionTime" | "lastUpdateTime">;

/**
 * Returns the conditions with one of them set, in its old place or at the end.
 *
 * `lastTransitionTime` moves only when the status changes. A condition that says the same as before is left alone, so
 * that writing it does not make a new version of the object.
 *
 * @param now RFC 3339 time.
 * Source: apimachinery `meta.SetStatusCondition`.
 */
export function setCondition(
  conditions: readonly Condition[] | undefined,
  update: ConditionUpdate,
  now: string,
): readonly Condition[] {
  const list = conditions ?? [];
  const before = list.find((condition) => condition.type === update.type);
  if (before !== undefined && says(before, update)) return list;
  const isTransition = before?.status !== update.status;
  const next: Condition = {
    ...update,
    lastTransitionTime: isTransition ? now : (before?.lastTransitionTime ?? now),
    ...(before?.lastUpdateTime === undefined ? {} : { lastUpdateTime: now }),
  };
  return before === undefined ? [...list, next] : list.map((condition) => (condition === before ? next : condition));
}

function says(before: Condition, update: ConditionUpdate): boolean {
  return (
    before.status === update.status &&
    before.reason === update.reason &&
    before.message === update.message &&
    before.observedGeneration === update.observedGeneration
  );
}

/** Returns the condition of a type, if there is one. */
export function conditionOf(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** Tells whether the condition of a type is there and True. */
export function isConditionTrue(conditions: readonly Condition[] | undefined, type: string): boolean {
  return conditionOf(conditions, type)?.status === "True";
}
