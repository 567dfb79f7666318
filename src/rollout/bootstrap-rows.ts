import type { CanaryStatus } from "#api";
import type { Command } from "./decision.ts";
import { alert, event, infrastructure, type Row, revisionOf, standing, step } from "./draft.ts";
import type { Situation } from "./situation.ts";
import { DRAINING, parseTime, withCondition } from "./status.ts";

const isBooting = ({ status }: Situation): boolean => status.phase === "Initializing";

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
    label: "bootstrap-wait",
    when: (s) => isBooting(s) && isSmallerThanTarget(s),
    then: (s) => ({
      sentence: `Waiting for the primary: ${sizeReason(s)}`,
      commands: [...bootstrapObjects(s), standing("Warning", `${s.names.primaryRef} not ready: ${sizeReason(s)}`)],
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

/**
 * Whether the target has become larger than the primary that is to take its traffic: its autoscaler went on while the primary
 * was made, and that of the primary sees no load yet. Source: keda-hpa-spec 20, 37.
 */
function isSmallerThanTarget({ primary, target, settings, observation, status, nowMs }: Situation): boolean {
  const sinceMs = parseTime(status.lastTransitionTime) ?? 0;
  const isHeld = settings.capacity.coupling === "enforce" && nowMs < sinceMs + settings.capacity.deadlineMs;
  const max = observation.capacity.primary.scaler?.maxCount;
  return isHeld && max !== undefined && (primary?.readyCount ?? 0) < Math.min(target.readyCount, max);
}

function sizeReason({ primary, target }: Situation): string {
  const count = target.readyCount;
  return `it has ${primary?.readyCount ?? 0} of the ${count} ready ${count === 1 ? "pod" : "pods"} of the target, whose traffic it gets`;
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
  if (answer.problem === "") return [];
  return [event("Warning", `Error checking metric providers: ${answer.problem}`)];
}

/** The target's present revision as the one that the primary has. */
export function promotedNow(s: Situation): Partial<CanaryStatus> {
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

function reasonOf(s: Situation): string {
  return s.primaryReadiness.kind === "ready" ? "" : s.primaryReadiness.reason;
}
