import type { CheckFact, Command } from "./decision.ts";
import { alert, type Draft, event, revisionOf, standing, step } from "./draft.ts";
import { hooksOf } from "./settings.ts";
import type { Situation } from "./situation.ts";
import { DRAINING, withCondition } from "./status.ts";

export interface RollbackReason {
  /** Why, alone enough for a person; goes with the run's terminal alert. */
  readonly sentence: string;
  /** Said before anything is done. */
  readonly before: readonly Command[];
  readonly alert: { readonly severity: "warn" | "error"; readonly message: string };
  readonly checks?: readonly CheckFact[];
  /** The revision rejected is the target's present one, though it is not yet the one on record. */
  readonly isOfTarget?: boolean;
}

/**
 * Ends a run: traffic goes back first, the pods go later, when requests in flight have ended.
 *
 * Traffic only goes back to a primary that has ready pods. If it has none while the canary has, the canary keeps the
 * traffic and its pods: the last healthy copy is never taken away. Without routes the primary has the traffic anyway.
 * Source: flagger-spec 2.7; differences: 10.2.3, 10.2.9.
 */
export function rollback(s: Situation, reason: RollbackReason): Draft {
  const hasRefuge = (s.primary?.readyCount ?? 0) > 0 || s.target.readyCount === 0 || !s.settings.hasRoutes;
  return hasRefuge ? backToPrimary(s, reason) : staysOnCanary(s, reason);
}

function backToPrimary(s: Situation, reason: RollbackReason): Draft {
  const failed = step(s, { phase: "Failed", canaryWeight: 0, ...endOfRun(s, reason) });
  return {
    sentence: reason.sentence,
    status: withCondition(failed, {
      type: DRAINING,
      status: "True",
      reason: "RolledBack",
      message: "Traffic has left the canary; its pods stay until requests in flight have ended.",
      nowMs: s.nowMs,
    }),
    commands: [
      ...reason.before,
      terminal(reason, reason.sentence),
      { kind: "set-routes", canaryWeight: 0, isMirrored: false },
      event("Warning", `Canary failed! Scaling down ${s.names.canaryRef}`),
      ...endOfFailedRun(s),
    ],
    wakeAtMs: s.nowMs,
    isTick: true,
    ...(reason.checks === undefined ? {} : { checks: reason.checks }),
  };
}

function staysOnCanary(s: Situation, reason: RollbackReason): Draft {
  const why = `the primary ${s.names.primaryRef} has no ready pod, so traffic and pods stay with the canary`;
  const sentence = `${reason.sentence}, but ${why}`;
  const status = step(
    s,
    { phase: "Failed", canaryWeight: 100, ...endOfRun(s, reason) },
    "Canary analysis failed, but the primary has no ready pod; traffic stays with the canary.",
  );
  return {
    sentence,
    status,
    commands: [
      ...reason.before,
      terminal(reason, sentence),
      { kind: "set-routes", canaryWeight: 100, isMirrored: false },
      standing("Warning", `Canary failed! Not scaling down ${s.names.canaryRef}: ${why}`),
      ...endOfFailedRun(s),
    ],
    isTick: true,
    ...(reason.checks === undefined ? {} : { checks: reason.checks }),
  };
}

function endOfRun(s: Situation, { isOfTarget }: RollbackReason): object {
  return { failedChecks: 0, iterations: 0, ...(isOfTarget === true ? revisionOf(s) : {}) };
}

function terminal({ alert: { severity, message } }: RollbackReason, reason: string): Command {
  return alert(severity, message, { isTerminal: true, reason });
}

/** What ends every run that failed. */
export function endOfFailedRun(s: Situation): Command[] {
  return [
    { kind: "count-run", outcome: "failure", analysis: "completed" },
    { kind: "call-hooks", hooks: hooksOf(s.settings, "post-rollout"), phase: "Failed" },
  ];
}
