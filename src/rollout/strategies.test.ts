import { expect, test } from "vitest";
import {
  commandsOf,
  decideScene,
  messagesOf,
  passed,
  refused,
  routedWeight,
  type Scene,
  stuck,
  terminalAlerts,
  unready,
  value,
} from "./scene.ts";
import { readSettings } from "./settings.ts";
import { canaryOf } from "./scene.ts";

const gate = (type: string) => ({ name: "gate", url: "http://gate/", type: type as "rollout" });
const successRate = { name: "request-success-rate", interval: "1m", thresholdRange: { min: 99 } };
const match = [{ headers: { "x-beta": { exact: "1" } } }];
const blueGreen: Scene = { status: { phase: "Progressing", iterations: 5 }, analysis: { iterations: 5 } };

function settingsOf(scene: Scene) {
  const result = readSettings(canaryOf(scene), { minIntervalMs: 1000 });
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

test.each([
  [{ iterations: 5, match }, undefined, { kind: "ab-testing", iterationCount: 5 }],
  [{ iterations: 5 }, undefined, { kind: "blue-green", iterationCount: 5, isMirrored: false }],
  [{ iterations: 5, mirror: true }, undefined, { kind: "blue-green", iterationCount: 5, isMirrored: true }],
  [{ iterations: 0, match }, undefined, { kind: "weights" }],
  [{ iterations: 0 }, "kubernetes", { kind: "blue-green", iterationCount: 10 }],
  [{ iterations: 3, match, mirror: true }, "kubernetes", { kind: "blue-green", iterationCount: 3, isMirrored: false }],
])("readSettings: strategy of %j with provider %s", (analysis, provider, strategy) => {
  const settings = settingsOf({ analysis, spec: provider === undefined ? {} : { provider } });
  expect(settings.strategy).toMatchObject(strategy);
  expect(settings.hasRoutes).toBe(provider === undefined);
});

test("readSettings: the operator's provider counts for a Canary that names none", () => {
  const result = readSettings(canaryOf({}), { minIntervalMs: 1000, defaultProvider: "kubernetes" });
  expect(result.ok && result.value.strategy.kind).toBe("blue-green");
  expect(result.ok && result.value.provider).toBe("kubernetes");
});

test("start: what the provider kubernetes cannot do is said once a run", () => {
  const decision = decideScene({
    spec: { provider: "kubernetes" },
    analysis: { match },
    status: { lastAppliedSpec: "s-old" },
    target: { desiredCount: 0 },
  });
  expect(messagesOf(decision)).toEqual([
    "New revision detected! Scaling up web.shop",
    "spec.analysis.match has no effect: the provider kubernetes routes nothing; the release is blue/green",
    "spec.analysis.iterations is not set and the provider kubernetes has no weights; 10 iterations are made",
  ]);
});

test("route-canary: the cutover waits for ready pods", () => {
  expect(decideScene(blueGreen)).toMatchObject({ label: "route-canary", status: { canaryWeight: 100, iterations: 6 } });
  const waiting = decideScene({ ...blueGreen, target: { availableCount: 1 } });
  expect(waiting.label).toBe("wait-canary");
  expect(routedWeight(waiting)).toBe(0);
});

test("route-canary: a cutover whose record was lost is not taken for one that was analysed", () => {
  const routes = { primaryWeight: 0, canaryWeight: 100, isMirrored: false };
  const decision = decideScene({ ...blueGreen, observation: { routes } });
  expect(decision).toMatchObject({ label: "route-canary", status: { phase: "Progressing", iterations: 6 } });
});

test("route-canary: mirroring ends with it", () => {
  const scene: Scene = { ...blueGreen, analysis: { iterations: 5, mirror: true } };
  const iterating = decideScene({ ...scene, status: { phase: "Progressing", iterations: 2 } });
  expect(commandsOf(iterating, "set-routes")).toEqual([{ kind: "set-routes", canaryWeight: 0, isMirrored: true }]);
  const cutover = decideScene(scene);
  expect(commandsOf(cutover, "set-routes")).toEqual([{ kind: "set-routes", canaryWeight: 100, isMirrored: false }]);
  expect(messagesOf(cutover)).toEqual(["Stop traffic mirroring and route all traffic to canary"]);
});

test("blue/green: the gate of the promotion is asked before the traffic goes", () => {
  const scene: Scene = { ...blueGreen, analysis: { iterations: 5, webhooks: [gate("confirm-promotion")] } };
  expect(decideScene(scene).label).toBe("ask-confirm-promotion");
  const closed = decideScene({ ...scene, answers: { "hook/confirm-promotion/0": refused } });
  expect(closed).toMatchObject({ label: "promotion-gate-closed", status: { phase: "WaitingPromotion" } });
  expect(routedWeight(closed)).toBe(0);
});

test("blue/green: fewer iterations asked for in the middle of a run do not skip gate and cutover", () => {
  const decision = decideScene({ status: { phase: "Progressing", iterations: 7 }, analysis: { iterations: 5 } });
  expect(decision.label).toBe("route-canary");
  expect(
    decideScene({ status: { phase: "Progressing", iterations: 7 }, analysis: { iterations: 5, match } }).label,
  ).toBe("promote");
});

test("blue/green with the provider kubernetes: the same steps, and no route", () => {
  const kubernetes = { provider: "kubernetes" };
  const cutover = decideScene({ ...blueGreen, spec: kubernetes, observation: { routes: undefined } });
  expect(cutover).toMatchObject({ label: "route-canary", status: { canaryWeight: 0, iterations: 6 } });
  expect(messagesOf(cutover)).toEqual([]);
  const promoted = decideScene({ ...blueGreen, spec: kubernetes, status: { phase: "Progressing", iterations: 6 } });
  expect(promoted.label).toBe("promote");
  const finalised = decideScene({ spec: kubernetes, status: { phase: "Promoting" }, analysis: { iterations: 5 } });
  expect(finalised.label).toBe("finalise");
  expect(messagesOf(finalised)).toEqual([]);
  const failed = decideScene({ spec: kubernetes, status: { phase: "Promoting" }, primary: stuck });
  expect(failed.status).toMatchObject({ phase: "Failed", canaryWeight: 0 });
  expect(commandsOf(failed, "scale-target")).toEqual([]);
});

test("blue/green with the provider kubernetes: going back to the old template mends a failed promotion", () => {
  const decision = decideScene({
    spec: { provider: "kubernetes" },
    status: { phase: "Failed", lastAppliedSpec: "s-bad", lastPromotedSpec: "s-new" },
    primary: { ...stuck, matchesTarget: false },
  });
  expect(decision.label).toBe("start");
});

test.each([
  ["blue/green after its cutover", { iterations: 5 }, { canaryWeight: 100, iterations: 6 }],
  ["an A/B test", { iterations: 5, match }, { canaryWeight: 100, iterations: 2 }],
])("withdraw: %s starts again from the beginning", (_, analysis, status) => {
  const decision = decideScene({ analysis, status: { phase: "Progressing", ...status }, target: unready });
  expect(decision).toMatchObject({
    label: "withdraw",
    status: { canaryWeight: 0, iterations: 0, failedChecks: 1 },
  });
  expect(routedWeight(decision)).toBe(0);
});

test("takeover in the middle of a run: Flagger records no weight for iterations", () => {
  const routes = { primaryWeight: 0, canaryWeight: 100, isMirrored: false };
  const ab = decideScene({
    analysis: { iterations: 5, match },
    status: { phase: "Progressing", iterations: 2, lastTransitionTime: "2026-01-01T11:59:58Z" },
    observation: { routes },
  });
  expect(ab.label).toBe("wait-tick");
  expect(routedWeight(ab)).toBe(100);
  const cutOver = decideScene({
    ...blueGreen,
    status: { phase: "Progressing", iterations: 6 },
    observation: { routes },
  });
  expect(cutOver.label).toBe("promote");
  const waiting = decideScene({ status: { phase: "WaitingPromotion", iterations: -1 }, observation: { routes } });
  expect(waiting.label).toBe("promote");
});

test("mirror: the first step is repeated when its record was lost", () => {
  const decision = decideScene({
    analysis: { mirror: true },
    status: { phase: "Progressing" },
    observation: { routes: { primaryWeight: 100, canaryWeight: 0, isMirrored: true } },
  });
  expect(decision).toMatchObject({ label: "mirror", status: { canaryWeight: 0, iterations: 1 } });
  expect(messagesOf(decision)).toEqual(["Starting canary analysis for web.shop", "Advance web.shop canary weight 0"]);
});

test("mirror: copies are analysed, and kept while the analysis holds", () => {
  const scene: Scene = {
    analysis: { mirror: true, metrics: [successRate] },
    status: { phase: "Progressing", iterations: 1 },
  };
  expect(decideScene(scene).questions.map(({ id }) => id)).toEqual(["metric/0/builtin"]);
  const halted = decideScene({ ...scene, answers: { "metric/0/builtin": value(50) } });
  expect(halted.label).toBe("halt");
  expect(commandsOf(halted, "set-routes")).toEqual([{ kind: "set-routes", canaryWeight: 0, isMirrored: true }]);
});

const sticky: Scene = {
  analysis: { sessionAffinity: { cookieName: "flagger", primaryCookieName: "stable" } },
  status: { phase: "Progressing", canaryWeight: 20 },
};

test("session affinity: cookies of the run are the same at every look and differ between revisions (pinned 42)", () => {
  const decision = decideScene(sticky);
  const { sessionAffinityCookie: canary, primarySessionAffinityCookie: primary } = decision.status;
  expect(canary).toMatch(/^flagger=[a-zA-Z]{10}$/);
  expect(primary).toMatch(/^stable=[a-zA-Z]{10}$/);
  expect(primary?.slice(-10)).not.toBe(canary?.slice(-10));
  expect(commandsOf(decision, "set-routes")[0]?.cookies).toEqual({ canary, primary });
  expect(decideScene(sticky).status.sessionAffinityCookie).toBe(canary);
  const other = { ...sticky, status: { ...sticky.status, lastAppliedSpec: "s-2" }, target: { templateHash: "s-2" } };
  expect(decideScene(other).status.sessionAffinityCookie).not.toBe(canary);
});

test("session affinity: a run that Flagger began keeps its cookie", () => {
  const status = { ...sticky.status, sessionAffinityCookie: "flagger=abcdefghij" };
  expect(decideScene({ ...sticky, status }).status.sessionAffinityCookie).toBe("flagger=abcdefghij");
});

test("session affinity: at weight 0 the cookie is taken back (pinned 42)", () => {
  const decision = decideScene({
    ...sticky,
    status: { phase: "Promoting", canaryWeight: 20, sessionAffinityCookie: "flagger=abcdefghij" },
  });
  expect(decision.label).toBe("finalise");
  expect(decision.status.previousSessionAffinityCookie).toBe("flagger=abcdefghij");
  expect(decision.status).not.toHaveProperty("sessionAffinityCookie");
  expect(commandsOf(decision, "set-routes")[0]?.cookies).toEqual({ previous: "flagger=abcdefghij" });
});

test("session affinity: no cookie leads to a copy without ready pods", () => {
  const cookies = (scene: Scene) => commandsOf(decideScene(scene), "set-routes")[0]?.cookies;
  const waiting: Scene = { ...sticky, status: { ...sticky.status, lastTransitionTime: "2026-01-01T11:59:58Z" } };
  expect(cookies({ ...waiting, primary: unready })).not.toHaveProperty("primary");
  expect(cookies({ ...sticky, target: { ...stuck } })?.canary).toBeUndefined();
});

test("session affinity: a canary that lost its pods during the promotion gets nobody back by a cookie", () => {
  const cookie = { sessionAffinityCookie: "flagger=abcdefghij", previousSessionAffinityCookie: "flagger=klmnopqrst" };
  const decision = decideScene({
    ...sticky,
    status: { phase: "Promoting", canaryWeight: 20, ...cookie },
    primary: { ...unready, readyCount: 1 },
    target: unready,
  });
  expect(commandsOf(decision, "set-routes")).toEqual([{ kind: "set-routes", canaryWeight: 0, isMirrored: false }]);
  expect(decision.status).toMatchObject(cookie);
});

test.each<[string, Scene]>([
  ["spec.analysis.sessionAffinity.cookieName", { analysis: { sessionAffinity: { cookieName: "a b" } } }],
  ["spec.analysis.sessionAffinity.maxAge", { analysis: { sessionAffinity: { cookieName: "a", maxAge: 0.5 } } }],
  ["spec.analysis.sessionAffinity.path", { analysis: { sessionAffinity: { cookieName: "a", path: "/; Domain=b" } } }],
  [
    "spec.analysis.sessionAffinity.sameSite",
    { analysis: { sessionAffinity: { cookieName: "a", sameSite: "lax" as "Lax" } } },
  ],
  ["spec.analysis.iterations", { analysis: { iterations: 1.5 } }],
  ["spec.analysis.mirrorWeight", { analysis: { mirrorWeight: 101 } }],
  ["spec.targetRef.kind", { spec: { targetRef: { apiVersion: "apps/v1", kind: "StatefulSet", name: "web" } } }],
])("readSettings: one problem with the path %s", (path, scene) => {
  const result = readSettings(canaryOf(scene), { minIntervalMs: 1000 });
  expect(result.ok ? [] : result.error.map((problem) => problem.path)).toEqual([path]);
});

test("texts name the kind of the target", () => {
  const spec = { targetRef: { apiVersion: "apps/v1", kind: "DaemonSet", name: "web" } };
  const waiting = decideScene({
    spec,
    status: { phase: "Progressing" },
    target: { kind: "DaemonSet", updatedCount: 1, progressing: { status: "True" } },
  });
  expect(messagesOf(waiting)).toEqual([
    "canary daemonset web.shop not ready: waiting for rollout to finish: 1 out of 2 new pods have been scheduled",
  ]);
  const failed = decideScene({
    spec,
    status: { phase: "Progressing", failedChecks: 3 },
    target: { kind: "DaemonSet" },
  });
  expect(failed.status.conditions?.[0]?.message).toBe("Canary analysis failed, DaemonSet scaled to zero.");
});

test("wait-canary: a DaemonSet that loses a pod at a gate has the whole deadline from then on", () => {
  const scene: Scene = {
    spec: { targetRef: { apiVersion: "apps/v1", kind: "DaemonSet", name: "web" }, progressDeadlineSeconds: 60 },
    status: { phase: "Progressing", canaryWeight: 20, lastTransitionTime: "2026-01-01T08:00:00Z" },
    target: { kind: "DaemonSet", availableCount: 1, readyCount: 1 },
  };
  const first = decideScene(scene);
  expect(first.label).toBe("wait-canary");
  const since = (lastTransitionTime: string): Scene => ({
    ...scene,
    status: {
      ...scene.status,
      conditions: (first.status.conditions ?? []).map((condition) => ({ ...condition, lastTransitionTime })),
    },
  });
  expect(decideScene(since("2026-01-01T11:59:01Z")).label).toBe("wait-canary");
  expect(decideScene(since("2026-01-01T11:59:00Z")).label).toBe("rollback-canary-stuck");
  const ready = decideScene({ ...scene, status: first.status, target: { kind: "DaemonSet" } });
  expect(ready.status.conditions?.map(({ type }) => type)).not.toContain("CanaryReady");
});

test("wait-canary: a Deployment that is available without its last pod has the whole deadline from when that is seen", () => {
  const scene: Scene = {
    spec: { progressDeadlineSeconds: 60 },
    status: { phase: "Progressing", canaryWeight: 20, lastTransitionTime: "2026-01-01T08:00:00Z" },
    target: { desiredCount: 5, availableCount: 4, readyCount: 4, available: { status: "True" } },
  };
  const first = decideScene(scene);
  expect(first.label).toBe("wait-canary");
  const conditions = (first.status.conditions ?? []).map((condition) => ({
    ...condition,
    lastTransitionTime: "2026-01-01T11:59:00Z",
  }));
  const late = decideScene({ ...scene, status: { ...scene.status, conditions } });
  expect(late.label).toBe("rollback-canary-stuck");
  expect(late.explanation.sentence).toContain("short of pods for longer than the progress deadline of 60s");
});

test("mirror: nobody copies requests to a canary without ready pods", () => {
  const decision = decideScene({
    analysis: { mirror: true },
    status: { phase: "Progressing", iterations: 1 },
    target: unready,
  });
  expect(decision.label).toBe("wait-canary");
  expect(commandsOf(decision, "set-routes")).toEqual([{ kind: "set-routes", canaryWeight: 0, isMirrored: false }]);
});

test("drain: the pods stay until the route that leaves them is in force", () => {
  const conditions = [{ type: "Draining", status: "True" as const, reason: "RolledBack" }];
  const scene: Scene = { status: { phase: "Failed", conditions } };
  expect(decideScene(scene).label).toBe("scale-down");
  expect(decideScene({ ...scene, observation: { routesProblem: "not accepted" } }).label).toBe("drain");
});

test("mirror: the traffic gate is asked before the first weight, too", () => {
  const analysis = { mirror: true, webhooks: [gate("confirm-traffic-increase")] };
  expect(decideScene({ analysis, status: { phase: "Progressing", iterations: 1 } }).label).toBe("ask-traffic-increase");
});

test("hold-routes: checks go on while the routes are not in force, and no step is taken", () => {
  const observation = { routesProblem: "the Gateway has not accepted them" };
  const scene: Scene = {
    status: { phase: "Progressing", canaryWeight: 20 },
    analysis: { metrics: [successRate] },
    observation,
  };
  const held = decideScene({ ...scene, answers: { "metric/0/builtin": value(99.9) } });
  expect(held).toMatchObject({ label: "hold-routes", isTick: true, status: { canaryWeight: 20 } });
  const failing = decideScene({ ...scene, answers: { "metric/0/builtin": value(50) } });
  expect(failing).toMatchObject({ label: "halt", status: { failedChecks: 1 } });
  expect(decideScene({ status: { phase: "Promoting", canaryWeight: 50 }, observation }).label).toBe("hold-routes");
  expect(decideScene({ status: { phase: "Finalising" }, observation }).label).toBe("hold-routes");
});

test("blocked: a canary with traffic is checked and rolled back whatever the user has to mend", () => {
  const problems = [{ path: "configmap/a", code: "not-found", message: "missing" }];
  const scene: Scene = {
    status: { phase: "Progressing", canaryWeight: 20, failedChecks: 2 },
    analysis: { metrics: [successRate] },
    observation: { problems },
  };
  expect(decideScene({ ...scene, answers: { "metric/0/builtin": value(50) } }).label).toBe("rollback-check-failed");
  expect(decideScene({ ...scene, answers: { "metric/0/builtin": value(99.9) } })).toMatchObject({
    label: "blocked",
    isTick: true,
  });
});

test.each([
  ["a traffic gate", "Progressing", 20, "confirm-traffic-increase"],
  ["a promotion gate", "WaitingPromotion", 50, "confirm-promotion"],
] as const)("gates: checks run, count and roll back while %s is waited for", (_, phase, canaryWeight, type) => {
  const scene: Scene = {
    status: { phase, canaryWeight, failedChecks: 1 },
    analysis: { metrics: [successRate], webhooks: [gate(type)] },
    answers: { [`hook/${type}/0`]: refused, "metric/0/builtin": value(50) },
  };
  expect(decideScene(scene)).toMatchObject({ label: "halt", status: { phase, failedChecks: 2 } });
  const last = decideScene({ ...scene, status: { phase, canaryWeight, failedChecks: 2 } });
  expect(last).toMatchObject({ label: "rollback-check-failed", status: { phase: "Failed" } });
});

test("rollback hooks are asked while approval is waited for, and while the canary is not ready", () => {
  const analysis = { webhooks: [gate("confirm-rollout"), gate("rollback")] };
  const waiting: Scene = { status: { phase: "Waiting", lastAppliedSpec: "s-old" }, analysis };
  expect(decideScene(waiting).label).toBe("ask-rollback");
  const rejected = decideScene({ ...waiting, answers: { "hook/rollback/0": passed } });
  expect(rejected).toMatchObject({
    label: "rollback-requested",
    status: { phase: "Failed", lastAppliedSpec: "s-new" },
  });
  const unreadyScene: Scene = { status: { phase: "Progressing" }, analysis, target: unready };
  expect(decideScene(unreadyScene).label).toBe("ask-rollback");
  expect(decideScene({ ...unreadyScene, answers: { "hook/rollback/0": refused } })).toMatchObject({
    label: "wait-canary",
    isTick: true,
  });
  expect(decideScene({ ...unreadyScene, answers: { "hook/rollback/0": passed } }).label).toBe("rollback-requested");
});

test.each<[string, Scene, string]>([
  [
    "threshold",
    { status: { phase: "Progressing", canaryWeight: 20, failedChecks: 3 } },
    "Failed checks threshold reached 3",
  ],
  [
    "stuck",
    { status: { phase: "Progressing" }, target: stuck },
    'Progress deadline exceeded deployment "web" exceeded its progress deadline',
  ],
  [
    "webhook",
    {
      status: { phase: "Progressing" },
      analysis: { webhooks: [gate("rollback")] },
      answers: { "hook/rollback/0": passed },
    },
    "Rolling back manual webhook invoked",
  ],
  [
    "reverted",
    { status: { phase: "Progressing" }, target: { templateHash: "s-old" }, primary: { matchesTarget: true } },
    "Canary analysis ended, the target was reverted to the promoted revision",
  ],
  [
    "target gone",
    { status: { phase: "Progressing" }, target: "missing" },
    "Canary analysis failed, the target was deleted.",
  ],
  [
    "without a refuge",
    { status: { phase: "Progressing", failedChecks: 3 }, primary: unready },
    "Failed checks threshold reached 3",
  ],
  [
    "promotion failed",
    { status: { phase: "Promoting" }, primary: stuck },
    'Promotion failed, primary not ready: deployment "web" exceeded its progress deadline',
  ],
  ["success", { status: { phase: "Finalising" } }, "Canary analysis completed successfully, promotion finished."],
  [
    "skipped",
    { status: { phase: "Finalising" }, spec: { skipAnalysis: true } },
    "Canary analysis was skipped, promotion finished.",
  ],
])("alerts: a run that ends (%s) has one terminal alert, with its reason", (_, scene, message) => {
  const decision = decideScene(scene);
  const alerts = terminalAlerts(decision);
  expect(alerts).toHaveLength(1);
  expect(alerts[0]?.message.replace("web-primary", "web")).toBe(message);
  expect(alerts[0]?.reason).toBe(decision.explanation.sentence);
});

const rejected = { phase: "Failed", lastAppliedSpec: "s-bad", lastPromotedSpec: "s-old" } as const;

test("a rejected revision is not released again by a re-sync, also after a detour over the promoted one", () => {
  const idle = { desiredCount: 0, ...unready };
  const at = (templateHash: string, status: Scene["status"], matchesTarget: boolean) =>
    decideScene({ status: { ...status }, target: { ...idle, templateHash }, primary: { matchesTarget } });
  expect(at("s-bad", rejected, false).label).toBe("steady");
  const detour = at("s-old", rejected, true);
  expect(detour.label).toBe("steady");
  expect(at("s-bad", detour.status, false).label).toBe("steady");
  const approvalWithdrawn = decideScene({
    status: { ...rejected, phase: "Waiting" },
    target: { ...idle, templateHash: "s-old" },
    primary: { isPromoted: true, matchesTarget: true },
  });
  expect(approvalWithdrawn.label).toBe("waiting-cancelled");
  expect(at("s-bad", approvalWithdrawn.status, false).label).toBe("steady");
  expect(at("s-fix", rejected, false).label).toBe("start");
});

test("a rejected revision comes back with other configs, which are another revision", () => {
  const decision = decideScene({
    status: { ...rejected, trackedConfigs: { "configmap/a": "1" } },
    target: { templateHash: "s-bad", desiredCount: 0, ...unready },
    observation: { trackedConfigs: { "configmap/a": "2" } },
  });
  expect(decision.label).toBe("start");
});

test("a fix ships while the primary is sick", () => {
  const scene: Scene = {
    status: { ...rejected, lastAppliedSpec: "s-old" },
    primary: stuck,
    target: { desiredCount: 0, ...unready },
  };
  expect(decideScene(scene).label).toBe("start");
  const running = decideScene({ status: { phase: "Progressing", canaryWeight: 10 }, primary: stuck });
  expect(running).toMatchObject({ label: "advance", status: { canaryWeight: 20 } });
  // Users get the only copy that is well, whatever weight is on record.
  expect(routedWeight(running)).toBe(100);
});
