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

test.each<[string, unknown, string, string]>([
  ["", "enforce", "must be an object", "write fields such as headroomPercent: 20"],
  [".coupling", { coupling: false }, "must be enforce, observe or off, received false", "off needs quotes, as YAML"],
  [".headroomPercent", { headroomPercent: 1001 }, "a whole number from 0 to 1000, received 1001", "such as 20"],
  [".headroomPercent", { headroomPercent: "20%" }, 'received "20%"', "write percent without a sign"],
  [".reservePercent", { reservePercent: 100.5 }, "a whole number from 0 to 100, received 100.5", "such as 20"],
  [".requestsPerPod", { requestsPerPod: 0 }, "must be a number above 0, received 0", "or remove it to have it learned"],
  [".reserveWindow", { reserveWindow: "-2m" }, 'must be a duration, received "-2m"', "write it as 30s or 2m"],
  [".warmUp", { warmUp: 30 }, "must be a duration, received 30", "write it as 30s or 2m"],
  [".deadline", { deadline: "soon" }, 'must be a duration, received "soon"', "write it as 30s or 2m"],
])("readSettings: spec.capacity%s is named, with why and what to write", (field, capacity, message, fix) => {
  const result = read({ spec: { capacity } as NonNullable<Scene["spec"]> });
  expect(result.ok ? [] : result.error).toMatchObject([
    { path: `spec.capacity${field}`, message: expect.stringContaining(message), fix: expect.stringContaining(fix) },
  ]);
});

test("readSettings: a spec without its parts names each", () => {
  const broken = { ...canaryOf({}), spec: {} } as unknown as ReturnType<typeof canaryOf>;
  const result = readSettings(broken, { minIntervalMs: 1 });
  const paths = result.ok ? [] : result.error.map((problem) => problem.path);
  expect(paths).toEqual(["spec.targetRef.name", "spec.service", "spec.analysis"]);
});
