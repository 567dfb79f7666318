import { checksOf } from "./checks.ts";
import type { CheckFact, Command } from "./decision.ts";
import { alert, type Draft, event, hold, infrastructure, type Row, standing, step } from "./draft.ts";
import { rollback } from "./rollback.ts";
import { asks, isAnalysing, type Situation } from "./situation.ts";

const checksKind = (s: Situation): string => checksOf(s).kind;

/** Progressing and WaitingPromotion: when the next tick is. */
export const waitRows: readonly Row<Situation>[] = [
  {
    label: "wait-tick",
    when: (s) => isAnalysing(s) && !s.isDue && !asks(s, "skip"),
    then: (s) => ({
      sentence: `The canary has ${s.heldWeight}% of the traffic; the next check is due at the next interval.`,
      commands: hold(s),
      wakeAtMs: s.nextTickMs,
    }),
  },
  {
    label: "wait-warm-up",
    // A comparison widens its margins while pods are cold, and goes on.
    when: (s) => isAnalysing(s) && !asks(s, "skip") && s.settings.sequential === undefined && warmAtMs(s) > s.nowMs,
    then: (s) => ({
      sentence: `The canary's youngest pod is still warming up; its checks are made when it is warm.`,
      commands: hold(s),
      wakeAtMs: warmAtMs(s),
    }),
  },
];

/** Progressing and WaitingPromotion: the checks of the tick. No gate, pause or bad route keeps them from being made. */
export const checkRows: readonly Row<Situation>[] = [
  {
    label: "rollback-threshold",
    when: (s) => isAnalysing(s) && s.status.failedChecks >= s.settings.threshold,
    then: (s) => thresholdReached(s, { failedChecks: s.status.failedChecks }),
  },
  {
    label: "ask-checks",
    when: (s) => isAnalysing(s) && checksKind(s) === "ask",
    then: (s) => {
      const checks = checksOf(s);
      return { sentence: "Asking the checks of this step.", questions: checks.kind === "ask" ? checks.questions : [] };
    },
  },
  {
    label: "rollback-check-failed",
    when: (s) => isAnalysing(s) && checksKind(s) === "failed" && s.status.failedChecks + 1 >= s.settings.threshold,
    then: (s) => {
      const checks = checksOf(s);
      if (checks.kind !== "failed") return { sentence: "" };
      const failedChecks = s.status.failedChecks + 1;
      return thresholdReached(s, { message: checks.message, failedChecks, checks: checks.facts });
    },
  },
  {
    label: "halt",
    when: (s) => isAnalysing(s) && checksKind(s) === "failed",
    then: (s) => {
      const checks = checksOf(s);
      if (checks.kind !== "failed") return { sentence: "" };
      const failedChecks = s.status.failedChecks + 1;
      return {
        sentence: `Holding at ${s.weight}%: check ${failedChecks} of ${s.settings.threshold} failed: ${checks.message}`,
        status: step(s, { failedChecks }),
        commands: [...infrastructure(s.weight, s.isMirroring), ...startEvent(s), event("Warning", checks.message)],
        checks: checks.facts,
        isTick: true,
        wakeAtMs: s.nowMs + s.settings.intervalMs,
      };
    },
  },
  {
    label: "hold-unreachable",
    when: (s) => isAnalysing(s) && checksKind(s) === "unknown",
    then: (s) => {
      const checks = checksOf(s);
      if (checks.kind !== "unknown") return { sentence: "" };
      const message = `Halt ${s.names.canaryRef} advancement ${checks.message}; holding at ${s.weight}% until it can be`;
      return {
        sentence: `Holding at ${s.weight}%, not counted as a failed check: ${checks.message}`,
        commands: [
          ...infrastructure(s.weight, s.isMirroring),
          standing("Warning", message),
          alert("warn", `Canary analysis is on hold: ${checks.message}`, { isStanding: true }),
        ],
        checks: checks.facts,
        isTick: true,
        wakeAtMs: s.nowMs + s.settings.intervalMs,
      };
    },
  },
];

/**
 * When the checks of this tick may be made: pods that have just become ready are slow, and say nothing about the version. An
 * autoscaler may go on adding pods, so a tick waits no longer than the warm-up. Source: keda-hpa-spec 20, 35.
 */
function warmAtMs({ observation, settings, nextTickMs }: Situation): number {
  const { youngestReadyMs } = observation.capacity.canary;
  const { coupling, warmUpMs } = settings.capacity;
  if (coupling !== "enforce" || youngestReadyMs === undefined) return 0;
  return Math.min(youngestReadyMs, nextTickMs) + warmUpMs;
}

/** The end of a run whose checks failed too often. */
export function thresholdReached(
  s: Situation,
  reached: { message?: string; failedChecks: number; checks?: Draft["checks"] },
): Draft {
  const { message, failedChecks, checks } = reached;
  const last = message === undefined ? "" : `: ${message}`;
  return rollback(s, {
    sentence: `Rolling back: ${failedChecks} of ${s.settings.threshold} allowed checks failed${last}`,
    before: [
      ...(message === undefined ? [] : [event("Warning", message)]),
      event("Warning", `Rolling back ${s.names.canaryRef} failed checks threshold reached ${failedChecks}`),
    ],
    alert: { severity: "error", message: `Failed checks threshold reached ${failedChecks}` },
    ...(checks === undefined ? {} : { checks }),
  });
}

/** Said with the first step, and with the first check that fails before it. */
export function startEvent(s: Situation): Command[] {
  if (s.hasStarted || s.status.phase !== "Progressing") return [];
  return [standing("Normal", `Starting canary analysis for ${s.names.targetRef}`)];
}

/** What the checks of this tick found. */
export function factsOf(s: Situation): readonly CheckFact[] {
  const checks = checksOf(s);
  return checks.kind === "ask" ? [] : checks.facts;
}
