import type { Canary, CanaryStatus, Condition } from "#api";
import { formatProblem, type Problem } from "#base";
import { ACCEPTED, completeStatus, conditionOf, formatTime, withoutCondition } from "#rollout";

/** Problems that stop the Canary, and those that a release goes on with. */
export interface Findings {
  readonly blocking: readonly Problem[];
  readonly mild: readonly Problem[];
  /** Nothing is wrong; told by an event. */
  readonly advice: readonly Problem[];
}

/**
 * The status with its problems as one condition, so that `kubectl describe` tells what an event told hours ago. What the
 * decision found itself comes first. A condition that says the same already keeps its times: a status that only tells the
 * time anew would be written at every look.
 */
export function accepted(
  status: CanaryStatus,
  of: { readonly canary: Canary; readonly findings: Findings; readonly nowMs: number },
): CanaryStatus {
  const { blocking, mild } = of.findings;
  const own = conditionOf(status, ACCEPTED);
  const told = [...blocking, ...mild].map(formatProblem);
  if (told.length === 0) return status;
  const message = [...(own?.message === undefined ? [] : [own.message]), ...told].join("; ");
  const reason = own?.reason ?? (blocking.length > 0 ? "Blocked" : "PartlyUsable");
  const old = conditionOf(completeStatus(of.canary.status), ACCEPTED);
  const others = (status.conditions ?? []).filter(({ type }) => type !== ACCEPTED);
  const isSame = old?.status === "False" && old.message === message && old.reason === reason;
  const at = formatTime(of.nowMs);
  const condition: Condition = isSame
    ? old
    : {
        type: ACCEPTED,
        status: "False",
        reason,
        message,
        lastUpdateTime: at,
        lastTransitionTime: old?.status === "False" ? (old.lastTransitionTime ?? at) : at,
      };
  return { ...status, conditions: [...others, condition] };
}

/** The status of a Canary that is not worked on: as it was, and why. */
export function refused(canary: Canary, blocking: readonly Problem[], nowMs: number): CanaryStatus {
  const status = withoutCondition(completeStatus(canary.status), ACCEPTED);
  return accepted(status, { canary, findings: { blocking, mild: [], advice: [] }, nowMs });
}
