import type { Command } from "./decision.ts";
import { alert, type Draft, event, revisionOf, standing, step } from "./draft.ts";
import { hooksOf } from "./settings.ts";
import type { Situation } from "./situation.ts";
import { DRAINING, withCondition } from "./status.ts";

export interface RollbackReason {
  readonly sentence: string;
  /** Said before anything is done. */
  readonly before: readonly Command[];
  readonly checks?: Draft["checks"];
}

/**
 * Ends a run: traffic goes back first, the pods go later, when requests in flight have ended.
 *
 * Traffic only goes back to a primary that has ready pods. If it has none while the canary has, the canary keeps the
 * traffic and its pods: the last healthy copy is never taken away.
 * Source: flagger-spec 2.7; differences: 10.2.3, 10.2.9.
 */
export function rollback(s: Situation, reason: RollbackReason): Draft {
  const hasRefuge = (s.primary?.readyCount ?? 0) > 0 || s.target.readyCount === 0;
  return hasRefuge ? backToPrimary(s, reason) : staysOnCanary(s, reason);
}

function backToPrimary(s: Situation, reason: RollbackReason): Draft {
  const failed = step(s, { phase: "Failed", canaryWeight: 0, failedChecks: 0, iterations: 0, ...revisionOf(s) });
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
  const status = step(
    s,
    { phase: "Failed", canaryWeight: 100, failedChecks: 0, iterations: 0, ...revisionOf(s) },
    "Canary analysis failed, but the primary has no ready pod; traffic stays with the canary.",
  );
  return {
    sentence: `${reason.sentence}, but ${why}`,
    status,
    commands: [
      ...reason.before,
      { kind: "set-routes", canaryWeight: 100, isMirrored: false },
      standing("Warning", `Canary failed! Not scaling down ${s.names.canaryRef}: ${why}`),
      alert("error", `Rollback is not possible: ${why}`),
      ...endOfFailedRun(s),
    ],
    isTick: true,
    ...(reason.checks === undefined ? {} : { checks: reason.checks }),
  };
}

/** What ends every run that failed. */
export function endOfFailedRun(s: Situation): Command[] {
  return [
    { kind: "count-run", outcome: "failure", analysis: "completed" },
    { kind: "call-hooks", hooks: hooksOf(s.settings, "post-rollout"), phase: "Failed" },
  ];
}
