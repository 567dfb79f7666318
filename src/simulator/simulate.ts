import { ClusterModel, STEP_MS } from "./cluster-model.ts";
import { OperatorModel } from "./operator-model.ts";
import type { Outcome, Sample, Scenario } from "./scenario.ts";

/** Where the model's clock starts; any time would do. */
const START_MS = Date.UTC(2026, 0, 1, 12);
const SAMPLE_MS = 5000;

/** Runs a scenario on a virtual clock: the model a second at a time, the operator whenever it would look. */
export function simulate(scenario: Scenario): Outcome {
  const cluster = new ClusterModel(scenario);
  const operator = new OperatorModel(scenario, cluster, START_MS);
  const samples: Sample[] = [];
  let endedMs: number | undefined;
  let maxCanaryWeight = 0;
  for (let nowMs = 0; nowMs < scenario.durationMs; nowMs += STEP_MS) {
    if (nowMs === scenario.releaseAtMs) cluster.release();
    cluster.step(nowMs);
    operator.look(nowMs);
    maxCanaryWeight = Math.max(maxCanaryWeight, cluster.canaryWeight);
    const { phase } = operator.status;
    if (endedMs === undefined && nowMs > scenario.releaseAtMs && (phase === "Succeeded" || phase === "Failed"))
      endedMs = nowMs;
    if (nowMs % SAMPLE_MS === 0) samples.push(sampleOf(cluster, scenario, nowMs));
  }
  const { requestCount, overloadedCount, errorCount, podMs } = cluster.totals;
  return {
    phase: operator.status.phase ?? "",
    releaseMs: endedMs === undefined ? undefined : endedMs - scenario.releaseAtMs,
    requestCount: Math.round(requestCount),
    overloadedCount: Math.round(overloadedCount),
    errorCount: Math.round(errorCount),
    podMinutes: podMs / 60_000,
    maxCanaryWeight,
    samples,
    events: operator.events,
  };
}

function sampleOf(cluster: ClusterModel, scenario: Scenario, nowMs: number): Sample {
  const { primary, canary } = cluster.workloads;
  return {
    atMs: nowMs,
    rate: scenario.rateAt(nowMs),
    canaryWeight: cluster.canaryWeight,
    primaryReadyCount: primary.readyCount(nowMs),
    canaryReadyCount: canary.readyCount(nowMs),
    primaryPodCount: primary.podCount,
    canaryPodCount: canary.podCount,
    overloadedRate: cluster.overloadedRate,
  };
}
