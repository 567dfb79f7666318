import { expect, test } from "vitest";
import type { Decision } from "./decision.ts";
import type { DecisionRecord } from "./record.ts";
import { recordOf } from "./record.ts";
import {
  decideScene,
  NOW_MS,
  refused,
  scaledCopy,
  type Scene,
  servedAt,
  unknownCopy,
  unready,
  value,
} from "./scene.ts";

const rate = { name: "request-success-rate", interval: "30s", thresholdRange: { min: 99 } };
const analysing: Scene = {
  status: { phase: "Progressing", canaryWeight: 20 },
  analysis: { metrics: [rate], threshold: 3 },
};

function sure(record: DecisionRecord | undefined): DecisionRecord {
  if (record === undefined) throw new Error("no record");
  return record;
}

function recorded(scene: Scene, before?: DecisionRecord, nowMs = NOW_MS): DecisionRecord {
  return sure(recordOf(decideScene(scene), nowMs, before));
}

test("recordOf: a step has rule, stands, what was seen with its bound and window, and what was done", () => {
  const record = recorded({ ...analysing, answers: { "metric/0/builtin": value(99.5) } });
  expect(record).toMatchObject({
    at: "2026-01-01T12:00:00.000Z",
    label: "advance",
    from: { phase: "Progressing", weight: 20 },
    to: { phase: "Progressing", weight: 30 },
    checks: [{ name: "request-success-rate", verdict: "passed", allowed: "99% or more", window: "30s" }],
    done: [{ kind: "weight", canary: 30 }],
  });
  expect(JSON.parse(JSON.stringify(record))).toEqual(record);
});

test("recordOf: a rollback has the weight that was taken back and what would have kept it", () => {
  const record = recorded({
    ...analysing,
    status: { ...analysing.status, failedChecks: 2 },
    answers: { "metric/0/builtin": value(93.1) },
  });
  expect(record).toMatchObject({ label: "rollback-check-failed", done: [{ kind: "weight", canary: 0 }] });
  expect(record.otherwise).toBe(
    "With request-success-rate at 99% or more, or a threshold above 3, it would not have been rolled back.",
  );
});

test("recordOf: the start has the pods that were asked for, the promotion the primary", () => {
  const start = recorded({ status: { lastAppliedSpec: "s-old" }, target: { desiredCount: 0 } });
  expect(start).toMatchObject({ label: "start", done: [{ kind: "replicas", count: 2 }] });
  const promote = recorded({ ...analysing, status: { phase: "Progressing", canaryWeight: 50 }, analysis: {} });
  expect(promote).toMatchObject({ label: "promote", done: [{ kind: "promote" }] });
});

test("recordOf: capacity in numbers", () => {
  const record = recorded({
    status: { phase: "Progressing", canaryWeight: 20, capacity: { requestsPerSecond: 400 } },
    spec: { capacity: { requestsPerPod: 50 } },
    target: { desiredCount: 2 },
    primary: { desiredCount: 8 },
    answers: { served: servedAt(400, 20) },
    observation: {
      capacity: {
        primary: scaledCopy({ name: "hpa web-primary" }, { podStartMs: 9000 }),
        canary: { ...unknownCopy },
        quotaPodCount: undefined,
      },
    },
  });
  expect(record.label).toBe("wait-capacity");
  expect(record.capacity).toEqual({
    method: "declared",
    requestsPerSecond: 400,
    podsForAll: 8,
    primary: { ready: 8, pods: 8, need: 8, floor: 7 },
    canary: { ready: 2, pods: 2, need: 2, floor: 3 },
    next: 3,
    reserve: 7,
    wayBack: "100% in 1s",
    bounds: [],
  });
  expect(record.otherwise).toBe("With 1 more ready pod of the canary the next step would be taken.");
});

test("recordOf: a hold that is decided again is one record with a count, and the last of what was seen", () => {
  const gate = { name: "gate", url: "http://gate/", type: "confirm-traffic-increase" as const };
  const held: Scene = {
    ...analysing,
    analysis: { webhooks: [gate] },
    answers: { "hook/confirm-traffic-increase/0": refused },
  };
  const first = recorded(held);
  const second = recorded(held, first, NOW_MS + 10_000);
  const third = recorded(held, second, NOW_MS + 20_000);
  expect(first.repeated).toBeUndefined();
  expect(third).toMatchObject({ at: first.at, repeated: { count: 3, lastAt: "2026-01-01T12:00:20.000Z" } });
  expect(third.otherwise).toBe("Once the hook gate passes, or after serin resume, the canary gets more traffic.");
});

test("recordOf: each failed check is a record of its own; a hold after a move too", () => {
  const failing = { ...analysing, answers: { "metric/0/builtin": value(93.1) } };
  const first = recorded(failing);
  expect(first.label).toBe("halt");
  expect(recorded(failing, first, NOW_MS + 10_000).repeated).toBeUndefined();
  const gated: Scene = {
    status: { lastAppliedSpec: "s-old" },
    analysis: { webhooks: [{ name: "gate", url: "http://gate/", type: "confirm-rollout" }] },
    answers: { "hook/confirm-rollout/0": refused },
  };
  const moved = recorded(gated);
  expect(moved.to.phase).toBe("Waiting");
  const waiting = recorded({ ...gated, status: { ...gated.status, phase: "Waiting" } }, moved, NOW_MS + 10_000);
  expect(waiting.repeated).toBeUndefined();
});

test.each<[string, Scene]>([
  ["steady", {}],
  ["ask-checks", analysing],
  ["wait-tick", { ...analysing, observation: { lastTickMs: NOW_MS - 1000 } }],
])("recordOf: nothing of %s", (label, scene) => {
  const decision: Decision = decideScene(scene);
  expect(decision.label).toBe(label);
  expect(recordOf(decision, NOW_MS)).toBeUndefined();
});

test.each<[string, Scene, string]>([
  [
    "halt",
    { ...analysing, answers: { "metric/0/builtin": value(93.1) } },
    "With request-success-rate at 99% or more, it would not have counted as a failed check.",
  ],
  [
    "halt",
    { ...analysing, answers: { "metric/0/builtin": { kind: "metric", result: { kind: "empty" } } } },
    "With a value of request-success-rate, it would not have counted as a failed check.",
  ],
  [
    "rollback-threshold",
    { ...analysing, status: { ...analysing.status, failedChecks: 4 } },
    "With a threshold above 4 it would not have been rolled back.",
  ],
  [
    "hold-unreachable",
    {
      ...analysing,
      answers: { "metric/0/builtin": { kind: "metric", result: { kind: "unreachable", message: "no" } } },
    },
    "As soon as request-success-rate can be measured, the step is judged.",
  ],
  [
    "wait-canary",
    { ...analysing, target: { availableCount: 1, readyCount: 1 } },
    "With 1 more available pod of the canary the analysis goes on.",
  ],
  [
    "rollback-canary-stuck",
    { ...analysing, target: { ...unready, progressing: { status: "False", reason: "ProgressDeadlineExceeded" } } },
    "With 2 more available pods of the canary within 10m0s it would not have been rolled back.",
  ],
  [
    "withdraw",
    { ...analysing, target: { readyCount: 0 } },
    "With one ready pod the canary would have kept its traffic.",
  ],
])("otherwiseOf: %s", (label, scene, text) => {
  const decision = decideScene(scene);
  expect(decision.label).toBe(label);
  expect(decision.explanation.otherwise).toBe(text);
});

test("otherwiseOf: the bound that it names would have kept the run", () => {
  const nearly = { ...analysing, status: { ...analysing.status, failedChecks: 2 } };
  expect(decideScene({ ...nearly, answers: { "metric/0/builtin": value(99) } }).label).toBe("advance");
  const patient = { ...nearly, analysis: { ...analysing.analysis, threshold: 4 } };
  expect(decideScene({ ...patient, answers: { "metric/0/builtin": value(93.1) } }).label).toBe("halt");
});
