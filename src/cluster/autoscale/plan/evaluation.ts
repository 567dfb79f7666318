import type { ScaledObjectSpec } from "#api";
import { err, ok, type Result } from "#base";
import {
  type FallbackTarget,
  fallbackReplicas,
  fallbackValue,
  type Health,
  isFormulaFallback,
  isInFallback,
} from "./fallback.ts";

/** How a metric was read, after its fallback. */
export type MetricReading =
  | { readonly kind: "value"; readonly values: readonly number[]; readonly isActive: boolean }
  /** Failed too often; the value stands for the size of the fallback. */
  | { readonly kind: "fallback"; readonly value: number; readonly isActive: boolean; readonly error: string }
  /** Failed too often; the formula gets nothing for it. */
  | { readonly kind: "missing"; readonly error: string }
  | { readonly kind: "error"; readonly error: string };

/** Sizes of the target, which fallbacks are made from. */
export interface TargetSize {
  /** `spec.replicas` of the target. */
  readonly current: number;
  readonly readyPodCount: number;
}

/**
 * What stands for a metric that could not be read: its error until it has failed more often than the threshold, then its
 * fallback. A fallback of no replicas is not active: who asks for nothing shall not be started by a failure.
 *
 * @param health With this failure noted.
 */
export function planFailedReading(of: {
  readonly spec: ScaledObjectSpec;
  readonly health: Health;
  readonly metricName: string;
  readonly target: Omit<FallbackTarget, "readyPodCount">;
  readonly size: TargetSize;
  readonly error: string;
}): MetricReading {
  const { spec, health, metricName, size, error } = of;
  if (spec.fallback === undefined || !isInFallback(spec, health, metricName)) return { kind: "error", error };
  if (isFormulaFallback(spec) && formulaOf(spec) !== undefined) return { kind: "missing", error };
  const replicas = fallbackReplicas(spec.fallback, size.current);
  const modifiers = formulaOf(spec);
  const target = modifiers === undefined ? of.target : { target: modifiers.target, targetType: modifiers.targetType };
  const value = fallbackValue(replicas, { ...target, readyPodCount: size.readyPodCount });
  if (!value.ok) return { kind: "error", error: `${error}; ${value.error}` };
  return { kind: "fallback", value: value.value, isActive: replicas > 0, error };
}

/** `spec.advanced.scalingModifiers` with its defaults; absent without a formula. */
export function formulaOf(spec: ScaledObjectSpec) {
  const { formula = "", target, activationTarget, metricType } = spec.advanced?.scalingModifiers ?? {};
  if (formula === "") return undefined;
  return {
    text: formula,
    target: Number(target),
    activationTarget: Number(activationTarget ?? 0),
    targetType: metricType === "Value" ? ("Value" as const) : ("AverageValue" as const),
  };
}

/** A metric as it was read, by the name of its trigger. */
export interface NamedReading {
  readonly triggerName: string;
  readonly reading: MetricReading;
}

/** A formula that can be computed. A trigger with several values goes in as their sum. */
export interface Formula {
  evaluate(values: Readonly<Record<string, number | undefined>>): Result<number | undefined, string>;
}

export interface Composite {
  readonly value: number;
  readonly isActive: boolean;
}

/**
 * The one metric that a formula makes of all. An error of any trigger is its error; a trigger in fallback replaces the whole
 * formula; a formula that gives nothing, which only one that replaces values can, stands for the size of the fallback.
 * Source: keda-hpa-spec 9, 10.
 */
export function composeReadings(
  spec: ScaledObjectSpec,
  formula: Formula,
  readings: readonly NamedReading[],
): Result<Composite, string> {
  const modifiers = formulaOf(spec);
  if (modifiers === undefined) return err("the ScaledObject has no formula");
  const values = new Map<string, number | undefined>();
  let replaced: number | undefined;
  for (const { triggerName, reading } of readings) {
    if (reading.kind === "error") return err(reading.error);
    if (reading.kind === "fallback") replaced ??= reading.value;
    else values.set(triggerName, add(values.get(triggerName), reading));
  }
  const result = replaced === undefined ? formula.evaluate(Object.fromEntries(values)) : ok(replaced);
  if (!result.ok) return err(result.error);
  const value = result.value ?? nothingValue(spec, modifiers.target);
  if (value === undefined) return err("the formula has no value, and there is no fallback for it");
  return ok({ value, isActive: value > modifiers.activationTarget });
}

function add(sum: number | undefined, reading: Extract<MetricReading, { kind: "value" | "missing" }>) {
  if (reading.kind === "missing") return sum;
  return reading.values.reduce((all, value) => all + value, sum ?? 0);
}

function nothingValue({ fallback }: ScaledObjectSpec, target: number): number | undefined {
  return fallback === undefined ? undefined : fallback.replicas * target;
}

/** What all triggers say together. */
export interface Activity {
  readonly isActive: boolean;
  readonly hasError: boolean;
}

/**
 * Whether there is work. Triggers that the autoscaler reads itself, cpu and memory, say nothing about it; when there are no
 * others, there always is. With a formula, its value decides. Source: keda-hpa-spec 6.
 */
export function activityOf(
  readings: readonly MetricReading[],
  composite: Result<Composite, string> | undefined,
  hasFailedTrigger: boolean,
): Activity {
  const hasError = hasFailedTrigger || readings.some(({ kind }) => kind === "error") || composite?.ok === false;
  if (composite !== undefined) return { isActive: !hasError && composite.ok && composite.value.isActive, hasError };
  if (readings.length === 0) return { isActive: !hasError, hasError };
  return { isActive: readings.some(isActiveReading), hasError };
}

export function isActiveReading(reading: MetricReading): boolean {
  return (reading.kind === "value" || reading.kind === "fallback") && reading.isActive;
}
