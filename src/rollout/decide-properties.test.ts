import fc from "fast-check";
import { expect, test } from "vitest";
import type { CanaryStatus } from "#api";
import { decide, MAX_ROUNDS } from "./decide.ts";
import type { Decision } from "./decision.ts";
import type { Answer, Observation } from "./observation.ts";
import { canaryOf, NOW_MS, stuck, unready, workload } from "./scene.ts";

/** A model of a cluster that obeys commands, and in which anything may happen between two looks. */
interface World {
  nowMs: number;
  status: Partial<CanaryStatus>;
  hash: string;
  primaryHash: string | undefined;
  canaryCount: number;
  canary: Health;
  primary: Health;
  canaryWeight: number | undefined;
  lastTickMs: number | undefined;
}

type Health = "ready" | "unready" | "stuck";

type Happening =
  | { readonly kind: "look"; readonly answer: "good" | "bad" | "down" | "empty"; readonly crashAfter: number }
  | { readonly kind: "release"; readonly hash: string }
  | { readonly kind: "canary" | "primary"; readonly health: Health }
  | { readonly kind: "restart" };

const health = fc.constantFrom<Health>("ready", "ready", "ready", "unready", "stuck");
const look = fc.record({
  kind: fc.constant("look" as const),
  answer: fc.constantFrom("good" as const, "good" as const, "good" as const, "bad" as const, "down" as const),
  // Commands that are carried out before the process dies; most looks carry out all.
  crashAfter: fc.constantFrom(0, 1, 3, 5, 99, 99, 99, 99, 99, 99),
});
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 8, arbitrary: look },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("release" as const), hash: fc.constantFrom("a", "b", "c") }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("canary" as const, "primary" as const), health }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart" as const) }) },
);

const analysis = fc.record({
  stepWeight: fc.constantFrom(10, 30, 100),
  maxWeight: fc.constantFrom(20, 50, 100),
  stepWeightPromotion: fc.constantFrom(0, 25),
  threshold: fc.constantFrom(1, 3),
});

test("decide: weights, phases and revisions stay lawful whatever happens", () => {
  fc.assert(
    fc.property(analysis, fc.array(happening, { maxLength: 60 }), (settings, happenings) => {
      const world = newWorld();
      for (const event of happenings) happen(world, event, settings);
    }),
    { numRuns: 1000, seed: 20260101 },
  );
});

test("decide: an undisturbed release is promoted from wherever a disturbed one was left", () => {
  fc.assert(
    fc.property(analysis, fc.array(happening, { maxLength: 30 }), (settings, happenings) => {
      const world = newWorld();
      for (const event of happenings) happen(world, event, settings);
      world.canary = "ready";
      world.primary = "ready";
      if (world.status.phase === undefined || world.status.phase === "Initializing") settle(world, settings);
      world.hash = "z";
      settle(world, settings);
      expect(world.status).toMatchObject({ phase: "Succeeded", lastPromotedSpec: "z", lastAppliedSpec: "z" });
      expect(world).toMatchObject({ canaryWeight: 0, canaryCount: 0, primaryHash: "z" });
    }),
    { numRuns: 150, seed: 20260102 },
  );
});

/** Long enough for any release of these settings. */
function settle(world: World, settings: object): void {
  for (let i = 0; i < 100; i++) lookAt(world, { answer: "good", crashAfter: 99 }, settings);
}

function newWorld(): World {
  return {
    nowMs: NOW_MS,
    status: {},
    hash: "a",
    primaryHash: undefined,
    canaryCount: 2,
    canary: "ready",
    primary: "ready",
    canaryWeight: undefined,
    lastTickMs: undefined,
  };
}

function happen(world: World, event: Happening, settings: object): void {
  if (event.kind === "look") lookAt(world, event, settings);
  else if (event.kind === "release") world.hash = event.hash;
  else if (event.kind === "restart") world.lastTickMs = undefined;
  else world[event.kind] = event.health;
}

function lookAt(world: World, event: { answer: string; crashAfter: number }, settings: object): void {
  world.nowMs += 4000;
  const before = { ...world };
  const answers = new Map<string, Answer>();
  const metrics = [{ name: "request-success-rate", thresholdRange: { min: 99 } }];
  const canary = { ...canaryOf({ analysis: { ...settings, metrics } }), status: world.status };
  let decision: Decision;
  let rounds = 0;
  do {
    decision = decide(canary, observe(world, answers), { nowMs: world.nowMs, minIntervalMs: 1000 });
    for (const { id, kind } of decision.questions) answers.set(id, answerTo(kind, event.answer));
    rounds += 1;
  } while (decision.questions.length > 0 && rounds < MAX_ROUNDS);
  expect(decision.questions).toEqual([]);
  obey(world, decision, event.crashAfter);
  checkLaws(world, before, decision);
}

function observe(world: World, answers: ReadonlyMap<string, Answer>): Observation {
  const broken = { ready: {}, unready, stuck } as const;
  const canaryHealth = world.canaryCount === 0 ? unready : broken[world.canary];
  return {
    target: workload({ templateHash: world.hash, desiredCount: world.canaryCount, ...canaryHealth }),
    primary:
      world.primaryHash === undefined
        ? undefined
        : {
            ...workload({ name: "web-primary", ...broken[world.primary] }),
            matchesTarget: world.primaryHash === world.hash,
            isPromoted: world.primaryHash === world.hash,
          },
    routes:
      world.canaryWeight === undefined
        ? undefined
        : { primaryWeight: 100 - world.canaryWeight, canaryWeight: world.canaryWeight, isMirrored: false },
    routesProblem: undefined,
    trackedConfigs: undefined,
    scalerMinCount: undefined,
    problems: [],
    lastTickMs: world.lastTickMs,
    answers,
  };
}

function answerTo(kind: string, answer: string): Answer {
  if (kind === "providers") return { kind: "providers" };
  if (kind === "hook") return { kind: "hook", isPassed: answer === "good", detail: "" };
  const result = {
    good: { kind: "value", value: 99.9 },
    bad: { kind: "value", value: 50 },
    down: { kind: "unreachable", message: "down" },
  } as const;
  return { kind: "metric", result: result[answer as keyof typeof result] };
}

/** Carries out the first commands; the status is recorded only after all of them. */
function obey(world: World, decision: Decision, crashAfter: number): void {
  for (const command of decision.commands.slice(0, crashAfter)) {
    if (command.kind === "set-routes") world.canaryWeight = command.canaryWeight;
    if (command.kind === "scale-target") world.canaryCount = command.replicaCount;
    if (command.kind === "ensure-primary" && (command.mode === "sync" || world.primaryHash === undefined))
      world.primaryHash = world.hash;
  }
  if (decision.commands.length > crashAfter) {
    world.lastTickMs = undefined;
    return;
  }
  world.status = decision.status;
  if (decision.isTick) world.lastTickMs = world.nowMs;
}

function checkLaws(world: World, before: World, decision: Decision): void {
  const weight = world.canaryWeight ?? 0;
  expect(Number.isInteger(weight) && weight >= 0 && weight <= 100).toBe(true);
  const isRouted = decision.commands.some((command) => command.kind === "set-routes");
  const hasAll = world.status === decision.status;
  const canaryServes = before.canaryCount > 0 && before.canary === "ready";
  const primaryServes = before.primaryHash !== undefined && before.primary === "ready";
  if (isRouted && hasAll && primaryServes && weight > 0) expect(canaryServes).toBe(true);
  if (isRouted && hasAll && canaryServes && weight < 100 && before.primaryHash !== undefined)
    expect(primaryServes).toBe(true);
  for (const command of decision.commands) {
    if (command.kind === "scale-target" && command.replicaCount === 0) expect(primaryServes).toBe(true);
    if (command.kind === "ensure-primary" && command.mode === "sync" && before.status.phase !== "Initializing")
      expect(before.hash).toBe(before.status.lastAppliedSpec);
  }
  if (decision.status.phase === "Succeeded" && decision.label === "complete")
    expect(decision.status.lastPromotedSpec).toBe(decision.status.lastAppliedSpec);
}
