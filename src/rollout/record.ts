import type { CanaryPhase } from "#api";
import { deepEqual } from "#base";
import type { CapacityPlan } from "./capacity-plan.ts";
import type { CheckFact, Command, Decision, Evidence, Explanation, Label } from "./decision.ts";
import { formatWayBack, type Need } from "./plan-capacity.ts";
import { isRunning } from "./situation.ts";
import { formatTime } from "./status.ts";

/** One decision as it is kept: JSON, and enough to say later why. */
export interface DecisionRecord {
  /** RFC 3339. Of the first, when the same was decided several times in a row. */
  readonly at: string;
  /** The rule that decided. */
  readonly label: Label;
  readonly sentence: string;
  readonly from: Stand;
  readonly to: Stand;
  readonly checks: readonly CheckFact[];
  readonly evidence?: Evidence;
  readonly capacity?: CapacityRecord;
  /** What was done to weight and replicas, in order. */
  readonly done: readonly Deed[];
  readonly otherwise?: string;
  /** How often in a row it was decided, and when last; absent for once. What is seen is that of the last time. */
  readonly repeated?: { readonly count: number; readonly lastAt: string };
}

/** Where a release stands; the canary's weight in percent. */
export interface Stand {
  readonly phase: CanaryPhase;
  readonly weight: number;
}

/** Pods, as the plan of the decision had them. */
export interface CapacityRecord {
  readonly method: CapacityPlan["method"];
  /** Of both copies together. */
  readonly requestsPerSecond?: number;
  /** Pods for all of the traffic without headroom, a fraction. */
  readonly podsForAll: number;
  readonly primary: CopyRecord;
  readonly canary: CopyRecord;
  /** What the canary needs for the next step. */
  readonly next: number;
  /** What the primary keeps for the way back. */
  readonly reserve: number;
  /** `80% in 1s, 100% in 24s`. */
  readonly wayBack: string;
  /** What kept a need from being another: `hpa web allows at most 3`. */
  readonly bounds: readonly string[];
}

export interface CopyRecord {
  readonly ready: number;
  readonly pods: number;
  /** For its present share. */
  readonly need: number;
  /** At which its autoscaler is held. */
  readonly floor: number;
}

/** Something that was done to weight or replicas. */
export type Deed =
  | { readonly kind: "weight"; readonly canary: number; readonly isMirrored?: true }
  | { readonly kind: "replicas"; readonly count: number }
  /** Without a count the autoscaler got its own bound back. */
  | { readonly kind: "floor"; readonly copy: "primary" | "canary"; readonly count?: number }
  /** The primary gets the new revision. */
  | { readonly kind: "promote" };

/** Looks that are no news: what they keep was told by the decision before. */
const quiet: ReadonlySet<Label> = new Set<Label>(["wait-tick", "deleting", "terminate-wait", "unknown-phase"]);
/** Each of these counts, however alike they look. */
const counted: ReadonlySet<Label> = new Set<Label>(["halt", "iterate", "withdraw", "mirror", "restart", "start"]);
/** They hold a release that has not started. */
const holdsStart: ReadonlySet<Label> = new Set<Label>(["paused", "wait-primary-settle", "wait-approval", "blocked"]);

/**
 * The record of a decision; undefined when it moved nothing, asked for something first, or held nothing.
 *
 * With the record `before` it, a hold that is decided again becomes the same record with a count, so that an hour at a
 * closed gate is one line.
 */
export function recordOf(decision: Decision, nowMs: number, before?: DecisionRecord): DecisionRecord | undefined {
  const { label, explanation, questions, commands } = decision;
  if (questions.length > 0 || quiet.has(label)) return undefined;
  const done = deedsOf(label, commands, explanation);
  const isMoved = hasMoved(explanation);
  const isHeld = isRunning(explanation.toPhase) || isUnfinished(explanation.toPhase) || holdsStart.has(label);
  if (!isMoved && done.length === 0 && !isHeld) return undefined;
  const record = freshRecord(decision, nowMs, done);
  const isHold = !isMoved && !counted.has(label);
  if (before === undefined || !isHold || !isSameHold(record, before)) return record;
  const count = (before.repeated?.count ?? 1) + 1;
  return { ...record, at: before.at, done: before.done, repeated: { count, lastAt: record.at } };
}

function freshRecord({ label, explanation }: Decision, nowMs: number, done: readonly Deed[]): DecisionRecord {
  const { sentence, fromPhase, toPhase, fromWeight, toWeight, checks, evidence, capacity, otherwise } = explanation;
  return {
    at: formatTime(nowMs),
    label,
    sentence,
    from: { phase: fromPhase, weight: fromWeight },
    to: { phase: toPhase, weight: toWeight },
    checks,
    ...(evidence === undefined ? {} : { evidence }),
    ...(capacity === undefined ? {} : { capacity: capacityOf(capacity) }),
    done,
    ...(otherwise === undefined ? {} : { otherwise }),
  };
}

function hasMoved({ fromPhase, toPhase, fromWeight, toWeight }: Explanation): boolean {
  return fromPhase !== toPhase || fromWeight !== toWeight;
}

/** The phases before a release can begin. */
function isUnfinished(phase: CanaryPhase): boolean {
  return phase === "" || phase === "Initializing" || phase === "Waiting";
}

/** A record that moved something stands in front of the hold that follows it, also under the same rule. */
function isSameHold(record: DecisionRecord, before: DecisionRecord): boolean {
  const wasHold = before.from.phase === before.to.phase && before.from.weight === before.to.weight;
  return (
    wasHold &&
    record.label === before.label &&
    record.to.phase === before.to.phase &&
    record.to.weight === before.to.weight &&
    (record.done.length === 0 || deepEqual(record.done, before.done))
  );
}

function deedsOf(label: Label, commands: readonly Command[], explanation: Explanation): Deed[] {
  return commands.flatMap((command): Deed[] => {
    if (command.kind === "set-routes") return routed(label, command, explanation);
    if (command.kind === "scale-target") return [{ kind: "replicas", count: command.replicaCount }];
    if (command.kind === "ensure-primary") return command.mode === "sync" ? [{ kind: "promote" }] : [];
    if (command.kind !== "set-floor") return [];
    const { copy, replicaCount: count } = command;
    return [{ kind: "floor", copy, ...(count === undefined ? {} : { count }) }];
  });
}

/** Routes are stated at every look; only what changes them is something that was done. */
function routed(
  label: Label,
  { canaryWeight: canary, isMirrored }: Extract<Command, { kind: "set-routes" }>,
  { fromWeight, toWeight }: Explanation,
): Deed[] {
  if (isMirrored) return counted.has(label) ? [{ kind: "weight", canary, isMirrored: true }] : [];
  return canary === fromWeight && toWeight === fromWeight ? [] : [{ kind: "weight", canary }];
}

function capacityOf(plan: CapacityPlan): CapacityRecord {
  const { method, requestsPerSecond, podsForAll, primaryNow, canaryNow, canaryNext, reserve, all, wayBack } = plan;
  const texts = [primaryNow, canaryNow, canaryNext, reserve, all].flatMap(({ bounds }) =>
    bounds.map(({ text }) => text),
  );
  return {
    method,
    ...(requestsPerSecond === undefined ? {} : { requestsPerSecond }),
    podsForAll,
    primary: copyOf(plan.primary, primaryNow, reserve.floorCount),
    canary: copyOf(plan.canary, canaryNow, Math.max(canaryNow.floorCount, canaryNext.floorCount)),
    next: neededPods(canaryNext),
    reserve: neededPods(reserve),
    wayBack: formatWayBack(wayBack),
    bounds: [...new Set(texts)],
  };
}

function copyOf(load: CapacityPlan["primary"], now: Need, floor: number): CopyRecord {
  return { ready: load.readyCount, pods: load.podCount, need: neededPods(now), floor };
}

function neededPods({ count, bareCount }: Need): number {
  return Math.max(count, bareCount);
}
