import type { ScaledObjectSpec } from "#api";

/** Sizes that a ScaledObject allows. */
export interface ReplicaBounds {
  readonly min: number;
  readonly max: number;
  /** Size while nothing is to be done; absent when there is no such mode. */
  readonly idle: number | undefined;
  /** Size that work starts with, and the least one of the autoscaler, which cannot do with nothing. */
  readonly activeMin: number;
}

/** Source: keda-hpa-spec 2. */
const DEFAULT_MAX = 100;

export function replicaBounds(spec: ScaledObjectSpec): ReplicaBounds {
  const min = spec.minReplicaCount ?? 0;
  const max = spec.maxReplicaCount ?? DEFAULT_MAX;
  return { min, max, idle: spec.idleReplicaCount, activeMin: Math.max(min, 1) };
}

/**
 * Bounds of the autoscaler for a target of a size. While it has its idle size, that is both bounds. (KEDA leaves the least size
 * there, so its autoscaler lifts what KEDA has just lowered, and so on for ever: keda#2314.) Without any, bounds are as written.
 */
export function hpaBounds({ max, idle = 0, activeMin }: ReplicaBounds, size: number) {
  const isAsleep = idle > 0 && size <= idle;
  return isAsleep ? { minReplicas: idle, maxReplicas: idle } : { minReplicas: activeMin, maxReplicas: max };
}

/**
 * What is wrong with the bounds, or undefined. KEDA refuses `idleReplicaCount: 0` without a minimum and takes it with
 * `minReplicaCount: 0`; both mean the same and both are taken here. Source: keda-hpa-spec 3.1.
 */
export function checkBounds(spec: ScaledObjectSpec): string | undefined {
  const { min, max, idle, activeMin } = replicaBounds(spec);
  if (min < 0) return `minReplicaCount=${min} must not be negative`;
  if (max < 1) return `maxReplicaCount=${max} must be at least 1`;
  if (min > max) return `minReplicaCount=${min} must not be greater than maxReplicaCount=${max}`;
  if (idle === undefined) return undefined;
  if (idle < 0) return `idleReplicaCount=${idle} must not be negative`;
  if (idle >= activeMin) return `idleReplicaCount=${idle} must be less than minReplicaCount=${min}`;
  return undefined;
}

/** What is wrong with the list of triggers, or undefined. What each one says is read by the trigger itself. */
export function checkTriggers({ triggers }: ScaledObjectSpec): string | undefined {
  if (triggers.length === 0) return "no triggers defined in the ScaledObject; add one to spec.triggers";
  const names = triggers.flatMap(({ name = "" }) => (name === "" ? [] : [name]));
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  return twice === undefined ? undefined : `triggerName "${twice}" is defined multiple times; it must be unique`;
}
