import fc from "fast-check";
import { expect, test } from "vitest";
import type { HorizontalPodAutoscaler, MetricTarget, Pod, ScalingRules } from "#api";
import { initialMemory, rememberScale, type ScaleMemory } from "#scaling";
import { needsMetrics, planAutoscale } from "./plan-autoscale.ts";
import { proposeByValue } from "./propose-by-value.ts";

type Policy = NonNullable<ScalingRules["policies"]>[number];

const policy = fc.record<Policy>({
  type: fc.constantFrom("Pods", "Percent"),
  value: fc.integer({ min: 1, max: 150 }),
  periodSeconds: fc.integer({ min: 1, max: 120 }),
});
const rules = fc.record(
  {
    policies: fc.array(policy, { minLength: 1, maxLength: 3 }),
    selectPolicy: fc.constantFrom("Max", "Min", "Disabled"),
    stabilizationWindowSeconds: fc.integer({ min: 0, max: 120 }),
  },
  { requiredKeys: ["policies"] },
);
const behavior = fc.option(fc.record({ scaleUp: rules, scaleDown: rules }, { requiredKeys: [] }), { nil: undefined });
const spec = fc
  .record({ min: fc.integer({ min: 0, max: 10 }), extra: fc.integer({ min: 0, max: 60 }), behavior })
  .map((of) => ({
    minReplicas: of.min,
    maxReplicas: Math.max(1, of.min + of.extra),
    ...(of.behavior === undefined ? {} : { behavior: of.behavior }),
  }));

type Spec = typeof spec extends fc.Arbitrary<infer T> ? T : never;

function hpa(of: Spec): HorizontalPodAutoscaler {
  return {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { name: "web" },
    spec: { scaleTargetRef: { kind: "Deployment", name: "web" }, ...of },
  };
}

interface State {
  readonly current: number;
  readonly memory: ScaleMemory;
}

function look(of: Spec, { current, memory }: State, at: { readonly proposal: number; readonly nowMs: number }): State {
  const { proposal, nowMs } = at;
  const metrics = { ok: true, replicas: proposal, name: "m", current: [], events: [] } as const;
  const read = needsMetrics(hpa(of), current) ? metrics : undefined;
  const plan = planAutoscale({ hpa: hpa(of), current, metrics: read, conditions: [], memory, nowMs });
  const change = { from: current, to: plan.desired };
  const isCounted = plan.desired !== current && of.behavior !== undefined;
  return { current: plan.desired, memory: isCounted ? rememberScale(plan.memory, change, nowMs) : plan.memory };
}

const looks = fc.array(
  fc.record({ afterSeconds: fc.integer({ min: 1, max: 90 }), proposal: fc.integer({ min: 0, max: 100 }) }),
  { minLength: 1, maxLength: 40 },
);

/** Sizes with the time of each, from the one at second 0 on. */
function run(of: Spec, from: number, steps: readonly { readonly afterSeconds: number; readonly proposal: number }[]) {
  let state: State = { current: from, memory: initialMemory(from, 0) };
  let atSeconds = 0;
  const sizes = [{ atSeconds, size: from }];
  for (const { afterSeconds, proposal } of steps) {
    atSeconds += afterSeconds;
    state = look(of, state, { proposal, nowMs: atSeconds * 1000 });
    sizes.push({ atSeconds, size: state.current });
  }
  return sizes;
}

test("planAutoscale: after one look a size is within its bounds, or zero and left alone", () => {
  fc.assert(
    fc.property(spec, fc.integer({ min: 0, max: 100 }), looks, (of, from, steps) => {
      for (const { size } of run(of, from, steps).slice(1)) {
        if (from === 0 && of.minReplicas > 0) expect(size).toBe(0);
        else expect(size).toBeGreaterThanOrEqual(of.minReplicas);
        expect(size).toBeLessThanOrEqual(of.maxReplicas);
      }
    }),
  );
});

test("planAutoscale: a metric that asks for more never yields less", () => {
  fc.assert(
    fc.property(spec, looks, fc.nat(100), fc.nat(50), (of, steps, proposal, more) => {
      const from = of.maxReplicas;
      let state: State = { current: from, memory: initialMemory(from, 0) };
      let nowMs = 0;
      for (const step of steps) {
        nowMs += step.afterSeconds * 1000;
        state = look(of, state, { proposal: step.proposal, nowMs });
      }
      const at = nowMs + 1000;
      const less = look(of, state, { proposal, nowMs: at }).current;
      expect(look(of, state, { proposal: proposal + more, nowMs: at }).current).toBeGreaterThanOrEqual(less);
    }),
  );
});

/** The size that a policy lets a target have, from its size at the start of the period. */
function allowed(direction: "up" | "down", { type, value }: Policy, start: number): number {
  const sign = direction === "up" ? 1 : -1;
  if (type === "Pods") return start + sign * value;
  const exact = Math.round(start * (1 + (sign * value) / 100) * 1e6) / 1e6;
  return direction === "up" ? Math.ceil(exact) : Math.floor(exact);
}

test("planAutoscale: within the bounds no change goes beyond what the policies admit for their periods", () => {
  fc.assert(
    fc.property(spec, fc.nat(), looks, (of, seed, steps) => {
      const from = of.minReplicas + (seed % (of.maxReplicas - of.minReplicas + 1));
      const sizes = run(of, from, steps);
      for (const [index, { atSeconds, size }] of sizes.entries()) {
        const before = sizes[index - 1]?.size ?? size;
        if (size === before || of.behavior === undefined) continue;
        const direction = size > before ? "up" : "down";
        const given = direction === "up" ? of.behavior.scaleUp : of.behavior.scaleDown;
        if (given === undefined) continue;
        expect(given.selectPolicy).not.toBe("Disabled");
        const limits = given.policies.map((one) => {
          const isBefore = (at: number): boolean => at <= atSeconds - one.periodSeconds;
          const start = sizes.filter((other) => isBefore(other.atSeconds)).at(-1)?.size ?? from;
          return allowed(direction, one, start);
        });
        const isLoose = (direction === "up") === (given.selectPolicy !== "Min");
        const bound = isLoose ? Math.max(...limits) : Math.min(...limits);
        if (direction === "up") expect(size).toBeLessThanOrEqual(Math.max(before, bound));
        else expect(size).toBeGreaterThanOrEqual(Math.min(before, bound));
      }
    }),
  );
});

test("proposeByValue: with every pod serving, more of the metric never proposes fewer pods", () => {
  const pods = (count: number): readonly Pod[] =>
    Array.from({ length: count }, (_, index) => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: `p${index}` },
      spec: { containers: [] },
      status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] },
    }));
  const target = fc.constantFrom<MetricTarget>(
    { type: "Value", value: "7" },
    { type: "AverageValue", averageValue: "1500m" },
  );
  const tolerance = fc.record({ up: fc.double({ min: 0, max: 1, noNaN: true }), down: fc.constantFrom(0, 0.1, 0.9) });
  fc.assert(
    fc.property(target, tolerance, fc.integer({ min: 1, max: 30 }), fc.nat(300), (of, around, replicas, usage) => {
      const context = { pods: pods(replicas), replicas, statusReplicas: replicas, tolerance: around };
      const [less, more] = [usage, usage + 1].map((amount) => proposeByValue(amount, of, context).replicas);
      expect(more).toBeGreaterThanOrEqual(less ?? 0);
    }),
  );
});
