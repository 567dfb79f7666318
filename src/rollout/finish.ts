import type { CanaryStatus } from "#api";
import { withCookies } from "./affinity.ts";
import type { Command, Label } from "./decision.ts";
import { type Draft, event, standing } from "./draft.ts";
import { finalizerCommands } from "./finalizer.ts";
import { type IntentAction, intentRecord, whoAndWhy } from "./intent.ts";
import { keepCapacity } from "./keep-capacity.ts";
import { keepEvidence } from "./keep-evidence.ts";
import { keepServed } from "./keep-served.ts";
import { otherwiseOf } from "./otherwise.ts";
import { isUntimed } from "./readiness.ts";
import { withServedShare } from "./served-share.ts";
import { isAnalysing, type Situation } from "./situation.ts";
import { CANARY_READY, INTENT, PAUSED, withCondition, withoutCondition } from "./status.ts";

const steps: readonly Label[] = ["start", "mirror", "advance", "iterate", "route-canary", "promote"];

/** The rows that do what was asked for. */
const fulfilling: Readonly<Record<IntentAction, readonly Label[]>> = {
  abort: ["abort"],
  promote: ["promote-asked"],
  skip: steps,
  resume: steps,
  retry: ["start", "wait-approval"],
  undo: ["skip-analysis"],
};

/**
 * Adds to what a row says what holds for every row: traffic only to ready pods, cookies, what was asked and measured.
 *
 * A row that asks questions does nothing else, so nothing is added to it.
 */
export function finish(s: Situation, label: Label, draft: Draft): Draft {
  if ((draft.questions?.length ?? 0) > 0) return draft;
  const asked = settleIntent(s, label, withPause(s, withCanaryReady(s, draft.status ?? s.status)));
  const served = withServedShare(s, asked.status, draft.isTick === true);
  const isTick = draft.isTick === true;
  const kept = keepCapacity(s, label, { status: served.status, commands: draft.commands ?? [], isTick });
  const evident = keepEvidence(s, label, kept.status);
  const { status, commands } = withCookies(s, evident.status, keepServed(s, kept.commands));
  const done = [...asked.before, ...served.events, ...commands, ...asked.after];
  const pendingMs = s.asked.kind === "pending" ? s.asked.untilMs : undefined;
  const wakeAtMs = earlier(earlier(earlier(draft.wakeAtMs, pendingMs), kept.wakeAtMs), evident.wakeAtMs);
  const otherwise = draft.otherwise ?? otherwiseOf(s, label, draft);
  return {
    ...draft,
    ...(evident.evidence === undefined ? {} : { evidence: evident.evidence }),
    ...(otherwise === undefined ? {} : { otherwise }),
    status,
    commands: [
      ...finalizerCommands(s.canary),
      ...(s.target.kind === "Service" ? done.filter((command) => command.kind !== "scale-target") : done),
    ],
    ...(wakeAtMs === undefined ? {} : { wakeAtMs }),
  };
}

/** Remembers since when pods are waited for, where the workload does not tell it. */
function withCanaryReady(s: Situation, status: CanaryStatus): CanaryStatus {
  const isWaiting = isAnalysing({ status }) && s.targetReadiness.kind === "waiting" && isUntimed(s.target);
  if (!isWaiting) return withoutCondition(status, CANARY_READY);
  const { reason: message } = s.targetReadiness;
  return withCondition(status, { type: CANARY_READY, status: "False", reason: "NotReady", message, nowMs: s.nowMs });
}

function withPause(s: Situation, status: CanaryStatus): CanaryStatus {
  if (s.pause === undefined) return withoutCondition(status, PAUSED);
  return withCondition(status, {
    type: PAUSED,
    status: "True",
    reason: "PausedByPerson",
    message: `Paused by ${whoAndWhy(s.pause)}${s.pause.at === "" ? "" : ` (${s.pause.at})`}`,
    nowMs: s.nowMs,
  });
}

interface Settled {
  readonly status: CanaryStatus;
  readonly before: readonly Command[];
  readonly after: readonly Command[];
}

/**
 * Records what was done for somebody. The annotation goes one look later: the status is written last, and a request that
 * went before it would be lost with the process.
 */
function settleIntent(s: Situation, label: Label, status: CanaryStatus): Settled {
  const { asked } = s;
  if (asked.kind === "pending")
    return { status, before: asked.notice === undefined ? [] : [standing("Normal", asked.notice)], after: [] };
  if (asked.kind === "spent") {
    const notice = asked.notice === undefined ? [] : [standing("Warning", asked.notice)];
    return { status, before: notice, after: [{ kind: "clear-intent" }] };
  }
  if (asked.kind === "none" || !fulfilling[asked.intent.action].includes(label))
    return { status, before: [], after: [] };
  const { intent } = asked;
  const recorded = withCondition(status, {
    type: INTENT,
    status: "True",
    reason: `${intent.action.slice(0, 1).toUpperCase()}${intent.action.slice(1)}`,
    message: intentRecord(intent),
    nowMs: s.nowMs,
  });
  return { status: recorded, before: [event("Normal", `${s.names.canaryRef}: ${intentRecord(intent)}`)], after: [] };
}

function earlier(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}
