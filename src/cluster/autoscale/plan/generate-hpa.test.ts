import { expect, test } from "vitest";
import type { HorizontalPodAutoscaler, MetricSpec, OwnerReference, ScaledObject, ScaledObjectSpec } from "#api";
import { generateHpa, hpaNameOf, type NamedMetric } from "./generate-hpa.ts";
import { metricNameOf, publishable, targetQuantity, triggerIndexOf } from "./metric-value.ts";
import { needsRewrite } from "./needs-rewrite.ts";

const owner: OwnerReference = { apiVersion: "keda.sh/v1alpha1", kind: "ScaledObject", name: "web", uid: "u" };

const of = { owner, size: 1 };

function scaledObject(spec: Partial<ScaledObjectSpec> = {}, metadata: ScaledObject["metadata"] = {}): ScaledObject {
  return {
    apiVersion: "keda.sh/v1alpha1",
    kind: "ScaledObject",
    metadata: { name: "web", namespace: "shop", ...metadata },
    spec: { scaleTargetRef: { name: "web" }, triggers: [{ type: "a", metadata: {} }], ...spec },
  };
}

function external(index: number, name: string, over: Partial<NamedMetric["spec"]> = {}): NamedMetric {
  const spec = { name, target: 10, targetType: "AverageValue", isWhole: true, ...over } as const;
  return { name: metricNameOf(index, spec), triggerIndex: index, spec };
}

const cpu: MetricSpec = {
  type: "Resource",
  resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 60 } },
};
const container: MetricSpec = {
  type: "ContainerResource",
  containerResource: { name: "cpu", container: "c", target: { type: "Utilization", averageUtilization: 60 } },
};

test("generateHpa: names, bounds, labels and annotations are the ScaledObject's, without excluded labels", () => {
  const object = scaledObject(
    { maxReplicaCount: 7 },
    {
      labels: { team: "a", secret: "b", " spaced": "c" },
      annotations: { "scaledobject.keda.sh/hpa-excluded-labels": "secret, spaced", note: "n" },
    },
  );
  const hpa = generateHpa(object, { resource: [], external: [external(0, "x")] }, of);
  expect(hpa.metadata).toEqual({
    name: "keda-hpa-web",
    namespace: "shop",
    labels: {
      "app.kubernetes.io/name": "keda-hpa-web",
      "app.kubernetes.io/version": expect.stringMatching(/^\d+\.\d+\.\d+$/),
      "app.kubernetes.io/part-of": "web",
      "app.kubernetes.io/managed-by": "keda-operator",
      team: "a",
      "scaledobject.keda.sh/name": "web",
    },
    annotations: object.metadata.annotations,
    ownerReferences: [owner],
  });
  expect(hpa.spec).toMatchObject({
    scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
    minReplicas: 1,
    maxReplicas: 7,
  });
  expect(hpa.spec.behavior).toBeUndefined();
});

test("generateHpa: minReplicas is at least 1, maxReplicas 100 by default, and a long name is cut to a label", () => {
  const bounds = (spec: Partial<ScaledObjectSpec>) => {
    const { minReplicas, maxReplicas } = generateHpa(scaledObject(spec), { resource: [cpu], external: [] }, of).spec;
    return [minReplicas, maxReplicas];
  };
  expect(bounds({})).toEqual([1, 100]);
  expect(bounds({ minReplicaCount: 0, idleReplicaCount: 0 })).toEqual([1, 100]);
  expect(bounds({ minReplicaCount: 4, maxReplicaCount: 5 })).toEqual([4, 5]);
  const name = `${"a".repeat(53)}-bcd`;
  const { labels } = generateHpa(scaledObject({}, { name }), { resource: [cpu], external: [] }, of).metadata;
  expect(labels?.["app.kubernetes.io/name"]).toBe(`keda-hpa-${"a".repeat(53)}`);
});

test("hpaNameOf: the configured name goes before the one made of the ScaledObject's", () => {
  expect(hpaNameOf(scaledObject())).toBe("keda-hpa-web");
  const named = (name: string) => scaledObject({ advanced: { horizontalPodAutoscalerConfig: { name } } });
  expect(hpaNameOf(named("mine"))).toBe("mine");
  expect(hpaNameOf(named(""))).toBe("keda-hpa-web");
});

test("generateHpa: metrics are sorted by type and, within it, as the triggers are", () => {
  const metrics = { resource: [cpu, container], external: [external(0, "b"), external(3, "a")] };
  const { metrics: specs = [] } = generateHpa(scaledObject(), metrics, of).spec;
  expect(specs.map((one) => one.external?.metric.name ?? one.type)).toEqual([
    "ContainerResource",
    "s0-b",
    "s3-a",
    "Resource",
  ]);
  expect(specs[1]).toEqual({
    type: "External",
    external: {
      metric: { name: "s0-b", selector: { matchLabels: { "scaledobject.keda.sh/name": "web" } } },
      target: { type: "AverageValue", averageValue: "10" },
    },
  });
});

test("generateHpa: a formula puts one composite metric in the place of all external ones and keeps the others", () => {
  const scalingModifiers = { formula: "a + b", target: "2.5", metricType: "Value" } as const;
  const metrics = { resource: [cpu, container], external: [external(0, "a"), external(1, "b")] };
  const { metrics: specs = [] } = generateHpa(scaledObject({ advanced: { scalingModifiers } }), metrics, of).spec;
  expect(specs.map(({ type }) => type)).toEqual(["ContainerResource", "External", "Resource"]);
  expect(specs[1]?.external).toMatchObject({
    metric: { name: "composite-metric" },
    target: { type: "Value", value: "2500m" },
  });
});

test("generateHpa: paused directions are disabled within the configured behavior", () => {
  const behavior = { scaleDown: { stabilizationWindowSeconds: 7 } };
  const make = (annotations: Record<string, string>) =>
    generateHpa(
      scaledObject({ advanced: { horizontalPodAutoscalerConfig: { behavior } } }, { annotations }),
      { resource: [cpu], external: [] },
      of,
    ).spec.behavior;
  expect(make({})).toEqual(behavior);
  expect(make({ "autoscaling.keda.sh/paused-scale-in": "true" })).toEqual({
    scaleDown: { stabilizationWindowSeconds: 7, selectPolicy: "Disabled" },
  });
  expect(make({ "autoscaling.keda.sh/paused-scale-out": "" })).toEqual({
    ...behavior,
    scaleUp: { selectPolicy: "Disabled" },
  });
});

test("metricNameOf: each character that a name cannot have becomes a dash, the position stands before it", () => {
  const name = "a/b.c:d%e(f)g_h";
  expect(metricNameOf(2, { name })).toBe("s2-a-b-c-d-e-f-g_h");
  // A server's own name is as it is, but for what no autoscaler takes.
  expect(metricNameOf(2, { name, isVerbatim: true })).toBe("s2-a-b.c:d-e(f)g_h");
  expect(triggerIndexOf("S12-x")).toBe(12);
  expect(triggerIndexOf("composite-metric")).toBeUndefined();
});

test.each([
  [5, true, "5"],
  [5.9, true, "5"],
  [0.5, false, "500m"],
  [10, false, "10"],
  [1.0006, false, "1001m"],
  [-3, true, "0"],
  [Number.NaN, false, "0"],
  [Number.POSITIVE_INFINITY, true, "0"],
  [1e300, false, "9P"],
])("targetQuantity: %s, whole %s, is %s", (target, isWhole, expected) => {
  expect(targetQuantity({ target, isWhole })).toBe(expected);
});

test("publishable: negative, NaN and infinite values are 0", () => {
  expect([-1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 1.5].map(publishable)).toEqual([
    0, 0, 0, 0, 0, 1.5,
  ]);
});

test("needsRewrite: each generated part counts, what the API server or others added does not", () => {
  const object = scaledObject({}, { labels: { a: "b" }, annotations: { c: "d" } });
  const wanted = generateHpa(object, { resource: [cpu], external: [external(0, "x")] }, of);
  const live: HorizontalPodAutoscaler = {
    ...wanted,
    metadata: {
      ...wanted.metadata,
      uid: "1",
      labels: { ...wanted.metadata.labels, other: "x" },
      annotations: { ...wanted.metadata.annotations, other: "x" },
    },
    status: { currentReplicas: 1 },
  };
  const withSpec = (spec: Partial<HorizontalPodAutoscaler["spec"]>) => ({ ...live, spec: { ...live.spec, ...spec } });
  const withMeta = (metadata: HorizontalPodAutoscaler["metadata"]) => ({
    ...live,
    metadata: { ...live.metadata, ...metadata },
  });
  expect(needsRewrite(wanted, live)).toBe(false);
  expect(needsRewrite(wanted, withSpec({ maxReplicas: 3 }))).toBe(true);
  expect(needsRewrite(wanted, withSpec({ minReplicas: 2 }))).toBe(true);
  expect(needsRewrite(wanted, withSpec({ metrics: wanted.spec.metrics?.slice(1) ?? [] }))).toBe(true);
  expect(needsRewrite(wanted, withSpec({ metrics: wanted.spec.metrics?.toReversed() ?? [] }))).toBe(true);
  expect(needsRewrite(wanted, withSpec({ behavior: { scaleUp: { selectPolicy: "Min" } } }))).toBe(true);
  expect(needsRewrite(wanted, withMeta({ labels: {} }))).toBe(true);
  expect(needsRewrite(wanted, withMeta({ annotations: { c: "e" } }))).toBe(true);
  expect(needsRewrite(wanted, withMeta({ ownerReferences: [] }))).toBe(true);
});

test("generateHpa: at its idle size both bounds are that size, above it and without one they are as written", () => {
  const bounds = (spec: Partial<ScaledObjectSpec>, size: number) => {
    const hpa = generateHpa(scaledObject(spec), { resource: [cpu], external: [] }, { owner, size });
    return [hpa.spec.minReplicas, hpa.spec.maxReplicas];
  };
  const idle = { idleReplicaCount: 2, minReplicaCount: 4, maxReplicaCount: 9 };
  expect([0, 1, 2, 3, 4].map((size) => bounds(idle, size))).toEqual([
    [2, 2],
    [2, 2],
    [2, 2],
    [4, 9],
    [4, 9],
  ]);
  expect(bounds({ ...idle, idleReplicaCount: 0 }, 0)).toEqual([4, 9]);
  expect(bounds({ minReplicaCount: 4, maxReplicaCount: 9 }, 0)).toEqual([4, 9]);
});
