import type { Canary, CanaryPhase, CanaryStatus, Condition, ConditionStatus } from "#api";
import { formatProblem, type Problem } from "#base";

/** Condition that lasts from the moment traffic has left the canary until its pods may go. */
export const DRAINING = "Draining";
/** Condition that is False while what a Canary asks for cannot be done, or not all of it. */
export const ACCEPTED = "Accepted";
/** Condition that lasts while something that must be written is refused. */
export const STALLED = "Stalled";
/** Condition that is False while a canary waits for pods whose lack its own conditions do not tell. */
export const CANARY_READY = "CanaryReady";
/** Condition that lasts as long as somebody holds the release. */
export const PAUSED = "Paused";
/** Condition that keeps what a person asked for last and got. */
export const INTENT = "Intent";
/** Condition that is False while a step waits for pods that can serve it. */
export const CAPACITY_READY = "CapacityReady";
/** Condition that is there while the served share is not what was asked for. */
export const TRAFFIC_AS_ASKED = "TrafficAsAsked";

interface PhaseCondition {
  readonly status: ConditionStatus;
  readonly message: (kind: string) => string;
}

const APPROVAL: PhaseCondition = { status: "Unknown", message: () => "Waiting for approval." };
const STARTING: PhaseCondition = {
  status: "Unknown",
  message: (kind) => `New ${kind} detected, starting initialization.`,
};

/** The Promoted condition of each phase. Source: flagger-spec 1.5; users wait with `--for=condition=promoted`. */
const promotedByPhase: Readonly<Partial<Record<CanaryPhase, PhaseCondition>>> = {
  Initializing: STARTING,
  Initialized: { status: "True", message: (kind) => `${kind} initialization completed.` },
  Waiting: APPROVAL,
  Progressing: { status: "Unknown", message: () => "New revision detected, progressing canary analysis." },
  WaitingPromotion: APPROVAL,
  Promoting: { status: "Unknown", message: () => "Canary analysis completed, starting primary rolling update." },
  Finalising: { status: "Unknown", message: () => "Canary analysis completed, routing all traffic to primary." },
  Succeeded: {
    status: "True",
    message: () => "Canary analysis completed successfully, promotion finished.",
  },
  Failed: { status: "False", message: (kind) => `Canary analysis failed, ${kind} scaled to zero.` },
  Terminating: STARTING,
};

/** Fills in what a status that Flagger or nobody wrote may lack. */
export function completeStatus(status: Partial<CanaryStatus> | undefined): CanaryStatus {
  if (status !== undefined && isComplete(status)) return status;
  return {
    ...status,
    phase: status?.phase ?? "",
    failedChecks: wholeOr0(status?.failedChecks),
    canaryWeight: Math.min(100, Math.max(0, wholeOr0(status?.canaryWeight))),
    iterations: wholeOr0(status?.iterations),
  };
}

function isComplete(status: Partial<CanaryStatus>): status is CanaryStatus {
  const { phase, failedChecks, canaryWeight, iterations } = status;
  const isWeight = canaryWeight !== undefined && canaryWeight >= 0 && canaryWeight <= 100;
  return phase !== undefined && [failedChecks, canaryWeight, iterations].every(Number.isInteger) && isWeight;
}

function wholeOr0(value: unknown): number {
  return typeof value === "number" && Number.isInteger(value) ? value : 0;
}

/** Puts a Promoted condition for the phase, keeping its times where status and reason did not change. */
export function withPromoted(
  status: CanaryStatus,
  options: { readonly kind: string; readonly nowMs: number; readonly message?: string | undefined },
): CanaryStatus {
  const rule = promotedByPhase[status.phase];
  if (rule === undefined) return status;
  return withCondition(status, {
    type: "Promoted",
    status: rule.status,
    reason: status.phase,
    message: options.message ?? rule.message(options.kind),
    nowMs: options.nowMs,
  });
}

/** Adds or replaces a condition. Nothing changes when status and reason are those it has. */
export function withCondition(
  status: CanaryStatus,
  wanted: { type: string; status: ConditionStatus; reason: string; message: string; nowMs: number },
): CanaryStatus {
  const old = status.conditions?.find((condition) => condition.type === wanted.type);
  const isSame = old?.status === wanted.status && old.reason === wanted.reason;
  if (isSame && (old.message === wanted.message || wanted.type === "Promoted")) return status;
  const at = formatTime(wanted.nowMs);
  const { nowMs: _, ...fields } = wanted;
  const condition: Condition = {
    ...fields,
    lastUpdateTime: at,
    lastTransitionTime: old?.status === wanted.status ? (old.lastTransitionTime ?? at) : at,
  };
  const others = (status.conditions ?? []).filter((other) => other.type !== wanted.type);
  const conditions = wanted.type === "Promoted" ? [condition, ...others] : [...others, condition];
  return { ...status, conditions };
}

/** Removes a condition. */
export function withoutCondition(status: CanaryStatus, type: string): CanaryStatus {
  if (!hasCondition(status, type)) return status;
  return { ...status, conditions: (status.conditions ?? []).filter((condition) => condition.type !== type) };
}

export function hasCondition(status: CanaryStatus, type: string): boolean {
  return conditionOf(status, type) !== undefined;
}

export function conditionOf(status: CanaryStatus, type: string): Condition | undefined {
  return status.conditions?.find((condition) => condition.type === type);
}

/**
 * Whether the Canary's condition names the problem, so that its event was sent. The condition outlives processes, phases
 * and steps, which what a process remembers does not.
 */
export function isTold({ status }: Canary, problem: Problem): boolean {
  const condition = conditionOf(completeStatus(status), ACCEPTED);
  return condition?.status === "False" && condition.message?.includes(formatProblem(problem)) === true;
}

/** RFC 3339 with milliseconds: ticks are counted from it, and intervals may be as short as a second. */
export function formatTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** Reads such a time; undefined when it is absent or no time. */
export function parseTime(text: string | undefined): number | undefined {
  const ms = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

/** Whether a hash was written by Flagger, whose hash nobody else can compute. Source: flagger-spec 2.4. */
export function isForeignHash(hash: string | undefined): boolean {
  return hash !== undefined && /^[4-9bcdf]{1,10}$/.test(hash);
}
