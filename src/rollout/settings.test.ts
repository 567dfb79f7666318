import { expect, test } from "vitest";
import { canaryOf, type Scene } from "./scene.ts";
import { readSettings } from "./settings.ts";

const read = (scene: Scene) => readSettings(canaryOf(scene), { minIntervalMs: 10_000 });

function settingsOf(scene: Scene) {
  const result = read(scene);
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

test("readSettings: defaults", () => {
  const { interval: _, threshold: __, maxWeight: ___, ...bare } = canaryOf({}).spec.analysis;
  expect(settingsOf({ spec: { analysis: bare } })).toMatchObject({
    intervalMs: 60_000,
    threshold: 1,
    promotionStep: 0,
    primaryReadyPercent: 100,
    canaryReadyPercent: 100,
    progressDeadlineMs: 600_000,
    skipsAnalysis: false,
  });
});

test("readSettings: short intervals are raised to the lower bound, thresholds to one", () => {
  expect(settingsOf({ analysis: { interval: "1s", threshold: -1 } })).toMatchObject({
    intervalMs: 10_000,
    threshold: 1,
  });
});

test("readSettings: the last of the step weights is the maximum", () => {
  const { stepWeight: _, ...analysis } = canaryOf({}).spec.analysis;
  const scene: Scene = { spec: { analysis: { ...analysis, stepWeights: [1, 10, 200], maxWeight: 5 } } };
  expect(settingsOf(scene)).toMatchObject({ strategy: { maxWeight: 100, steps: { weights: [1, 10, 100] } } });
});

test.each<[string, Scene]>([
  ["spec.analysis.stepWeight", { analysis: { stepWeight: 10.5 } }],
  ["spec.analysis.stepWeight", { analysis: { stepWeight: 0 } }],
  ["spec.analysis.stepWeights[1]", { analysis: { stepWeight: 0, stepWeights: [20, 10] } }],
  ["spec.analysis.maxWeight", { analysis: { maxWeight: 101 } }],
  ["spec.analysis.interval", { analysis: { interval: "soon" } }],
  ["spec.analysis.metrics[0].interval", { analysis: { metrics: [{ name: "a", query: "up", interval: "1 minute" }] } }],
  ["spec.analysis.webhooks[0].timeout", { analysis: { webhooks: [{ name: "a", url: "http://a/", timeout: "-5s" }] } }],
  ["spec.service.port", { spec: { service: { port: 0 } } }],
  ["spec.service.delegation", { spec: { service: { port: 80, delegation: true, hosts: ["a"] } } }],
  ["spec.progressDeadlineSeconds", { spec: { progressDeadlineSeconds: 0.5 } }],
])("readSettings: names the path %s", (path, scene) => {
  const result = read(scene);
  expect(result.ok ? [] : result.error.map((problem) => problem.path)).toEqual([path]);
});

test("readSettings: a spec without its parts names each", () => {
  const broken = { ...canaryOf({}), spec: {} } as unknown as ReturnType<typeof canaryOf>;
  const result = readSettings(broken, { minIntervalMs: 1 });
  const paths = result.ok ? [] : result.error.map((problem) => problem.path);
  expect(paths).toEqual(["spec.targetRef.name", "spec.service", "spec.analysis"]);
});
