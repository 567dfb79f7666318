import { describe, expect, test } from "vitest";
import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec, Pod } from "#api";
import { parseQuantity } from "#base";
import { initialMemory, limit, stabilize, toleranceOf } from "#scaling";
import type { PodSample } from "./group-pods.ts";
import { usageSamples } from "./api-metric-reader.ts";
import { combineProposals } from "./combine-proposals.ts";
import { planAutoscale } from "./plan-autoscale.ts";
import { proposeFromPods } from "./pods-metric.ts";
import { proposeFromSamples } from "./resource-metric.ts";

const NOW = Date.parse("2026-01-01T01:00:00Z");
const TOLERANCE = { up: 0.1, down: 0.1 };
const at = (offsetMs: number): string => new Date(NOW + offsetMs).toISOString();

function pod(
  name: string,
  options: { ready?: boolean; startedMs?: number; changedMs?: number; phase?: "Pending"; cpu?: string } = {},
): Pod {
  const { ready = true, startedMs = -3_000_000, changedMs = -2_900_000, cpu = "100m" } = options;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: { containers: [{ name: "c", resources: { requests: { cpu } } }] },
    status: {
      phase: options.phase ?? "Running",
      startTime: at(startedMs),
      conditions: [{ type: "Ready", status: ready ? "True" : "False", lastTransitionTime: at(changedMs) }],
    },
  };
}

function sample(cpu: string): PodSample {
  const quantity = parseQuantity(cpu);
  return { usage: quantity.ok ? quantity.value : 0, timestampMs: NOW - 5000, windowMs: 15_000 };
}

function propose(pods: readonly Pod[], usages: readonly (string | undefined)[], averageUtilization = 60) {
  const samples = new Map<string, PodSample>();
  usages.forEach((usage, index) => {
    if (usage !== undefined) samples.set(pods[index]?.metadata.name ?? "", sample(usage));
  });
  const of = { name: "cpu", target: { type: "Utilization", averageUtilization } } as const;
  return proposeFromSamples(of, samples, { pods, replicas: pods.length, tolerance: TOLERANCE, nowMs: NOW });
}

describe("proposeFromSamples", () => {
  const three = [pod("a"), pod("b"), pod("c")];

  test("usage within a tenth of the target changes nothing", () => {
    expect(propose(three, ["65m", "65m", "65m"]).replicas).toBe(3);
    expect(propose(three, ["67m", "67m", "67m"]).replicas).toBe(4);
    expect(propose(three, ["20m", "20m", "20m"]).replicas).toBe(1);
  });

  test("a pod that starts up does not count as loaded", () => {
    const starting = [pod("a"), pod("b", { startedMs: -60_000, changedMs: -10_000 })];
    // Its sample covers time before it was ready: with it the answer would be 5.
    expect(propose(starting, ["90m", "190m"]).replicas).toBe(2);
    const started = [pod("a"), pod("b", { startedMs: -60_000, changedMs: -40_000 })];
    expect(propose(started, ["90m", "190m"]).replicas).toBe(5);
  });

  test("failed and leaving pods are left out", () => {
    const leaving: Pod = { ...pod("c"), metadata: { name: "c", deletionTimestamp: at(0) } };
    expect(propose([pod("a"), pod("b"), leaving], ["120m", "120m", "120m"]).replicas).toBe(4);
  });

  test("a container without a request is an error that names it", () => {
    const bare: Pod = { ...pod("b"), spec: { containers: [{ name: "side" }] } };
    expect(() => propose([pod("a"), bare], ["1m", "1m"])).toThrow("missing request for cpu in container side of Pod b");
  });

  test("a utilization without its percentage is an error, not the largest size", () => {
    const samples = new Map([["a", sample("100m")]]);
    const context = { pods: [pod("a")], replicas: 1, tolerance: TOLERANCE, nowMs: NOW };
    expect(() => proposeFromSamples({ name: "cpu", target: { type: "Utilization" } }, samples, context)).toThrow(
      "invalid resource metric source: neither an average utilization nor an average value was set",
    );
  });

  test("no sample of a ready pod is an error", () => {
    expect(() => propose(three, [undefined, undefined, undefined])).toThrow(
      "did not receive metrics for targeted pods",
    );
  });

  test("an average value is compared with the mean", () => {
    const target = { type: "AverageValue", averageValue: "50m" } as const;
    const samples = new Map([
      ["a", sample("100m")],
      ["b", sample("100m")],
    ]);
    const context = { pods: [pod("a"), pod("b")], replicas: 2, tolerance: TOLERANCE, nowMs: NOW };
    expect(proposeFromSamples({ name: "cpu", target }, samples, context)).toEqual({
      replicas: 4,
      name: "cpu resource",
      current: { type: "Resource", resource: { name: "cpu", current: { averageValue: "100m" } } },
    });
  });
});

test("proposeFromPods compares the mean, whatever the pods were doing when they started", () => {
  const metric = {
    metric: { name: "requests_per_second" },
    target: { type: "AverageValue", averageValue: "10" },
  } as const;
  const young = pod("b", { startedMs: -1000, changedMs: -1000 });
  const context = { pods: [pod("a"), young], replicas: 2, tolerance: TOLERANCE, nowMs: NOW };
  const samples = new Map([
    ["a", sample("20")],
    ["b", sample("30500m")],
  ]);
  expect(proposeFromPods(metric, samples, context)).toEqual({
    replicas: 6,
    name: "pods metric requests_per_second",
    current: { type: "Pods", pods: { metric: metric.metric, current: { averageValue: "25250m" } } },
  });
  // A pod that is missing on the way down has exactly the target: (2 + 10) / 2 is 0.6 of it.
  expect(proposeFromPods(metric, new Map([["a", sample("2")]]), context).replicas).toBe(2);
  const pending = { ...context, pods: [pod("a"), pod("b", { phase: "Pending" })] };
  expect(proposeFromPods(metric, new Map([["a", sample("30")]]), pending).replicas).toBe(3);
});

test("toleranceOf reads each direction's own, and takes a tenth for what is missing or no quantity", () => {
  expect(toleranceOf({})).toEqual(TOLERANCE);
  expect(toleranceOf({ behavior: { scaleUp: { tolerance: "0.05" }, scaleDown: { tolerance: "250m" } } })).toEqual({
    up: 0.05,
    down: 0.25,
  });
  expect(toleranceOf({ behavior: { scaleUp: { tolerance: "x" }, scaleDown: { tolerance: "-1" } } })).toEqual(TOLERANCE);
});

test("usageSamples adds up containers and skips pods with a container that lacks the resource", () => {
  const item = (name: string, containers: unknown[]) => ({
    apiVersion: "x",
    kind: "y",
    metadata: { name },
    timestamp: at(0),
    window: "30s",
    containers,
  });
  const samples = usageSamples(
    [
      item("a", [
        { name: "c", usage: { cpu: "100m" } },
        { name: "d", usage: { cpu: "50m" } },
      ]),
      item("b", [
        { name: "c", usage: { cpu: "100m" } },
        { name: "d", usage: { memory: "1Mi" } },
      ]),
      item("c", []),
    ],
    "cpu",
    undefined,
  );
  expect([...samples.keys()]).toEqual(["a"]);
  expect(samples.get("a")?.usage).toBeCloseTo(0.15);
  expect(samples.get("a")?.windowMs).toBe(30_000);
});

test("usageSamples of one container leaves the others out; a pod without it is an error that names it", () => {
  const item = (container: string) => ({
    apiVersion: "x",
    kind: "y",
    metadata: { name: "a", namespace: "shop" },
    timestamp: at(0),
    containers: [
      { name: container, usage: { cpu: "100m" } },
      { name: "side", usage: { cpu: "900m" } },
    ],
  });
  expect(usageSamples([item("app")], "cpu", "app").get("a")?.usage).toBeCloseTo(0.1);
  expect(() => usageSamples([item("other")], "cpu", "app")).toThrow(
    "container app not present in metrics for pod shop/a",
  );
});

describe("combineProposals", () => {
  const valid = (replicas: number) =>
    ({ ok: true, proposal: { replicas, name: `m${replicas}`, current: { replicas } } }) as const;
  const failed = { ok: false, reason: "FailedGetPodsMetric", message: "gone", failure: "failed to get it" } as const;

  test("the largest proposal wins", () => {
    expect(combineProposals([valid(3), valid(5), valid(4)], 4)).toMatchObject({ ok: true, replicas: 5, name: "m5" });
  });

  test("a metric that failed keeps its place in the status and is an event, whether the rest may act or not", () => {
    const event = { type: "Warning", reason: "FailedGetPodsMetric", message: "gone" };
    const current = [{ replicas: 3 }, { type: "" }, { replicas: 5 }];
    const grows = combineProposals([valid(3), failed, valid(5)], 4);
    expect(grows).toEqual({ ok: true, replicas: 5, name: "m5", current, events: [event] });
    expect(combineProposals([valid(3), failed, valid(5)], 6)).toEqual({
      ok: false,
      reason: "FailedGetPodsMetric",
      message: "the HPA was unable to compute the replica count: gone",
      error: "invalid metrics (1 invalid out of 3), first error is: failed to get it: gone",
      current,
      events: [event],
    });
  });
});

describe("limit and stabilize", () => {
  const spec = (extra: Partial<HorizontalPodAutoscalerSpec> = {}): HorizontalPodAutoscalerSpec => ({
    scaleTargetRef: { kind: "Deployment", name: "web" },
    minReplicas: 1,
    maxReplicas: 100,
    ...extra,
  });

  test("without behavior a size stays for five minutes after the last higher recommendation", () => {
    const state = { current: 10, memory: initialMemory(10, NOW) };
    expect(stabilize({ spec: spec(), ...state, desired: 2, nowMs: NOW + 299_000 })).toMatchObject({
      replicas: 10,
      reason: "ScaleDownStabilized",
    });
    expect(stabilize({ spec: spec(), ...state, desired: 2, nowMs: NOW + 300_001 })).toMatchObject({
      replicas: 2,
      reason: "ReadyForNewScale",
    });
  });

  test("selectPolicy Disabled freezes a direction", () => {
    const of = spec({ behavior: { scaleDown: { selectPolicy: "Disabled", stabilizationWindowSeconds: 0 } } });
    const input = { spec: of, current: 5, desired: 2, memory: initialMemory(5, NOW - 1), nowMs: NOW };
    expect(limit(input)).toMatchObject({ replicas: 5, reason: "ScaleDownLimit" });
  });
});

describe("planAutoscale", () => {
  const hpa = (spec: Partial<HorizontalPodAutoscalerSpec>): HorizontalPodAutoscaler => ({
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { name: "web" },
    spec: { scaleTargetRef: { kind: "Deployment", name: "web" }, maxReplicas: 20, ...spec },
  });
  const metrics = { ok: true, replicas: 2, name: "cpu resource", current: [], events: [] } as const;
  const input = { conditions: [], nowMs: NOW };

  test("a bound that is applied says which, and reads no metrics", () => {
    const bounded = (current: number) =>
      planAutoscale({
        ...input,
        hpa: hpa({ minReplicas: 3, maxReplicas: 5 }),
        current,
        metrics: undefined,
        memory: initialMemory(current, NOW),
      });
    expect(bounded(2)).toMatchObject({
      desired: 3,
      reported: 3,
      rescaleReason: "Current number of replicas below Spec.MinReplicas",
      conditions: [],
    });
    expect(bounded(6)).toMatchObject({
      desired: 5,
      reported: 5,
      rescaleReason: "Current number of replicas above Spec.MaxReplicas",
      conditions: [],
    });
  });

  test("metrics that cannot be read leave the size and what was desired, and say why", () => {
    const message = "the HPA was unable to compute the replica count: no metrics";
    const events = [{ type: "Warning", reason: "FailedGetResourceMetric", message: "no metrics" }] as const;
    const reason = "FailedGetResourceMetric";
    const failed = { ok: false, reason, message, error: "first error", events, current: [] } as const;
    const before = { ...hpa({}), status: { desiredReplicas: 7 } };
    const plan = planAutoscale({ ...input, hpa: before, current: 3, metrics: failed, memory: initialMemory(3, NOW) });
    expect(plan).toMatchObject({ desired: 3, reported: 7 });
    expect(plan.conditions).toMatchObject([{ reason, message }]);
    expect(plan.events).toEqual([
      ...events,
      { type: "Warning", reason: "FailedComputeMetricsReplicas", message: "first error" },
    ]);
  });

  test("growth names the metric, and the conditions tell what limited it", () => {
    const grown = { ...metrics, replicas: 9 };
    const plan = planAutoscale({ ...input, hpa: hpa({}), current: 2, metrics: grown, memory: initialMemory(2, NOW) });
    expect(plan).toMatchObject({ desired: 4, rescaleReason: "cpu resource above target" });
    expect(plan.conditions.map((one) => `${one.type} ${one.status} ${one.reason}`)).toEqual([
      "ScalingActive True ValidMetricFound",
      "AbleToScale True ReadyForNewScale",
      "ScalingLimited True ScaleUpLimit",
    ]);
  });
});
