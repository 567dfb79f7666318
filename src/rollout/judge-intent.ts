import { type Intent, type IntentAction, type IntentState, intentRecord, readIntent, whoAndWhy } from "./intent.ts";
import { hooksOf } from "./settings.ts";
import { isAnalysing, isStart, type Situation } from "./situation.ts";
import { conditionOf, INTENT, parseTime } from "./status.ts";

/** How long an undo may be there before the template that it is about: the two are written one after the other. */
const UNDO_GRACE_MS = 60_000;
/** What a pause holds; whoever wants them anyway ends the pause first. */
const heldByPause: readonly IntentAction[] = ["promote", "skip", "resume"];

/**
 * Judges what stands on the Canary: to be done, kept for later, or to be removed.
 *
 * That an intent was done is told by its record in the status, not by comparing times: clocks of people and operators
 * differ, and a step asked for once must not be taken twice.
 */
export function judgeIntent(s: Situation): IntentState {
  const intent = readIntent(s.canary);
  if (intent === undefined) return { kind: "none" };
  if (typeof intent === "string")
    return { kind: "spent", notice: `Ignored the request of ${s.names.canaryRef}: ${intent}` };
  if (conditionOf(s.status, INTENT)?.message === intentRecord(intent)) return { kind: "spent" };
  if (intent.action === "undo") return judgeUndo(s, intent);
  if (intent.revision !== undefined && intent.revision !== s.status.lastAppliedSpec)
    return ignored(s, intent, `it is about revision ${intent.revision}, not ${s.status.lastAppliedSpec ?? "this one"}`);
  const refusal = refusals[intent.action](s);
  if (refusal !== undefined) return ignored(s, intent, refusal);
  if (s.pause !== undefined && heldByPause.includes(intent.action))
    return {
      kind: "pending",
      notice: `${intentRecord(intent)} waits: ${s.names.canaryRef} is paused by ${whoAndWhy(s.pause)}`,
    };
  return { kind: "standing", intent };
}

const refusals: Readonly<Record<Exclude<IntentAction, "undo">, (s: Situation) => string | undefined>> = {
  abort: (s) => {
    if (s.status.phase === "Waiting") return undefined;
    const hasRun = isAnalysing(s) || s.status.phase === "Promoting";
    if (!hasRun) return `nothing is being released in phase ${s.status.phase}`;
    return isPrimaryUntouched(s)
      ? undefined
      : "the primary has the revision already; go back to the earlier revision instead";
  },
  promote: (s) => (isAnalysing(s) || isStart(s) ? undefined : nothingWaits(s)),
  skip: (s) => (isAnalysing(s) || isStart(s) ? undefined : nothingWaits(s)),
  resume: (s) => (hasGate(s) ? undefined : "no gate is waited for"),
  retry: (s) => {
    const isRejected = s.status.phase === "Failed" && s.target.templateHash === s.status.lastAppliedSpec;
    return isRejected ? undefined : "the target has no revision that was rejected";
  },
};

/** An earlier revision comes back: the annotation may be there before the template, and a promotion ends first. */
function judgeUndo(s: Situation, intent: Intent): IntentState {
  const { phase } = s.status;
  if (intent.revision === s.target.templateHash) {
    if (isAnalysing(s) || isStart(s)) return { kind: "standing", intent };
    if (phase === "Promoting" || phase === "Finalising") return { kind: "pending" };
    return ignored(s, intent, "that revision is in force or was rejected");
  }
  const untilMs = (parseTime(intent.at) ?? 0) + UNDO_GRACE_MS;
  if (Math.abs(s.nowMs - untilMs + UNDO_GRACE_MS) < UNDO_GRACE_MS) return { kind: "pending", untilMs };
  return ignored(
    s,
    intent,
    `the target has revision ${s.target.templateHash}, not ${intent.revision ?? "one that is named"}`,
  );
}

/** Whether the run can be taken back by moving traffic alone. */
function isPrimaryUntouched(s: Situation): boolean {
  const isOfRun = s.target.templateHash === s.status.lastAppliedSpec;
  if (s.status.phase === "Promoting" && !isOfRun) return false;
  const hasRevision =
    s.primary?.isPromoted === true || (s.status.phase === "Promoting" && s.primary?.matchesTarget === true);
  return !(hasRevision && s.target.templateHash !== s.status.lastPromotedSpec);
}

function hasGate(s: Situation): boolean {
  const has = (type: "confirm-rollout" | "confirm-traffic-increase" | "confirm-promotion"): boolean =>
    hooksOf(s.settings, type).length > 0;
  if (isStart(s)) return has("confirm-rollout");
  return isAnalysing(s) && (has("confirm-traffic-increase") || has("confirm-promotion"));
}

function nothingWaits(s: Situation): string {
  return `no revision waits in phase ${s.status.phase}`;
}

function ignored({ names }: Situation, intent: Intent, why: string): IntentState {
  return { kind: "spent", notice: `Ignored for ${names.canaryRef}: ${intentRecord(intent)}: ${why}` };
}
