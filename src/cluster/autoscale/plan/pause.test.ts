import type { ScaledObjectSpec } from "#api";
import { expect, test } from "vitest";
import { ok } from "#base";
import { afterEvaluation, checkFailed, hpaActiveCondition, initConditions, setConditions } from "./conditions.ts";
import { changesPause, readPause } from "./pause.ts";
import { checkBounds, checkTriggers } from "./replica-bounds.ts";
import { mergePatchBetween } from "./status-patch.ts";

const prefix = "autoscaling.keda.sh/";
const read = (annotations: Record<string, string>) =>
  readPause(Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`${prefix}${key}`, value])));

test.each([
  ["true", true],
  ["1", true],
  ["T", true],
  ["", true],
  ["no", true],
  ["FALSE", false],
  ["false", false],
  ["f", false],
  ["0", false],
])('readPause: a flag of "%s" is %s', (text, expected) => {
  expect(read({ paused: text }).isPaused).toBe(expected);
  expect(read({ "paused-scale-in": text }).isScaleInPaused).toBe(expected);
  expect(read({ "paused-scale-out": text }).isScaleOutPaused).toBe(expected);
  expect(read({ "force-activation": text }).isForcedActive).toBe(expected);
});

test("readPause: nothing is paused without annotations, and a size pauses beside paused: false", () => {
  expect(readPause(undefined)).toEqual({
    isPaused: false,
    replicas: undefined,
    isScaleInPaused: false,
    isScaleOutPaused: false,
    isForcedActive: false,
  });
  expect(read({ paused: "false", "paused-replicas": "4" })).toMatchObject({ isPaused: true, replicas: ok(4) });
});

test('vector 18: paused: "" is paused, and is a change to one without the annotation', () => {
  expect(read({ paused: "" }).isPaused).toBe(true);
  expect(changesPause({}, { [`${prefix}paused`]: "" })).toBe(true);
  expect(changesPause({ note: "a" }, { note: "b" })).toBe(false);
  expect(changesPause(undefined, undefined)).toBe(false);
});

test.each(["x", "", "-1", "1.5", "99999999999", "3000000000"])(
  'vector 19: paused-replicas "%s" is paused and no number',
  (text) => {
    const pause = read({ "paused-replicas": text });
    expect(pause.isPaused).toBe(true);
    expect(pause.replicas).toEqual({ ok: false, error: expect.stringContaining(`received "${text}"`) });
  },
);

const spec: ScaledObjectSpec = { scaleTargetRef: { name: "web" }, triggers: [{ type: "a", metadata: {} }] };

test("checkBounds: every combination of small bounds is refused exactly when the sizes contradict each other", () => {
  for (const min of [undefined, -1, 0, 1, 2])
    for (const max of [undefined, 0, 1, 2])
      for (const idle of [undefined, -1, 0, 1, 2]) {
        const bounds = { minReplicaCount: min, maxReplicaCount: max, idleReplicaCount: idle };
        const given = Object.fromEntries(Object.entries(bounds).filter(([, value]) => value !== undefined));
        const isWrong =
          (min ?? 0) < 0 ||
          (max ?? 100) < 1 ||
          (min ?? 0) > (max ?? 100) ||
          (idle ?? 0) < 0 ||
          (idle ?? 0) >= Math.max(min ?? 0, 1);
        expect(checkBounds({ ...spec, ...given }) !== undefined, JSON.stringify(given)).toBe(isWrong);
      }
  expect(checkBounds({ ...spec, minReplicaCount: 5, maxReplicaCount: 3 })).toBe(
    "minReplicaCount=5 must not be greater than maxReplicaCount=3",
  );
});

test("checkTriggers: at least one, and no name twice", () => {
  expect(checkTriggers(spec)).toBeUndefined();
  expect(checkTriggers({ ...spec, triggers: [] })).toMatch(/^no triggers defined/);
  const named = (...names: readonly string[]) => ({
    ...spec,
    triggers: names.map((name) => ({ type: "a", name, metadata: {} })),
  });
  expect(checkTriggers(named("a", "", "", "b"))).toBeUndefined();
  expect(checkTriggers(named("a", "b", "a"))).toBe('triggerName "a" is defined multiple times; it must be unique');
});

test("conditions: initial ones are added once, set ones keep their place, readiness of a refused spec stays", () => {
  const first = initConditions(undefined);
  expect(first.map(({ type, status }) => `${type} ${status}`)).toEqual([
    "Ready Unknown",
    "Active Unknown",
    "Fallback Unknown",
    "Paused False",
  ]);
  expect(initConditions(first)).toBe(first);
  const refused = setConditions(first, checkFailed("bad"));
  const evaluated = afterEvaluation(refused, [
    { type: "Ready", status: "True", reason: "ScaledObjectReady" },
    { type: "Active", status: "True", reason: "ScalerActive" },
  ]);
  expect(evaluated.map(({ type, reason }) => [type, reason])).toEqual([
    ["Ready", "ScaledObjectCheckFailed"],
    ["Active", "ScalerActive"],
    ["Fallback", undefined],
    ["Paused", undefined],
  ]);
});

test("hpaActiveCondition: mirrors ScalingActive, and rest at no pods is all right", () => {
  const of = (status: "True" | "False", reason: string) =>
    hpaActiveCondition({
      apiVersion: "autoscaling/v2",
      kind: "HorizontalPodAutoscaler",
      metadata: {},
      spec: { scaleTargetRef: { kind: "Deployment", name: "web" }, maxReplicas: 1 },
      status: { conditions: [{ type: "ScalingActive", status, reason, message: "m" }] },
    });
  expect(of("True", "ValidMetricFound")).toMatchObject({ status: "True", reason: "HPAActive" });
  expect(of("False", "ScalingDisabled")).toMatchObject({ status: "True", reason: "ScalingDisabled" });
  expect(of("False", "FailedGetExternalMetric")).toMatchObject({ status: "False", reason: "FailedGetExternalMetric" });
  expect(hpaActiveCondition(undefined)).toBeUndefined();
});

test("mergePatchBetween: only what differs, removals as null, lists whole", () => {
  expect(mergePatchBetween({ a: 1, b: { c: 1, d: 2 }, e: [1] }, { a: 1, b: { c: 1, f: 3 }, e: [1, 2] })).toEqual({
    b: { d: null, f: 3 },
    e: [1, 2],
  });
  expect(mergePatchBetween({ a: 1, b: undefined }, { a: 1 })).toBeUndefined();
  expect(mergePatchBetween({ a: 1 }, { a: undefined })).toEqual({ a: null });
  expect(mergePatchBetween({}, { a: { b: 1 } })).toEqual({ a: { b: 1 } });
});
