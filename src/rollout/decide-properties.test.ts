import fc from "fast-check";
import { expect, test } from "vitest";
import { assert } from "#base";
import { intentActions } from "./intent.ts";
import {
  calmLook,
  type Happening,
  happen,
  type Health,
  type Look,
  lookAt,
  newWorld,
  type Plan,
  type World,
} from "./world.ts";
import type { Label } from "./decision.ts";

const health = fc.constantFrom<Health>("ready", "ready", "ready", "unready", "stuck");
const look: fc.Arbitrary<Look> = fc.record({
  kind: fc.constant("look" as const),
  answer: fc.constantFrom("good" as const, "good" as const, "good" as const, "bad" as const, "down" as const),
  isGateOpen: fc.constantFrom(true, true, true, false),
  // Most looks carry out all.
  crashAfter: fc.constantFrom(0, 1, 3, 5, 6, 8, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99),
  isRefused: fc.boolean(),
  isStale: fc.constantFrom(false, false, false, true),
});
const other: fc.Arbitrary<Exclude<Happening, Look>> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("release" as const), hash: fc.constantFrom("s-a", "s-b", "s-c") }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("canary" as const, "primary" as const), health }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("intent" as const), action: fc.constantFrom(...intentActions) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        "pause" as const,
        "unpause" as const,
        "unpause" as const,
        "restart" as const,
        "reset-routes" as const,
        "refuse-routes" as const,
        "accept-routes" as const,
        "accept-routes" as const,
      ),
    }),
  },
);
const happenings = (maxLength: number) =>
  fc.array(fc.oneof({ weight: 4, arbitrary: look }, { weight: 1, arbitrary: other }), { maxLength });

const metrics = [{ name: "request-success-rate", thresholdRange: { min: 99 } }];
const hook = (type: string) => ({ name: type, url: "http://gate/", type: type as "rollout" });
const allHooks = ["confirm-rollout", "confirm-traffic-increase", "confirm-promotion", "rollback", "pre-rollout"].map(
  hook,
);

const compared = { method: "sequential", sequential: { warmup: "1s", maxDuration: "5m" } } as const;

const strategies: readonly { readonly analysis: Plan["analysis"]; readonly provider?: string }[] = [
  { analysis: { stepWeight: 10, maxWeight: 20 } },
  { analysis: { stepWeight: 30, maxWeight: 50, mirror: true } },
  { analysis: { stepWeight: 100, maxWeight: 100, sessionAffinity: { cookieName: "c", primaryCookieName: "p" } } },
  { analysis: { stepWeights: [5, 50] } },
  { analysis: { iterations: 2 } },
  { analysis: { iterations: 1, mirror: true } },
  { analysis: { iterations: 2 }, provider: "kubernetes" },
  { analysis: { iterations: 2, match: [{ headers: { a: { exact: "b" } } }] } },
  { analysis: { stepWeight: 20, maxWeight: 40, ...compared } },
  { analysis: { stepWeights: [5, 50], mirror: true, ...compared } },
  { analysis: { iterations: 1, mirror: true, ...compared } },
  { analysis: { iterations: 2, match: [{ headers: { a: { exact: "b" } } }], ...compared } },
];

const plan: fc.Arbitrary<Plan> = fc
  .record({
    strategy: fc.constantFrom(...strategies),
    stepWeightPromotion: fc.constantFrom(0, 25),
    threshold: fc.constantFrom(1, 3),
    webhooks: fc.constantFrom([], allHooks),
    skipAnalysis: fc.constantFrom(false, false, false, true),
  })
  .map(({ strategy, skipAnalysis, ...analysis }) => ({
    // Keys that are undefined take the place of the scene's own.
    analysis: { ...noSteps, ...strategy.analysis, ...analysis, metrics },
    spec: { ...(strategy.provider === undefined ? {} : { provider: strategy.provider }), skipAnalysis },
  }));
const noSteps = { stepWeight: 0 };

test("decide: traffic, pods and revisions stay lawful whatever happens", () => {
  fc.assert(
    fc.property(plan, happenings(50), (chosen, events) => {
      const world = newWorld();
      run(world, events, chosen);
    }),
    { numRuns: 1500, seed: 20260101 },
  );
});

test("decide: an undisturbed release is promoted from wherever a disturbed one was left", () => {
  fc.assert(
    fc.property(plan, happenings(30), (chosen, events) => {
      const world = newWorld();
      run(world, events, chosen);
      calm(world);
      settle(world, chosen, "good");
      world.hash = "s-z";
      settle(world, chosen, "good");
      expect(world.status).toMatchObject({ phase: "Succeeded", lastPromotedSpec: "s-z", lastAppliedSpec: "s-z" });
      expect(world).toMatchObject({ canaryCount: 0, primaryHash: "s-z", annotations: {} });
      expect(world.routes).toMatchObject({ canaryWeight: 0, isMirrored: false });
    }),
    { numRuns: 200, seed: 20260102 },
  );
});

/** What must not change how a release ends: deaths, refused writes, stale reads, restarts, outages, drift. */
const disturbance = fc.oneof(
  { weight: 4, arbitrary: look.map((one): Happening => ({ ...one, isGateOpen: true })) },
  { weight: 1, arbitrary: fc.constantFrom<Happening>({ kind: "restart" }, { kind: "reset-routes" }) },
);

test("decide: a disturbed release ends as the undisturbed one", () => {
  const undisturbed = new Map<string, unknown>();
  const booted = new Map<string, World>();
  fc.assert(
    fc.property(
      plan,
      fc.array(disturbance, { maxLength: 25 }),
      fc.constantFrom("good", "bad"),
      (chosen, events, verdict) => {
        const key = JSON.stringify(chosen);
        const world = { ...remember(booted, key, () => settle(newWorld(), chosen, "good")), hash: "s-b" };
        const expected = remember(undisturbed, key + verdict, () => endOf(settle({ ...world }, chosen, verdict)));
        run(
          world,
          events.map((event) => withVerdict(event, verdict)),
          chosen,
        );
        expect(endOf(settle(world, chosen, verdict))).toEqual(expected);
      },
    ),
    { numRuns: 300, seed: 20260103 },
  );
});

test("decide: what a person asked for is done, whatever disturbs it", () => {
  const booted = new Map<string, World>();
  fc.assert(
    fc.property(
      plan,
      fc.array(disturbance, { maxLength: 12 }),
      fc.constantFrom("abort" as const, "promote" as const),
      (chosen, events, action) => {
        const start = (): World => {
          const world = settle(newWorld(), chosen, "good");
          world.hash = "s-b";
          lookAt(world, calmLook, { plan: chosen, before: world });
          return world;
        };
        const world = { ...remember(booted, JSON.stringify(chosen), start) };
        happen(world, { kind: "intent", action });
        // The checks would say the opposite.
        const verdict = action === "abort" ? "good" : "bad";
        run(
          world,
          events.map((event) => withVerdict(event, verdict)),
          chosen,
        );
        settle(world, chosen, verdict);
        const end = action === "abort" ? { phase: "Failed", primary: "s-a" } : { phase: "Succeeded", primary: "s-b" };
        expect({ phase: world.status.phase, primary: world.primaryHash }).toEqual(end);
        expect(world).toMatchObject({ annotations: {}, canaryCount: 0 });
      },
    ),
    { numRuns: 200, seed: 20260104 },
  );
});

function remember<T>(known: Map<string, T>, key: string, make: () => T): T {
  const old = known.get(key) ?? make();
  known.set(key, old);
  return old;
}

function endOf({ status, primaryHash, canaryCount, routes }: World): unknown {
  return { phase: status.phase, promoted: status.lastPromotedSpec, primaryHash, canaryCount, routes };
}

/** An outage says nothing; whatever is measured is measured of this revision. */
function withVerdict(event: Happening, verdict: "good" | "bad"): Happening {
  return event.kind === "look" && event.answer !== "down" ? { ...event, answer: verdict } : event;
}

function run(world: World, events: readonly Happening[], chosen: Plan): void {
  const trail: Trail = { hasSkipped: false };
  let before = { ...world };
  for (const event of events) {
    const now = { ...world };
    if (event.kind === "look") observeLaws(world, event, { chosen, before, trail });
    else happen(world, event);
    before = now;
  }
}

function calm(world: World): void {
  world.canary = "ready";
  world.primary = "ready";
  happen(world, { kind: "unpause" });
  happen(world, { kind: "accept-routes" });
}

/** Long enough for any release of these settings. */
function settle(world: World, chosen: Plan, answer: "good" | "bad"): World {
  let quietCount = 0;
  for (let i = 0; i < 150 && quietCount < 2; i++) {
    const { decision } = lookAt(world, { ...calmLook, answer }, { plan: chosen, before: world });
    quietCount = decision.label === "steady" ? quietCount + 1 : 0;
  }
  return world;
}

/** What the present run has behind it. */
interface Trail {
  hasSkipped: boolean;
}

const beginnings: ReadonlySet<Label> = new Set<Label>(["start", "restart", "withdraw"]);

function observeLaws(
  world: World,
  event: Look,
  { chosen, before, trail }: { chosen: Plan; before: World; trail: Trail },
): void {
  const { decision, seen, isAllDone } = lookAt(world, event, { plan: chosen, before });
  const canaryServes = seen.canaryCount > 0 && seen.canary === "ready";
  const primaryServes = seen.primaryHash !== undefined && seen.primary === "ready";
  const hasRoutes = chosen.spec.provider !== "kubernetes";
  const { label } = decision;
  for (const command of decision.commands) {
    if (command.kind === "set-routes") {
      const weight = command.canaryWeight;
      assert(Number.isInteger(weight) && weight >= 0 && weight <= 100, `${label}: a weight is from 0 to 100`);
      if (hasRoutes && weight > 0 && primaryServes)
        assert(canaryServes, `${label}: the canary has traffic and no pods`);
      if (hasRoutes && weight < 100 && canaryServes && seen.primaryHash !== undefined)
        assert(primaryServes, `${label}: the primary has traffic and no pods, the canary has some`);
      assert(!command.isMirrored || canaryServes, `${label}: nobody takes the copies`);
      assert(command.cookies?.canary === undefined || weight > 0, `${label}: a cookie leads past the weight`);
    }
    if (command.kind === "scale-target" && command.replicaCount === 0)
      assert(primaryServes, `${label}: the last healthy copy is taken away`);
    if (command.kind === "ensure-primary" && command.mode === "sync" && seen.status.phase !== "Initializing")
      checkPromotion(seen, label, { chosen, trail });
  }
  assert(decision.commands.filter(isTerminal).length <= 1, `${label}: a run ends once`);
  if (isAllDone && beginnings.has(label)) trail.hasSkipped = false;
  if (isAllDone && decision.status.conditions?.some(({ reason }) => reason === "Skip") === true)
    trail.hasSkipped = true;
  checkRevisions(decision.status.phase, decision);
}

function isTerminal(command: { readonly kind: string }): boolean {
  return command.kind === "alert" && "isTerminal" in command && command.isTerminal === true;
}

/** Only what was analysed to its end, or explicitly not, becomes the primary's. */
function checkPromotion(seen: World, label: Label, { chosen, trail }: { chosen: Plan; trail: Trail }): void {
  assert(seen.hash === seen.status.lastAppliedSpec, `${label}: what is promoted is what was on trial`);
  if (label === "promote-asked" || label === "skip-analysis") return;
  assert(label === "promote", `${label} promotes`);
  if (trail.hasSkipped || hasIntent(seen)) return;
  const { analysis, spec } = chosen;
  const { iterations = 0, canaryWeight = 0 } = seen.status;
  const top = analysis.stepWeights?.at(-1) ?? analysis.maxWeight ?? 100;
  if ((analysis.iterations ?? 0) === 0) assert(canaryWeight >= top, "every weight was analysed");
  else assert(iterations >= (analysis.iterations ?? 0), "every iteration was made");
  const hasCutover = analysis.match === undefined && (analysis.iterations ?? 0) > 0 && spec.provider === undefined;
  if (hasCutover) assert(canaryWeight === 100, "blue/green has a check with all traffic");
}

function hasIntent({ annotations }: World): boolean {
  return Object.values(annotations).some((text) => text.includes('"skip"'));
}

function checkRevisions(phase: string, { status, label }: { status: World["status"]; label: Label }): void {
  if (phase === "Succeeded" && label === "complete")
    assert(status.lastPromotedSpec === status.lastAppliedSpec, "what was on trial is promoted");
}
