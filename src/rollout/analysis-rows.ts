import { checksOf, gateOf, rollbackRequest } from "./checks.ts";
import type { CheckFact, Command } from "./decision.ts";
import { alert, type Draft, event, freshRun, infrastructure, type Row, standing, step } from "./draft.ts";
import { rollback } from "./rollback.ts";
import type { Situation } from "./situation.ts";
import { askGate, startCount } from "./steady-rows.ts";
import { nextWeight } from "./weights.ts";

const isAnalysing = ({ status }: Situation): boolean =>
  status.phase === "Progressing" || status.phase === "WaitingPromotion";
const liveWeight = (s: Situation): number => s.observation.routes?.canaryWeight ?? s.weight;
const isTop = (s: Situation): boolean => s.weight >= s.settings.maxWeight;
const checksKind = (s: Situation): string => checksOf(s).kind;

/** Traffic leaves a canary without ready pods at once, whatever else is wrong. */
export const withdrawRow: Row<Situation> = {
  label: "withdraw",
  when: (s) =>
    isAnalysing(s) &&
    s.target.readyCount === 0 &&
    (s.primary?.readyCount ?? 0) > 0 &&
    Math.max(liveWeight(s), s.weight) > 0 &&
    s.targetReadiness.kind !== "stuck" &&
    !s.hasNewRevision &&
    !s.isReverted,
  then: (s) => {
    const message = `Halt ${s.names.canaryRef} advancement the canary lost all its ready pods; its traffic goes to the primary`;
    const failedChecks = s.status.failedChecks + 1;
    if (failedChecks >= s.settings.threshold) return thresholdReached(s, { message, failedChecks });
    return {
      sentence: `The canary ${s.names.targetRef} has no ready pod; its traffic goes to the primary and the analysis starts again.`,
      status: step(s, { phase: "Progressing", canaryWeight: 0, failedChecks }),
      commands: [...infrastructure(0), event("Warning", message)],
      isTick: true,
      wakeAtMs: s.nowMs + s.settings.intervalMs,
    };
  },
};

/** Progressing and WaitingPromotion: what may end a run, then the canary's readiness, then the steps of the tick. */
export const analysisRows: readonly Row<Situation>[] = [
  {
    label: "promote-resume",
    when: (s) =>
      isAnalysing(s) && s.primary?.isPromoted === true && s.status.lastPromotedSpec !== s.target.templateHash,
    // The process died after it had promoted and before it could say so. Progressing → Promoting
    then: (s) => ({
      sentence: `The primary has the new revision already; waiting until it is ready.`,
      status: step(s, { phase: "Promoting", canaryWeight: s.weight }),
      commands: infrastructure(s.weight),
      wakeAtMs: s.nowMs,
    }),
  },
  {
    label: "reverted",
    when: (s) => isAnalysing(s) && s.isReverted,
    then: (s) =>
      rollback(s, {
        sentence: `The target went back to the promoted revision; the release is withdrawn.`,
        before: [
          event("Warning", `Rolling back ${s.names.canaryRef} the target was reverted to the promoted revision`),
        ],
      }),
  },
  {
    label: "restart",
    when: (s) => isAnalysing(s) && s.hasNewRevision,
    // Progressing, WaitingPromotion → Progressing
    then: (s) => ({
      sentence: `Another revision of ${s.names.targetRef} came; its analysis starts from the beginning.`,
      status: freshRun(s, { phase: "Progressing", canaryWeight: 0 }),
      commands: [
        ...infrastructure(0),
        event("Normal", `New revision detected! Restarting analysis for ${s.names.targetRef}`),
      ],
      isTick: true,
      wakeAtMs: s.nowMs,
    }),
  },
  {
    label: "rescale",
    when: (s) => isAnalysing(s) && s.target.desiredCount === 0,
    then: (s) => ({
      sentence: `The canary was scaled to zero in the middle of its analysis; scaling it up again.`,
      commands: [...infrastructure(s.heldWeight), { kind: "scale-target", replicaCount: startCount(s) }],
      wakeAtMs: s.nowMs + s.settings.intervalMs,
    }),
  },
  {
    label: "rollback-canary-stuck",
    when: (s) => isAnalysing(s) && s.targetReadiness.kind === "stuck",
    then: (s) =>
      rollback(s, {
        sentence: `Rolling back: the canary cannot become ready: ${targetReason(s)}.`,
        before: [
          event("Warning", `canary deployment ${s.names.targetRef} not ready: ${targetReason(s)}`),
          event("Warning", `Rolling back ${s.names.canaryRef} progress deadline exceeded ${targetReason(s)}`),
          alert("error", `Progress deadline exceeded ${targetReason(s)}`),
        ],
      }),
  },
  {
    label: "wait-canary",
    when: (s) => isAnalysing(s) && s.targetReadiness.kind === "waiting",
    then: (s) => ({
      sentence: `Waiting for the canary: ${targetReason(s)}.`,
      commands: [
        ...infrastructure(s.heldWeight),
        standing("Warning", `canary deployment ${s.names.targetRef} not ready: ${targetReason(s)}`),
      ],
      wakeAtMs: s.nowMs + s.settings.intervalMs,
    }),
  },
  {
    label: "skip-analysis",
    when: (s) => isAnalysing(s) && s.settings.skipsAnalysis,
    // Progressing, WaitingPromotion → Promoting
    then: (s) => ({
      sentence: `The analysis is skipped: promoting ${s.names.targetRef}.`,
      status: step(s, { phase: "Promoting", canaryWeight: 0 }),
      commands: [...infrastructure(0), ...promotion(s)],
      wakeAtMs: s.nowMs,
    }),
  },
  {
    label: "wait-tick",
    when: (s) => isAnalysing(s) && !s.isDue,
    then: (s) => ({
      sentence: `The canary has ${s.heldWeight}% of the traffic; the next check is due at the next interval.`,
      commands: infrastructure(s.heldWeight),
      wakeAtMs: s.nextTickMs,
    }),
  },
  {
    label: "ask-rollback",
    when: (s) => isAnalysing(s) && rollbackRequest(s).kind === "ask",
    then: (s) => {
      const request = rollbackRequest(s);
      return { sentence: "Asking the rollback hooks.", questions: request.kind === "ask" ? request.questions : [] };
    },
  },
  {
    label: "rollback-requested",
    when: (s) => isAnalysing(s) && rollbackRequest(s).kind === "failed",
    then: (s) => {
      const request = rollbackRequest(s);
      const hook = request.kind === "failed" ? request.hook.name : "";
      return rollback(s, {
        sentence: `Rolling back: the hook ${hook} asks for it.`,
        before: [
          event("Normal", `Rollback check ${hook} passed`),
          event("Warning", `Rolling back ${s.names.canaryRef} manual webhook invoked`),
          alert("warn", "Rolling back manual webhook invoked"),
        ],
      });
    },
  },
  {
    label: "rollback-threshold",
    when: (s) => isAnalysing(s) && s.status.failedChecks >= s.settings.threshold,
    then: (s) => thresholdReached(s, { failedChecks: s.status.failedChecks }),
  },
  {
    label: "ask-checks",
    when: (s) => isAnalysing(s) && checksKind(s) === "ask",
    then: (s) => {
      const checks = checksOf(s);
      return { sentence: "Asking the checks of this step.", questions: checks.kind === "ask" ? checks.questions : [] };
    },
  },
  {
    label: "rollback-check-failed",
    when: (s) => isAnalysing(s) && checksKind(s) === "failed" && s.status.failedChecks + 1 >= s.settings.threshold,
    then: (s) => {
      const checks = checksOf(s);
      if (checks.kind !== "failed") return { sentence: "" };
      return thresholdReached(s, {
        message: checks.message,
        failedChecks: s.status.failedChecks + 1,
        checks: checks.facts,
      });
    },
  },
  {
    label: "halt",
    when: (s) => isAnalysing(s) && checksKind(s) === "failed",
    then: (s) => {
      const checks = checksOf(s);
      if (checks.kind !== "failed") return { sentence: "" };
      const failedChecks = s.status.failedChecks + 1;
      return {
        sentence: `Holding at ${s.weight}%: check ${failedChecks} of ${s.settings.threshold} failed: ${checks.message}`,
        status: step(s, { failedChecks }),
        commands: [...infrastructure(s.weight), ...startEvent(s), event("Warning", checks.message)],
        checks: checks.facts,
        isTick: true,
        wakeAtMs: s.nowMs + s.settings.intervalMs,
      };
    },
  },
  {
    label: "hold-unreachable",
    when: (s) => isAnalysing(s) && checksKind(s) === "unknown",
    then: (s) => {
      const checks = checksOf(s);
      if (checks.kind !== "unknown") return { sentence: "" };
      const message = `Halt ${s.names.canaryRef} advancement ${checks.message}; holding at ${s.weight}% until it can be`;
      return {
        sentence: `Holding at ${s.weight}%, not counted as a failed check: ${checks.message}`,
        commands: [
          ...infrastructure(s.weight),
          standing("Warning", message),
          alert("warn", `Canary analysis is on hold: ${checks.message}`, { isStanding: true }),
        ],
        checks: checks.facts,
        isTick: true,
        wakeAtMs: s.nowMs + s.settings.intervalMs,
      };
    },
  },
  {
    label: "ask-traffic-increase",
    when: (s) => s.status.phase === "Progressing" && gateOf(s, "confirm-traffic-increase").kind === "ask",
    then: (s) => askGate(s, "confirm-traffic-increase"),
  },
  {
    label: "traffic-gate-closed",
    when: (s) => s.status.phase === "Progressing" && gateOf(s, "confirm-traffic-increase").kind === "failed",
    then: trafficGateClosed,
  },
  {
    label: "advance",
    when: (s) => isAnalysing(s) && !isTop(s),
    then: advance,
  },
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
  {
    label: "promote",
    when: isAnalysing,
    // Progressing, WaitingPromotion → Promoting
    then: (s) => ({
      sentence: `Every check passed at ${s.weight}%: promoting ${s.names.targetRef}.`,
      status: step(s, { phase: "Promoting", canaryWeight: s.weight }),
      commands: [...infrastructure(s.weight), ...passedGates(s), ...promotion(s)],
      checks: factsOf(s),
      wakeAtMs: s.nowMs,
    }),
  },
];

function advance(s: Situation): Draft {
  const weight = nextWeight(s.settings.steps, s.weight);
  return {
    sentence: `Every check passed at ${s.weight}%: the canary gets ${weight}% of the traffic.`,
    status: step(s, { phase: "Progressing", canaryWeight: weight }),
    commands: [
      ...startEvent(s),
      ...passedGates(s),
      ...infrastructure(weight),
      event("Normal", `Advance ${s.names.canaryRef} canary weight ${weight}`),
    ],
    checks: factsOf(s),
    isTick: true,
    wakeAtMs: s.nowMs + s.settings.intervalMs,
  };
}

function trafficGateClosed(s: Situation): Draft {
  const gate = gateOf(s, "confirm-traffic-increase");
  const hook = gate.kind === "failed" ? gate.hook : undefined;
  const message = `Halt ${s.names.canaryRef} advancement waiting for traffic increase approval ${hook?.name ?? ""}`;
  const isMuted = hook?.muteAlert === true;
  return {
    sentence: `Holding at ${s.weight}%: the hook ${hook?.name ?? ""} has not approved more traffic.`,
    commands: [
      ...infrastructure(s.weight),
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
  if (s.status.phase === "WaitingPromotion") return { ...waiting, commands: infrastructure(s.weight) };
  return {
    ...waiting,
    status: step(s, { phase: "WaitingPromotion", canaryWeight: s.weight }),
    commands: [
      ...infrastructure(s.weight),
      event("Warning", `Halt ${s.names.canaryRef} advancement waiting for promotion approval ${hook?.name ?? ""}`),
      ...(hook?.muteAlert === true ? [] : [alert("warn", "Canary promotion is waiting for approval.")]),
    ],
  };
}

function thresholdReached(
  s: Situation,
  reached: { message?: string; failedChecks: number; checks?: Draft["checks"] },
): Draft {
  const { message, failedChecks, checks } = reached;
  const last = message === undefined ? "" : `: ${message}`;
  return rollback(s, {
    sentence: `Rolling back: ${failedChecks} of ${s.settings.threshold} allowed checks failed${last}`,
    before: [
      ...(message === undefined ? [] : [event("Warning", message)]),
      event("Warning", `Rolling back ${s.names.canaryRef} failed checks threshold reached ${failedChecks}`),
      alert("error", `Failed checks threshold reached ${failedChecks}`),
    ],
    ...(checks === undefined ? {} : { checks }),
  });
}

/** What makes the target's revision the primary's. */
function promotion(s: Situation): Command[] {
  return [
    event("Normal", `Copying ${s.names.targetRef} template spec to ${s.names.primaryRef}`),
    { kind: "ensure-primary", mode: "sync" },
    { kind: "ensure-scaler", mode: "sync" },
  ];
}

function startEvent(s: Situation): Command[] {
  if (s.weight > 0 || s.status.phase !== "Progressing") return [];
  return [standing("Normal", `Starting canary analysis for ${s.names.targetRef}`)];
}

/** Events of the gates that were asked and passed in this tick. */
function passedGates(s: Situation): Command[] {
  const named = [
    ["pre-rollout", "Pre-rollout"],
    ["confirm-traffic-increase", "Confirm-traffic-increase"],
    ["confirm-promotion", "Confirm-promotion"],
  ] as const;
  return named.flatMap(([type, title]) => {
    const gate = gateOf(s, type);
    if (gate.kind !== "passed") return [];
    return gate.hooks.map((hook) => event("Normal", `${title} check ${hook.name} passed`));
  });
}

function factsOf(s: Situation): readonly CheckFact[] {
  const checks = checksOf(s);
  return checks.kind === "ask" ? [] : checks.facts;
}

function targetReason(s: Situation): string {
  return s.targetReadiness.kind === "ready" ? "" : s.targetReadiness.reason;
}
