import { expect, test } from "vitest";
import type { CanaryMetric } from "#api";
import { judgeMetric } from "./judge-metric.ts";
import type { MetricPart, MetricResult } from "./observation.ts";

function judge(metric: CanaryMetric, part: MetricPart, result: number | MetricResult) {
  const typed: MetricResult = typeof result === "number" ? { kind: "value", value: result } : result;
  return judgeMetric({ metric, part, result: typed, provider: "istio", canaryRef: "web.shop", targetRef: "web.shop" });
}

const rate = { name: "request-success-rate" };
const duration = { name: "request-duration" };
const custom = { name: "errors" };

test.each<[string, CanaryMetric, MetricPart, number, string]>([
  ["rate at its floor", { ...rate, threshold: 99 }, "builtin", 99, "passed"],
  ["rate below its floor", { ...rate, threshold: 99 }, "builtin", 98.69, "failed"],
  ["duration at its ceiling", { ...duration, threshold: 500 }, "builtin", 500, "passed"],
  ["duration above its ceiling", { ...duration, threshold: 500 }, "builtin", 1500, "failed"],
  ["range, both ends included", { ...custom, thresholdRange: { min: 1, max: 2 } }, "template", 2, "passed"],
  ["range, below", { ...custom, thresholdRange: { min: 1, max: 2 } }, "template", 0.5, "failed"],
  ["duration bounds in whole ms", { ...duration, thresholdRange: { max: 499.9 } }, "builtin", 500, "failed"],
  ["no bound is a ceiling of zero", custom, "inline", 0.1, "failed"],
])("judgeMetric: %s", (_, metric, part, value, verdict) => {
  expect(judge(metric, part, value).verdict).toBe(verdict);
});

test("judgeMetric: the texts are Flagger's", () => {
  expect(judge({ ...rate, thresholdRange: { min: 99 } }, "builtin", 98.69).detail).toBe(
    "Halt web.shop advancement success rate 98.69% < 99%",
  );
  expect(judge({ ...rate, threshold: 99 }, "builtin", 98).detail).toBe(
    "Halt web.shop advancement success rate 98.00% < 99%",
  );
  expect(judge({ ...duration, thresholdRange: { max: 500 } }, "builtin", 1500).detail).toBe(
    "Halt web.shop advancement request duration 1.5s > 500ms",
  );
  expect(judge({ ...custom, thresholdRange: { max: 10 } }, "template", 12).detail).toBe(
    "Halt web.shop advancement errors 12.00 > 10",
  );
});

test.each([
  [
    "builtin",
    "Halt advancement no values found for istio metric request-duration probably web.shop is not receiving traffic",
  ],
  [
    "inline",
    "Halt advancement no values found for metric: request-duration probably web.shop is not receiving traffic",
  ],
  [
    "template",
    "Halt advancement no values found for custom metric: request-duration probably web.shop is not receiving traffic",
  ],
] as const)("judgeMetric: no values of a %s metric, in Flagger's words", (part, text) => {
  expect(judge(duration, part, { kind: "empty" }).detail).toBe(text);
});

test("judgeMetric: a query that the server refuses, in Flagger's words", () => {
  const refused: MetricResult = { kind: "error", message: "bad" };
  expect(judge(rate, "builtin", refused).detail).toBe("Prometheus query failed: bad");
  expect(judge(custom, "template", refused).detail).toBe("Metric query failed for errors: bad");
});

test("judgeMetric: six results, three verdicts", () => {
  const verdict = (result: MetricResult) => judge({ ...rate, threshold: 0 }, "builtin", result).verdict;
  expect(verdict({ kind: "value", value: 1 })).toBe("passed");
  expect(verdict({ kind: "zero" })).toBe("passed");
  expect(verdict({ kind: "empty" })).toBe("failed");
  expect(verdict({ kind: "error", message: "" })).toBe("failed");
  expect(verdict({ kind: "stale", ageMs: 1 })).toBe("unknown");
  expect(verdict({ kind: "unreachable", message: "" })).toBe("unknown");
});
