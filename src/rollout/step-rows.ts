import { capacityRows } from "./capacity-rows.ts";
import { gateOf } from "./checks.ts";
import { factsOf, startEvent } from "./check-rows.ts";
import type { Command } from "./decision.ts";
import { alert, type Draft, event, hold, infrastructure, type Row, standing, step } from "./draft.ts";
import { askGate, passedGates } from "./gate.ts";
import { iterateRows, routeCanaryRow } from "./iterate-rows.ts";
import { isTimedOut } from "./sequential-rows.ts";
import { provenText, stayText } from "./sequential-sentences.ts";
import { isAnalysing, type Situation } from "./situation.ts";
import { nextWeight } from "./weights.ts";

const isIncreasing = (s: Situation): boolean =>
  s.settings.strategy.kind === "weights" && s.status.phase === "Progressing" && !isTimedOut(s);

/** A release whose time is over goes as it is, past the steps that are left. */
const timeoutPromoteRow: Row<Situation> = {
  label: "on-timeout-promote",
  when: isTimedOut,
  // Progressing, WaitingPromotion → Promoting
  then: (s) => ({
    sentence: `${provenText(s)}: promoting ${s.names.targetRef}, as spec.analysis.sequential.onTimeout says.`,
    status: step(s, { phase: "Promoting", canaryWeight: s.weight }),
    commands: [
      ...infrastructure(s.weight),
      ...passedGates(s),
      event("Warning", `Promoting ${s.names.targetRef} without proof: the time for evidence is over`),
      ...promotion(s),
    ],
    checks: factsOf(s),
    wakeAtMs: s.nowMs,
    otherwise: "With onTimeout hold it would have waited for somebody, with rollback it would have been taken back.",
  }),
};

/** Progressing and WaitingPromotion, after checks that passed: the next step, behind its gate. */
export const stepRows: readonly Row<Situation>[] = [
  {
    label: "ask-traffic-increase",
    when: (s) => isIncreasing(s) && gateOf(s, "confirm-traffic-increase").kind === "ask",
    then: (s) => askGate(s, "confirm-traffic-increase"),
  },
  {
    label: "traffic-gate-closed",
    when: (s) => isIncreasing(s) && gateOf(s, "confirm-traffic-increase").kind === "failed",
    then: trafficGateClosed,
  },
  ...capacityRows,
  {
    label: "mirror",
    when: (s) => isAnalysing(s) && isMirrorNext(s) && !isTimedOut(s),
    // The iterations remember the stage: its weight is 0, like that of the stage before it.
    then: (s) => ({
      sentence: "The canary gets a copy of the requests; its answers go to nobody.",
      status: step(s, { phase: "Progressing", canaryWeight: 0, iterations: 1 }),
      commands: [
        ...startEvent(s),
        ...passedGates(s),
        ...infrastructure(0, true),
        event("Normal", `Advance ${s.names.canaryRef} canary weight 0`),
      ],
      checks: factsOf(s),
      isTick: true,
      wakeAtMs: s.nowMs + s.settings.intervalMs,
    }),
  },
  {
    label: "advance",
    when: (s) => isAnalysing(s) && nextStepWeight(s) !== undefined && !isTimedOut(s),
    then: advance,
  },
  ...iterateRows,
  {
    label: "ask-confirm-promotion",
    when: (s) => isAnalysing(s) && gateOf(s, "confirm-promotion").kind === "ask",
    then: (s) => askGate(s, "confirm-promotion"),
  },
  {
    label: "promotion-gate-closed",
    when: (s) => isAnalysing(s) && gateOf(s, "confirm-promotion").kind === "failed",
    // Progressing → WaitingPromotion
    then: promotionGateClosed,
  },
  timeoutPromoteRow,
  routeCanaryRow,
  {
    label: "promote",
    when: isAnalysing,
    // Progressing, WaitingPromotion → Promoting
    then: (s) => ({
      sentence: `${provenText(s)}: promoting ${s.names.targetRef}.`,
      status: step(s, { phase: "Promoting", canaryWeight: s.weight }),
      commands: [...infrastructure(s.weight), ...passedGates(s), ...promotion(s)],
      checks: factsOf(s),
      wakeAtMs: s.nowMs,
      ...stayed(s),
    }),
  },
];

/** What makes the target's revision the primary's. */
export function promotion(s: Situation): Command[] {
  return [
    event("Normal", `Copying ${s.names.targetRef} template spec to ${s.names.primaryRef}`),
    { kind: "ensure-primary", mode: "sync" },
    { kind: "ensure-scaler", mode: "sync" },
  ];
}

function isMirrorNext(s: Situation): boolean {
  const { strategy } = s.settings;
  return strategy.kind === "weights" && strategy.isMirrored && !s.hasStarted;
}

/** The next weight of a release by weights; undefined at its top and for other strategies. */
function nextStepWeight({ settings: { strategy }, weight }: Situation): number | undefined {
  if (strategy.kind !== "weights" || weight >= strategy.maxWeight) return undefined;
  return nextWeight(strategy.steps, weight);
}

function advance(s: Situation): Draft {
  const weight = nextStepWeight(s) ?? s.weight;
  return {
    sentence: `${provenText(s)}: the canary gets ${weight}% of the traffic.`,
    status: step(s, { phase: "Progressing", canaryWeight: weight, iterations: 0 }),
    commands: [
      ...startEvent(s),
      ...passedGates(s),
      ...infrastructure(weight),
      event("Normal", `Advance ${s.names.canaryRef} canary weight ${weight}`),
    ],
    checks: factsOf(s),
    isTick: true,
    wakeAtMs: s.nowMs + s.settings.intervalMs,
    ...stayed(s),
  };
}

function stayed(s: Situation): Pick<Draft, "otherwise"> {
  const otherwise = stayText(s);
  return otherwise === undefined ? {} : { otherwise };
}

function trafficGateClosed(s: Situation): Draft {
  const gate = gateOf(s, "confirm-traffic-increase");
  const hook = gate.kind === "failed" ? gate.hook : undefined;
  const message = `Halt ${s.names.canaryRef} advancement waiting for traffic increase approval ${hook?.name ?? ""}`;
  const isMuted = hook?.muteAlert === true;
  return {
    sentence: `Holding at ${s.weight}%: the hook ${hook?.name ?? ""} has not approved more traffic.`,
    commands: [
      ...hold(s),
      standing("Warning", message),
      ...(isMuted ? [] : [alert("warn", "Canary traffic increase is waiting for approval.", { isStanding: true })]),
    ],
    checks: factsOf(s),
    isTick: true,
    wakeAtMs: s.nowMs + s.settings.intervalMs,
  };
}

function promotionGateClosed(s: Situation): Draft {
  const gate = gateOf(s, "confirm-promotion");
  const hook = gate.kind === "failed" ? gate.hook : undefined;
  const waiting = {
    sentence: `Holding at ${s.weight}%: the hook ${hook?.name ?? ""} has not approved the promotion.`,
    checks: factsOf(s),
    isTick: true,
    wakeAtMs: s.nowMs + s.settings.intervalMs,
  };
  const commands = infrastructure(s.weight, s.isMirroring);
  if (s.status.phase === "WaitingPromotion") return { ...waiting, commands };
  return {
    ...waiting,
    status: step(s, { phase: "WaitingPromotion", canaryWeight: s.weight }),
    commands: [
      ...commands,
      event("Warning", `Halt ${s.names.canaryRef} advancement waiting for promotion approval ${hook?.name ?? ""}`),
      ...(hook?.muteAlert === true ? [] : [alert("warn", "Canary promotion is waiting for approval.")]),
    ],
  };
}
