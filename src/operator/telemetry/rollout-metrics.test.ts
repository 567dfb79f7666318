import { expect, test } from "vitest";
import type { Decision, EvidenceFact } from "#rollout";
import { createRolloutMetrics } from "./rollout-metrics.ts";

const explanation: Decision["explanation"] = {
  sentence: "",
  fromPhase: "Progressing",
  toPhase: "Progressing",
  fromWeight: 0,
  toWeight: 0,
  checks: [],
};
const web = { name: "web", namespace: "shop" };
const unknown = { ready: undefined, need: undefined, floor: undefined };

async function linesOf(metrics: ReturnType<typeof createRolloutMetrics>): Promise<string[]> {
  return (await metrics.text()).split("\n").filter((line) => line.startsWith("flagger_") && !line.includes("_bucket"));
}

test("rollout metrics: names, labels and values are Flagger's", async () => {
  const metrics = createRolloutMetrics({ version: "1", meshProvider: "istio" });
  metrics.watchTotals(() => new Map([["shop", 2]]));
  metrics.observe({ ...web, phase: "Progressing", canaryWeight: 30 });
  metrics.measured(web, "request-success-rate", 99.5);
  metrics.ticked(web, 0.25);
  metrics.finished(web, { outcome: "success", analysis: "completed", strategy: "canary" });
  expect(await linesOf(metrics)).toEqual(
    expect.arrayContaining([
      'flagger_info{version="1",mesh_provider="istio"} 1',
      'flagger_canary_total{namespace="shop"} 2',
      'flagger_canary_status{name="web",namespace="shop"} 0',
      'flagger_canary_weight{workload="web-primary",namespace="shop"} 70',
      'flagger_canary_weight{workload="web",namespace="shop"} 30',
      'flagger_canary_duration_seconds_sum{name="web",namespace="shop"} 0.25',
      'flagger_canary_metric_analysis{name="web",namespace="shop",metric="request-success-rate"} 99.5',
      'flagger_canary_successes_total{name="web",namespace="shop",deployment_strategy="canary",analysis_status="completed"} 1',
    ]),
  );
});

test("rollout metrics: status is 1 after a success and 2 after a failure", async () => {
  const metrics = createRolloutMetrics({ version: "1", meshProvider: "istio" });
  metrics.observe({ ...web, phase: "Succeeded", canaryWeight: 0 });
  expect(await linesOf(metrics)).toContain('flagger_canary_status{name="web",namespace="shop"} 1');
  metrics.observe({ ...web, phase: "Failed", canaryWeight: 0 });
  expect(await linesOf(metrics)).toContain('flagger_canary_status{name="web",namespace="shop"} 2');
});

test("rollout metrics: a Canary that is gone leaves its counters only", async () => {
  const metrics = createRolloutMetrics({ version: "1", meshProvider: "istio" });
  metrics.observe({ ...web, phase: "Succeeded", canaryWeight: 0 });
  metrics.measured(web, "m", 1);
  metrics.ticked(web, 0.1);
  metrics.forget(web);
  metrics.watchTotals(() => new Map());
  expect((await linesOf(metrics)).filter((line) => line.includes("shop"))).toEqual([]);
});

test("rollout metrics: pods of both copies, as far as they are known, until the Canary is gone", async () => {
  const metrics = createRolloutMetrics({ version: "1", meshProvider: "istio" });
  const lines = async () => (await metrics.text()).split("\n").filter((line) => line.startsWith("serin_capacity_"));
  const primary = { ready: 4, need: 3, floor: 4 };
  metrics.observe({
    ...web,
    phase: "Progressing",
    canaryWeight: 10,
    capacity: { primary, canary: { ...unknown, ready: 1 } },
  });
  expect(await lines()).toEqual([
    'serin_capacity_ready{name="web",namespace="shop",copy="primary"} 4',
    'serin_capacity_ready{name="web",namespace="shop",copy="canary"} 1',
    'serin_capacity_need{name="web",namespace="shop",copy="primary"} 3',
    'serin_capacity_floor{name="web",namespace="shop",copy="primary"} 4',
  ]);
  const released = { primary: { ...primary, floor: undefined }, canary: unknown };
  metrics.observe({ ...web, phase: "Succeeded", canaryWeight: 0, capacity: released });
  expect(await lines()).toHaveLength(2);
  metrics.forget(web);
  expect(await lines()).toEqual([]);
});

function fact(metric: string, worse: number, bound?: number): EvidenceFact {
  const counts = { total: 100, bad: 1 };
  const seen = { canary: counts, primary: counts, estimate: 0, falseAlarm: 0.2, goAt: 0.01 };
  return { metric, what: "errors", ...seen, worse, bound, verdict: "unknown" };
}

test("rollout metrics: verdicts by metric, decisions by rule; a metric that is judged no more goes", async () => {
  const metrics = createRolloutMetrics({ version: "1", meshProvider: "istio" });
  const judge = (...facts: EvidenceFact[]): void =>
    metrics.decided(web, {
      label: "advance",
      explanation: { ...explanation, evidence: { combined: 1, stopAt: 4.6, metrics: facts } },
    });
  const lines = async (): Promise<string[]> =>
    (await metrics.text()).split("\n").filter((line) => /^serin_(?:verdict|decisions)/.test(line));
  judge(fact("errors", 1.5, 0.02), fact("latency", 0.5));
  metrics.decided(web, { label: "steady", explanation });
  expect(await lines()).toEqual([
    'serin_verdict_evidence{name="web",namespace="shop",metric="errors"} 1.5',
    'serin_verdict_evidence{name="web",namespace="shop",metric="latency"} 0.5',
    'serin_verdict_bound{name="web",namespace="shop",metric="errors"} 0.02',
    'serin_verdict_goal{name="web",namespace="shop",metric="errors"} 0.01',
    'serin_verdict_goal{name="web",namespace="shop",metric="latency"} 0.01',
    'serin_verdict_stop{name="web",namespace="shop"} 4.6',
    'serin_verdict_false_alarm{name="web",namespace="shop",metric="errors"} 0.2',
    'serin_verdict_false_alarm{name="web",namespace="shop",metric="latency"} 0.2',
    'serin_decisions_total{label="advance"} 1',
    'serin_decisions_total{label="steady"} 1',
  ]);
  judge(fact("latency", 0.6));
  expect((await lines()).filter((line) => line.includes('metric="errors"'))).toEqual([]);
  metrics.forget(web);
  expect((await lines()).filter((line) => line.includes("serin_verdict"))).toEqual([]);
});
