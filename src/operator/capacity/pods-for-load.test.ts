import { expect, test } from "vitest";
import type { HorizontalPodAutoscaler, MetricSpec } from "#api";
import { podsForLoad } from "./pods-for-load.ts";

function hpaWith(
  metrics: readonly MetricSpec[],
  status: NonNullable<HorizontalPodAutoscaler["status"]>,
): HorizontalPodAutoscaler {
  return {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { name: "web" },
    spec: { scaleTargetRef: { kind: "Deployment", name: "web" }, maxReplicas: 10, metrics },
    status: { currentReplicas: 4, ...status },
  };
}

const cpu: MetricSpec = {
  type: "Resource",
  resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } },
};
const cpuNow = (averageUtilization: number) => ({
  type: "Resource",
  resource: { name: "cpu", current: { averageUtilization, averageValue: "400m" } },
});
const rps: MetricSpec = {
  type: "External",
  external: { metric: { name: "s0-rps" }, target: { type: "AverageValue", averageValue: "10" } },
};
const rpsNow = (averageValue: string) => ({
  type: "External",
  external: { metric: { name: "s0-rps" }, current: { averageValue } },
});

test.each<[string, MetricSpec, object, number]>([
  ["Utilization", cpu, cpuNow(120), 6],
  ["AverageValue of an External metric, which is per pod already", rps, rpsNow("12500m"), 5],
  [
    "Value of an Object metric",
    {
      type: "Object",
      object: {
        metric: { name: "queue" },
        describedObject: { kind: "Service", name: "q" },
        target: { type: "Value", value: "2k" },
      },
    },
    {
      type: "Object",
      object: {
        metric: { name: "queue" },
        describedObject: { kind: "Service", name: "q" },
        current: { value: "500" },
      },
    },
    1,
  ],
  [
    "AverageValue of a Pods metric",
    { type: "Pods", pods: { metric: { name: "jobs" }, target: { type: "AverageValue", averageValue: 4 } } },
    { type: "Pods", pods: { metric: { name: "jobs" }, current: { averageValue: "8" } } },
    8,
  ],
  [
    "ContainerResource",
    {
      type: "ContainerResource",
      containerResource: {
        name: "memory",
        container: "app",
        target: { type: "AverageValue", averageValue: "1Gi" },
      },
    },
    {
      type: "ContainerResource",
      containerResource: { name: "memory", container: "app", current: { averageValue: "512Mi" } },
    },
    2,
  ],
])("podsForLoad: %s", (_, spec, now, expected) => {
  expect(podsForLoad(hpaWith([spec], { currentMetrics: [now] }))).toBeCloseTo(expected);
});

test("podsForLoad: the largest of all metrics, neither rounded nor bounded", () => {
  const status = { currentMetrics: [rpsNow("55"), cpuNow(50)] };
  expect(podsForLoad(hpaWith([cpu, rps], status))).toBe(22);
  expect(podsForLoad(hpaWith([cpu], { currentMetrics: [cpuNow(50)] }))).toBe(2.5);
});

test("podsForLoad: a metric that is not known, of another kind or unreadable is left out", () => {
  const failed = { type: "" };
  const garbled = { type: "External", external: { metric: { name: "s0-rps" }, current: { averageValue: "many" } } };
  const other = { type: "Resource", resource: { name: "cpu", current: { averageValue: "400m" } } };
  expect(podsForLoad(hpaWith([cpu, rps], { currentMetrics: [failed, rpsNow("20")] }))).toBe(8);
  expect(podsForLoad(hpaWith([cpu, rps], { currentMetrics: [other, garbled, null] }))).toBeUndefined();
  expect(podsForLoad(hpaWith([cpu], {}))).toBeUndefined();
});

test("podsForLoad: undefined while the autoscaler cannot tell, or has nothing to scale", () => {
  const currentMetrics = [cpuNow(120)];
  const isActive = (status: "True" | "False" | "Unknown") => [
    { type: "ScalingActive", status, reason: "FailedGetResourceMetric" },
  ];
  expect(podsForLoad(hpaWith([cpu], { currentMetrics, conditions: isActive("False") }))).toBeUndefined();
  expect(podsForLoad(hpaWith([cpu], { currentMetrics, conditions: isActive("True") }))).toBe(6);
  expect(podsForLoad(hpaWith([cpu], { currentMetrics, currentReplicas: 0 }))).toBeUndefined();
});

test("podsForLoad: a floor of ours that is a metric is no load", () => {
  const floor: MetricSpec = {
    type: "External",
    external: {
      metric: { name: "s1-configmap-web-floor-primary" },
      target: { type: "AverageValue", averageValue: "1" },
    },
  };
  const floorNow = { type: "External", external: { ...floor.external, current: { averageValue: "2" } } };
  const hpa = hpaWith([rps, floor], { currentMetrics: [rpsNow("5"), floorNow] });
  expect(podsForLoad(hpa)).toBe(8);
  expect(podsForLoad(hpa, (name) => name.startsWith("s1-"))).toBe(2);
});
