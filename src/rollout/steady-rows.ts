import type { CanaryStatus } from "#api";
import { formatProblem } from "#base";
import { gateOf } from "./checks.ts";
import type { Command } from "./decision.ts";
import { alert, type Draft, event, freshRun, infrastructure, type Row, revisionOf, standing, step } from "./draft.ts";
import type { Situation } from "./situation.ts";
import { DRAINING, hasCondition, isForeignHash, withCondition, withoutCondition } from "./status.ts";

const isSteady = ({ status }: Situation): boolean => ["Initialized", "Succeeded", "Failed"].includes(status.phase);
const isBooting = ({ status }: Situation): boolean => status.phase === "Initializing";
const isWaiting = ({ status }: Situation): boolean => status.phase === "Waiting";
const isStart = (s: Situation): boolean => (isSteady(s) && s.hasNewRevision) || isWaiting(s);

/** "" → Initializing → Initialized. Source: flagger-spec 2.3. */
export const bootstrapRows: readonly Row<Situation>[] = [
  {
    label: "adopt",
    when: (s) => s.status.phase === "",
    // "" → Initializing
    then: (s) => ({
      sentence: `New Canary ${s.names.canaryRef}; creating its primary.`,
      status: step(s, { phase: "Initializing" }),
      commands: bootstrapObjects(s),
      wakeAtMs: s.nowMs,
    }),
  },
  {
    label: "bootstrap-stuck",
    when: (s) => isBooting(s) && s.primaryReadiness.kind === "stuck",
    then: (s) => ({
      sentence: `The primary cannot become ready: ${reasonOf(s)} The target goes on serving.`,
      commands: [
        ...bootstrapObjects(s),
        standing("Warning", `${s.names.primaryRef} not ready: ${reasonOf(s)}`),
        alert("error", `Initialization failed, primary not ready: ${reasonOf(s)}`, { isStanding: true }),
      ],
      wakeAtMs: s.nowMs + s.settings.intervalMs,
    }),
  },
  {
    label: "bootstrap-wait",
    when: (s) => isBooting(s) && s.primaryReadiness.kind === "waiting",
    then: (s) => ({
      sentence: `Waiting for the primary: ${reasonOf(s)}`,
      commands: [...bootstrapObjects(s), standing("Warning", `${s.names.primaryRef} not ready: ${reasonOf(s)}`)],
      wakeAtMs: s.nowMs + s.settings.intervalMs,
    }),
  },
  {
    label: "ask-providers",
    when: (s) => isBooting(s) && !s.settings.skipsAnalysis && s.observation.answers.get("providers") === undefined,
    then: () => ({
      sentence: "Asking whether the metrics providers answer.",
      questions: [{ kind: "providers", id: "providers" }],
    }),
  },
  {
    label: "bootstrap-done",
    when: isBooting,
    // Initializing → Initialized; the target's pods go when the Service has turned to the primary.
    then: (s) => ({
      sentence: `The primary is ready; ${s.names.canaryRef} is initialized.`,
      status: draining(s, step(s, { phase: "Initialized", canaryWeight: 0, failedChecks: 0, ...promotedNow(s) })),
      commands: [
        ...providersEvent(s),
        ...infrastructure(0),
        event("Normal", `Initialization done! ${s.names.canaryRef}`),
        alert("info", `New ${s.names.targetKind} detected, initialization completed.`, { hasMetadata: true }),
      ],
      wakeAtMs: s.nowMs,
    }),
  },
];

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
      status: step(s, { phase: "Initialized", canaryWeight: 0, ...revisionOf(s) }),
      commands: infrastructure(0),
    }),
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
    when: (s) => isWaiting(s) && !s.isDue,
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
      (s.nowMs < s.drainedAtMs || (s.primary?.readyCount ?? 0) === 0),
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

/** What the user must mend stops everything but the return of traffic. */
export const blockedRow: Row<Situation> = {
  label: "blocked",
  when: (s) => s.observation.problems.length > 0,
  then: (s) => ({
    sentence: `The release cannot go on: ${s.observation.problems.map(formatProblem).join("; ")}`,
    commands: s.observation.problems.map((problem) => standing("Warning", formatProblem(problem))),
    wakeAtMs: s.nowMs + s.settings.intervalMs,
  }),
};

export const scaleToZero = { kind: "scale-target", replicaCount: 0 } as const;

/** How many pods the canary starts with. Source: flagger-spec 3.2, ScaleFromZero. */
export function startCount(s: Situation): number {
  if (s.target.desiredCount > 0) return s.target.desiredCount;
  return Math.max(1, s.observation.scalerMinCount ?? s.primary?.desiredCount ?? 1);
}

export function askGate(
  s: Situation,
  type: "confirm-rollout" | "confirm-traffic-increase" | "confirm-promotion",
): Draft {
  const gate = gateOf(s, type);
  return { sentence: `Asking the ${type} hooks.`, questions: gate.kind === "ask" ? gate.questions : [] };
}

function bootstrapObjects(s: Situation): Command[] {
  // A primary made from a template that never became ready follows the target until one does.
  const isStale = s.primary !== undefined && !s.primary.matchesTarget;
  return [
    { kind: "ensure-services" },
    { kind: "ensure-primary", mode: isStale ? "sync" : "create" },
    { kind: "ensure-scaler", mode: "create" },
  ];
}

function providersEvent(s: Situation): Command[] {
  const answer = s.observation.answers.get("providers");
  if (answer?.kind !== "providers") return [];
  if (answer.problem === undefined) return [event("Normal", "all the metrics providers are available!")];
  return [event("Warning", `Error checking metric providers: ${answer.problem}`)];
}

function promotedNow(s: Situation): Partial<CanaryStatus> {
  return { ...revisionOf(s), lastPromotedSpec: s.target.templateHash };
}

function draining(s: Situation, status: CanaryStatus): CanaryStatus {
  if (s.target.desiredCount === 0) return status;
  return withCondition(status, {
    type: DRAINING,
    status: "True",
    reason: "TrafficMoved",
    message: "Traffic has left the target's own pods; they stay until requests in flight have ended.",
    nowMs: s.nowMs,
  });
}

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

function startRun(s: Situation): Draft {
  const gate = gateOf(s, "confirm-rollout");
  const passed = gate.kind === "passed" ? gate.hooks : [];
  // After a failed promotion the canary carries all traffic; it keeps it unless the primary is well again.
  const canaryWeight = s.weight === 100 && s.primaryReadiness.kind !== "ready" ? 100 : 0;
  return {
    sentence: `New revision of ${s.names.targetRef}: scaling it up to analyse it.`,
    status: freshRun(s, { phase: "Progressing", canaryWeight }),
    commands: [
      ...infrastructure(canaryWeight),
      ...passed.map((hook) => event("Normal", `Confirm-rollout check ${hook.name} passed`)),
      event("Normal", `New revision detected! Scaling up ${s.names.targetRef}`),
      alert("info", "New revision detected, progressing canary analysis.", { hasMetadata: true }),
      { kind: "scale-target", replicaCount: startCount(s) },
    ],
    isTick: true,
    wakeAtMs: s.nowMs,
  };
}

function reasonOf(s: Situation): string {
  return s.primaryReadiness.kind === "ready" ? "" : s.primaryReadiness.reason;
}
