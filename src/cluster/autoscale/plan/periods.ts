import type { ScaledObject, ScaledObjectSpec } from "#api";
import { isCooledDown } from "./decide-scale.ts";

/** Defaults in seconds. Source: keda-hpa-spec 2. */
const DEFAULT_POLLING_SECONDS = 30;
const DEFAULT_COOLDOWN_SECONDS = 300;

/** How often the triggers are read for activity. */
export function pollingIntervalMs({ pollingInterval = DEFAULT_POLLING_SECONDS }: ScaledObjectSpec): number {
  return Math.max(1, pollingInterval) * 1000;
}

/** Whether a ScaledObject has been without work for long enough, by its own periods. */
export function hasCooledDown({ spec, metadata }: ScaledObject, lastActiveTime: string | undefined, nowMs: number) {
  const lastActiveMs = lastActiveTime === undefined ? Number.NaN : Date.parse(lastActiveTime);
  return isCooledDown({
    lastActiveMs: Number.isNaN(lastActiveMs) ? undefined : lastActiveMs,
    createdMs: Date.parse(metadata.creationTimestamp ?? "") || 0,
    cooldownMs: (spec.cooldownPeriod ?? DEFAULT_COOLDOWN_SECONDS) * 1000,
    initialCooldownMs: (spec.initialCooldownPeriod ?? 0) * 1000,
    nowMs,
  });
}
