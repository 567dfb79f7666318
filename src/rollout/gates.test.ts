import { expect, test } from "vitest";
import type { CanaryWebhook } from "#api";
import type { Decision } from "./decision.ts";
import { commandsOf, decideScene, messagesOf, passed, refused, type Scene } from "./scene.ts";

/** The gates that people keep: what is said when one is closed, and what silences it. Source: flagger-spec 6.1 and 7. */

const gates = {
  "confirm-rollout": { status: { lastAppliedSpec: "s-old" } },
  "confirm-traffic-increase": { status: { phase: "Progressing", canaryWeight: 20 } },
  "confirm-promotion": { status: { phase: "Progressing", canaryWeight: 50 } },
} as const satisfies Readonly<Record<string, Scene>>;

function atGate(type: keyof typeof gates, changes: Partial<CanaryWebhook>, answer = refused): Decision {
  const hook: CanaryWebhook = { name: "gate", url: "http://gate/", type, ...changes };
  const answers = { [`hook/${type}/0`]: answer };
  return decideScene({ ...gates[type], analysis: { webhooks: [hook] }, answers });
}

const alertsOf = (decision: Decision) =>
  commandsOf(decision, "alert").map(({ severity, message }) => [severity, message]);

test.each([
  ["confirm-rollout", "waiting for approval", "Canary is waiting for approval.", "Waiting"],
  [
    "confirm-traffic-increase",
    "waiting for traffic increase approval",
    "Canary traffic increase is waiting for approval.",
    "Progressing",
  ],
  [
    "confirm-promotion",
    "waiting for promotion approval",
    "Canary promotion is waiting for approval.",
    "WaitingPromotion",
  ],
] as const)(
  "gates: %s that is closed says so in Flagger's words; muteAlert silences the alert alone",
  (type, event, alert, phase) => {
    const closed = atGate(type, {});
    expect(closed.status).toMatchObject({ phase, failedChecks: 0 });
    expect(messagesOf(closed)).toEqual([`Halt web.shop advancement ${event} gate`]);
    expect(alertsOf(closed)).toEqual([["warn", alert]]);
    const muted = atGate(type, { muteAlert: true });
    expect(messagesOf(muted)).toEqual(messagesOf(closed));
    expect(alertsOf(muted)).toEqual([]);
  },
);

test.each([
  ["confirm-rollout", "Confirm-rollout check gate passed"],
  ["confirm-traffic-increase", "Confirm-traffic-increase check gate passed"],
  ["confirm-promotion", "Confirm-promotion check gate passed"],
] as const)("gates: %s that is open says so", (type, message) => {
  expect(messagesOf(atGate(type, {}, passed))).toContain(message);
});

test.each([
  ["pre-rollout", 0, "Halt web.shop advancement pre-rollout check load failed not now"],
  ["rollout", 20, "Halt web.shop advancement external check load failed not now"],
  [undefined, 20, "Halt web.shop advancement external check load failed not now"],
] as const)("checks: a hook of type %s that fails at %i%% counts as a failed check", (type, canaryWeight, message) => {
  const hook: CanaryWebhook = { name: "load", url: "http://load/", ...(type === undefined ? {} : { type }) };
  const decision = decideScene({
    status: { phase: "Progressing", canaryWeight },
    analysis: { webhooks: [hook] },
    answers: { [`hook/${type ?? "rollout"}/0`]: refused },
  });
  expect(decision).toMatchObject({ label: "halt", status: { failedChecks: 1, canaryWeight } });
  expect(messagesOf(decision)).toContain(message);
});

test("gates: a promotion gate that is asked again goes on with the checks, which may fail", () => {
  const webhooks: CanaryWebhook[] = [{ name: "gate", url: "http://gate/", type: "confirm-promotion" }];
  const waiting: Scene = { status: { phase: "WaitingPromotion", canaryWeight: 50 }, analysis: { webhooks } };
  expect(decideScene({ ...waiting, answers: { "hook/confirm-promotion/0": passed } }).label).toBe("promote");
  const failing = { ...waiting, analysis: { webhooks, metrics: [{ name: "request-success-rate", threshold: 99 }] } };
  const answers = { "metric/0/builtin": { kind: "metric", result: { kind: "value", value: 1 } } } as const;
  expect(decideScene({ ...failing, answers })).toMatchObject({ label: "halt", status: { failedChecks: 1 } });
});

test("gates: a rollback hook that does not ask for a rollback says nothing", () => {
  const webhooks: CanaryWebhook[] = [{ name: "back", url: "http://back/", type: "rollback" }];
  const decision = decideScene({
    status: { phase: "Progressing", canaryWeight: 20 },
    analysis: { webhooks },
    answers: { "hook/rollback/0": refused },
  });
  expect(decision.label).toBe("advance");
  expect(messagesOf(decision)).toEqual(["Advance web.shop canary weight 30"]);
});

test.each<[string, Scene, string]>([
  [
    "of a new Canary",
    { status: { phase: "Initializing" }, answers: { providers: { kind: "providers" } } },
    "New Deployment detected, initialization completed.",
  ],
  ["of a release", { status: { lastAppliedSpec: "s-old" } }, "New revision detected, progressing canary analysis."],
])("alerts: the start %s is told with the facts of the Canary", (_, scene, message) => {
  expect(commandsOf(decideScene(scene), "alert")).toMatchObject([{ severity: "info", message, hasMetadata: true }]);
});

test("events: metric providers that do not answer are told, and stop nothing", () => {
  const answers = { providers: { kind: "providers", problem: "refused" } } as const;
  const decision = decideScene({ status: { phase: "Initializing" }, answers });
  expect(decision.status.phase).toBe("Initialized");
  expect(messagesOf(decision)).toContain("Error checking metric providers: refused");
});

test("checks: a metric that is neither built-in nor has a query or a template is refused with its path (pinned 20)", () => {
  const decision = decideScene({
    status: { phase: "Progressing", canaryWeight: 20 },
    analysis: { metrics: [{ name: "errors", threshold: 1 }] },
  });
  expect(decision).toMatchObject({ label: "invalid-spec", status: { failedChecks: 0, canaryWeight: 20 } });
  expect(messagesOf(decision).join()).toContain("spec.analysis.metrics[0]");
});
