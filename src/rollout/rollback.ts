import type { CanaryStatus } from "#api";
import { returnWeight } from "./capacity.ts";
import type { CheckFact, Command } from "./decision.ts";
import { alert, type Draft, event, infrastructure, revisionOf, type Row, standing, step } from "./draft.ts";
import { SUCCESS_RATE } from "./judge-metric.ts";
import { formatWayBack } from "./plan-capacity.ts";
import { hooksOf } from "./settings.ts";
import { isSteady, type Situation } from "./situation.ts";
import { conditionOf, DRAINING, parseTime, withCondition } from "./status.ts";

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
 * Where the load is measured and the primary's ready pods cannot serve all of it, what they can serve goes back at once and
 * the rest as its pods become ready. Source: flagger-spec 2.7; differences: 10.2.3, 10.2.9.
 */
export function rollback(s: Situation, reason: RollbackReason): Draft {
  const hasRefuge = (s.primary?.readyCount ?? 0) > 0 || s.target.readyCount === 0 || !s.settings.hasRoutes;
  return hasRefuge ? backToPrimary(s, reason) : staysOnCanary(s, reason);
}

function backToPrimary(s: Situation, reason: RollbackReason): Draft {
  const canaryWeight = failsMost(s) ? 0 : returnWeight(s);
  const failed = step(s, { phase: "Failed", canaryWeight, ...endOfRun(s, reason) });
  return {
    sentence: reason.sentence,
    status: canaryWeight > 0 ? returning(s, failed) : drained(s, failed),
    commands: [
      ...reason.before,
      terminal(reason, reason.sentence),
      { kind: "set-routes", canaryWeight, isMirrored: false },
      ...(canaryWeight > 0 ? [event("Warning", returnMessage(s, canaryWeight))] : []),
      event("Warning", `Canary failed! Scaling down ${s.names.canaryRef}`),
      ...endOfFailedRun(s),
    ],
    wakeAtMs: s.nowMs,
    isTick: true,
    ...(reason.checks === undefined ? {} : { checks: reason.checks }),
  };
}

/** Longest time that a rejected canary may keep traffic for want of pods on the primary. */
const RETURN_DEADLINE_MS = 60_000;
const RETURNING = "ReturningTraffic";

/** The traffic of a release that was rolled back, while the primary had not the pods for all of it. */
export const returnRow: Row<Situation> = {
  label: "return-traffic",
  when: (s) => isSteady(s) && s.weight > 0 && conditionOf(s.status, DRAINING)?.reason === RETURNING,
  then: (s) => {
    const sinceMs = parseTime(conditionOf(s.status, DRAINING)?.lastTransitionTime) ?? 0;
    // The pods of another revision get no traffic that nobody decided on.
    const isOver = s.nowMs >= sinceMs + RETURN_DEADLINE_MS || s.hasNewRevision;
    const canaryWeight = isOver ? 0 : returnWeight(s);
    const message = returnMessage(s, canaryWeight);
    if (canaryWeight >= s.weight)
      return { sentence: message, commands: infrastructure(s.weight), wakeAtMs: s.nowMs + RETURN_LOOK_MS };
    const status = step(s, { canaryWeight });
    return {
      sentence: message,
      status: canaryWeight > 0 ? returning(s, status) : drained(s, status),
      commands: [...infrastructure(canaryWeight), event("Warning", message)],
      wakeAtMs: s.nowMs + (canaryWeight > 0 ? RETURN_LOOK_MS : 0),
    };
  },
};

/** The primary's pods are looked at so often at least; most of the time a change of theirs comes first. */
const RETURN_LOOK_MS = 2000;

function returnMessage(s: Situation, canaryWeight: number): string {
  const { canaryRef } = s.names;
  if (canaryWeight === 0) return `Routing all traffic of ${canaryRef} back to primary`;
  const wayBack = formatWayBack(s.capacity?.wayBack ?? []);
  return `Routing ${100 - canaryWeight}% of ${canaryRef} back to primary, which has no more ready capacity; way back: ${wayBack}`;
}

function returning(s: Situation, status: CanaryStatus): CanaryStatus {
  return withCondition(status, {
    type: DRAINING,
    status: "True",
    reason: RETURNING,
    message: "The rest of the traffic leaves the canary as the primary gets ready pods.",
    nowMs: s.nowMs,
  });
}

function drained(s: Situation, status: CanaryStatus): CanaryStatus {
  return withCondition(status, {
    type: DRAINING,
    status: "True",
    reason: "RolledBack",
    message: "Traffic has left the canary; its pods stay until requests in flight have ended.",
    nowMs: s.nowMs,
  });
}

/** Whether most of what the canary answers is wrong: then even a primary with too few pods serves its share better. */
function failsMost({ observation, settings, trial }: Situation): boolean {
  if (trial?.kind === "judged") {
    const errors = trial.run.metrics.find(({ name }) => name === SUCCESS_RATE);
    if (errors?.kind !== "counts") return false;
    const { total, bad } = errors.watch.recent.canary;
    return bad > total / 2;
  }
  return settings.metrics.some((metric, index) => {
    const answer = observation.answers.get(`metric/${index}/builtin`);
    if (metric.name !== SUCCESS_RATE || answer?.kind !== "metric") return false;
    const { result } = answer;
    return result.kind === "zero" || (result.kind === "value" && result.value < 50);
  });
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
