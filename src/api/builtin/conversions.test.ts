import { expect, test } from "vitest";
import type { KubeObject } from "../meta.ts";
import { builtinConversionOf } from "./conversions.ts";

const hpa = builtinConversionOf({ group: "autoscaling", version: "v1", kind: "HorizontalPodAutoscaler" })!;
const event = builtinConversionOf({ group: "events.k8s.io", version: "v1", kind: "Event" })!;
const scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name: "web" };
const cpu = { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } } };
const rate = { type: "Pods", pods: { metric: { name: "rate" }, target: { type: "AverageValue", averageValue: "10" } } };

test("HorizontalPodAutoscaler: v1 is stored as v2, with the default of 80 percent", () => {
  const v1: KubeObject = {
    apiVersion: "autoscaling/v1",
    kind: "HorizontalPodAutoscaler",
    metadata: { name: "web" },
    spec: { scaleTargetRef, minReplicas: 1, maxReplicas: 3, targetCPUUtilizationPercentage: 50 },
  };
  const stored = hpa.toStored(v1);
  expect(stored).toMatchObject({
    apiVersion: "autoscaling/v2",
    spec: { scaleTargetRef, minReplicas: 1, maxReplicas: 3, metrics: [cpu] },
  });
  expect(stored.spec).not.toHaveProperty("targetCPUUtilizationPercentage");
  expect(hpa.toServed(stored)).toEqual(v1);
  const plain = hpa.toStored({ ...v1, spec: { scaleTargetRef, maxReplicas: 3 } });
  expect(plain).toMatchObject({ spec: { metrics: [{ resource: { target: { averageUtilization: 80 } } }] } });
});

test("HorizontalPodAutoscaler: what v1 cannot say comes back", () => {
  const v2: KubeObject = {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { name: "web", annotations: { a: "b" } },
    spec: {
      scaleTargetRef,
      maxReplicas: 3,
      metrics: [cpu, rate],
      behavior: { scaleDown: { stabilizationWindowSeconds: 1 } },
    },
    status: {
      currentReplicas: 2,
      desiredReplicas: 3,
      currentMetrics: [{ type: "Resource", resource: { name: "cpu", current: { averageUtilization: 70 } } }],
    },
  };
  const v1 = hpa.toServed(v2);
  expect(v1.status).toEqual({ currentReplicas: 2, desiredReplicas: 3, currentCPUUtilizationPercentage: 70 });
  expect(hpa.toStored(v1)).toEqual(v2);
  const edited = { ...v1, metadata: { ...v1.metadata, annotations: { "autoscaling.serin.dev/v2-spec": "{" } } };
  expect(hpa.toStored(edited)).toMatchObject({ spec: { metrics: [cpu] } });
});

test("Event: both groups show one object", () => {
  const core: KubeObject = {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: "e" },
    involvedObject: { kind: "Pod", name: "p" },
    message: "m",
    reason: "r",
    count: 2,
    source: { component: "c" },
    reportingComponent: "c",
  };
  const served = event.toServed(core);
  expect(served).toMatchObject({
    apiVersion: "events.k8s.io/v1",
    note: "m",
    regarding: { name: "p" },
    deprecatedCount: 2,
    reportingController: "c",
  });
  expect(event.toStored(served)).toEqual(core);
});

test("builtinConversionOf: other kinds need none", () => {
  expect(builtinConversionOf({ group: "apps", version: "v1", kind: "Deployment" })).toBeUndefined();
});
