import type { CanaryStatus, Condition } from "#api";
import type { Command } from "./decision.ts";
import { event } from "./draft.ts";
import type { ServedShare } from "./observation.ts";
import { isAnalysing, type Situation } from "./situation.ts";
import { conditionOf, parseTime, TRAFFIC_AS_ASKED, withCondition, withoutCondition } from "./status.ts";

/** Difference, in points of percent, that proxies' counting and rounding explain. */
const MIN_MISS_POINTS = 5;
/** Deviations that chance explains. */
const MAX_SIGMAS = 3;

/**
 * Whether a share cannot come from the weight asked for: it misses it by more than five points and by more than three
 * standard deviations of a binomial with that weight and so many requests. Source: the binomial's variance p(1-p)/n.
 */
export function isMissed(asked: number, { canaryPercent, requestCount }: Omit<ServedShare, "windowMs">): boolean {
  if (requestCount <= 0) return false;
  const p = asked / 100;
  const sigmaPoints = 100 * Math.sqrt((p * (1 - p)) / requestCount);
  return Math.abs(canaryPercent - asked) > Math.max(MIN_MISS_POINTS, MAX_SIGMAS * sigmaPoints);
}

/**
 * Records the served share of a tick, and tells when it is not what was asked for.
 *
 * The first tick that misses puts the condition TrafficAsAsked with status Unknown; one that misses at the same weight a whole
 * window later makes it False and says so: before, requests from before the weight are counted too. One that fits removes it,
 * as does a new weight.
 * A release never fails by it: the share may be late, or measured by proxies that not all requests pass.
 */
export function withServedShare(
  s: Situation,
  status: CanaryStatus,
  isTick: boolean,
): { readonly status: CanaryStatus; readonly events: readonly Command[] } {
  const { servedWeight: _, ...unmeasured } = status;
  if (!isAnalysing({ status })) {
    const isClear = status.servedWeight === undefined;
    return { status: withoutCondition(isClear ? status : unmeasured, TRAFFIC_AS_ASKED), events: [] };
  }
  const answer = s.observation.answers.get("served");
  const share = isTick && answer?.kind === "served" ? answer.share : undefined;
  const measured = share === undefined ? status : { ...status, servedWeight: Math.round(share.canaryPercent) };
  if (status.canaryWeight !== s.status.canaryWeight)
    return { status: withoutCondition(measured, TRAFFIC_AS_ASKED), events: [] };
  if (share === undefined || !isComparable(s)) return { status: measured, events: [] };
  if (!isMissed(s.weight, share)) return { status: withoutCondition(measured, TRAFFIC_AS_ASKED), events: [] };
  return missed(s, measured, share.windowMs);
}

function missed(s: Situation, status: CanaryStatus, windowMs: number): { status: CanaryStatus; events: Command[] } {
  const old = conditionOf(status, TRAFFIC_AS_ASKED);
  const isSure = old !== undefined && (old.status === "False" || hasStood(old, windowMs, s.nowMs));
  const message = `the canary serves ${status.servedWeight}% of the traffic while ${s.weight}% are asked for`;
  const next = withCondition(status, {
    type: TRAFFIC_AS_ASKED,
    status: isSure ? "False" : "Unknown",
    reason: "ShareMismatch",
    message,
    nowMs: s.nowMs,
  });
  return {
    status: next,
    events: isSure && old.status === "Unknown" ? [event("Warning", `${s.names.canaryRef}: ${message}`)] : [],
  };
}

function hasStood({ lastTransitionTime }: Condition, forMs: number, nowMs: number): boolean {
  return nowMs >= (parseTime(lastTransitionTime) ?? nowMs) + forMs;
}

/** In an A/B test the weight is one of the requests that match; a copy without pods has no share, whatever is asked. */
function isComparable(s: Situation): boolean {
  return s.settings.strategy.kind !== "ab-testing" && s.target.readyCount > 0 && (s.primary?.readyCount ?? 0) > 0;
}
