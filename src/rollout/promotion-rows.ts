import { coveredPromotionWeight, refugeWeight } from "./capacity.ts";
import { needText } from "./capacity-rows.ts";
import { alert, type Draft, event, infrastructure, type Row, standing, step } from "./draft.ts";
import { endOfFailedRun } from "./rollback.ts";
import { hooksOf } from "./settings.ts";
import type { Situation } from "./situation.ts";
import { conditionOf, INTENT, parseTime } from "./status.ts";
import { routesHeld, scaleToZero } from "./hold-rows.ts";
import { nextPromotionWeight } from "./weights.ts";

const isPromoting = ({ status }: Situation): boolean => status.phase === "Promoting";
const isFinalising = ({ status }: Situation): boolean => status.phase === "Finalising";
/** A copy that has the traffic keeps it until the routes are in force. */
const isHeld = ({ observation }: Situation): boolean => observation.routesProblem !== undefined;
const isEnding = (s: Situation): boolean => isPromoting(s) || isFinalising(s);

/** Promoting and Finalising: the canary serves until the primary is ready with the new revision. */
export const promotionRows: readonly Row<Situation>[] = [
  {
    label: "promotion-failed",
    when: (s) => isEnding(s) && s.primaryReadiness.kind === "stuck" && s.target.readyCount > 0,
    // Promoting, Finalising → Failed
    then: (s) => promotionFailed(s, s.settings.hasRoutes ? refugeWeight(s) : 0),
  },
  {
    label: "promotion-failed-no-refuge",
    when: (s) => isEnding(s) && s.primaryReadiness.kind === "stuck",
    // Promoting, Finalising → Failed
    then: (s) => promotionFailed(s, (s.primary?.readyCount ?? 0) > 0 ? 0 : s.weight),
  },
  {
    label: "wait-primary",
    when: (s) => isEnding(s) && s.primaryReadiness.kind === "waiting",
    then: (s) => ({
      sentence: `Waiting for the primary to run the new revision: ${reasonOf(s)}`,
      commands: [
        ...infrastructure(servedBy(s)),
        standing("Warning", `${s.names.primaryRef} not ready: ${reasonOf(s)}`),
      ],
      wakeAtMs: s.nowMs + s.settings.intervalMs,
    }),
  },
  {
    label: "wait-tick",
    when: (s) => isPromoting(s) && s.settings.promotionStep > 0 && s.weight > 0 && s.target.readyCount > 0 && !s.isDue,
    then: (s) => ({
      sentence: `The primary is ready; the next ${s.settings.promotionStep}% go back to it at the next interval.`,
      commands: infrastructure(s.weight),
      wakeAtMs: s.nextTickMs,
    }),
  },
  {
    label: "hold-routes",
    when: (s) => isEnding(s) && isHeld(s),
    then: (s) => routesHeld(s, s.weight),
  },
  {
    label: "ask-demand",
    when: (s) => isPromoting(s) && s.weight > 0 && needsDemand(s) && !s.observation.answers.has("served"),
    then: () => ({
      sentence: "Asking how many requests there are, before the primary gets them.",
      questions: [{ kind: "served", id: "served" }],
    }),
  },
  {
    label: "wait-primary-capacity",
    when: (s) => isPromoting(s) && s.target.readyCount > 0 && s.weight > 0 && shifted(s) === s.weight,
    then: (s) => {
      const shortage = primaryShortage(s);
      return {
        sentence: `Waiting for the primary's capacity before it gets more traffic: ${shortage}`,
        commands: [
          ...infrastructure(s.weight),
          standing("Warning", `Halt ${s.names.canaryRef} promotion waiting for capacity: ${shortage}`),
        ],
        wakeAtMs: s.nowMs + CAPACITY_LOOK_MS,
      };
    },
  },
  {
    label: "promotion-shift",
    when: (s) => isPromoting(s) && s.target.readyCount > 0 && shifted(s) > 0,
    then: (s) => ({
      sentence: `The primary gets ${100 - shifted(s)}% of the traffic back.`,
      status: step(s, { canaryWeight: shifted(s) }),
      commands: [
        ...infrastructure(shifted(s)),
        event("Normal", `Advance ${s.names.canaryRef} primary weight ${100 - shifted(s)}`),
      ],
      isTick: true,
      wakeAtMs: s.nowMs + (s.settings.promotionStep > 0 ? s.settings.intervalMs : CAPACITY_LOOK_MS),
    }),
  },
  {
    label: "finalise",
    when: isPromoting,
    // Promoting → Finalising
    then: (s) => ({
      sentence: "The primary runs the new revision and gets all traffic.",
      status: step(s, { phase: "Finalising", canaryWeight: 0, iterations: 0 }),
      commands: [
        ...(coveredPromotionWeight(s, 0) > 0 ? [event("Warning", lateMessage(s))] : []),
        ...infrastructure(0),
        ...(s.settings.hasRoutes ? [event("Normal", backMessage(s))] : []),
      ],
      wakeAtMs: s.nowMs,
    }),
  },
  {
    label: "drain-canary",
    when: (s) => isFinalising(s) && s.nowMs < s.drainedAtMs,
    then: (s) => ({
      sentence: "All traffic is on the primary; the canary's pods stay until requests in flight have ended.",
      commands: infrastructure(0),
      wakeAtMs: s.drainedAtMs,
    }),
  },
  {
    label: "complete",
    when: isFinalising,
    // Finalising → Succeeded
    then: complete,
  },
];

function backMessage({ settings, names, weight }: Situation): string {
  const isStepwise = settings.promotionStep > 0 && weight > 0;
  return isStepwise ? `Advance ${names.canaryRef} primary weight 100` : "Routing all traffic to primary";
}

/** Whether the revision came past its analysis: by the spec, or by what somebody asked. */
function isUnanalysed({ settings, status }: Situation): boolean {
  const asked = conditionOf(status, INTENT)?.reason;
  return settings.skipsAnalysis || asked === "Promote" || asked === "Undo";
}

function complete(s: Situation): Draft {
  const isSkipped = isUnanalysed(s);
  const { lastAppliedSpec } = s.status;
  const sentence = `${s.names.canaryRef} is promoted; the canary is scaled down.`;
  return {
    sentence,
    status: step(s, {
      phase: "Succeeded",
      canaryWeight: 0,
      iterations: 0,
      ...(lastAppliedSpec === undefined ? {} : { lastPromotedSpec: lastAppliedSpec }),
    }),
    commands: [
      ...infrastructure(0),
      scaleToZero,
      { kind: "count-run", outcome: "success", analysis: isSkipped ? "skipped" : "completed" },
      { kind: "call-hooks", hooks: hooksOf(s.settings, "post-rollout"), phase: "Succeeded" },
      event(
        "Normal",
        isSkipped
          ? `Promotion completed! Canary analysis was skipped for ${s.names.targetRef}`
          : `Promotion completed! Scaling down ${s.names.targetRef}`,
      ),
      alert(
        "info",
        isSkipped
          ? "Canary analysis was skipped, promotion finished."
          : "Canary analysis completed successfully, promotion finished.",
        { isTerminal: true, reason: sentence },
      ),
    ],
    wakeAtMs: s.nowMs,
  };
}

function promotionFailed(s: Situation, canaryWeight: number): Draft {
  const message = `Promotion of ${s.names.targetRef} failed, primary not ready: ${reasonOf(s)}`;
  const where =
    canaryWeight === 100 ? "all traffic stays with the healthy canary" : "traffic stays where pods are ready";
  const sentence = `${message}; ${where}.`;
  return {
    sentence,
    status: step(
      s,
      { phase: "Failed", canaryWeight, failedChecks: 0, iterations: 0 },
      "Promotion failed, the primary is not ready; the canary is not scaled down.",
    ),
    commands: [
      event("Warning", message),
      alert("error", `Promotion failed, primary not ready: ${reasonOf(s)}`, { isTerminal: true, reason: sentence }),
      ...infrastructure(canaryWeight),
      ...endOfFailedRun(s),
    ],
    isTick: true,
  };
}

/** While the primary rolls, a canary that lost its pods gives the traffic to what is left of the primary. */
function servedBy(s: Situation): number {
  return s.target.readyCount === 0 && (s.primary?.readyCount ?? 0) > 0 ? 0 : s.weight;
}

/** The primary's pods are looked at so often at least; most of the time a change of theirs comes first. */
const CAPACITY_LOOK_MS = 2000;

/** The canary's weight after the next step back; past the deadline the primary's own readiness is enough. */
function shifted(s: Situation): number {
  const wanted = nextPromotionWeight(s.settings.promotionStep, s.weight);
  const sinceMs = parseTime(s.status.lastTransitionTime) ?? 0;
  return s.nowMs >= sinceMs + s.settings.capacity.deadlineMs ? wanted : coveredPromotionWeight(s, wanted);
}

function lateMessage(s: Situation): string {
  return `Advance ${s.names.canaryRef} promotion after its capacity deadline, though ${primaryShortage(s)}`;
}

function primaryShortage({ capacity: plan }: Situation): string {
  return plan === undefined
    ? ""
    : `it has ${plan.primary.readyCount} of the ${needText(plan.all)} that all of it needs`;
}

/** Whether the need is reckoned from requests, which nothing else measures while a release ends. */
function needsDemand({ settings, capacity }: Situation): boolean {
  const { coupling, requestsPerPod } = settings.capacity;
  return (
    coupling === "enforce" && settings.hasRoutes && (requestsPerPod !== undefined || capacity?.method === "learned")
  );
}

function reasonOf(s: Situation): string {
  return s.primaryReadiness.kind === "ready" ? "" : s.primaryReadiness.reason;
}
