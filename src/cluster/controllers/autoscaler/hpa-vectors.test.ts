import { describe, expect, test } from "vitest";
import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec, MetricTarget, Pod } from "#api";
import { parseQuantity, unreachable } from "#base";
import { initialMemory, rememberScale, type ScaleMemory } from "#scaling";
import { combineProposals, type MetricAnswer } from "./combine-proposals.ts";
import type { PodSample } from "./group-pods.ts";
import { needsMetrics, planAutoscale } from "./plan-autoscale.ts";
import { proposeByValue } from "./propose-by-value.ts";
import { proposeFromSamples } from "./resource-metric.ts";

/**
 * The numbered vectors of keda-hpa-spec section 19, each driven through the pure parts of a look. 14 and 15 are the autoscaler's
 * half of KEDA's fallback: what it does with the published value. 16 to 20 are decisions of KEDA alone.
 */

const NOW = Date.parse("2026-01-01T01:00:00Z");
const TOLERANCE = { up: 0.1, down: 0.1 };

/** Pods that run, are ready, and request 100m. */
function readyPods(count: number): readonly Pod[] {
  const long = new Date(NOW - 3_600_000).toISOString();
  return Array.from({ length: count }, (_, index) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: `p${index}` },
    spec: { containers: [{ name: "c", resources: { requests: { cpu: "100m" } } }] },
    status: {
      phase: "Running",
      startTime: long,
      conditions: [{ type: "Ready", status: "True", lastTransitionTime: long }],
    },
  }));
}

interface ByValue {
  readonly value: number;
  readonly target: MetricTarget;
  readonly spec?: number;
  readonly status?: number;
  readonly ready?: number;
}

function byValue({ value, target, spec = 4, status = spec, ready = spec }: ByValue): number {
  const context = { pods: readyPods(ready), replicas: spec, statusReplicas: status, tolerance: TOLERANCE };
  return proposeByValue(value, target, context).replicas;
}

function byCpu(usages: readonly (string | undefined)[], averageUtilization = 60) {
  const samples = new Map<string, PodSample>();
  usages.forEach((usage, index) => {
    const quantity = usage === undefined ? undefined : parseQuantity(usage);
    if (quantity?.ok === true) {
      samples.set(`p${index}`, { usage: quantity.value, timestampMs: NOW - 5000, windowMs: 15_000 });
    }
  });
  const context = { pods: readyPods(usages.length), replicas: usages.length, tolerance: TOLERANCE, nowMs: NOW };
  const of = { name: "cpu", target: { type: "Utilization", averageUtilization } } as const;
  return proposeFromSamples(of, samples, context);
}

type Spec = Partial<HorizontalPodAutoscalerSpec>;

function hpa(spec: Spec): HorizontalPodAutoscaler {
  return {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { name: "web" },
    spec: { scaleTargetRef: { kind: "Deployment", name: "web" }, minReplicas: 1, maxReplicas: 100, ...spec },
  };
}

interface State {
  readonly current: number;
  readonly memory: ScaleMemory;
}

/** One look at a target whose metrics propose a size; what it sets is there at the next. */
function look(of: HorizontalPodAutoscaler, state: State, at: { readonly proposal: number; readonly nowMs: number }) {
  const { current, memory } = state;
  const { proposal, nowMs } = at;
  const metrics = { ok: true, replicas: proposal, name: "m", current: [], events: [] } as const;
  const read = needsMetrics(of, current) ? metrics : undefined;
  const plan = planAutoscale({ hpa: of, current, metrics: read, conditions: [], memory, nowMs });
  const isCounted = plan.desired !== current && of.spec.behavior !== undefined;
  const change = { from: current, to: plan.desired };
  return {
    current: plan.desired,
    memory: isCounted ? rememberScale(plan.memory, change, nowMs) : plan.memory,
    reasons: plan.conditions.map(({ reason }) => reason),
  };
}

/** Sizes of looks at the given seconds, from a size that has been there since `sinceSeconds`. */
function sizes(
  spec: Spec,
  from: { readonly current: number; readonly sinceSeconds?: number },
  looks: readonly { readonly atSeconds: number; readonly proposal: number }[],
): number[] {
  let state: State = { current: from.current, memory: initialMemory(from.current, (from.sinceSeconds ?? 0) * 1000) };
  return looks.map(({ atSeconds, proposal }) => {
    state = look(hpa(spec), state, { proposal, nowMs: atSeconds * 1000 });
    return state.current;
  });
}

function combined(metrics: readonly (number | "error")[], replicas: number): number | string {
  const answers = metrics.map((metric, index): MetricAnswer => {
    if (metric === "error") return { ok: false, reason: "FailedGetExternalMetric", message: "gone", failure: "f" };
    return { ok: true, proposal: { replicas: metric, name: `m${index}`, current: {} } };
  });
  const outcome = combineProposals(answers, replicas);
  const input = { hpa: hpa({}), current: replicas, conditions: [], memory: initialMemory(replicas, NOW), nowMs: NOW };
  const plan = planAutoscale({ ...input, metrics: outcome });
  const active = plan.conditions.find(({ type }) => type === "ScalingActive");
  return active?.status === "True" ? plan.desired : `${plan.desired} ${active?.status} ${active?.reason}`;
}

const average = (averageValue: string): MetricTarget => ({ type: "AverageValue", averageValue });
const value = (text: string): MetricTarget => ({ type: "Value", value: text });
const every15s = (count: number, proposal: number) =>
  Array.from({ length: count }, (_, index) => ({ atSeconds: (index + 1) * 15, proposal }));

interface Vector {
  readonly vector: string;
  readonly what: string;
  readonly got: () => unknown;
  readonly wanted: unknown;
}

const vectors: readonly Vector[] = [
  {
    vector: "1a",
    what: "External AverageValue 10, four pods, 57 is more than the tolerance",
    got: () => byValue({ value: 57, target: average("10"), status: 4 }),
    wanted: 6,
  },
  {
    vector: "1b",
    what: "External AverageValue 10, four pods, 43 is within the tolerance",
    got: () => byValue({ value: 43, target: average("10"), status: 4 }),
    wanted: 4,
  },
  {
    vector: "2a",
    what: "no change is the number of pods that exist: eleven of ten asked for",
    got: () => byValue({ value: 10, target: average("1"), spec: 10, status: 11 }),
    wanted: 11,
  },
  {
    vector: "2b",
    what: "past the tolerance the surge is forgotten: thirteen of ten asked for",
    got: () => byValue({ value: 10, target: average("1"), spec: 10, status: 13 }),
    wanted: 10,
  },
  {
    vector: "3",
    what: "cpu Utilization 60, usage 90/120/150m of 100m grows in proportion",
    got: () => byCpu(["90m", "120m", "150m"]),
    wanted: {
      replicas: 6,
      name: "cpu resource utilization (percentage of request)",
      current: {
        type: "Resource",
        resource: { name: "cpu", current: { averageUtilization: 120, averageValue: "120m" } },
      },
    },
  },
  {
    vector: "4",
    what: "a pod without a sample counts as idle on the way up",
    got: () => byCpu(["90m", "90m", undefined]).replicas,
    wanted: 3,
  },
  {
    vector: "5",
    what: "a pod without a sample counts as fully used on the way down",
    got: () => byCpu(["20m", "20m", undefined]).replicas,
    wanted: 3,
  },
  {
    vector: "6a",
    what: "External Value 100, value 250, four pods that serve",
    got: () => byValue({ value: 250, target: value("100"), ready: 4 }),
    wanted: 10,
  },
  {
    vector: "6b",
    what: "the same at zero replicas is blocked unless the minimum is zero",
    got: () => look(hpa({}), { current: 0, memory: initialMemory(0, NOW) }, { proposal: 3, nowMs: NOW }),
    wanted: { current: 0, memory: initialMemory(0, NOW), reasons: ["ScalingDisabled"] },
  },
  {
    vector: "6c",
    what: "the same at zero replicas with a minimum of zero counts from one pod",
    got: () => [
      byValue({ value: 250, target: value("100"), spec: 0 }),
      sizes({ minReplicas: 0 }, { current: 0 }, [{ atSeconds: 15, proposal: 3 }]),
    ],
    wanted: [3, [3]],
  },
  {
    vector: "7a",
    what: "a failed metric forbids to shrink",
    got: () => combined([5, "error"], 8),
    wanted: "8 False FailedGetExternalMetric",
  },
  { vector: "7b", what: "a failed metric lets grow", got: () => combined([10, "error"], 8), wanted: 10 },
  {
    vector: "8",
    what: "policies bound growth within their period",
    got: () =>
      sizes(
        {
          behavior: {
            scaleUp: {
              policies: [
                { type: "Pods", value: 4, periodSeconds: 60 },
                { type: "Percent", value: 100, periodSeconds: 60 },
              ],
            },
          },
        },
        { current: 3 },
        [1, 31, 61].map((atSeconds) => ({ atSeconds, proposal: 20 })),
      ),
    wanted: [7, 7, 14],
  },
  {
    vector: "9",
    what: "without behavior a size at most doubles, from four on",
    got: () => sizes({}, { current: 2 }, every15s(5, 40)),
    wanted: [4, 8, 16, 32, 40],
  },
  {
    vector: "10",
    what: "a percent policy bounds shrinking once the window has passed",
    got: () =>
      sizes(
        { behavior: { scaleDown: { policies: [{ type: "Percent", value: 10, periodSeconds: 60 }] } } },
        { current: 80 },
        [{ atSeconds: 301, proposal: 1 }],
      ),
    wanted: [72],
  },
  {
    vector: "11",
    what: "a raised minimum is applied whatever the metrics say",
    got: () => sizes({ minReplicas: 10 }, { current: 3 }, [{ atSeconds: 15, proposal: 1 }]),
    wanted: [10],
  },
  {
    vector: "12",
    what: "a size held by the minimum is not remembered: lowering the minimum shrinks at once",
    got: () => {
      let state: State = { current: 10, memory: initialMemory(10, 0) };
      for (let step = 1; step <= 40; step++) {
        state = look(hpa({ minReplicas: 10 }), state, { proposal: 2, nowMs: step * 15_000 });
      }
      return [state.current, look(hpa({}), state, { proposal: 2, nowMs: 41 * 15_000 }).current];
    },
    wanted: [10, 2],
  },
  {
    vector: "13",
    what: "a target at zero is left alone while the minimum is one",
    got: () => sizes({}, { current: 0 }, every15s(3, 5)),
    wanted: [0, 0, 0],
  },
  {
    vector: "14",
    what: "KEDA's static fallback of six on Value 100 with three pods publishes 200",
    got: () => byValue({ value: 200, target: value("100"), spec: 3 }),
    wanted: 6,
  },
  {
    vector: "15",
    what: "KEDA's static fallback of six on AverageValue 10 publishes 60",
    got: () => byValue({ value: 60, target: average("10"), spec: 3 }),
    wanted: 6,
  },
];

test.each(vectors)("vector $vector: $what", ({ got, wanted }) => {
  expect(got()).toEqual(wanted);
});

describe("proposeByValue beside the vectors", () => {
  test("AverageValue without pods: a positive sum works, and zero asks for nothing", () => {
    expect(byValue({ value: 30, target: average("10"), spec: 2, status: 0 })).toBe(3);
    expect(byValue({ value: 0, target: average("10"), spec: 2, status: 0 })).toBe(0);
  });

  test("Value counts the pods that serve, not those that exist", () => {
    const [first, ...rest] = readyPods(4);
    const unready = rest.map((pod) => ({ ...pod, status: { ...pod.status, conditions: [] } }));
    const pods = first === undefined ? [] : [first, ...unready];
    const context = { pods, replicas: 4, statusReplicas: 4, tolerance: TOLERANCE };
    expect(proposeByValue(250, value("100"), context)).toEqual({ replicas: 3, current: { value: "250" } });
  });

  test("a target that is neither value nor average, or is not positive, is refused", () => {
    const targets: readonly MetricTarget[] = [
      { type: "Utilization", averageUtilization: 50 },
      { type: "Value", averageValue: "1" },
      { type: "AverageValue", value: "1" },
      { type: "Value", value: "0" },
    ];
    for (const target of targets) {
      expect(() => byValue({ value: 1, target })).toThrow("neither a value target nor an average value target was set");
    }
  });

  test.each(["Value", "AverageValue"] as const)(
    "%s: the tolerance of each direction counts, its bounds included",
    (type) => {
      const proposed = (amount: number): number => {
        const context = {
          pods: readyPods(10),
          replicas: 10,
          statusReplicas: 10,
          tolerance: { up: 0.5, down: 0 },
        };
        switch (type) {
          case "Value":
            return proposeByValue(amount, value("100"), context).replicas;
          case "AverageValue":
            return proposeByValue(amount, average("10"), context).replicas;
          default:
            return unreachable(type);
        }
      };
      expect([99, 100, 150, 151].map(proposed)).toEqual([10, 10, 10, 16]);
      expect(proposed(90)).toBe(9);
    },
  );
});
