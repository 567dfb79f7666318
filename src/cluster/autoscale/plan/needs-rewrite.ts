import type { HorizontalPodAutoscaler } from "#api";
import { deepEqual, isObject } from "#base";

/**
 * Whether a live autoscaler differs from the generated one in what was generated: what the API server added by default
 * does not count, nor do labels and annotations of others. Source: keda-hpa-spec 5.
 *
 * Behavior has to be equal, so that a rule that was taken out of it does not live on. The API server fills it up, so one
 * that is given differs always; such a write changes nothing and makes no new version.
 */
export function needsRewrite(wanted: HorizontalPodAutoscaler, live: HorizontalPodAutoscaler): boolean {
  return (
    wanted.spec.metrics?.length !== live.spec.metrics?.length ||
    !deepEqual(wanted.spec.behavior, live.spec.behavior) ||
    !isWithin(wanted.spec, live.spec) ||
    !isWithin(wanted.metadata.labels, live.metadata.labels) ||
    !isWithin(wanted.metadata.annotations, live.metadata.annotations) ||
    !deepEqual(wanted.metadata.ownerReferences, live.metadata.ownerReferences)
  );
}

/** Whether everything that is given in one value is in the other. */
function isWithin(part: unknown, whole: unknown): boolean {
  if (part === undefined) return true;
  if (Array.isArray(part)) {
    return Array.isArray(whole) && part.length === whole.length && part.every((item, i) => isWithin(item, whole[i]));
  }
  if (!isObject(part)) return part === whole;
  if (!isObject(whole)) return Object.keys(part).length === 0;
  return Object.entries(part).every(([key, value]) =>
    isWithin(value, Object.hasOwn(whole, key) ? whole[key] : undefined),
  );
}
