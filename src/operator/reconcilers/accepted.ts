import type { Canary, CanaryStatus, Condition } from "#api";
import { formatProblem, type Problem } from "#base";
import { completeStatus, formatTime } from "#rollout";

/** Condition that is False while what a Canary asks for cannot be done. */
const ACCEPTED = "Accepted";

/**
 * The status with its problems as a condition, so that `kubectl describe` tells what an event told hours ago. A condition
 * that says the same already keeps its times: a status that only tells the time anew would be written at every look.
 */
export function accepted(
  status: CanaryStatus,
  of: { readonly canary: Canary; readonly problems: readonly Problem[]; readonly nowMs: number },
): CanaryStatus {
  if (of.problems.length === 0) return status;
  const message = of.problems.map(formatProblem).join("; ");
  const old = of.canary.status?.conditions?.find(({ type }) => type === ACCEPTED);
  const others = (status.conditions ?? []).filter(({ type }) => type !== ACCEPTED);
  const isSame = old?.status === "False" && old.message === message;
  const at = formatTime(of.nowMs);
  const condition: Condition = isSame
    ? old
    : {
        type: ACCEPTED,
        status: "False",
        reason: "Blocked",
        message,
        lastUpdateTime: at,
        lastTransitionTime: old?.status === "False" ? (old.lastTransitionTime ?? at) : at,
      };
  return { ...status, conditions: [...others, condition] };
}

/** The status of a Canary that is not worked on: as it was, and why. */
export function refused(canary: Canary, problems: readonly Problem[], nowMs: number): CanaryStatus {
  return accepted(completeStatus(canary.status), { canary, problems, nowMs });
}
