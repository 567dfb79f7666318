import type { Canary, CanaryAnalysis, CanarySpec, CanaryStatus } from "#api";
import { assert } from "#base";
import { decide, MAX_ROUNDS } from "./decide.ts";
import type { Decision } from "./decision.ts";
import { type IntentAction, INTENT_ANNOTATION, PAUSE_ANNOTATION } from "./intent.ts";
import type { Answer, Observation, Question, RouteState, Samples, SamplesQuestion } from "./observation.ts";
import { canaryOf, NOW_MS, stuck, unknownCapacity, unready, workload } from "./scene.ts";

/** A cluster for property tests: it obeys commands, and anything may happen between two looks. */
export interface World {
  nowMs: number;
  status: Partial<CanaryStatus>;
  annotations: Readonly<Record<string, string>>;
  hash: string;
  primaryHash: string | undefined;
  canaryCount: number;
  canary: Health;
  primary: Health;
  routes: RouteState | undefined;
  routesProblem: string | undefined;
  lastTickMs: number | undefined;
  intentCount: number;
}

export type Health = "ready" | "unready" | "stuck";

export interface Look {
  readonly kind: "look";
  /** What the metrics say; `down` is a provider that cannot be asked. */
  readonly answer: "good" | "bad" | "down";
  readonly isGateOpen: boolean;
  /** Commands that are carried out before the process dies or a write is refused; more than there are carries out all. */
  readonly crashAfter: number;
  /** Whether the process lives on after the refusal. */
  readonly isRefused: boolean;
  /** Whether workloads and routes are seen as they were a happening ago. */
  readonly isStale: boolean;
  /** Time since the look before; 4 s when absent. */
  readonly afterMs?: number;
  /** What both copies counted; the steady counts of {@link answer} when absent. */
  readonly sample?: (question: SamplesQuestion, seen: World) => Samples;
}

export type Happening =
  | Look
  | { readonly kind: "release"; readonly hash: string }
  | { readonly kind: "canary" | "primary"; readonly health: Health }
  | { readonly kind: "intent"; readonly action: IntentAction }
  | { readonly kind: "pause" | "unpause" | "restart" | "reset-routes" | "refuse-routes" | "accept-routes" };

/** A Canary's spec, as far as the properties vary it. */
export interface Plan {
  readonly analysis: Partial<CanaryAnalysis>;
  readonly spec: Partial<CanarySpec>;
}

export interface Looked {
  readonly decision: Decision;
  /** What the decision was made from. */
  readonly seen: World;
  readonly isAllDone: boolean;
}

export const calmLook: Look = {
  kind: "look",
  answer: "good",
  isGateOpen: true,
  crashAfter: 99,
  isRefused: false,
  isStale: false,
};

export function newWorld(): World {
  return {
    nowMs: NOW_MS,
    status: {},
    annotations: {},
    hash: "s-a",
    primaryHash: undefined,
    canaryCount: 2,
    canary: "ready",
    primary: "ready",
    routes: undefined,
    routesProblem: undefined,
    lastTickMs: undefined,
    intentCount: 0,
  };
}

/** Anything but a look. */
export function happen(world: World, event: Exclude<Happening, Look>): void {
  switch (event.kind) {
    case "release":
      world.hash = event.hash;
      return;
    case "canary":
    case "primary":
      world[event.kind] = event.health;
      return;
    case "restart":
      world.lastTickMs = undefined;
      return;
    case "reset-routes":
      if (world.routes !== undefined) world.routes = { primaryWeight: 100, canaryWeight: 0, isMirrored: false };
      return;
    case "refuse-routes":
      world.routesProblem = "not accepted";
      return;
    case "accept-routes":
      world.routesProblem = undefined;
      return;
    case "pause":
      world.annotations = { ...world.annotations, [PAUSE_ANNOTATION]: '{"by":"ann","why":"lunch","at":""}' };
      return;
    case "unpause": {
      const { [PAUSE_ANNOTATION]: _, ...rest } = world.annotations;
      world.annotations = rest;
      return;
    }
    case "intent": {
      world.intentCount += 1;
      const at = new Date(world.nowMs).toISOString();
      const revision = event.action === "undo" ? world.hash : world.status.lastAppliedSpec;
      const intent = { action: event.action, by: "ann", why: `${world.intentCount}`, at, revision };
      world.annotations = { ...world.annotations, [INTENT_ANNOTATION]: JSON.stringify(intent) };
      return;
    }
  }
}

/** One look of the operator: asks, decides, performs, records. `before` is the world that a stale look sees. */
export function lookAt(world: World, look: Look, { plan, before }: { plan: Plan; before: World }): Looked {
  world.nowMs += look.afterMs ?? 4000;
  const answers = new Map<string, Answer>();
  const canary: Canary = {
    ...canaryOf({
      ...plan,
      metadata: { name: "web", namespace: "shop", uid: "1", annotations: world.annotations },
    }),
    status: world.status,
  };
  const seen = look.isStale ? { ...before, status: world.status, annotations: world.annotations } : { ...world };
  const hasRoutes = plan.spec.provider !== "kubernetes";
  let decision: Decision;
  let rounds = 0;
  do {
    const observation = observe(seen, { answers, lastTickMs: world.lastTickMs, hasRoutes });
    decision = decide(canary, observation, { nowMs: world.nowMs, minIntervalMs: 1000 });
    for (const question of decision.questions)
      answers.set(question.id, answerTo(question, look, { ...seen, nowMs: world.nowMs }));
    rounds += 1;
  } while (decision.questions.length > 0 && rounds < MAX_ROUNDS);
  assert(decision.questions.length === 0, "the questions of a look end");
  const isAllDone = obey(world, decision, { look, seen });
  return { decision, seen, isAllDone };
}

function observe(
  seen: World,
  memory: { answers: ReadonlyMap<string, Answer>; lastTickMs: number | undefined; hasRoutes: boolean },
): Observation {
  const broken = { ready: {}, unready, stuck } as const;
  const canaryHealth = seen.canaryCount === 0 ? unready : broken[seen.canary];
  const isPrimaryEqual = seen.primaryHash === seen.hash;
  return {
    target: workload({ templateHash: seen.hash, desiredCount: seen.canaryCount, ...canaryHealth }),
    primary:
      seen.primaryHash === undefined
        ? undefined
        : {
            ...workload({ name: "web-primary", ...broken[seen.primary] }),
            matchesTarget: isPrimaryEqual,
            isPromoted: isPrimaryEqual,
          },
    routes: memory.hasRoutes ? seen.routes : undefined,
    routesProblem: memory.hasRoutes && seen.routes !== undefined ? seen.routesProblem : undefined,
    trackedConfigs: undefined,
    scalerMinCount: undefined,
    capacity: unknownCapacity,
    problems: [],
    lastTickMs: memory.lastTickMs,
    answers: memory.answers,
  };
}

function answerTo(question: Question, look: Look, seen: World): Answer {
  switch (question.kind) {
    case "providers":
      return { kind: "providers" };
    case "samples":
      return { kind: "samples", samples: look.sample?.(question, seen) ?? steadySamples(question, look, seen) };
    case "served":
      return { kind: "served", share: { canaryPercent: 33, requestCount: 50, windowMs: 1000 } };
    case "hook": {
      const type = question.hook.type ?? "";
      if (type === "rollback") return { kind: "hook", isPassed: false, detail: "" };
      return { kind: "hook", isPassed: type.startsWith("confirm-") ? look.isGateOpen : true, detail: "" };
    }
    case "metric": {
      const result = {
        good: { kind: "value", value: 99.9 },
        bad: { kind: "value", value: 50 },
        down: { kind: "unreachable", message: "down" },
      } as const;
      return { kind: "metric", result: result[look.answer] };
    }
  }
}

const STEADY_PER_SECOND = 1000;

/** A thousand requests per second without chance; of a bad canary every second fails. */
function steadySamples({ afterMs, needsHistory }: SamplesQuestion, { answer }: Look, seen: World): Samples {
  const name = "request-success-rate";
  if (answer === "down")
    return { untilMs: undefined, metrics: [{ name, kind: "missing", reason: "unreachable", message: "down" }] };
  const total = (STEADY_PER_SECOND * (seen.nowMs - (afterMs ?? seen.nowMs))) / 1000;
  const { canaryWeight = 0, isMirrored = false } = seen.routes ?? {};
  const share = isMirrored ? 1 : canaryWeight / 100;
  const canary = Math.round(total * share);
  const primary = Math.round(total * (isMirrored ? 1 : 1 - share));
  const badShare = answer === "bad" ? 0.5 : 0.001;
  const arms = {
    canary: { total: canary, bad: Math.round(canary * badShare) },
    primary: { total: primary, bad: Math.round(primary * 0.001) },
  };
  const past = { name, dispersions: [1], counts: { total: 100_000, bad: 100 } };
  return {
    untilMs: seen.nowMs,
    metrics: [
      afterMs === undefined
        ? { name, kind: "missing", reason: "waiting", message: "counting begins now" }
        : { name, kind: "counts", arms },
    ],
    ...(needsHistory ? { history: [past] } : {}),
  };
}

/** Carries out the first commands; the status is recorded only after all of them. */
function obey(world: World, decision: Decision, { look, seen }: { look: Look; seen: World }): boolean {
  for (const command of decision.commands.slice(0, look.crashAfter)) {
    if (command.kind === "set-routes") {
      const { canaryWeight, isMirrored } = command;
      world.routes = { primaryWeight: 100 - canaryWeight, canaryWeight, isMirrored };
    }
    if (command.kind === "scale-target") world.canaryCount = command.replicaCount;
    // Who promotes writes the template that was read.
    if (command.kind === "ensure-primary" && (command.mode === "sync" || world.primaryHash === undefined))
      world.primaryHash = seen.hash;
    if (command.kind === "clear-intent") {
      const { [INTENT_ANNOTATION]: _, ...rest } = world.annotations;
      world.annotations = rest;
    }
  }
  if (decision.commands.length > look.crashAfter) {
    if (!look.isRefused) world.lastTickMs = undefined;
    return false;
  }
  world.status = decision.status;
  if (decision.isTick) world.lastTickMs = world.nowMs;
  return true;
}
