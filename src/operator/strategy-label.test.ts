import { expect, test } from "vitest";
import { canaryWith } from "./rehearsal-objects.ts";
import { strategyLabel } from "./strategy-label.ts";
import { createRolloutMetrics } from "./telemetry/index.ts";

const match = [{ headers: { "x-beta": { exact: "1" } } }];

test.each([
  ["canary", { stepWeight: 10 }],
  ["canary", { stepWeight: 10, match }],
  ["blue-green", { iterations: 3 }],
  ["blue-green", { iterations: 3, match: [] }],
  ["ab-testing", { iterations: 3, match }],
] as const)("strategyLabel: %s for %j, in the counters too", async (expected, analysis) => {
  const strategy = strategyLabel(canaryWith({}, analysis));
  expect(strategy).toBe(expected);
  const metrics = createRolloutMetrics({ version: "1", meshProvider: "istio" });
  metrics.finished({ name: "web", namespace: "shop" }, { outcome: "failure", analysis: "completed", strategy });
  expect(await metrics.text()).toContain(
    `flagger_canary_failures_total{name="web",namespace="shop",deployment_strategy="${expected}",analysis_status="completed"} 1`,
  );
});
