import type { Canary, CanaryPhase, CanaryStatus } from "#api";
import { deepEqual } from "#base";
import type { Observation, PrimaryObservation, WorkloadObservation } from "./observation.ts";
import { judgeReadiness, type Readiness } from "./readiness.ts";
import type { RolloutNames } from "./names.ts";
import type { RolloutSettings } from "./settings.ts";
import { parseTime } from "./status.ts";
import { nextWeight } from "./weights.ts";

/** What is known before the spec is: enough for the rows that need neither settings nor a target. */
export interface Basics {
  readonly canary: Canary;
  readonly names: RolloutNames;
  readonly status: CanaryStatus;
  readonly observation: Observation;
  readonly nowMs: number;
}

/** Everything that the rows of the table look at, derived once. */
export interface Situation extends Basics {
  readonly settings: RolloutSettings;
  readonly target: WorkloadObservation;
  readonly primary: PrimaryObservation | undefined;
  readonly targetReadiness: Readiness;
  readonly primaryReadiness: Readiness;
  /** The target's template or configs are neither those of the last run nor those that the primary has. */
  readonly hasNewRevision: boolean;
  /** The target went back, in the middle of a run, to what the primary has. */
  readonly isReverted: boolean;
  /** The canary's weight that is asked for. */
  readonly weight: number;
  /** The weight to keep while nothing is decided: the live one where a decision can have left it, else the asked one. */
  readonly heldWeight: number;
  readonly isDue: boolean;
  readonly nextTickMs: number;
  /** When the pods that traffic has left may go. */
  readonly drainedAtMs: number;
}

/** Longest wait for requests in flight and for proxies that hear of a new route late. */
const MAX_DRAIN_MS = 10_000;

export function situationOf(
  basics: Basics,
  known: { settings: RolloutSettings; target: WorkloadObservation },
): Situation {
  const { observation, status, nowMs } = basics;
  const { settings, target } = known;
  const primary = observation.primary;
  const weight = weightOf(basics);
  const transitionMs = parseTime(status.lastTransitionTime) ?? 0;
  const rule = { deadlineMs: settings.progressDeadlineMs, stepSinceMs: transitionMs, nowMs };
  const nextTickMs = Math.max(transitionMs, observation.lastTickMs ?? 0) + settings.intervalMs;
  return {
    ...basics,
    ...known,
    primary,
    targetReadiness: judgeReadiness(target, { ...rule, readyPercent: settings.canaryReadyPercent }),
    primaryReadiness:
      primary === undefined
        ? { kind: "waiting", reason: "it does not exist yet" }
        : judgeReadiness(primary, { ...rule, readyPercent: settings.primaryReadyPercent }),
    hasNewRevision: hasNewRevision(status, observation, target.templateHash),
    isReverted: isReverted(status, observation, target.templateHash),
    weight,
    heldWeight: heldWeight(settings, weight, observation.routes?.canaryWeight),
    // A time in the future is a clock that was set back; waiting for it could take for ever.
    isDue: nowMs >= nextTickMs || transitionMs > nowMs + settings.intervalMs,
    nextTickMs,
    drainedAtMs: transitionMs + Math.min(settings.intervalMs, MAX_DRAIN_MS),
  };
}

const RUNNING: ReadonlySet<CanaryPhase> = new Set(["Progressing", "WaitingPromotion", "Promoting", "Finalising"]);

/** Whether a release is on its way in this phase, so that the canary copy may have traffic. */
export function isRunning(phase: CanaryPhase): boolean {
  return RUNNING.has(phase);
}

/** Flagger zeroes the recorded weight while it waits for promotion; its routes then tell it. Source: flagger-spec 2.9. */
function weightOf({ status, observation }: Basics): number {
  if (status.phase === "WaitingPromotion" && status.canaryWeight === 0) return observation.routes?.canaryWeight ?? 0;
  return status.canaryWeight;
}

function heldWeight(settings: RolloutSettings, weight: number, live: number | undefined): number {
  return live !== undefined && live === nextWeight(settings.steps, weight) ? live : weight;
}

/** Source: flagger-spec 2.4, with the differences of docs/flagger-differences.md (failed promotion, untracked configs). */
function hasNewRevision(status: CanaryStatus, observation: Observation, hash: string): boolean {
  if (status.lastAppliedSpec === undefined || status.lastAppliedSpec === "") return true;
  // After a failed promotion the primary no longer has what was promoted last, so going back to it is a change.
  const isPrimaryIntact = !(status.phase === "Failed" && status.canaryWeight > 0);
  const isPromoted = isPrimaryIntact && hash === status.lastPromotedSpec;
  if (hash !== status.lastAppliedSpec && !isPromoted) return true;
  return hash === status.lastAppliedSpec && haveConfigsChanged(status, observation);
}

function haveConfigsChanged(status: CanaryStatus, observation: Observation): boolean {
  if (observation.trackedConfigs === undefined || status.trackedConfigs === undefined) return false;
  return !deepEqual(observation.trackedConfigs, status.trackedConfigs);
}

function isReverted(status: CanaryStatus, observation: Observation, hash: string): boolean {
  return (
    status.lastAppliedSpec !== hash && status.lastPromotedSpec === hash && observation.primary?.matchesTarget === true
  );
}
