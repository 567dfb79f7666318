import type { CanaryCapacityStatus, CanaryStatus, CopyCapacityStatus } from "#api";
import type { CapacityPlan } from "./capacity-plan.ts";
import { planOf, primaryRevision } from "./capacity.ts";
import { shortage } from "./capacity-rows.ts";
import type { Command, Label } from "./decision.ts";
import { learn } from "./learn-capacity.ts";
import { DEFAULT_RESERVE_PERCENT } from "./capacity-settings.ts";
import { formatWayBack, needFor } from "./plan-capacity.ts";
import { isAnalysing, isRunning, type Situation, situationOf } from "./situation.ts";
import { CAPACITY_READY, DRAINING, hasCondition, parseTime, withCondition, withoutCondition } from "./status.ts";

/** A row's outcome with what capacity adds to it. */
export interface Kept {
  readonly status: CanaryStatus;
  readonly commands: readonly Command[];
  /** When to look again for the sake of capacity. */
  readonly wakeAtMs: number | undefined;
}

/** By how much a floor may be above the need before it is lowered: a load that trembles must not move it. */
const FLOOR_SLACK = 0.8;
/**
 * After a step the metrics of both copies show the new weight at different times; until they agree no floor is lowered, and each
 * change of one rebuilds what reads the metrics. Source: keda-hpa-spec 20, interference 20.
 */
const SETTLE_MS = 60_000;
/** A reserve that nobody needs any more is given back in steps, so that an autoscaler is not left to drop all at once. */
const RELEASE_STEP_MS = 60_000;
const RELEASE_SHARE = 0.8;

/**
 * Adds to a row what capacity asks for: floors of both copies before traffic moves, what was measured and learned at a tick,
 * and the condition of a step that waits.
 */
export function keepCapacity(
  s: Situation,
  label: Label,
  of: { status: CanaryStatus; commands: readonly Command[]; isTick: boolean },
): Kept {
  const isSame = of.status === s.status;
  const after = isSame ? s : situationOf({ ...s, status: of.status }, { settings: s.settings, target: s.target });
  const plan = isSame ? s.capacity : planOf(after);
  const status = record({ before: s, after, plan, label, isTick: of.isTick });
  const wanted = floorsOf({ ...after, status }, plan);
  const isUnsettled = isRunning(status.phase) && s.nowMs < settledAtMs(status);
  const floors = (["primary", "canary"] as const).flatMap((copy) => {
    const held = s.observation.capacity[copy].scaler?.floorCount ?? 0;
    const isLess = wanted[copy] !== undefined && (wanted[copy] ?? 0) < held;
    return isLess && isUnsettled ? [] : floorChange(s, copy, wanted[copy]);
  });
  // Pods come before the traffic that needs them, and go after it.
  const isRaise = ({ copy, replicaCount }: FloorCommand): boolean =>
    (replicaCount ?? 0) > (s.observation.capacity[copy].scaler?.floorCount ?? 0);
  return {
    status,
    commands: [
      ...floors.filter(isRaise),
      ...withCanarySize(s, of.commands, wanted.canary),
      ...floors.filter((command) => !isRaise(command)),
    ],
    wakeAtMs: s.observation.capacity.primary.scaler === undefined ? undefined : wanted.wakeAtMs,
  };
}

type FloorCommand = Extract<Command, { kind: "set-floor" }>;

interface Floors {
  readonly primary: number | undefined;
  readonly canary: number | undefined;
  readonly wakeAtMs: number | undefined;
}

const none: Floors = { primary: undefined, canary: undefined, wakeAtMs: undefined };

/** The pods to hold each copy at in the phase and at the weight that the row led to. */
function floorsOf(after: Situation, plan: CapacityPlan | undefined): Floors {
  if (after.settings.capacity.coupling !== "enforce") return none;
  const { phase } = after.status;
  // The primary takes over from pods that are there already.
  if (phase === "Initializing") return { ...none, primary: after.target.readyCount };
  if (plan !== undefined && isAnalysing(after))
    return {
      // Its autoscaler keeps what its present share asks for; the floor is for what may come back.
      primary: plan.reserve.floorCount,
      canary: Math.max(plan.canaryNow.floorCount, plan.canaryNext.floorCount),
      wakeAtMs: undefined,
    };
  const isServing = after.weight > 0;
  if (plan !== undefined && (isServing || isRunning(phase)))
    return {
      // Metrics that lag behind the routes must not take back what is about to be needed.
      primary: Math.max(plan.all.floorCount, after.status.capacity?.reserveCount ?? 0),
      canary: isServing ? plan.canaryNow.floorCount : undefined,
      wakeAtMs: undefined,
    };
  const kept = { ...none, ...reserveAfter(after) };
  if (plan === undefined || phase !== "Failed" || after.nowMs >= settledAtMs(after.status)) return kept;
  const back = needFor(DEFAULT_RESERVE_PERCENT, plan.primary, { ...plan.margins, headroomPercent: 0 }).floorCount;
  // However small its reserve was, what has just come back is not taken for no load.
  return { ...kept, primary: Math.max(back, kept.primary ?? 0), wakeAtMs: settledAtMs(after.status) };
}

/** From when on the metrics of both copies are of the present weight. */
function settledAtMs({ lastTransitionTime }: CanaryStatus): number {
  return (parseTime(lastTransitionTime) ?? 0) + SETTLE_MS;
}

/** What the primary keeps after a release: all of it for the window, then less and less. */
function reserveAfter({ status, settings, nowMs }: Situation): { primary?: number; wakeAtMs?: number } {
  const reserve = status.capacity?.reserveCount;
  const endedMs = parseTime(status.lastTransitionTime);
  if (reserve === undefined || endedMs === undefined) return {};
  const overMs = nowMs - (endedMs + settings.capacity.reserveWindowMs);
  if (overMs < 0) return { primary: reserve, wakeAtMs: nowMs - overMs };
  const stepCount = 1 + Math.floor(overMs / RELEASE_STEP_MS);
  const primary = Math.floor(reserve * RELEASE_SHARE ** stepCount);
  return primary <= 1 ? {} : { primary, wakeAtMs: nowMs - overMs + stepCount * RELEASE_STEP_MS };
}

/** The change of a copy's floor; none while the one that is held is about right. */
function floorChange(s: Situation, copy: "primary" | "canary", wanted: number | undefined): readonly FloorCommand[] {
  const { scaler } = s.observation.capacity[copy];
  if (scaler === undefined) return [];
  const { floorCount, minCount, maxCount } = scaler;
  const bounded = wanted === undefined ? 0 : Math.min(wanted, maxCount);
  const isRight = floorCount !== undefined && bounded <= floorCount && bounded >= floorCount * FLOOR_SLACK;
  // Above its own bound, or not at all.
  const next = bounded > minCount ? bounded : undefined;
  return isRight || next === floorCount ? [] : [{ kind: "set-floor", copy, replicaCount: next }];
}

/** A canary that nothing scales gets the pods that it needs from us; it is never made smaller while it is on trial. */
function withCanarySize(s: Situation, commands: readonly Command[], wanted: number | undefined): readonly Command[] {
  if (wanted === undefined || s.target.kind !== "Deployment") return commands;
  const isScaled = commands.some(({ kind }) => kind === "scale-target");
  if (isScaled)
    return commands.map((command) =>
      command.kind === "scale-target" && command.replicaCount > 0
        ? { ...command, replicaCount: Math.max(command.replicaCount, wanted) }
        : command,
    );
  const isShort = s.target.desiredCount > 0 && s.target.desiredCount < wanted;
  if (!isShort || s.observation.capacity.canary.scaler !== undefined) return commands;
  return [{ kind: "scale-target", replicaCount: wanted }, ...commands];
}

/**
 * The status with what capacity has to say: while a release is on its way, or its canary still has traffic, at each tick and
 * step, else what lasts. Nobody measures the load while traffic goes back; what was known last says how much may.
 */
function record(of: {
  readonly before: Situation;
  readonly after: Situation;
  readonly plan: CapacityPlan | undefined;
  readonly label: Label;
  readonly isTick: boolean;
}): CanaryStatus {
  const { before: s, after, plan, label, isTick } = of;
  const waiting = withWaiting(s, { status: after.status, label, isTick });
  const isMoved = after.status.phase !== s.status.phase || after.status.canaryWeight !== s.status.canaryWeight;
  const isOnItsWay = isRunning(after.status.phase) || after.weight > 0;
  if (!isTick && !isMoved && isOnItsWay) return waiting;
  const { capacity: old, ...rest } = waiting;
  const capacity = isOnItsWay ? capacityStatus(s, after, plan) : restingStatus(s, after);
  const isEmpty = capacity === undefined || Object.keys(capacity).length === 0;
  if (isEmpty) return old === undefined ? waiting : rest;
  return { ...rest, capacity };
}

function withWaiting(s: Situation, of: { status: CanaryStatus; label: Label; isTick: boolean }): CanaryStatus {
  if (of.label !== "wait-capacity")
    return of.isTick || !isAnalysing(of) ? withoutCondition(of.status, CAPACITY_READY) : of.status;
  return withCondition(of.status, {
    type: CAPACITY_READY,
    status: "False",
    reason: "WaitingForPods",
    message: shortage(s),
    nowMs: s.nowMs,
  });
}

function capacityStatus(s: Situation, after: Situation, plan: CapacityPlan | undefined): CanaryCapacityStatus {
  const learned = learnedAt(s);
  const kept = learned.length === 0 ? {} : { learned };
  if (plan === undefined) return kept;
  const { primary, canary, requestsPerSecond } = plan;
  return {
    method: plan.method,
    ...(requestsPerSecond === undefined ? {} : { requestsPerSecond: twoDigits(requestsPerSecond) }),
    podsForAll: twoDigits(plan.podsForAll),
    primary: copyStatus(primary.readyCount, plan.primaryNow.count),
    canary: copyStatus(canary.readyCount, plan.canaryNow.count, isAnalysing(after) ? plan.canaryNext.count : undefined),
    wayBack: formatWayBack(plan.wayBack),
    ...(after.observation.capacity.primary.scaler === undefined ? {} : { reserveCount: reserveOf(after, plan) }),
    ...kept,
  };
}

/** What the primary keeps; while a promotion gives it its traffic back it only grows, after a rollback it stays. */
function reserveOf(after: Situation, plan: CapacityPlan): number {
  const old = after.status.capacity?.reserveCount;
  if (isAnalysing(after)) return plan.reserve.floorCount;
  if (after.status.phase === "Failed") return old ?? plan.reserve.floorCount;
  return Math.max(plan.all.floorCount, old ?? 0);
}

/** Between releases: what the primary's version was seen to serve, and the reserve for as long as it is held. */
function restingStatus(s: Situation, after: Situation): CanaryCapacityStatus | undefined {
  const old = s.status.capacity;
  if (old === undefined) return undefined;
  const revision = after.status.lastPromotedSpec;
  const learned = (old.learned ?? []).filter((one) => one.revision === revision);
  const isHeld = reserveAfter(after).primary !== undefined || hasCondition(after.status, DRAINING);
  return {
    ...(isHeld && old.reserveCount !== undefined ? { reserveCount: old.reserveCount } : {}),
    ...(learned.length === 0 ? {} : { learned }),
  };
}

/** What is known after the samples of this tick. Cold pods serve, but what they serve says nothing of warm ones. */
function learnedAt(s: Situation): NonNullable<CanaryCapacityStatus["learned"]> {
  const known = s.status.capacity?.learned ?? [];
  const answer = s.observation.answers.get("served");
  if (answer?.kind !== "served" || answer.share === undefined) return known;
  const { canaryPercent, requestCount, windowMs } = answer.share;
  // The window of the requests may reach back to another weight, at which the autoscaler's newer figures no longer are.
  const sinceMs = parseTime(s.status.lastTransitionTime) ?? 0;
  if (s.nowMs - sinceMs < windowMs) return known;
  const rate = requestCount / (windowMs / 1000);
  const samples = [
    {
      copy: s.observation.capacity.primary,
      revision: primaryRevision(s),
      requestsPerSecond: (rate * (100 - canaryPercent)) / 100,
    },
    {
      copy: s.observation.capacity.canary,
      revision: s.status.lastAppliedSpec,
      requestsPerSecond: (rate * canaryPercent) / 100,
    },
  ];
  return samples.reduce((result, { copy, revision, requestsPerSecond }) => {
    const podsForLoad = copy.scaler?.podsForLoad;
    const isCold = copy.youngestReadyMs !== undefined && s.nowMs - copy.youngestReadyMs < s.settings.capacity.warmUpMs;
    if (revision === undefined || podsForLoad === undefined || isCold) return result;
    return learn(result, { revision, requestsPerSecond, podsForLoad });
  }, known);
}

function copyStatus(ready: number, need: number, next?: number): CopyCapacityStatus {
  return { ready, need, ...(next === undefined || next === need ? {} : { next }) };
}

function twoDigits(value: number): number {
  return Number(value.toFixed(2));
}
