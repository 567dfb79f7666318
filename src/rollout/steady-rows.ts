import { promotedNow } from "./bootstrap-rows.ts";
import { gateOf } from "./checks.ts";
import { alert, type Draft, event, infrastructure, type Row, revisionOf, standing, step } from "./draft.ts";
import { askGate } from "./gate.ts";
import { rollbackHookRows } from "./guard-rows.ts";
import { paused, scaleToZero } from "./hold-rows.ts";
import { returnRow } from "./rollback.ts";
import { asks, isStart, isSteady, type Situation } from "./situation.ts";
import { startRun } from "./start.ts";
import { DRAINING, hasCondition, isForeignHash, withoutCondition } from "./status.ts";

const isWaiting = ({ status }: Situation): boolean => status.phase === "Waiting";

/** Rows of the phases in which nothing is being released, up to the start of a release. */
export const steadyRows: readonly Row<Situation>[] = [
  {
    label: "takeover",
    when: (s) => isSteady(s) && isForeignHash(s.status.lastAppliedSpec) && isUnchangedSinceTakeover(s),
    // Flagger's hash cannot be computed again, so the present template becomes the base line. Source: flagger-spec, appendix A.
    then: (s) => ({
      sentence: "Taking over from Flagger: the present revision is the base line.",
      status: { ...s.status, ...(s.status.phase === "Failed" ? revisionOf(s) : promotedNow(s)) },
      commands: infrastructure(s.weight),
    }),
  },
  returnRow,
  {
    label: "track-configs",
    when: (s) =>
      isSteady(s) &&
      !s.hasNewRevision &&
      s.status.trackedConfigs === undefined &&
      Object.keys(s.observation.trackedConfigs ?? {}).length > 0,
    then: (s) => ({
      sentence: "Config tracking is on now: the present ConfigMaps and Secrets are the base line.",
      status: { ...s.status, ...revisionOf(s) },
      commands: infrastructure(s.weight),
    }),
  },
  {
    label: "waiting-cancelled",
    when: (s) => isWaiting(s) && isBackAtPromoted(s),
    // Waiting → Initialized
    then: (s) => ({
      sentence: "The target went back to the promoted revision before its release was approved.",
      // What the last run was about stays on record: a revision that it rejected is not released by a detour.
      status: step(s, { phase: "Initialized", canaryWeight: 0 }),
      commands: infrastructure(0),
    }),
  },
  ...rollbackHookRows(isWaiting),
  {
    label: "paused",
    when: (s) => isStart(s) && s.pause !== undefined,
    then: (s) => paused(s, "a new revision waits"),
  },
  {
    label: "wait-primary-settle",
    when: (s) => isStart(s) && s.primaryReadiness.kind === "waiting" && s.primary !== undefined && hasPrimaryHope(s),
    then: (s) => ({
      sentence: `A new revision waits until the primary is ready: ${reasonOf(s)}`,
      commands: [...infrastructure(s.weight), standing("Warning", `${s.names.primaryRef} not ready: ${reasonOf(s)}`)],
      wakeAtMs: s.nowMs + s.settings.intervalMs,
    }),
  },
  {
    label: "wait-tick",
    when: (s) => isWaiting(s) && !s.isDue && !asks(s, "resume", "skip", "promote"),
    then: (s) => ({
      sentence: "Waiting for approval of the release.",
      commands: infrastructure(s.weight),
      wakeAtMs: s.nextTickMs,
    }),
  },
  {
    label: "ask-confirm-rollout",
    when: (s) => isStart(s) && gateOf(s, "confirm-rollout").kind === "ask",
    then: (s) => askGate(s, "confirm-rollout"),
  },
  {
    label: "wait-approval",
    when: (s) => isStart(s) && gateOf(s, "confirm-rollout").kind === "failed",
    // Initialized, Succeeded, Failed → Waiting
    then: waitForApproval,
  },
  {
    label: "start",
    when: isStart,
    // Initialized, Succeeded, Failed, Waiting → Progressing
    then: startRun,
  },
  {
    label: "drain",
    // The last copy with ready pods is never scaled down, however long the primary takes to come back.
    when: (s) =>
      isSteady(s) &&
      hasCondition(s.status, DRAINING) &&
      (s.nowMs < s.drainedAtMs || (s.primary?.readyCount ?? 0) === 0 || s.observation.routesProblem !== undefined),
    then: (s) => ({
      sentence: "Traffic has left the canary; its pods stay until requests in flight have ended.",
      commands: infrastructure(s.weight),
      wakeAtMs: s.nowMs < s.drainedAtMs ? s.drainedAtMs : s.nowMs + s.settings.intervalMs,
    }),
  },
  {
    label: "scale-down",
    when: (s) => isSteady(s) && hasCondition(s.status, DRAINING),
    then: (s) => ({
      sentence: `Scaling down ${s.names.targetRef}: no traffic goes to it.`,
      status: withoutCondition(s.status, DRAINING),
      commands: [...infrastructure(s.weight), ...(s.weight === 0 ? [scaleToZero] : [])],
    }),
  },
  {
    label: "steady",
    when: isSteady,
    then: (s) => ({
      sentence: `${s.names.canaryRef} is ${s.status.phase}; nothing to release.`,
      commands: infrastructure(s.weight),
    }),
  },
];

function isUnchangedSinceTakeover(s: Situation): boolean {
  return s.status.phase === "Failed" || s.primary?.matchesTarget === true;
}

function isBackAtPromoted(s: Situation): boolean {
  return s.target.templateHash === s.status.lastPromotedSpec && s.primary?.isPromoted === true;
}

/** A failed promotion leaves a primary that waits for ever; a fix must not wait for it. */
function hasPrimaryHope(s: Situation): boolean {
  return s.status.canaryWeight === 0 && s.nowMs < s.nextTickMs + s.settings.progressDeadlineMs;
}

function waitForApproval(s: Situation): Draft {
  const gate = gateOf(s, "confirm-rollout");
  if (gate.kind !== "failed") return { sentence: "" };
  const sentence = `The release waits for approval by the hook ${gate.hook.name}.`;
  if (isWaiting(s))
    return { sentence, commands: infrastructure(s.weight), isTick: true, wakeAtMs: s.nowMs + s.settings.intervalMs };
  const isMuted = gate.hook.muteAlert === true;
  return {
    sentence,
    status: step(s, { phase: "Waiting" }),
    commands: [
      event("Warning", `Halt ${s.names.canaryRef} advancement waiting for approval ${gate.hook.name}`),
      ...(isMuted ? [] : [alert("warn", "Canary is waiting for approval.")]),
    ],
    isTick: true,
    wakeAtMs: s.nowMs + s.settings.intervalMs,
  };
}

function reasonOf(s: Situation): string {
  return s.primaryReadiness.kind === "ready" ? "" : s.primaryReadiness.reason;
}
