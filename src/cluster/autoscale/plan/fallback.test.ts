import type { FallbackBehavior, ScaledObjectSpec } from "#api";
import { expect, test } from "vitest";
import { ok } from "#base";
import { activityOf, composeReadings, type MetricReading, planFailedReading } from "./evaluation.ts";
import {
  fallbackReplicas,
  fallbackValue,
  type Health,
  isFallbackActive,
  isInFallback,
  keepHealth,
  noteReading,
} from "./fallback.ts";

const base: ScaledObjectSpec = { scaleTargetRef: { name: "web" }, triggers: [{ type: "a", metadata: {} }] };
const withFallback = (over: Partial<NonNullable<ScaledObjectSpec["fallback"]>> = {}): ScaledObjectSpec => ({
  ...base,
  fallback: { failureThreshold: 2, replicas: 6, ...over },
});
const withFormula = (spec: ScaledObjectSpec, formula = "a + b"): ScaledObjectSpec => ({
  ...spec,
  advanced: { scalingModifiers: { formula, target: "2.5", activationTarget: "4" } },
});

function failed(times: number): Health {
  let health: Health = {};
  for (let i = 0; i < times; i++) health = noteReading(health, "s0-a", false);
  return health;
}

test("noteReading: failures add up, one success forgets them, other metrics are untouched", () => {
  const health = noteReading(failed(2), "s1-b", true);
  expect(health).toEqual({
    "s0-a": { numberOfFailures: 2, status: "Failing" },
    "s1-b": { numberOfFailures: 0, status: "Happy" },
  });
  expect(noteReading(health, "s0-a", true)["s0-a"]).toEqual({ numberOfFailures: 0, status: "Happy" });
  expect(keepHealth(health, ["s1-b"])).toEqual({ "s1-b": { numberOfFailures: 0, status: "Happy" } });
  expect(keepHealth(health, ["s0-a", "s1-b"])).toBe(health);
});

test("isInFallback: only above the threshold, and only with a fallback", () => {
  expect([1, 2, 3].map((times) => isInFallback(withFallback(), failed(times), "s0-a"))).toEqual([false, false, true]);
  expect(isInFallback(base, failed(9), "s0-a")).toBe(false);
  expect(isInFallback(withFallback({ failureThreshold: 0 }), failed(1), "s0-a")).toBe(true);
  expect(isInFallback(withFallback(), {}, "toString")).toBe(false);
  expect(isFallbackActive(withFallback(), failed(3))).toBe(true);
  expect(isFallbackActive(withFallback({ behavior: "scalingModifiers" }), failed(3))).toBe(false);
});

test("fallbackReplicas: every behaviour for a size below, at and above the fallback's", () => {
  // The last one stands for what a later version may bring.
  const table = (behavior: FallbackBehavior | "new" | undefined) =>
    [2, 6, 9].map((current) =>
      fallbackReplicas(
        {
          failureThreshold: 0,
          replicas: 6,
          ...(behavior === undefined ? {} : { behavior: behavior as FallbackBehavior }),
        },
        current,
      ),
    );
  expect(table(undefined)).toEqual([6, 6, 6]);
  expect(table("static")).toEqual([6, 6, 6]);
  expect(table("currentReplicas")).toEqual([2, 6, 9]);
  expect(table("currentReplicasIfHigher")).toEqual([6, 6, 9]);
  expect(table("currentReplicasIfLower")).toEqual([2, 6, 6]);
  expect(table("new")).toEqual([6, 6, 6]);
});

test("fallbackValue: vectors 14 and 15, and no ready pod", () => {
  expect(fallbackValue(6, { target: 100, targetType: "Value", readyPodCount: 3 })).toEqual(ok(200));
  expect(fallbackValue(6, { target: 10, targetType: "AverageValue", readyPodCount: 0 })).toEqual(ok(60));
  expect(fallbackValue(6, { target: 100, targetType: "Value", readyPodCount: 0 })).toMatchObject({ ok: false });
});

function planned(spec: ScaledObjectSpec, times: number): MetricReading {
  return planFailedReading({
    spec,
    health: failed(times),
    metricName: "s0-a",
    target: { target: 10, targetType: "AverageValue" },
    size: { current: 4, readyPodCount: 4 },
    error: "down",
  });
}

test("planFailedReading: the error up to the threshold, then the fallback, which is active unless it is of no replicas", () => {
  expect(planned(withFallback(), 2)).toEqual({ kind: "error", error: "down" });
  expect(planned(withFallback(), 3)).toEqual({ kind: "fallback", value: 60, isActive: true, error: "down" });
  expect(planned(withFallback({ replicas: 0 }), 3)).toMatchObject({ kind: "fallback", value: 0, isActive: false });
  expect(planned(base, 9)).toEqual({ kind: "error", error: "down" });
});

test("planFailedReading: with a formula its target is used, or nothing goes into it", () => {
  expect(planned(withFormula(withFallback()), 3)).toMatchObject({ kind: "fallback", value: 15 });
  expect(planned(withFormula(withFallback({ behavior: "scalingModifiers" })), 3)).toEqual({
    kind: "missing",
    error: "down",
  });
  expect(planned(withFallback({ behavior: "scalingModifiers" }), 3)).toMatchObject({ kind: "fallback" });
});

const sum = {
  evaluate: (values: Record<string, number | undefined>) =>
    ok(values["a"] === undefined ? undefined : values["a"] + (values["b"] ?? 0)),
};
const value = (...values: readonly number[]): MetricReading => ({ kind: "value", values, isActive: false });
const reading = (triggerName: string, of: MetricReading) => ({ triggerName, reading: of });

test("composeReadings: several values of a trigger go in as their sum, active above the activation target", () => {
  const spec = withFormula(base);
  expect(composeReadings(spec, sum, [reading("a", value(1, 2)), reading("b", value(1))])).toEqual(
    ok({ value: 4, isActive: false }),
  );
  expect(composeReadings(spec, sum, [reading("a", value(5))])).toEqual(ok({ value: 5, isActive: true }));
});

test("composeReadings: an error fails it, a fallback replaces it, and what is missing is the formula's to replace", () => {
  const spec = withFormula(withFallback());
  const down: MetricReading = { kind: "error", error: "down" };
  const fallback: MetricReading = { kind: "fallback", value: 15, isActive: true, error: "down" };
  const missing: MetricReading = { kind: "missing", error: "down" };
  expect(composeReadings(spec, sum, [reading("a", value(1)), reading("b", down)])).toEqual({
    ok: false,
    error: "down",
  });
  expect(composeReadings(spec, sum, [reading("a", value(1)), reading("b", fallback)])).toMatchObject({
    value: { value: 15 },
  });
  expect(composeReadings(spec, sum, [reading("a", value(7)), reading("b", missing)])).toMatchObject({
    value: { value: 7 },
  });
  expect(composeReadings(spec, sum, [reading("a", missing), reading("b", value(1))])).toMatchObject({
    value: { value: 15 },
  });
  expect(composeReadings(withFormula(base), sum, [reading("b", value(1))])).toMatchObject({ ok: false });
  const broken = { evaluate: () => ({ ok: false, error: "x" }) as const };
  expect(composeReadings(spec, broken, [])).toEqual({ ok: false, error: "x" });
});

test("activityOf: any active trigger, a fallback included; none that is not the autoscaler's own; an error tells", () => {
  const on: MetricReading = { kind: "value", values: [1], isActive: true };
  const off = value(0);
  const down: MetricReading = { kind: "error", error: "down" };
  const fallback: MetricReading = { kind: "fallback", value: 1, isActive: true, error: "down" };
  expect(activityOf([off, on], undefined, false)).toEqual({ isActive: true, hasError: false });
  expect(activityOf([off], undefined, false)).toEqual({ isActive: false, hasError: false });
  expect(activityOf([on, down], undefined, false)).toEqual({ isActive: true, hasError: true });
  expect(activityOf([off, fallback], undefined, false)).toEqual({ isActive: true, hasError: false });
  expect(activityOf([], undefined, false)).toEqual({ isActive: true, hasError: false });
  expect(activityOf([], undefined, true)).toEqual({ isActive: false, hasError: true });
  expect(activityOf([on], ok({ value: 0, isActive: false }), false)).toEqual({ isActive: false, hasError: false });
  expect(activityOf([on], { ok: false, error: "x" }, false)).toEqual({ isActive: false, hasError: true });
});

test("vector 20: a reading that failed is an error, an empty one that counts as 0 is inactive and none", () => {
  expect(activityOf([{ kind: "error", error: "2 series" }], undefined, false)).toEqual({
    isActive: false,
    hasError: true,
  });
  expect(activityOf([value(0)], undefined, false)).toEqual({ isActive: false, hasError: false });
});
