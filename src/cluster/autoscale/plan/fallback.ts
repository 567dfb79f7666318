import type { ScaledObjectHealth, ScaledObjectFallback, ScaledObjectSpec } from "#api";
import { err, ok, type Result } from "#base";

/** Failures and successes of a ScaledObject's metrics, by metric. */
export type Health = Readonly<Record<string, ScaledObjectHealth>>;

/** Notes one reading of a metric: a success forgets all failures. */
export function noteReading(health: Health, metricName: string, isRead: boolean): Health {
  if (isRead) return { ...health, [metricName]: { numberOfFailures: 0, status: "Happy" } };
  const numberOfFailures = failuresOf(health, metricName) + 1;
  return { ...health, [metricName]: { numberOfFailures, status: "Failing" } };
}

/** Leaves out metrics that there are no more. */
export function keepHealth(health: Health, metricNames: readonly string[]): Health {
  const kept = Object.entries(health).filter(([name]) => metricNames.includes(name));
  return kept.length === Object.keys(health).length ? health : Object.fromEntries(kept);
}

function failuresOf(health: Health, metricName: string): number {
  return (Object.hasOwn(health, metricName) ? health[metricName]?.numberOfFailures : undefined) ?? 0;
}

/** Whether a metric has failed too often: more often than the threshold. Source: keda-hpa-spec 9. */
export function isInFallback(spec: ScaledObjectSpec, health: Health, metricName: string): boolean {
  return spec.fallback !== undefined && failuresOf(health, metricName) > spec.fallback.failureThreshold;
}

/** Whether failing triggers go into the formula as nothing, for it to replace. */
export function isFormulaFallback({ fallback }: ScaledObjectSpec): boolean {
  return fallback?.behavior === "scalingModifiers";
}

/** Whether the ScaledObject as a whole counts as in fallback; a formula that replaces values does not. */
export function isFallbackActive(spec: ScaledObjectSpec, health: Health): boolean {
  return !isFormulaFallback(spec) && Object.keys(health).some((name) => isInFallback(spec, health, name));
}

/** Size that the fallback asks for. An unknown behaviour is `static`. */
export function fallbackReplicas({ replicas, behavior }: ScaledObjectFallback, current: number): number {
  if (behavior === "currentReplicas") return current;
  if (behavior === "currentReplicasIfHigher") return Math.max(current, replicas);
  if (behavior === "currentReplicasIfLower") return Math.min(current, replicas);
  return replicas;
}

/** What a fallback value is made from. */
export interface FallbackTarget {
  readonly target: number;
  readonly targetType: "AverageValue" | "Value";
  /** Pods that serve; asked for only with `Value`. */
  readonly readyPodCount: number;
}

/** The value from which the autoscaler computes a size. Source: keda-hpa-spec 9. */
export function fallbackValue(replicas: number, of: FallbackTarget): Result<number, string> {
  if (of.targetType === "AverageValue") return ok(of.target * replicas);
  if (of.readyPodCount > 0) return ok((of.target * replicas) / of.readyPodCount);
  return err("a fallback for metricType Value needs at least one ready pod of the target, there is none");
}
