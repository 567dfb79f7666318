import { expect, test } from "vitest";
import type { KubeObject } from "#api";
import { autoscalerConversion } from "./autoscaler-conversion.ts";
import { eventConversion } from "./event-conversion.ts";
import { compareVersions } from "./registry.ts";

test("compareVersions: released before beta before alpha, higher first, others last by name", () => {
  const wanted = ["v10", "v2", "v1", "v3beta1", "v1beta10", "v1beta2", "v2alpha1", "bar", "foo1"];
  expect([...wanted].reverse().sort(compareVersions)).toEqual(wanted);
});

test("autoscalerConversion: version 1 carries what it has no field for, and gives it back", () => {
  const stored: KubeObject = {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { name: "h", annotations: { own: "kept" } },
    spec: {
      maxReplicas: 3,
      metrics: [
        { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } } },
        { type: "Resource", resource: { name: "memory", target: { type: "AverageValue", averageValue: "1Gi" } } },
      ],
      behavior: { scaleDown: { stabilizationWindowSeconds: 5 } },
    },
    status: { desiredReplicas: 1, conditions: [{ type: "AbleToScale", status: "True" }] },
  };
  const served = autoscalerConversion.toServed(stored);
  expect(served).toMatchObject({ apiVersion: "autoscaling/v1", spec: { targetCPUUtilizationPercentage: 50 } });
  expect(served.spec).not.toHaveProperty("metrics");
  expect(autoscalerConversion.toStored(served)).toEqual(stored);
});

test("eventConversion: there and back changes nothing", () => {
  const event: KubeObject = {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: "e" },
    involvedObject: { name: "p" },
    message: "m",
    count: 2,
    source: { component: "c" },
  };
  const served = eventConversion.toServed(event);
  expect(served).toMatchObject({ regarding: { name: "p" }, note: "m", deprecatedCount: 2 });
  expect(eventConversion.toStored(served)).toEqual(event);
});
