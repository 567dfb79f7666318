import type { ProbePlan } from "./pod-plan.ts";

/** Where one probe of one running container stands. */
export interface ProbeRun {
  readonly plan: ProbePlan;
  /** When the next probe of the period is due. */
  readonly regularAtMs: number;
  /** When the next probe between two of the period is due; undefined when there is none. */
  readonly earlyAtMs: number | undefined;
  readonly earlyDelayMs: number;
  readonly inFlight: "regular" | "early" | undefined;
  readonly successCount: number;
  readonly failureCount: number;
  /** Undefined before a threshold was reached for the first time. */
  readonly isPassing: boolean | undefined;
}

/** First pause between two early probes; it doubles each time. */
const EARLY_DELAY_MS = 100;

/** A probe of a container that started (or whose startup probe passed) at the given time. */
export function beginProbe(plan: ProbePlan, startedMs: number): ProbeRun {
  return {
    plan,
    regularAtMs: startedMs + plan.initialDelayMs,
    earlyAtMs: undefined,
    earlyDelayMs: EARLY_DELAY_MS,
    inFlight: undefined,
    successCount: 0,
    failureCount: 0,
    isPassing: undefined,
  };
}

/** When the probe is due next; infinite while one is in flight. */
export function probeDueMs(run: ProbeRun): number {
  if (run.inFlight !== undefined) return Number.POSITIVE_INFINITY;
  return Math.min(run.regularAtMs, run.earlyAtMs ?? Number.POSITIVE_INFINITY);
}

/** Marks a due probe as sent. */
export function sendProbe(run: ProbeRun, nowMs: number): ProbeRun {
  if (nowMs < run.regularAtMs) return { ...run, inFlight: "early", earlyAtMs: undefined };
  // Probes keep their rhythm; periods that passed unused are not made up for.
  const missed = Math.floor((nowMs - run.regularAtMs) / run.plan.periodMs);
  return {
    ...run,
    inFlight: "regular",
    regularAtMs: run.regularAtMs + (missed + 1) * run.plan.periodMs,
    earlyAtMs: undefined,
  };
}

export interface ProbeOutcome {
  readonly run: ProbeRun;
  /** The failure counts and is worth an event. */
  readonly isCountedFailure: boolean;
  /** A threshold was reached just now. */
  readonly turned: "passing" | "failing" | undefined;
}

/**
 * Takes in the result of the probe in flight.
 *
 * Until a readiness probe has passed once it is also sent between its periods, so that a pod is found ready soon after it
 * is. Failures of these do not count.
 * Source: core/v1 Probe: thresholds are consecutive results. Kubernetes allows readiness probes at other times while a
 * container is not ready.
 */
export function absorbProbe(run: ProbeRun, isSuccess: boolean, nowMs: number): ProbeOutcome {
  const { plan } = run;
  const wasRegular = run.inFlight === "regular";
  const idle: ProbeRun = { ...run, inFlight: undefined };
  if (isSuccess) {
    const successCount = Math.min(run.successCount + 1, plan.successThreshold);
    const turned = successCount >= plan.successThreshold && run.isPassing !== true ? "passing" : undefined;
    const isPassing = turned === "passing" ? true : run.isPassing;
    return { run: { ...idle, successCount, failureCount: 0, isPassing }, isCountedFailure: false, turned };
  }
  const failureCount = Math.min(run.failureCount + (wasRegular ? 1 : 0), plan.failureThreshold);
  const turned = wasRegular && failureCount >= plan.failureThreshold && run.isPassing !== false ? "failing" : undefined;
  const isPassing = turned === "failing" ? false : run.isPassing;
  const failed: ProbeRun = { ...idle, successCount: 0, failureCount, isPassing };
  return { run: planEarly(failed, nowMs), isCountedFailure: wasRegular, turned };
}

function planEarly(run: ProbeRun, nowMs: number): ProbeRun {
  if (run.plan.kind !== "readiness" || run.isPassing !== undefined) return run;
  return {
    ...run,
    earlyAtMs: nowMs + run.earlyDelayMs,
    earlyDelayMs: Math.min(run.earlyDelayMs * 2, run.plan.periodMs),
  };
}
