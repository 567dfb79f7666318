import type { CanaryPhase, CanaryStatus } from "#api";
import type { CheckFact, Command, Evidence, EventType, Label } from "./decision.ts";
import type { Question } from "./observation.ts";
import type { Basics, Situation } from "./situation.ts";
import { formatTime, withoutCondition, withPromoted, ACCEPTED, DRAINING, INTENT } from "./status.ts";

/** What a row of the table says; {@link Decision} is made from it. */
export interface Draft {
  /** A function where it takes reckoning that only a reader of the explanation needs. */
  readonly sentence: string | (() => string);
  /** Absent: the status stays. */
  readonly status?: CanaryStatus;
  readonly commands?: readonly Command[];
  readonly questions?: readonly Question[];
  readonly isTick?: boolean;
  readonly wakeAtMs?: number;
  readonly checks?: readonly CheckFact[];
  readonly evidence?: () => Evidence;
  /** Made by `otherwiseOf` when the row does not say it better. */
  readonly otherwise?: string;
}

/** One row: the first whose `when` holds decides. */
export interface Row<S extends Basics> {
  readonly label: Label;
  readonly when: (situation: S) => boolean;
  readonly then: (situation: S) => Draft;
}

/** The status after a step: the changes, the time of the step, the conditions of the phase. */
export function step(
  s: Basics,
  changes: Partial<CanaryStatus> & { readonly phase?: CanaryPhase },
  promotedMessage?: string,
): CanaryStatus {
  const status: CanaryStatus = { ...s.status, ...changes, lastTransitionTime: formatTime(s.nowMs) };
  const kept = status.phase === s.status.phase ? status : withoutCondition(status, DRAINING);
  return withPromoted(withoutCondition(kept, ACCEPTED), {
    kind: s.names.targetKind,
    nowMs: s.nowMs,
    message: promotedMessage,
  });
}

/** The status of a run that starts or starts again: zeros, and the revision that it is about. */
export function freshRun(s: Situation, changes: { phase: CanaryPhase; canaryWeight: number }): CanaryStatus {
  // What somebody asked of the run before says nothing about this one.
  const status = withoutCondition(s.status, INTENT);
  return step({ ...s, status }, { ...changes, ...revisionOf(s), failedChecks: 0, iterations: 0 });
}

/** The target's present revision, as the status records it. */
export function revisionOf(s: Situation): Partial<CanaryStatus> {
  const { trackedConfigs } = s.observation;
  return { lastAppliedSpec: s.target.templateHash, ...(trackedConfigs === undefined ? {} : { trackedConfigs }) };
}

/** The objects that must exist while an analysis holds: with the traffic that they have. */
export function hold(s: Situation): Command[] {
  return infrastructure(s.heldWeight, s.isMirroring);
}

/** The objects that must exist whatever the phase, with the weight to keep. */
export function infrastructure(canaryWeight: number, isMirrored = false): Command[] {
  return [
    { kind: "ensure-services" },
    { kind: "ensure-primary", mode: "create" },
    { kind: "ensure-scaler", mode: "create" },
    { kind: "ensure-apex" },
    { kind: "set-routes", canaryWeight, isMirrored },
  ];
}

/** The same without traffic on the canary, which goes first: no write that is refused may keep traffic where it hurts. */
export function awayFromCanary(): Command[] {
  const isRoute = ({ kind }: Command): boolean => kind === "set-routes";
  const commands = infrastructure(0);
  return [...commands.filter(isRoute), ...commands.filter((command) => !isRoute(command))];
}

export function event(type: EventType, message: string): Command {
  return { kind: "event", type, message, isStanding: false };
}

/** An event about a condition that lasts. */
export function standing(type: EventType, message: string): Command {
  return { kind: "event", type, message, isStanding: true };
}

export function alert(
  severity: "info" | "warn" | "error",
  message: string,
  options: { hasMetadata?: boolean; isStanding?: boolean; isTerminal?: boolean; reason?: string } = {},
): Command {
  return {
    kind: "alert",
    severity,
    message,
    hasMetadata: options.hasMetadata ?? false,
    isStanding: options.isStanding ?? false,
    isTerminal: options.isTerminal ?? false,
    ...(options.reason === undefined ? {} : { reason: options.reason }),
  };
}
