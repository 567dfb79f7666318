import type { Canary, CanaryPhase, CanaryStatus } from "#api";
import { deepEqual } from "#base";
import type { CapacityPlan } from "./capacity-plan.ts";
import { type IntentAction, type IntentState, type Pause, readPause } from "./intent.ts";
import type { Observation, PrimaryObservation, WorkloadObservation } from "./observation.ts";
import { judgeReadiness, type Readiness } from "./readiness.ts";
import type { RolloutNames } from "./names.ts";
import type { RolloutSettings } from "./settings.ts";
import { CANARY_READY, conditionOf, parseTime } from "./status.ts";
import type { Trial } from "./trial.ts";
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
  /** Whether requests are to be copied to the canary while nothing is decided. */
  readonly isMirroring: boolean;
  /** Whether the first step of the analysis was taken. */
  readonly hasStarted: boolean;
  readonly isDue: boolean;
  readonly nextTickMs: number;
  /** When the pods that traffic has left may go. */
  readonly drainedAtMs: number;
  readonly pause: Pause | undefined;
  /** What the traffic needs in pods; undefined when capacity is not coupled, or nothing can be said of it. */
  readonly capacity: CapacityPlan | undefined;
  readonly asked: IntentState;
  /** What the tick's evidence says; undefined between ticks, and when failed checks are counted. */
  readonly trial: Trial | undefined;
}

/** Longest wait for requests in flight and for proxies that hear of a new route late. */
const MAX_DRAIN_MS = 10_000;

/** Derives a situation; what people ask for is judged on top of it. */
export function situationOf(
  basics: Basics,
  known: { settings: RolloutSettings; target: WorkloadObservation },
): Situation {
  const { canary, names, observation, status, nowMs } = basics;
  const { settings, target } = known;
  const primary = observation.primary;
  const weight = weightOf(basics, settings);
  const heldWeight = heldWeightOf(basics, settings, weight);
  const transitionMs = parseTime(status.lastTransitionTime) ?? 0;
  const deadlineMs = settings.progressDeadlineMs;
  const tickMs = isAnalysing(basics) ? settings.tickMs : settings.intervalMs;
  const nextTickMs = Math.max(transitionMs, observation.lastTickMs ?? 0) + tickMs;
  // Each field by its name: this is made several times a look, and copying of objects is what a look would take longest for.
  return {
    canary,
    names,
    status,
    observation,
    nowMs,
    settings,
    target,
    primary,
    targetReadiness: judgeReadiness(target, {
      deadlineMs,
      nowMs,
      stepSinceMs: target.kind === "DaemonSet" ? unreadySinceMs(basics, transitionMs) : transitionMs,
      shortSinceMs: parseTime(conditionOf(status, CANARY_READY)?.lastTransitionTime),
      readyPercent: settings.canaryReadyPercent,
    }),
    primaryReadiness:
      primary === undefined
        ? { kind: "waiting", reason: "it does not exist yet" }
        : judgeReadiness(primary, {
            deadlineMs,
            nowMs,
            stepSinceMs: transitionMs,
            readyPercent: settings.primaryReadyPercent,
          }),
    hasNewRevision: hasNewRevision(status, observation, target.templateHash),
    isReverted: isReverted(status, observation, target.templateHash),
    weight,
    heldWeight,
    isMirroring: heldWeight === 0 && isMirrorStage(status, settings),
    hasStarted: weight > 0 || status.iterations > 0,
    // A time in the future is a clock that was set back; waiting for it could take for ever.
    isDue: nowMs >= nextTickMs || transitionMs > nowMs + tickMs,
    nextTickMs,
    drainedAtMs: transitionMs + Math.min(settings.intervalMs, MAX_DRAIN_MS),
    pause: readPause(basics.canary),
    capacity: undefined,
    asked: { kind: "none" },
    trial: undefined,
  };
}

/** A canary may have stood at a gate for hours before it lost a pod: its deadline runs from when that was seen. */
function unreadySinceMs({ status, nowMs }: Basics, transitionMs: number): number {
  if (!isAnalysing({ status })) return transitionMs;
  return Math.max(transitionMs, parseTime(conditionOf(status, CANARY_READY)?.lastTransitionTime) ?? nowMs);
}

const RUNNING: ReadonlySet<CanaryPhase> = new Set(["Progressing", "WaitingPromotion", "Promoting", "Finalising"]);

/** Whether a release is on its way in this phase, so that the canary copy may have traffic. */
export function isRunning(phase: CanaryPhase): boolean {
  return RUNNING.has(phase);
}

/** Whether the canary is on trial. */
export function isAnalysing({ status }: Pick<Basics, "status">): boolean {
  return status.phase === "Progressing" || status.phase === "WaitingPromotion";
}

/** Whether nothing is being released. */
export function isSteady({ status }: Basics): boolean {
  return status.phase === "Initialized" || status.phase === "Succeeded" || status.phase === "Failed";
}

/** Whether a release is to start, or waits for the approval to. */
export function isStart(s: Situation): boolean {
  return (isSteady(s) && (s.hasNewRevision || asks(s, "retry"))) || s.status.phase === "Waiting";
}

/** Whether a person asks for one of these, and it can be done. */
export function asks({ asked }: Situation, ...actions: readonly IntentAction[]): boolean {
  return asked.kind === "standing" && actions.includes(asked.intent.action);
}

/** Whether this run goes without an analysis: the spec says so, or an earlier revision comes back on request. */
export function skipsAnalysis(s: Situation): boolean {
  return s.settings.skipsAnalysis || asks(s, "undo");
}

/**
 * The weight on record. Flagger records none for blue/green, A/B tests and while it waits for promotion; after a takeover
 * its iterations and routes tell it. Source: flagger-spec 2.9, appendix B.
 */
function weightOf({ status, observation }: Basics, { strategy, hasRoutes }: RolloutSettings): number {
  if (!hasRoutes) return 0;
  if (status.canaryWeight > 0) return status.canaryWeight;
  const live = observation.routes?.canaryWeight ?? 0;
  if (strategy.kind === "weights") return status.phase === "WaitingPromotion" ? live : 0;
  if (status.phase === "Promoting") return live;
  if (!isAnalysing({ status }) || status.iterations === 0) return 0;
  if (strategy.kind === "ab-testing") return 100;
  return status.iterations !== strategy.iterationCount && live === 100 ? 100 : 0;
}

function heldWeightOf({ status, observation }: Basics, settings: RolloutSettings, weight: number): number {
  if (!settings.hasRoutes) return 0;
  const live = observation.routes?.canaryWeight;
  return live !== undefined && live === weightAfterStep(settings, weight, status.iterations) ? live : weight;
}

/** The weight that the next step of the analysis asks for. */
function weightAfterStep({ strategy }: RolloutSettings, weight: number, iterations: number): number {
  switch (strategy.kind) {
    case "weights":
      return strategy.isMirrored && weight === 0 && iterations === 0 ? 0 : nextWeight(strategy.steps, weight);
    case "blue-green":
      return iterations >= strategy.iterationCount ? 100 : weight;
    case "ab-testing":
      return 100;
  }
}

/** The share of all requests that the canary gets after the next step, copies of requests included; in percent. */
export function nextShare(s: Situation): number {
  const { strategy } = s.settings;
  switch (strategy.kind) {
    case "weights":
      if (strategy.isMirrored && !s.hasStarted) return 100;
      return s.weight < strategy.maxWeight ? nextWeight(strategy.steps, s.weight) : s.weight;
    case "blue-green":
      return strategy.isMirrored || s.status.iterations >= strategy.iterationCount ? 100 : s.weight;
    case "ab-testing":
      return Math.max(1, s.status.servedWeight ?? 1);
  }
}

/** The stage of copies is recorded in the iterations, so that a crash between route and status repeats it. */
function isMirrorStage(status: CanaryStatus, { strategy }: RolloutSettings): boolean {
  return isAnalysing({ status }) && strategy.kind !== "ab-testing" && strategy.isMirrored && status.iterations > 0;
}

/** Source: flagger-spec 2.4, with the differences of docs/flagger-differences.md (failed promotion, untracked configs). */
function hasNewRevision(status: CanaryStatus, observation: Observation, hash: string): boolean {
  if (status.lastAppliedSpec === undefined || status.lastAppliedSpec === "") return true;
  const isPromoted = hash === status.lastPromotedSpec && isPrimaryIntact(status, observation);
  if (hash !== status.lastAppliedSpec && !isPromoted) return true;
  return hash === status.lastAppliedSpec && haveConfigsChanged(status, observation);
}

/** After a failed promotion the primary no longer has what was promoted last, so going back to it is a change. */
function isPrimaryIntact(status: CanaryStatus, { primary }: Observation): boolean {
  return status.phase !== "Failed" || (status.canaryWeight === 0 && primary?.matchesTarget !== false);
}

/** Whether the tracked ConfigMaps and Secrets are others than those on record. */
export function haveConfigsChanged(status: CanaryStatus, observation: Observation): boolean {
  if (observation.trackedConfigs === undefined || status.trackedConfigs === undefined) return false;
  return !deepEqual(observation.trackedConfigs, status.trackedConfigs);
}

function isReverted(status: CanaryStatus, observation: Observation, hash: string): boolean {
  return (
    status.lastAppliedSpec !== hash && status.lastPromotedSpec === hash && observation.primary?.matchesTarget === true
  );
}
