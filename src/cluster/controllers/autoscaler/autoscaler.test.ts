import { describe, expect, test } from "vitest";
import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec, Pod } from "#api";
import { parseQuantity } from "#base";
import type { PodSample } from "./group-pods.ts";
import { limit, stabilize } from "./limit-scale.ts";
import { combineProposals, planAutoscale } from "./plan-autoscale.ts";
import { proposeFromSamples, samplesOf } from "./resource-metric.ts";
import { initialMemory, rememberRecommendation, rememberScale, type ScaleMemory } from "./scale-memory.ts";

/** The numbered vectors are those of keda-hpa-spec section 19. */

const NOW = Date.parse("2026-01-01T01:00:00Z");
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
  return proposeFromSamples({
    name: "cpu",
    target: { type: "Utilization", averageUtilization },
    samples,
    context: { pods, replicas: pods.length, nowMs: NOW },
  });
}

describe("proposeFromSamples", () => {
  const three = [pod("a"), pod("b"), pod("c")];

  test("vector 3: usage over target grows in proportion", () => {
    const proposal = propose(three, ["90m", "120m", "150m"]);
    expect(proposal.replicas).toBe(6);
    expect(proposal.current).toEqual({
      type: "Resource",
      resource: { name: "cpu", current: { averageUtilization: 120, averageValue: "120m" } },
    });
    expect(proposal.name).toBe("cpu resource utilization (percentage of request)");
  });

  test("vector 4: a missing pod counts as idle on the way up", () => {
    expect(propose(three, ["90m", "90m", undefined]).replicas).toBe(3);
  });

  test("vector 5: a missing pod counts as fully used on the way down", () => {
    expect(propose(three, ["20m", "20m", undefined]).replicas).toBe(3);
  });

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
    const context = { pods: [pod("a"), pod("b")], replicas: 2, nowMs: NOW };
    expect(proposeFromSamples({ name: "cpu", target, samples, context })).toMatchObject({
      replicas: 4,
      name: "cpu resource",
    });
  });
});

test("samplesOf adds up containers and skips pods with a container that lacks the resource", () => {
  const item = (name: string, containers: unknown[]) => ({
    apiVersion: "x",
    kind: "y",
    metadata: { name },
    timestamp: at(0),
    window: "30s",
    containers,
  });
  const samples = samplesOf(
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
  );
  expect([...samples.keys()]).toEqual(["a"]);
  expect(samples.get("a")?.usage).toBeCloseTo(0.15);
  expect(samples.get("a")?.windowMs).toBe(30_000);
});

describe("combineProposals", () => {
  const valid = (replicas: number) => ({ ok: true, replicas, name: `m${replicas}`, current: replicas }) as const;
  const failed = { ok: false, reason: "FailedGetExternalMetric", message: "gone" } as const;

  test("vector 7: a failed metric forbids to shrink and lets grow", () => {
    expect(combineProposals([valid(5), failed], 8)).toMatchObject({ ok: false, reason: "FailedGetExternalMetric" });
    expect(combineProposals([valid(10), failed], 8)).toMatchObject({
      ok: true,
      replicas: 10,
      partialError: expect.stringContaining("1 invalid out of 2"),
    });
  });

  test("the largest proposal wins", () => {
    expect(combineProposals([valid(3), valid(5), valid(4)], 4)).toMatchObject({ ok: true, replicas: 5, name: "m5" });
  });
});

describe("limit and stabilize", () => {
  const spec = (extra: Partial<HorizontalPodAutoscalerSpec> = {}): HorizontalPodAutoscalerSpec => ({
    scaleTargetRef: { kind: "Deployment", name: "web" },
    minReplicas: 1,
    maxReplicas: 100,
    ...extra,
  });

  /** One look: stabilise, limit, remember. */
  function look(
    of: HorizontalPodAutoscalerSpec,
    state: { current: number; memory: ScaleMemory },
    input: { desired: number; nowMs: number },
  ) {
    const { desired, nowMs } = input;
    const stable = stabilize({ spec: of, ...state, desired, nowMs });
    const { replicas } = limit({ spec: of, ...state, desired: stable.replicas, nowMs });
    let memory = rememberRecommendation(state.memory, desired, nowMs);
    if (replicas !== state.current) memory = rememberScale(memory, { from: state.current, to: replicas }, nowMs);
    return { current: replicas, memory };
  }

  test("vector 9: without behavior a size at most doubles, from four on", () => {
    let state = { current: 2, memory: initialMemory(2, NOW) };
    const sizes: number[] = [];
    for (let step = 1; step <= 5; step++) {
      state = look(spec(), state, { desired: 40, nowMs: NOW + step * 15_000 });
      sizes.push(state.current);
    }
    expect(sizes).toEqual([4, 8, 16, 32, 40]);
  });

  test("vector 8: policies bound growth within their period", () => {
    const policies = [
      { type: "Pods", value: 4, periodSeconds: 60 },
      { type: "Percent", value: 100, periodSeconds: 60 },
    ] as const;
    const of = spec({ behavior: { scaleUp: { policies } } });
    let state = { current: 3, memory: initialMemory(3, NOW) };
    state = look(of, state, { desired: 20, nowMs: NOW });
    expect(state.current).toBe(7);
    state = look(of, state, { desired: 20, nowMs: NOW + 30_000 });
    expect(state.current).toBe(7);
    state = look(of, state, { desired: 20, nowMs: NOW + 60_001 });
    expect(state.current).toBe(14);
  });

  test("vector 10: a percent policy bounds shrinking", () => {
    const policies = [{ type: "Percent", value: 10, periodSeconds: 60 }] as const;
    const of = spec({ behavior: { scaleDown: { policies } } });
    const state = { current: 80, memory: initialMemory(80, NOW - 400_000) };
    expect(look(of, state, { desired: 1, nowMs: NOW }).current).toBe(72);
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
  const metrics = { ok: true, replicas: 2, name: "cpu resource", current: [] } as const;
  const input = { conditions: [], nowMs: NOW };

  test("vector 11: a raised minimum is applied whatever the metrics say", () => {
    const plan = planAutoscale({
      ...input,
      hpa: hpa({ minReplicas: 10 }),
      current: 3,
      metrics: undefined,
      memory: initialMemory(3, NOW),
    });
    expect(plan).toMatchObject({ desired: 10, rescaleReason: "Current number of replicas below Spec.MinReplicas" });
  });

  test("vector 12: a size held by the minimum is not remembered, so lowering the minimum shrinks at once", () => {
    let memory = initialMemory(10, NOW - 600_000);
    for (let step = 40; step > 0; step--) {
      memory = planAutoscale({
        ...input,
        hpa: hpa({ minReplicas: 10 }),
        current: 10,
        metrics,
        memory,
        nowMs: NOW - step * 15_000,
      }).memory;
    }
    const plan = planAutoscale({ ...input, hpa: hpa({ minReplicas: 1 }), current: 10, metrics, memory });
    expect(plan).toMatchObject({ desired: 2, rescaleReason: "All metrics below target" });
  });

  test("vector 13: a target at zero is left alone", () => {
    const plan = planAutoscale({
      ...input,
      hpa: hpa({}),
      current: 0,
      metrics: undefined,
      memory: initialMemory(0, NOW),
    });
    expect(plan.desired).toBe(0);
    expect(plan.conditions).toMatchObject([{ type: "ScalingActive", status: "False", reason: "ScalingDisabled" }]);
  });

  test("metrics that cannot be read leave the size and say why", () => {
    const failed = { ok: false, reason: "FailedGetResourceMetric", message: "no metrics", current: [] } as const;
    const plan = planAutoscale({ ...input, hpa: hpa({}), current: 3, metrics: failed, memory: initialMemory(3, NOW) });
    expect(plan.desired).toBe(3);
    expect(plan.conditions).toMatchObject([
      { reason: "FailedGetResourceMetric", message: "the HPA was unable to compute the replica count: no metrics" },
    ]);
    expect(plan.events.map((event) => event.reason)).toEqual([
      "FailedGetResourceMetric",
      "FailedComputeMetricsReplicas",
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
