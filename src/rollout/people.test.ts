import { expect, test } from "vitest";
import {
  asked,
  commandsOf,
  decideScene,
  messagesOf,
  NOW_MS,
  pausedMetadata,
  passed,
  refused,
  routedWeight,
  type Scene,
  stuck,
  terminalAlerts,
  unready,
  value,
} from "./scene.ts";
import { INTENT_ANNOTATION, PAUSE_ANNOTATION } from "./intent.ts";

const gate = (type: string) => ({ name: "gate", url: "http://gate/", type: type as "rollout" });
const successRate = { name: "request-success-rate", interval: "1m", thresholdRange: { min: 99 } };
const progressing = { phase: "Progressing", canaryWeight: 20 } as const;
const clears = (scene: Scene) => commandsOf(decideScene(scene), "clear-intent").length > 0;
const record = (action: string) => `${action} asked for by ann: pages (${new Date(NOW_MS - 5000).toISOString()})`;

test.each<[string, Scene]>([
  ["Progressing", { status: progressing }],
  ["WaitingPromotion", { status: { phase: "WaitingPromotion", canaryWeight: 50 } }],
  ["Waiting", { status: { phase: "Waiting", lastAppliedSpec: "s-old" } }],
  ["Promoting, before the primary was changed", { status: { phase: "Promoting", canaryWeight: 50 } }],
  ["a pause", { status: progressing, spec: { suspend: false } }],
  ["a canary that is not ready", { status: progressing, target: unready }],
  ["problems", { status: progressing, observation: { problems: [{ path: "a", code: "b", message: "c" }] } }],
  ["a suspension", { status: progressing, spec: { suspend: true } }],
  ["a spec that cannot be read", { status: progressing, analysis: { stepWeight: 1.5 } }],
])("abort: rolls back from %s", (name, scene) => {
  const metadata = asked("abort");
  const pause = { [PAUSE_ANNOTATION]: pausedMetadata.annotations?.[PAUSE_ANNOTATION] ?? "" };
  const annotations = { ...metadata.annotations, ...(name === "a pause" ? pause : {}) };
  const decision = decideScene({ ...scene, metadata: { ...metadata, annotations } });
  expect(decision).toMatchObject({ label: "abort", status: { phase: "Failed", canaryWeight: 0 } });
  expect(routedWeight(decision)).toBe(0);
  expect(terminalAlerts(decision).map(({ message }) => message)).toEqual(["Canary analysis was aborted by ann: pages"]);
});

test("abort: of a release that waits for approval, its revision is rejected", () => {
  const decision = decideScene({ status: { phase: "Waiting", lastAppliedSpec: "s-old" }, metadata: asked("abort") });
  expect(decision.status.lastAppliedSpec).toBe("s-new");
});

test("abort: a revision that came meanwhile is not rejected with the one that was aborted", () => {
  const decision = decideScene({
    status: { ...progressing, lastAppliedSpec: "s-1" },
    metadata: asked("abort", { revision: "s-1" }),
  });
  expect(decision).toMatchObject({ label: "abort", status: { phase: "Failed", lastAppliedSpec: "s-1" } });
  expect(decideScene({ status: decision.status }).label).toBe("start");
});

test("abort: is recorded before it is cleared, and not done twice", () => {
  const first = decideScene({ status: progressing, metadata: asked("abort") });
  expect(messagesOf(first)).toContain(`web.shop: ${record("abort")}`);
  expect(commandsOf(first, "clear-intent")).toEqual([]);
  const second = decideScene({ status: first.status, metadata: asked("abort") });
  expect(second.label).not.toBe("abort");
  expect(commandsOf(second, "clear-intent")).toHaveLength(1);
  expect(messagesOf(second)).toEqual([]);
});

test.each<[string, Scene]>([
  ["nothing runs", { metadata: asked("abort"), target: { desiredCount: 0 } }],
  [
    "the primary has the revision",
    {
      metadata: asked("abort"),
      status: { phase: "Promoting", canaryWeight: 50 },
      primary: { isPromoted: true, matchesTarget: true },
    },
  ],
  ["it is about another revision", { metadata: asked("abort", { revision: "s-other" }), status: progressing }],
  ["no gate is waited for", { metadata: asked("resume"), status: progressing }],
  ["nothing was rejected", { metadata: asked("retry"), status: progressing }],
  ["no revision waits", { metadata: asked("promote"), target: { desiredCount: 0 } }],
])("intents: one that cannot be done is cleared with a word (%s)", (_, scene) => {
  const decision = decideScene(scene);
  expect(decision.label).not.toBe("abort");
  expect(commandsOf(decision, "clear-intent")).toHaveLength(1);
  expect(messagesOf(decision).some((message) => message.startsWith("Ignored for web.shop:"))).toBe(true);
});

test("intents: one that cannot be read is told and cleared", () => {
  const metadata = { name: "web", namespace: "shop", annotations: { [INTENT_ANNOTATION]: "abort" } };
  const decision = decideScene({ status: progressing, metadata });
  expect(commandsOf(decision, "clear-intent")).toHaveLength(1);
  expect(commandsOf(decision, "event")[0]).toMatchObject({ type: "Warning", isStanding: true });
  expect(messagesOf(decision)[0]).toContain("must be a JSON object");
});

test("promote: goes past steps, gates and checks, but not past pods that are not ready", () => {
  const scene: Scene = {
    status: { ...progressing, lastTransitionTime: new Date(NOW_MS - 1000).toISOString() },
    analysis: { metrics: [successRate], webhooks: [gate("confirm-promotion")] },
    metadata: asked("promote"),
  };
  const decision = decideScene(scene);
  expect(decision).toMatchObject({ label: "promote-asked", status: { phase: "Promoting", canaryWeight: 20 } });
  expect(commandsOf(decision, "ensure-primary")).toContainEqual({ kind: "ensure-primary", mode: "sync" });
  expect(messagesOf(decision)).toContain(`web.shop: ${record("promote")}`);
  for (const [target, label] of [
    [{ availableCount: 0, readyCount: 1 }, "wait-canary"],
    [stuck, "rollback-canary-stuck"],
  ] as const)
    expect(decideScene({ ...scene, target }).label).toBe(label);
});

test.each(["promote", "undo"] as const)("%s: waits for what the user has to mend", (action) => {
  const problems = [{ path: "configmap/a", code: "not-found", message: "missing" }];
  const metadata = asked(action, { revision: "s-new" });
  const decision = decideScene({ status: progressing, metadata, observation: { problems } });
  expect(decision.label).toBe("blocked");
  expect(commandsOf(decision, "clear-intent")).toEqual([]);
});

test("start: what was asked of the run before says nothing about the next", () => {
  const { status } = decideScene({ status: progressing, metadata: asked("promote") });
  const next = decideScene({
    status: { ...status, phase: "Succeeded", lastAppliedSpec: "s-1", lastPromotedSpec: "s-1" },
  });
  expect(next.label).toBe("start");
  expect(next.status.conditions?.map(({ type }) => type)).not.toContain("Intent");
});

test("promote: a run promoted on request says that its analysis was skipped", () => {
  const { status } = decideScene({ status: progressing, metadata: asked("promote") });
  const done = decideScene({ status: { ...status, phase: "Finalising", lastTransitionTime: "2026-01-01T11:00:00Z" } });
  expect(terminalAlerts(done).map(({ message }) => message)).toEqual([
    "Canary analysis was skipped, promotion finished.",
  ]);
});

test("promote: opens the gate of the rollout, and stands until the promotion", () => {
  const decision = decideScene({
    status: { phase: "Waiting", lastAppliedSpec: "s-old", lastTransitionTime: new Date(NOW_MS - 1000).toISOString() },
    analysis: { webhooks: [gate("confirm-rollout")] },
    metadata: asked("promote"),
  });
  expect(decision.label).toBe("start");
  expect(commandsOf(decision, "clear-intent")).toEqual([]);
  expect(decideScene({ status: decision.status, metadata: asked("promote") }).label).toBe("promote-asked");
});

test("skip: takes one step without gate and checks, once", () => {
  const scene: Scene = {
    status: { ...progressing, lastTransitionTime: new Date(NOW_MS - 1000).toISOString() },
    analysis: { metrics: [successRate], webhooks: [gate("confirm-traffic-increase")] },
    metadata: asked("skip"),
  };
  const decision = decideScene(scene);
  expect(decision).toMatchObject({ label: "advance", status: { canaryWeight: 30 } });
  const next = decideScene({ ...scene, status: decision.status });
  expect(next.label).toBe("wait-tick");
  expect(commandsOf(next, "clear-intent")).toHaveLength(1);
  expect(decideScene({ ...scene, target: { availableCount: 1 } }).label).toBe("wait-canary");
});

test("skip: a clock of a person that goes ahead does not take a second step", () => {
  const metadata = asked("skip", { at: new Date(NOW_MS + 3_600_000).toISOString() });
  const first = decideScene({ status: progressing, metadata });
  expect(first.label).toBe("advance");
  expect(decideScene({ status: first.status, metadata }).label).toBe("wait-tick");
});

test.each<[string, Scene, string]>([
  [
    "the rollout",
    {
      status: { phase: "Waiting", lastAppliedSpec: "s-old", lastTransitionTime: new Date(NOW_MS - 1000).toISOString() },
      analysis: { webhooks: [gate("confirm-rollout")] },
    },
    "start",
  ],
  ["more traffic", { status: progressing, analysis: { webhooks: [gate("confirm-traffic-increase")] } }, "advance"],
  [
    "the promotion",
    { status: { phase: "WaitingPromotion", canaryWeight: 50 }, analysis: { webhooks: [gate("confirm-promotion")] } },
    "promote",
  ],
])("resume: passes the gate of %s", (_, scene, label) => {
  expect(decideScene(scene).label).toMatch(/^(ask-|wait-tick)/);
  const decision = decideScene({ ...scene, metadata: asked("resume") });
  expect(decision.label).toBe(label);
  expect(clears({ ...scene, status: decision.status, metadata: asked("resume") })).toBe(true);
});

test("resume: the checks of the step are made all the same", () => {
  const decision = decideScene({
    status: progressing,
    analysis: { metrics: [successRate], webhooks: [gate("confirm-traffic-increase")] },
    metadata: asked("resume"),
    answers: { "metric/0/builtin": value(50) },
  });
  expect(decision.label).toBe("halt");
});

test("retry: a rejected revision is released once more", () => {
  const scene: Scene = { status: { phase: "Failed" }, target: { desiredCount: 0, ...unready } };
  expect(decideScene(scene).label).toBe("steady");
  const decision = decideScene({ ...scene, metadata: asked("retry") });
  expect(decision).toMatchObject({ label: "start", status: { phase: "Progressing" } });
  expect(clears({ status: decision.status, metadata: asked("retry") })).toBe(true);
});

test("undo: an earlier revision is promoted without an analysis", () => {
  const metadata = asked("undo", { revision: "s-new" });
  const started = decideScene({
    status: { phase: "Succeeded", lastAppliedSpec: "s-bad", lastPromotedSpec: "s-bad" },
    target: { desiredCount: 0 },
    metadata,
  });
  expect(started.label).toBe("start");
  const skipped = decideScene({ status: started.status, metadata, analysis: { metrics: [successRate] } });
  expect(skipped).toMatchObject({ label: "skip-analysis", status: { phase: "Promoting" } });
  expect(decideScene({ status: started.status, metadata, target: unready }).label).toBe("wait-canary");
  expect(clears({ status: skipped.status, metadata })).toBe(true);
});

test("undo: waits for its template for a minute, and for a promotion to end", () => {
  const status = { phase: "Succeeded", lastAppliedSpec: "s-new", lastPromotedSpec: "s-new" } as const;
  const early = decideScene({ status, metadata: asked("undo", { revision: "s-old" }) });
  expect(commandsOf(early, "clear-intent")).toEqual([]);
  expect(early.wakeAtMs).toBe(NOW_MS + 55_000);
  expect(clears({ status, metadata: asked("undo", { revision: "s-old", at: "2026-01-01T11:00:00Z" }) })).toBe(true);
  expect(clears({ status: { phase: "Promoting" }, metadata: asked("undo", { revision: "s-new" }) })).toBe(false);
});

test("paused: holds the step, not the checks", () => {
  const scene: Scene = { status: progressing, analysis: { metrics: [successRate] }, metadata: pausedMetadata };
  const held = decideScene({ ...scene, answers: { "metric/0/builtin": value(99.9) } });
  expect(held).toMatchObject({ label: "paused", isTick: true, status: { canaryWeight: 20 } });
  expect(held.explanation.sentence).toBe("Paused by ann: lunch; holding at 20%, its checks go on.");
  expect(messagesOf(held)).toEqual(["Paused web.shop by ann: lunch"]);
  expect(held.status.conditions).toContainEqual(
    expect.objectContaining({ type: "Paused", status: "True", message: "Paused by ann: lunch (2026-01-01T11:00:00Z)" }),
  );
  expect(decideScene({ status: held.status }).status.conditions?.map(({ type }) => type)).not.toContain("Paused");
  const failing = decideScene({ ...scene, answers: { "metric/0/builtin": value(50) } });
  expect(failing).toMatchObject({ label: "halt", status: { failedChecks: 1 } });
  const last = { ...scene, status: { ...progressing, failedChecks: 2 }, answers: { "metric/0/builtin": value(50) } };
  expect(decideScene(last).label).toBe("rollback-check-failed");
  expect(decideScene({ ...scene, target: stuck }).label).toBe("rollback-canary-stuck");
  expect(decideScene({ ...scene, target: unready }).label).toBe("withdraw");
});

test.each<[string, Scene]>([
  ["a start", { status: { lastAppliedSpec: "s-old" }, target: { desiredCount: 0 } }],
  [
    "a start that is approved",
    {
      status: { phase: "Waiting", lastAppliedSpec: "s-old" },
      analysis: { webhooks: [gate("confirm-rollout")] },
      answers: { "hook/confirm-rollout/0": passed },
    },
  ],
  ["the first step", { status: { phase: "Progressing" } }],
  ["a skipped analysis", { status: progressing, spec: { skipAnalysis: true } }],
])("paused: holds %s", (_, scene) => {
  expect(decideScene({ ...scene, metadata: pausedMetadata }).label).toBe("paused");
});

test("paused: what others ask for waits and is kept, a rollback hook is heard", () => {
  const annotations = { ...pausedMetadata.annotations, ...asked("promote").annotations };
  const decision = decideScene({ status: progressing, metadata: { ...pausedMetadata, annotations } });
  expect(decision.label).toBe("paused");
  expect(commandsOf(decision, "clear-intent")).toEqual([]);
  expect(messagesOf(decision)[0]).toContain("waits: web.shop is paused by ann: lunch");
  const analysis = { webhooks: [gate("rollback")] };
  const scene: Scene = { status: progressing, analysis, metadata: pausedMetadata };
  expect(decideScene({ ...scene, answers: { "hook/rollback/0": passed } }).label).toBe("rollback-requested");
  expect(decideScene({ ...scene, answers: { "hook/rollback/0": refused } }).label).toBe("paused");
});
