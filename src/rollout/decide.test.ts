import { expect, test } from "vitest";
import { labels } from "./decide.ts";
import type { Label } from "./decision.ts";
import {
  asked,
  decideScene,
  messagesOf,
  NOW_MS,
  passed,
  pausedMetadata,
  refused,
  routedWeight,
  type Scene,
  stuck,
  terminating,
  unknownCapacity,
  unknownCopy,
  unready,
  value,
} from "./scene.ts";
import { collected, compared, errors, times } from "./sequential-scene.ts";

const successRate = { name: "request-success-rate", interval: "1m", thresholdRange: { min: 99 } };
const gate = (type: string) => ({ name: "gate", url: "http://gate/", type: type as "rollout" });
const progressing = { phase: "Progressing", canaryWeight: 20 } as const;
const idle = { desiredCount: 0, ...unready };
const draining = { type: "Draining", status: "True" as const, reason: "RolledBack" };
/** A hundred requests per second, of which a pod serves ten: two pods are too few for any step. */
const crowded = {
  spec: { capacity: { requestsPerPod: 10 } },
  answers: { served: { kind: "served", share: { canaryPercent: 20, requestCount: 1000, windowMs: 10_000 } } },
} as const;
const capacityLate = {
  type: "CapacityReady",
  status: "False" as const,
  lastTransitionTime: "2026-01-01T11:49:00Z",
};

const calm = [errors(1, 200, 4, 800)];
const unreachable = [
  { name: "request-success-rate", kind: "missing", reason: "unreachable", message: "connection refused" },
] as const;
const late = { sequential: { warmup: "0s", maxDuration: "30s" } } as const;

/** One scene for each row of the table, in its order. */
const scenes: Readonly<Record<Label, Scene>> = {
  deleting: { metadata: { name: "web", namespace: "shop", deletionTimestamp: "2026-01-01T00:00:00Z" } },
  terminate: { metadata: terminating, spec: { revertOnDeletion: true } },
  "terminate-target-gone": { metadata: terminating, spec: { revertOnDeletion: true }, target: "missing" },
  "terminate-wait": {
    metadata: terminating,
    spec: { revertOnDeletion: true },
    status: { phase: "Terminating" },
    target: unready,
  },
  "terminate-stuck": {
    metadata: terminating,
    spec: { revertOnDeletion: true },
    status: { phase: "Terminating" },
    target: stuck,
  },
  "terminate-done": { metadata: terminating, spec: { revertOnDeletion: true }, status: { phase: "Terminating" } },
  abort: { status: progressing, metadata: asked("abort") },
  suspended: { spec: { suspend: true }, status: progressing },
  "invalid-spec": { analysis: { stepWeight: 10.5 } },
  "rollback-target-gone": { target: "missing", status: progressing },
  "target-missing": { target: "missing" },
  withdraw: { status: progressing, target: unready },
  blocked: { observation: { problems: [{ path: "spec.autoscalerRef.name", code: "not-found", message: "missing" }] } },
  adopt: { status: { phase: "" }, primary: "missing" },
  "bootstrap-stuck": { status: { phase: "Initializing" }, primary: stuck },
  "bootstrap-wait": { status: { phase: "Initializing" }, primary: unready },
  "ask-providers": { status: { phase: "Initializing" } },
  "bootstrap-done": { status: { phase: "Initializing" }, answers: { providers: { kind: "providers" } } },
  takeover: { status: { lastAppliedSpec: "5f6b7c8d4" }, primary: { matchesTarget: true } },
  "track-configs": { observation: { trackedConfigs: { "configmap/a": "1" } } },
  "waiting-cancelled": {
    status: { phase: "Waiting", lastAppliedSpec: "s-old" },
    target: { templateHash: "s-old" },
    primary: { isPromoted: true },
  },
  "wait-primary-settle": { status: { lastAppliedSpec: "s-old" }, primary: unready },
  paused: { status: progressing, metadata: pausedMetadata },
  "ask-confirm-rollout": { status: { lastAppliedSpec: "s-old" }, analysis: { webhooks: [gate("confirm-rollout")] } },
  "wait-approval": {
    status: { lastAppliedSpec: "s-old" },
    analysis: { webhooks: [gate("confirm-rollout")] },
    answers: { "hook/confirm-rollout/0": refused },
  },
  start: { status: { lastAppliedSpec: "s-old" }, target: idle },
  "return-traffic": {
    status: { phase: "Failed", canaryWeight: 80, conditions: [{ ...draining, reason: "ReturningTraffic" }] },
    ...crowded,
  },
  drain: {
    status: { phase: "Failed", conditions: [draining], lastTransitionTime: "2026-01-01T11:59:58Z" },
  },
  "scale-down": { status: { phase: "Failed", conditions: [draining] } },
  steady: { target: idle },
  reverted: {
    status: { ...progressing, lastPromotedSpec: "s-old" },
    target: { templateHash: "s-old" },
    primary: { matchesTarget: true },
  },
  restart: { status: { ...progressing, lastAppliedSpec: "s-earlier" } },
  "rollback-canary-stuck": { status: progressing, target: stuck },
  rescale: { status: { phase: "Progressing" }, target: idle },
  "wait-canary": { status: { phase: "Progressing" }, target: unready },
  "promote-asked": { status: progressing, metadata: asked("promote") },
  "skip-analysis": { status: progressing, spec: { skipAnalysis: true } },
  "wait-tick": { status: { ...progressing, lastTransitionTime: "2026-01-01T11:59:55Z" } },
  "wait-warm-up": {
    status: progressing,
    spec: { capacity: { warmUp: "2m" } },
    observation: {
      capacity: { ...unknownCapacity, canary: { ...unknownCopy, youngestReadyMs: Date.parse("2026-01-01T11:59:30Z") } },
    },
  },
  "ask-rollback": { status: progressing, analysis: { webhooks: [gate("rollback")] } },
  "rollback-requested": {
    status: progressing,
    analysis: { webhooks: [gate("rollback")] },
    answers: { "hook/rollback/0": passed },
  },
  "ask-samples": { status: progressing, analysis: compared },
  "restart-analysis": {
    status: { ...progressing, evidence: { revision: "s-new", hash: "0" } },
    analysis: compared,
  },
  "rollback-evidence": collected({ ticks: [...times(3, calm), ...times(2, [errors(40, 200, 4, 800)])] }),
  // The comparison tolerates tenfold errors, the objective does not.
  "rollback-objective": collected({
    analysis: { sequential: { ...compared.sequential, tolerance: { relative: 10 } } },
    ticks: times(8, [errors(6, 200, 2, 800)]),
  }),
  "on-timeout-rollback": collected({
    analysis: { sequential: { ...late.sequential, onTimeout: "rollback" } },
    ticks: times(6, [errors(0, 2, 0, 8)]),
  }),
  "hold-no-data": collected({ ticks: [calm, calm, unreachable] }),
  "rollback-threshold": { status: { ...progressing, failedChecks: 3 } },
  "ask-checks": { status: progressing, analysis: { metrics: [successRate] } },
  "rollback-check-failed": {
    status: { ...progressing, failedChecks: 2 },
    analysis: { metrics: [successRate] },
    answers: { "metric/0/builtin": value(98.5) },
  },
  halt: { status: progressing, analysis: { metrics: [successRate] }, answers: { "metric/0/builtin": value(98.5) } },
  "hold-unreachable": {
    status: progressing,
    analysis: { metrics: [successRate] },
    answers: { "metric/0/builtin": { kind: "metric", result: { kind: "unreachable", message: "refused" } } },
  },
  "hold-check": collected({
    analysis: { metrics: [successRate, { name: "lag", query: "lag()", thresholdRange: { max: 1 } }] },
    ticks: times(3, calm),
    scene: { answers: { "metric/1/inline": value(5) } },
  }),
  "hold-objective": collected({ ticks: times(4, [errors(10, 200, 40, 800)]) }),
  "hold-shared-damage": collected({
    analysis: { metrics: [{ ...successRate, thresholdRange: { min: 90 } }] },
    ticks: times(4, [errors(6, 200, 24, 800)]),
    history: [{ name: "request-success-rate", dispersions: [1], counts: { total: 100_000, bad: 50 } }],
  }),
  "hold-sample-ratio": collected({ ticks: times(4, [errors(0, 60, 0, 800)]) }),
  "hold-suspicious": collected({ ticks: times(9, [errors(5, 200, 3, 800)]) }),
  "on-timeout-hold": collected({
    analysis: { sequential: { ...late.sequential, onTimeout: "hold" } },
    ticks: times(6, [errors(0, 2, 0, 8)]),
  }),
  collect: collected({ ticks: [calm] }),
  "on-timeout-promote": collected({ analysis: late, ticks: times(6, [errors(0, 2, 0, 8)]) }),
  "hold-routes": { status: progressing, observation: { routesProblem: "not accepted" } },
  "ask-traffic-increase": { status: progressing, analysis: { webhooks: [gate("confirm-traffic-increase")] } },
  "traffic-gate-closed": {
    status: progressing,
    analysis: { webhooks: [gate("confirm-traffic-increase")] },
    answers: { "hook/confirm-traffic-increase/0": refused },
  },
  "wait-capacity": { status: progressing, ...crowded },
  "rollback-capacity": { status: { ...progressing, conditions: [capacityLate] }, ...crowded },
  mirror: { status: { phase: "Progressing" }, analysis: { mirror: true } },
  iterate: { status: { phase: "Progressing", iterations: 1 }, analysis: { iterations: 5 } },
  advance: { status: progressing, analysis: { metrics: [successRate] }, answers: { "metric/0/builtin": value(99.9) } },
  "ask-confirm-promotion": {
    status: { ...progressing, canaryWeight: 50 },
    analysis: { webhooks: [gate("confirm-promotion")] },
  },
  "promotion-gate-closed": {
    status: { ...progressing, canaryWeight: 50 },
    analysis: { webhooks: [gate("confirm-promotion")] },
    answers: { "hook/confirm-promotion/0": refused },
  },
  "route-canary": { status: { phase: "Progressing", iterations: 5 }, analysis: { iterations: 5 } },
  promote: { status: { ...progressing, canaryWeight: 50 } },
  "promote-resume": { status: { ...progressing, canaryWeight: 50 }, primary: { isPromoted: true, ...unready } },
  "promotion-failed": { status: { phase: "Promoting", canaryWeight: 50 }, primary: stuck },
  "promotion-failed-no-refuge": {
    status: { phase: "Promoting", canaryWeight: 50 },
    primary: stuck,
    target: unready,
  },
  "wait-primary": { status: { phase: "Promoting", canaryWeight: 50 }, primary: { ...unready, readyCount: 1 } },
  "ask-demand": {
    status: { phase: "Promoting", canaryWeight: 50 },
    spec: { capacity: { requestsPerPod: 10 } },
    observation: { answers: new Map() },
  },
  "wait-primary-capacity": { status: { phase: "Promoting", canaryWeight: 50 }, ...crowded },
  "promotion-shift": { status: { phase: "Promoting", canaryWeight: 50 }, analysis: { stepWeightPromotion: 20 } },
  finalise: { status: { phase: "Promoting", canaryWeight: 50 } },
  "drain-canary": { status: { phase: "Finalising", lastTransitionTime: "2026-01-01T11:59:58Z" } },
  complete: { status: { phase: "Finalising" } },
  "unknown-phase": { status: { phase: "Terminated" } },
};

test("every row of the table has a scene", () => {
  expect([...labels].sort()).toEqual(Object.keys(scenes).sort());
});

test.each(Object.entries(scenes))("decide: %s", (label, scene) => {
  const decision = decideScene(scene);
  expect(decision.label).toBe(label);
  expect(decision.explanation.sentence).not.toBe("");
  expect(decision.questions.length > 0).toBe(label.startsWith("ask-"));
  const again = decideScene(scene);
  expect(again).toEqual(decision);
  expect(again.explanation).toEqual(decision.explanation);
});

test("decide: advance goes one step and stays within the maximum", () => {
  const decision = decideScene(scenes.advance);
  expect(decision.status).toMatchObject({ phase: "Progressing", canaryWeight: 30 });
  expect(routedWeight(decision)).toBe(30);
  expect(messagesOf(decision)).toEqual(["Advance web.shop canary weight 30"]);
});

test("decide: advance after a crash between route and status does not go two steps", () => {
  const decision = decideScene({
    ...scenes.advance,
    observation: { routes: { primaryWeight: 70, canaryWeight: 30, isMirrored: false } },
  });
  expect(routedWeight(decision)).toBe(30);
});

test("decide: a route that somebody reset is put back, not restarted from", () => {
  const decision = decideScene({
    ...scenes["wait-tick"],
    observation: { routes: { primaryWeight: 100, canaryWeight: 0, isMirrored: false } },
  });
  expect(routedWeight(decision)).toBe(20);
});

test("decide: rollback moves the traffic first and leaves the pods to drain", () => {
  const decision = decideScene(scenes["rollback-check-failed"]);
  expect(decision.status).toMatchObject({ phase: "Failed", canaryWeight: 0, lastPromotedSpec: "s-old" });
  expect(routedWeight(decision)).toBe(0);
  expect(decision.commands.some((command) => command.kind === "scale-target")).toBe(false);
  expect(messagesOf(decision)).toEqual([
    "Halt web.shop advancement success rate 98.50% < 99%",
    "Rolling back web.shop failed checks threshold reached 3",
    "Canary failed! Scaling down web.shop",
  ]);
});

test("decide: rollback leaves traffic and pods with the canary when the primary has no ready pod", () => {
  const decision = decideScene({ ...scenes["rollback-check-failed"], primary: unready });
  expect(decision.status).toMatchObject({ phase: "Failed", canaryWeight: 100 });
  expect(routedWeight(decision)).toBe(100);
  const later = decideScene({ status: { phase: "Failed", canaryWeight: 100 }, primary: unready });
  expect(later.label).toBe("steady");
  expect(later.commands.some((command) => command.kind === "scale-target")).toBe(false);
});

test("decide: hold-unreachable counts no failed check", () => {
  const decision = decideScene(scenes["hold-unreachable"]);
  expect(decision.status.failedChecks).toBe(0);
  expect(decision.isTick).toBe(true);
  expect(decision.explanation.sentence).toContain("not counted as a failed check");
});

test("decide: no values and query errors count as failed checks", () => {
  for (const result of [{ kind: "empty" }, { kind: "error", message: "parse error" }] as const) {
    const decision = decideScene({ ...scenes.halt, answers: { "metric/0/builtin": { kind: "metric", result } } });
    expect(decision.status.failedChecks).toBe(1);
  }
});

test("decide: bootstrap-stuck keeps the live target running", () => {
  const decision = decideScene(scenes["bootstrap-stuck"]);
  expect(decision.status.phase).toBe("Initializing");
  expect(decision.commands.some((command) => command.kind === "scale-target")).toBe(false);
});

test("decide: bootstrap-done with live pods drains them before they go", () => {
  const decision = decideScene(scenes["bootstrap-done"]);
  expect(decision.status.conditions?.map((condition) => condition.type)).toEqual(["Promoted", "Draining"]);
  expect(decision.status).toMatchObject({ lastAppliedSpec: "s-new", lastPromotedSpec: "s-new" });
});

test("decide: a failed revision is not rolled out again by itself", () => {
  expect(decideScene({ status: { phase: "Failed" }, target: idle }).label).toBe("steady");
});

test("decide: start scales to the primary's size, or to the autoscaler's minimum", () => {
  const scale = (scene: Scene) => decideScene(scene).commands.find((command) => command.kind === "scale-target");
  expect(scale({ ...scenes.start, primary: { desiredCount: 4 } })).toMatchObject({ replicaCount: 4 });
  expect(scale({ ...scenes.start, observation: { scalerMinCount: 3 } })).toMatchObject({ replicaCount: 3 });
});

test("decide: a primary that is stuck does not keep a fix from starting, and the canary keeps its traffic", () => {
  const decision = decideScene({
    status: { phase: "Failed", canaryWeight: 100, lastAppliedSpec: "s-bad" },
    primary: stuck,
  });
  expect(decision.label).toBe("start");
  expect(decision.status).toMatchObject({ phase: "Progressing", canaryWeight: 100 });
  expect(routedWeight(decision)).toBe(100);
});

test("decide: a failed promotion moves everything to the healthy canary and scales nothing", () => {
  const decision = decideScene(scenes["promotion-failed"]);
  expect(decision.status).toMatchObject({ phase: "Failed", canaryWeight: 100 });
  expect(routedWeight(decision)).toBe(100);
  expect(messagesOf(decision)[0]).toContain("Promotion of web.shop failed, primary not ready");
});

test("decide: the canary serves until the primary is ready", () => {
  expect(routedWeight(decideScene(scenes["wait-primary"]))).toBe(50);
  const gone = decideScene({ ...scenes["wait-primary"], target: unready });
  expect(routedWeight(gone)).toBe(0);
});

test("decide: promotion in steps goes back through each weight", () => {
  const at = (canaryWeight: number) =>
    decideScene({ status: { phase: "Promoting", canaryWeight }, analysis: { stepWeightPromotion: 20 } });
  expect(at(50).status.canaryWeight).toBe(30);
  expect(at(30).status.canaryWeight).toBe(10);
  expect(at(10)).toMatchObject({ label: "finalise", status: { phase: "Finalising", canaryWeight: 0 } });
  expect(at(0).label).toBe("finalise");
});

test("decide: complete records what was promoted", () => {
  const decision = decideScene(scenes.complete);
  expect(decision.status).toMatchObject({ phase: "Succeeded", lastPromotedSpec: "s-new" });
  expect(decision.commands).toContainEqual({ kind: "scale-target", replicaCount: 0 });
});

test("decide: waiting for promotion keeps the weight and goes on analysing", () => {
  const closed = decideScene(scenes["promotion-gate-closed"]);
  expect(closed.status).toMatchObject({ phase: "WaitingPromotion", canaryWeight: 50 });
  const failing = decideScene({
    status: { phase: "WaitingPromotion", canaryWeight: 50 },
    analysis: { metrics: [successRate] },
    answers: { "metric/0/builtin": value(10) },
  });
  expect(failing).toMatchObject({ label: "halt", status: { failedChecks: 1 } });
});

test.each(["withdraw", "restart"] as const)(
  "decide: %s moves the traffic before any write that could be refused",
  (label) => {
    const writes = decideScene(scenes[label]).commands.filter(({ kind }) => kind !== "event");
    expect(writes[0]).toMatchObject({ kind: "set-routes", canaryWeight: 0 });
  },
);

test("decide: withdraw counts, and ends the run at the threshold", () => {
  expect(decideScene(scenes.withdraw).status).toMatchObject({ canaryWeight: 0, failedChecks: 1 });
  const last = decideScene({ ...scenes.withdraw, status: { ...progressing, failedChecks: 2 } });
  expect(last.status.phase).toBe("Failed");
});

test("decide: invalid-spec leaves phase and routes and names path and value", () => {
  const decision = decideScene({ ...scenes["invalid-spec"], status: progressing });
  expect(decision.status).toMatchObject({ phase: "Progressing", canaryWeight: 20 });
  expect(routedWeight(decision)).toBeUndefined();
  expect(messagesOf(decision)[0]).toBe(
    "Cannot run the canary: spec.analysis.stepWeight: must be a whole number from 0 to 100, received 10.5",
  );
});

test("decide: config changes alone start a release", () => {
  const configs = { "configmap/a": "2" };
  const decision = decideScene({
    status: { trackedConfigs: { "configmap/a": "1" } },
    observation: { trackedConfigs: configs },
  });
  expect(decision).toMatchObject({ label: "start", status: { trackedConfigs: configs } });
});

test("decide: takeover of a Canary whose target changed in the gap starts its release", () => {
  expect(decideScene({ status: { lastAppliedSpec: "5f6b7c8d4", lastPromotedSpec: "5f6b7c8d4" } }).label).toBe("start");
});

test("decide: takeover in the middle of a run goes on where Flagger was, and counts what is its own", () => {
  const status = { ...progressing, failedChecks: 1, lastAppliedSpec: "5f6b7c8d4", lastPromotedSpec: "4f6b7c8d4" };
  const rolled = (agoMs: number) => ({ progressing: { status: "True", lastUpdateMs: NOW_MS - agoMs } });
  const before = decideScene({ status, target: rolled(90_000) });
  expect(before).toMatchObject({
    label: "takeover",
    status: { phase: "Progressing", canaryWeight: 20, failedChecks: 1, lastAppliedSpec: "s-new" },
  });
  expect(messagesOf(before)).toEqual([]);
  expect(routedWeight(before)).toBe(20);
  expect(decideScene({ status: before.status, target: rolled(90_000) }).label).toBe("advance");
  // Changed after Flagger's last step, by its template or by its configs: nobody has analysed it.
  expect(decideScene({ status, target: rolled(5000) }).label).toBe("restart");
  const configs = { observation: { trackedConfigs: { "configmap/a": "2" } }, target: rolled(90_000) };
  expect(decideScene({ ...configs, status: { ...status, trackedConfigs: { "configmap/a": "1" } } }).label).toBe(
    "restart",
  );
  expect(decideScene({ ...configs, status: { ...status, trackedConfigs: { "configmap/a": "2" } } }).label).toBe(
    "takeover",
  );
});

test.each(["Promoting", "Finalising"] as const)(
  "decide: takeover of a Canary in %s ends what Flagger began",
  (phase) => {
    const decision = decideScene({ status: { phase, lastAppliedSpec: "5f6b7c8d4" } });
    expect(decision.label).toBe(phase === "Promoting" ? "finalise" : "complete");
    expect(messagesOf(decision).join()).not.toContain("New revision");
  },
);

test("decide: the checks of a failed tick are in the explanation", () => {
  const { checks } = decideScene(scenes.halt).explanation;
  expect(checks).toEqual([
    expect.objectContaining({
      name: "request-success-rate",
      verdict: "failed",
      result: { kind: "value", value: 98.5 },
    }),
  ]);
});
