import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { createOperatorMetrics } from "./operator-metrics.ts";
import { createRolloutMetrics } from "./rollout-metrics.ts";

const request = { verb: "patch", resource: "deployments/scale", status: 200, durationMs: 20 } as const;

async function linesOf(registry: Registry): Promise<string[]> {
  return (await registry.metrics())
    .split("\n")
    .filter((line) => line.startsWith("serin_") && !line.includes("_bucket"));
}

test("operator metrics: requests, informers, ticks, queue and leadership", async () => {
  const registry = new Registry();
  const metrics = createOperatorMetrics(registry);
  metrics.requestEnded(request);
  metrics.requestEnded({ verb: "watch", resource: "pods", status: 0, durationMs: 90_000 });
  metrics.informerDid("listed", "pods");
  metrics.informerDid("watch-opened", "pods");
  metrics.tickStarted(1500);
  metrics.tickStarted(-3);
  metrics.setLeader(true);
  let size = 4;
  metrics.watchQueue(() => size);
  expect(await linesOf(registry)).toEqual([
    'serin_kube_requests_total{verb="patch",resource="deployments/scale",code="200"} 1',
    'serin_kube_requests_total{verb="watch",resource="pods",code="none"} 1',
    'serin_kube_request_duration_seconds_sum{verb="patch",resource="deployments/scale"} 0.02',
    'serin_kube_request_duration_seconds_count{verb="patch",resource="deployments/scale"} 1',
    'serin_informer_lists_total{resource="pods"} 1',
    'serin_informer_watches_total{resource="pods"} 1',
    "serin_tick_lateness_seconds_sum 1.5",
    "serin_tick_lateness_seconds_count 2",
    "serin_reconcile_bugs_total 0",
    "serin_run_records_refused_total 0",
    "serin_leader 1",
    "serin_work_queue_depth 4",
  ]);
  size = 0;
  expect(await linesOf(registry)).toContain("serin_work_queue_depth 0");
});

test("operator metrics: kinds beyond the bound share one label", async () => {
  const registry = new Registry();
  const metrics = createOperatorMetrics(registry);
  for (let index = 0; index < 200; index++) metrics.requestEnded({ ...request, resource: `kind${index}` });
  const counts = (await linesOf(registry)).filter((line) => line.startsWith("serin_kube_requests_total"));
  expect(counts).toHaveLength(65);
  expect(counts.at(-1)).toContain('resource="other",code="200"} 136');
});

test("rollout metrics: status 1 after init, 0 in progress, 2 after failure with weights 100/0, counted once (pinned 21)", async () => {
  const metrics = createRolloutMetrics({ version: "1", meshProvider: "istio" });
  const web = { name: "web", namespace: "shop" };
  const seen = async (): Promise<string[]> =>
    (await metrics.text())
      .split("\n")
      .filter((line) => /^flagger_canary_(?:status|weight|successes|failures)/.test(line));
  const status = 'flagger_canary_status{name="web",namespace="shop"}';
  metrics.observe({ ...web, phase: "Initialized", canaryWeight: 0 });
  expect(await seen()).toContain(`${status} 1`);
  metrics.observe({ ...web, phase: "Progressing", canaryWeight: 50 });
  expect(await seen()).toContain(`${status} 0`);
  metrics.observe({ ...web, phase: "Failed", canaryWeight: 0 });
  metrics.finished(web, { outcome: "failure", analysis: "completed", strategy: "canary" });
  expect(await seen()).toEqual([
    `${status} 2`,
    'flagger_canary_weight{workload="web-primary",namespace="shop"} 100',
    'flagger_canary_weight{workload="web",namespace="shop"} 0',
    'flagger_canary_failures_total{name="web",namespace="shop",deployment_strategy="canary",analysis_status="completed"} 1',
  ]);
  metrics.finished(web, { outcome: "success", analysis: "completed", strategy: "canary" });
  metrics.finished(web, { outcome: "success", analysis: "skipped", strategy: "canary" });
  expect((await seen()).filter((line) => line.includes("successes"))).toEqual([
    'flagger_canary_successes_total{name="web",namespace="shop",deployment_strategy="canary",analysis_status="completed"} 1',
    'flagger_canary_successes_total{name="web",namespace="shop",deployment_strategy="canary",analysis_status="skipped"} 1',
  ]);
});
