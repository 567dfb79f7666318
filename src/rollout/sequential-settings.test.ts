import { expect, test } from "vitest";
import { canaryOf, decideScene, messagesOf, type Scene, unready } from "./scene.ts";
import { readSettings } from "./settings.ts";
import { compared } from "./sequential-scene.ts";

/** A value that the types do not allow, as YAML can hold it. */
const broken = (sequential: unknown) => ({ ...compared, sequential }) as Scene["analysis"];

const read = (scene: Scene) => readSettings(canaryOf(scene), { minIntervalMs: 1000 });

function settingsOf(scene: Scene) {
  const result = read(scene);
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

test("readSettings: defaults of a sequential analysis", () => {
  const { metrics } = compared;
  expect(settingsOf({ analysis: { method: "sequential", metrics: metrics ?? [], interval: "1m" } })).toMatchObject({
    intervalMs: 60_000,
    tickMs: 10_000,
    sequential: {
      tolerated: { ratio: 1.2, excess: 0.0002 },
      slower: 1.15,
      alpha: 0.01,
      beta: 0.05,
      finalExcess: 0.001,
      maxDurationMs: 1_800_000,
      onTimeout: "promote",
      warmUpMs: 60_000,
    },
    notices: [],
  });
});

test("readSettings: without the method nothing is compared, and ticks are intervals", () => {
  expect(settingsOf({ analysis: { interval: "1m" } })).toMatchObject({ tickMs: 60_000, notices: [] });
  expect(settingsOf({}).sequential).toBeUndefined();
  expect(settingsOf({ analysis: { method: "threshold" } }).sequential).toBeUndefined();
});

test("readSettings: a pod that is cold for capacity is cold for its verdict", () => {
  const spec = { capacity: { warmUp: "2m" } };
  const { metrics } = compared;
  const analysis = { method: "sequential", metrics: metrics ?? [] } as const;
  expect(settingsOf({ spec, analysis }).sequential?.warmUpMs).toBe(120_000);
  expect(settingsOf({ spec, analysis: { ...analysis, sequential: { warmup: "5s" } } }).sequential?.warmUpMs).toBe(5000);
});

test.each<[string, Scene["analysis"]]>([
  ["spec.analysis.method", { method: "guess" as "threshold" }],
  ["spec.analysis.metrics", { ...compared, metrics: [] }],
  ["spec.analysis.sequential.profile", { ...compared, sequential: { profile: "lax" as "fast" } }],
  ["spec.analysis.sequential.onTimeout", { ...compared, sequential: { onTimeout: "pray" as "hold" } }],
  ["spec.analysis.sequential.tolerance.relative", { ...compared, sequential: { tolerance: { relative: 0.9 } } }],
  ["spec.analysis.sequential.tolerance.latency", { ...compared, sequential: { tolerance: { latency: 11 } } }],
  [
    "spec.analysis.sequential.tolerance.absolutePercent",
    { ...compared, sequential: { tolerance: { absolutePercent: -1 } } },
  ],
  ["spec.analysis.sequential.tolerance", broken({ tolerance: 3 })],
  ["spec.analysis.sequential.confidence", broken({ confidence: "high" })],
  [
    "spec.analysis.sequential.confidence.falseRollbackPercent",
    { ...compared, sequential: { confidence: { falseRollbackPercent: 0 } } },
  ],
  ["spec.analysis.sequential.warmup", { ...compared, sequential: { warmup: "a while" } }],
  ["spec.analysis.sequential.maxDuration", { ...compared, sequential: { maxDuration: "80s", warmup: "60s" } }],
  ["spec.analysis.sequential", broken("strict")],
])("readSettings: names the sequential path %s", (path, analysis) => {
  const result = read({ analysis: analysis ?? {} });
  expect(result.ok ? [] : result.error.map((problem) => problem.path)).toEqual([path]);
});

test("readSettings: a maxDuration that is over before a verdict says how long it must be", () => {
  const result = read({ analysis: { ...compared, sequential: { maxDuration: "80s" } } });
  expect(result.ok ? undefined : result.error[0]?.message).toBe(
    "1m20s is over before a verdict: the warm-up and 3 intervals take 1m30s",
  );
});

test.each<[string, Scene, RegExp]>([
  ["no method", { analysis: { sequential: { profile: "fast" } } }, /^spec\.analysis\.sequential has no effect/],
  ["blue/green", { analysis: { ...compared, iterations: 3 } }, /only one copy has traffic/],
  [
    "no routes",
    { analysis: { ...compared, iterations: 3 }, spec: { provider: "kubernetes" } },
    /only one copy has traffic/,
  ],
  [
    "an A/B test",
    { analysis: { ...compared, iterations: 3, match: [{ headers: { a: { exact: "b" } } }] } },
    /not compared at random/,
  ],
  ["affinity", { analysis: { ...compared, sessionAffinity: { cookieName: "c" } } }, /keeps clients with their copy/],
  [
    "a query",
    { analysis: { ...compared, metrics: [...(compared.metrics ?? []), { name: "lag", query: "lag()" }] } },
    /metrics\[1\] "lag" cannot be compared/,
  ],
])("readSettings: %s is told at the start of a run", (_, scene, told) => {
  expect(settingsOf(scene).notices.filter((notice) => told.test(notice))).toHaveLength(1);
  const start = decideScene({
    ...scene,
    status: { lastAppliedSpec: "s-old" },
    target: { desiredCount: 0, ...unready },
  });
  expect(start.label).toBe("start");
  expect(messagesOf(start).filter((message) => told.test(message))).toHaveLength(1);
});

test("readSettings: strategies of one copy at a time go by their checks", () => {
  expect(settingsOf({ analysis: { ...compared, iterations: 3 } }).sequential).toBeUndefined();
  expect(settingsOf({ analysis: { ...compared, iterations: 3, mirror: true } }).sequential).toBeDefined();
});
