import { expect, test } from "vitest";
import type { Decision } from "./decision.ts";
import {
  commandsOf,
  decideScene,
  messagesOf,
  refused,
  routedWeight,
  type Scene,
  stuck,
  terminalAlerts,
  unready,
} from "./scene.ts";
import { readSettings } from "./settings.ts";
import { canaryOf } from "./scene.ts";
import { calmLook, type Look, lookAt, newWorld, type Plan, type World } from "./world.ts";

/** Edge cases that Flagger's own tests pin down; numbers are those of flagger-spec, section 9. */

const hook = (type: string) => ({ name: `${type}-hook`, url: "http://gate/", type: type as "rollout" });

/** Every look is a tick: the world's clock goes further than the interval between two. */
function planOf(analysis: Plan["analysis"], spec: Plan["spec"] = {}): Plan {
  return { analysis: { interval: "1s", stepWeight: 0, threshold: 3, ...analysis }, spec };
}

function look(world: World, plan: Plan, changes: Partial<Look> = {}): Decision {
  return lookAt(world, { ...calmLook, ...changes }, { plan, before: world }).decision;
}

/** Looks until a label comes, and returns every decision up to it. */
function until(world: World, plan: Plan, label: string): Decision[] {
  const decisions: Decision[] = [];
  for (let i = 0; i < 60; i++) {
    decisions.push(look(world, plan));
    if (decisions.at(-1)?.label === label) return decisions;
  }
  throw new Error(`${label} does not come, only ${decisions.map((decision) => decision.label).join(" ")}`);
}

function released(plan: Plan): World {
  const world = newWorld();
  until(world, plan, "steady");
  world.hash = "s-b";
  return world;
}

/** Phases and weights after each step, repetitions left out. */
function stagesOf(decisions: readonly Decision[]): string[] {
  const stages = decisions.map(({ status }) => `${status.phase} ${status.canaryWeight}/${status.iterations}`);
  return stages.filter((stage, index) => stage !== stages[index - 1]);
}

test("bootstrap: the primary is created before it is ready, and the target goes to zero after (pinned 1)", () => {
  const world: World = { ...newWorld(), primary: "unready" };
  const plan = planOf({ stepWeight: 10 });
  look(world, plan);
  expect(world).toMatchObject({ primaryHash: "s-a", canaryCount: 2, status: { phase: "Initializing" } });
  world.primary = "ready";
  until(world, plan, "scale-down");
  expect(world).toMatchObject({ canaryCount: 0, status: { phase: "Initialized" } });
});

test("start: a new template scales the target up and gets no traffic yet (pinned 2)", () => {
  const plan = planOf({ stepWeight: 10 });
  const world = released(plan);
  look(world, plan);
  expect(world).toMatchObject({
    canaryCount: 2,
    status: { phase: "Progressing", canaryWeight: 0, lastAppliedSpec: "s-b" },
    routes: { canaryWeight: 0 },
  });
});

test("rollback-threshold: failed checks that reached the threshold end the run (pinned 3)", () => {
  const decision = decideScene({ status: { phase: "Progressing", canaryWeight: 10, failedChecks: 3 } });
  expect(decision.status.phase).toBe("Failed");
});

test("promotion-failed: a stuck primary leaves all traffic and the pods with the canary (pinned 4)", () => {
  const decision = decideScene({ status: { phase: "Promoting", canaryWeight: 50 }, primary: stuck });
  expect(decision.status).toMatchObject({ phase: "Failed", canaryWeight: 100 });
  expect(routedWeight(decision)).toBe(100);
  expect(commandsOf(decision, "scale-target")).toEqual([]);
});

test("promotion-failed: also when traffic was back on the primary already (pinned 5)", () => {
  const decision = decideScene({ status: { phase: "Finalising", canaryWeight: 0 }, primary: stuck });
  expect(decision.status).toMatchObject({ phase: "Failed", canaryWeight: 100 });
  expect(routedWeight(decision)).toBe(100);
});

test("skip-analysis: scaled up, ready, promoted (pinned 6)", () => {
  const plan = planOf({ stepWeight: 10 }, { skipAnalysis: true });
  const decisions = until(released(plan), plan, "complete");
  expect(decisions.map((decision) => decision.label)).toEqual(
    ["start", "skip-analysis", "finalise", "drain-canary", "complete"].filter((label) =>
      decisions.some((one) => one.label === label),
    ),
  );
  expect(stagesOf(decisions)).toEqual(["Progressing 0/0", "Promoting 0/0", "Finalising 0/0", "Succeeded 0/0"]);
});

test("promotion in steps keeps the weight while promoting (pinned 7)", () => {
  const plan = planOf({ stepWeight: 100, stepWeightPromotion: 50 });
  expect(stagesOf(until(released(plan), plan, "complete"))).toEqual([
    "Progressing 0/0",
    "Progressing 100/0",
    "Promoting 100/0",
    "Promoting 50/0",
    "Finalising 0/0",
    "Succeeded 0/0",
  ]);
});

test("blue/green: progressing on detection, iteration and cutover, then promoted (pinned 8)", () => {
  const plan = planOf({ iterations: 1 });
  const decisions = until(released(plan), plan, "complete");
  expect(stagesOf(decisions)).toEqual([
    "Progressing 0/0",
    "Progressing 0/1",
    "Progressing 100/2",
    "Promoting 100/2",
    "Finalising 0/0",
    "Succeeded 0/0",
  ]);
  expect(decisions.flatMap(messagesOf)).toEqual([
    "New revision detected! Scaling up web.shop",
    "Starting canary analysis for web.shop",
    "Advance web.shop canary iteration 1/1",
    "Routing all traffic to canary",
    "Copying web.shop template spec to web-primary.shop",
    "Routing all traffic to primary",
    "Promotion completed! Scaling down web.shop",
  ]);
});

test("restart: another template during the analysis resets the routes (pinned 9)", () => {
  const decision = decideScene({
    status: { phase: "Progressing", canaryWeight: 10, lastAppliedSpec: "s-earlier", failedChecks: 1 },
  });
  expect(decision).toMatchObject({
    label: "restart",
    status: { canaryWeight: 0, failedChecks: 0, lastAppliedSpec: "s-new" },
  });
  expect(routedWeight(decision)).toBe(0);
  expect(messagesOf(decision)).toEqual(["New revision detected! Restarting analysis for web.shop"]);
});

test("restart: ConfigMaps and Secrets restart the analysis, promotion copies them (pinned 10)", () => {
  const configs = { "configmap/a": "2", "secret/b": "2" };
  const scene: Scene = {
    status: { phase: "Progressing", canaryWeight: 50, trackedConfigs: { "configmap/a": "1", "secret/b": "1" } },
    observation: { trackedConfigs: configs },
  };
  const restarted = decideScene(scene);
  expect(restarted).toMatchObject({ label: "restart", status: { trackedConfigs: configs, canaryWeight: 0 } });
  const promoted = decideScene({ ...scene, status: { ...scene.status, trackedConfigs: configs } });
  expect(promoted.label).toBe("promote");
  expect(commandsOf(promoted, "ensure-primary")).toContainEqual({ kind: "ensure-primary", mode: "sync" });
});

test("mirror: one step of copies, then the first weight without them (pinned 11)", () => {
  const plan = planOf({ stepWeight: 10, mirror: true });
  const world = released(plan);
  until(world, plan, "mirror");
  expect(world.routes).toEqual({ primaryWeight: 100, canaryWeight: 0, isMirrored: true });
  const [advance] = until(world, plan, "advance");
  expect(world.routes).toEqual({ primaryWeight: 90, canaryWeight: 10, isMirrored: false });
  expect(advance?.status).toMatchObject({ canaryWeight: 10, iterations: 0 });
});

test("A/B test: all requests that match during the test, then promoted (pinned 12)", () => {
  const plan = planOf({ iterations: 10, match: [{ headers: { "x-beta": { exact: "1" } } }] });
  const world = released(plan);
  until(world, plan, "iterate");
  expect(world.routes).toMatchObject({ primaryWeight: 0, canaryWeight: 100 });
  world.status = { ...world.status, iterations: 10 };
  expect(stagesOf(until(world, plan, "complete"))).toEqual(["Promoting 100/10", "Finalising 0/0", "Succeeded 0/0"]);
});

test.each([
  [{ stepWeight: 20, maxWeight: 50 }, [20, 40, 60]],
  [{ stepWeight: 50, maxWeight: 100 }, [50, 100]],
  [{ stepWeights: [1, 2, 10, 80] }, [1, 2, 10, 80]],
  [{ stepWeights: [1, 200] }, [1, 100]],
])("weights: a core Service goes through %j and is never scaled (pinned 15)", (analysis, weights) => {
  const status = { phase: "Progressing" as const, canaryWeight: 0 };
  const seen: number[] = [];
  for (let canaryWeight = 0; seen.length < weights.length; ) {
    const decision = decideScene({
      spec: { targetRef: { apiVersion: "v1", kind: "Service", name: "web" } },
      analysis: { stepWeight: 0, maxWeight: 100, ...analysis },
      status: { ...status, canaryWeight },
      target: { kind: "Service", ...unready, desiredCount: 1, readyCount: 1 },
    });
    expect(commandsOf(decision, "scale-target")).toEqual([]);
    canaryWeight = routedWeight(decision) ?? -1;
    seen.push(canaryWeight);
  }
  expect(seen).toEqual(weights);
});

const everyHook = [
  "confirm-rollout",
  "pre-rollout",
  "rollout",
  "confirm-traffic-increase",
  "confirm-promotion",
  "post-rollout",
].map(hook);

test("events: a release with every kind of hook (pinned 16)", () => {
  const plan = planOf({ stepWeight: 100, stepWeightPromotion: 50, webhooks: everyHook });
  const world = newWorld();
  const boot = until(world, plan, "steady");
  expect(boot.flatMap(messagesOf)).toEqual([
    "all the metrics providers are available!",
    "Initialization done! web.shop",
  ]);
  world.hash = "s-b";
  const decisions = until(world, plan, "complete");
  expect(decisions.flatMap(messagesOf)).toEqual([
    "Confirm-rollout check confirm-rollout-hook passed",
    "New revision detected! Scaling up web.shop",
    "Starting canary analysis for web.shop",
    "Pre-rollout check pre-rollout-hook passed",
    "Confirm-traffic-increase check confirm-traffic-increase-hook passed",
    "Advance web.shop canary weight 100",
    "Confirm-traffic-increase check confirm-traffic-increase-hook passed",
    "Confirm-promotion check confirm-promotion-hook passed",
    "Copying web.shop template spec to web-primary.shop",
    "Advance web.shop primary weight 50",
    "Advance web.shop primary weight 100",
    "Promotion completed! Scaling down web.shop",
  ]);
  expect(decisions.flatMap((decision) => commandsOf(decision, "call-hooks"))).toEqual([
    { kind: "call-hooks", hooks: [hook("post-rollout")], phase: "Succeeded" },
  ]);
});

test("events: with skipAnalysis only confirm-rollout and post-rollout hooks are called (pinned 17)", () => {
  const plan = planOf({ stepWeight: 100, webhooks: everyHook }, { skipAnalysis: true });
  const decisions = until(released(plan), plan, "complete");
  expect(decisions.flatMap(messagesOf)).toEqual([
    "Confirm-rollout check confirm-rollout-hook passed",
    "New revision detected! Scaling up web.shop",
    "Copying web.shop template spec to web-primary.shop",
    "Routing all traffic to primary",
    "Promotion completed! Canary analysis was skipped for web.shop",
  ]);
  expect(decisions.flatMap(terminalAlerts).map(({ message }) => message)).toEqual([
    "Canary analysis was skipped, promotion finished.",
  ]);
});

test.each<[string, Scene, string[]]>([
  [
    "a template",
    { analysis: { metrics: [{ name: "a", templateRef: { name: "t", namespace: "else" } }] } },
    ["spec.analysis.metrics[0].templateRef.namespace"],
  ],
  ["its own namespace", { analysis: { metrics: [{ name: "a", templateRef: { name: "t", namespace: "shop" } }] } }, []],
  ["an empty namespace", { analysis: { alerts: [{ name: "a", providerRef: { name: "t", namespace: "" } }] } }, []],
  [
    "an alert provider",
    { analysis: { alerts: [{ name: "a", providerRef: { name: "t", namespace: "else" } }] } },
    ["spec.analysis.alerts[0].providerRef.namespace"],
  ],
  [
    "an upstream",
    { spec: { upstreamRef: { name: "u", namespace: "else" } } as Scene["spec"] & object },
    ["spec.upstreamRef.namespace"],
  ],
  [
    "knative without its provider",
    { spec: { targetRef: { apiVersion: "serving.knative.dev/v1", kind: "Service", name: "web" } } },
    ["spec.targetRef.apiVersion"],
  ],
  ["the provider knative for another target", { spec: { provider: "knative" } }, ["spec.targetRef.apiVersion"]],
  [
    "knative with an autoscaler",
    {
      spec: {
        provider: "knative",
        targetRef: { apiVersion: "serving.knative.dev/v1", kind: "Service", name: "web" },
        autoscalerRef: { apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", name: "web" },
      },
    },
    ["spec.autoscalerRef"],
  ],
  [
    "equal cookie names",
    { analysis: { sessionAffinity: { cookieName: "c", primaryCookieName: "c" } } },
    ["spec.analysis.sessionAffinity.primaryCookieName"],
  ],
])("readSettings: %s (pinned 18)", (_, scene, paths) => {
  const result = readSettings(canaryOf(scene), { minIntervalMs: 1000, forbidsForeignNamespaces: true });
  expect(result.ok ? [] : result.error.map(({ path }) => path)).toEqual(paths);
});

test.each([
  ["differs from the last applied one", { lastAppliedSpec: "s-old", lastPromotedSpec: "s-old" }, "start"],
  ["is the promoted one", { lastAppliedSpec: "s-old", lastPromotedSpec: "s-new" }, "steady"],
  ["is a third one", { lastAppliedSpec: "s-old", lastPromotedSpec: "s-older" }, "start"],
])("decide: a template that %s (pinned 28)", (_, status, label) => {
  expect(decideScene({ status, target: { desiredCount: 0 } }).label).toBe(label);
});

test("promotion-gate-closed: confirm-promotion that refuses waits with the weight it has (difference to Flagger's -1)", () => {
  const decision = decideScene({
    status: { phase: "Progressing", iterations: 5 },
    analysis: { iterations: 5, webhooks: [hook("confirm-promotion")] },
    answers: { "hook/confirm-promotion/0": refused },
  });
  expect(decision.status).toMatchObject({ phase: "WaitingPromotion", iterations: 5 });
});
