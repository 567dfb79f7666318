import { thresholdReached } from "./check-rows.ts";
import { rollbackRequest } from "./checks.ts";
import {
  awayFromCanary,
  event,
  freshRun,
  hold,
  infrastructure,
  revisionOf,
  type Row,
  standing,
  step,
} from "./draft.ts";
import { rollback } from "./rollback.ts";
import { hooksOf } from "./settings.ts";
import { haveConfigsChanged, isAnalysing, type Situation } from "./situation.ts";
import { startCount } from "./start.ts";
import { isForeignHash, parseTime } from "./status.ts";

const liveWeight = (s: Situation): number => s.observation.routes?.canaryWeight ?? s.weight;

/** Traffic leaves a canary without ready pods at once, whatever else is wrong. */
export const withdrawRow: Row<Situation> = {
  label: "withdraw",
  when: (s) =>
    isAnalysing(s) &&
    s.settings.hasRoutes &&
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
      status: step(s, { phase: "Progressing", canaryWeight: 0, iterations: 0, failedChecks }),
      commands: [...awayFromCanary(), event("Warning", message)],
      isTick: true,
      wakeAtMs: s.nowMs + s.settings.intervalMs,
    };
  },
};

/** What people's hooks may end a run with, once in an interval, also while approval or pods are waited for. */
export function rollbackHookRows(isOn: (s: Situation) => boolean): readonly Row<Situation>[] {
  return [
    {
      label: "ask-rollback",
      when: (s) => isOn(s) && s.isDue && rollbackRequest(s).kind === "ask",
      then: (s) => {
        const request = rollbackRequest(s);
        return { sentence: "Asking the rollback hooks.", questions: request.kind === "ask" ? request.questions : [] };
      },
    },
    {
      label: "rollback-requested",
      when: (s) => isOn(s) && s.isDue && rollbackRequest(s).kind === "failed",
      then: (s) => {
        const request = rollbackRequest(s);
        const hook = request.kind === "failed" ? request.hook.name : "";
        return rollback(s, {
          sentence: `Rolling back: the hook ${hook} asks for it`,
          before: [
            event("Normal", `Rollback check ${hook} passed`),
            event("Warning", `Rolling back ${s.names.canaryRef} manual webhook invoked`),
          ],
          alert: { severity: "warn", message: "Rolling back manual webhook invoked" },
          isOfTarget: s.status.phase === "Waiting",
        });
      },
    },
  ];
}

/** Progressing and WaitingPromotion: what may end a run before its checks, and the canary's readiness. */
export const guardRows: readonly Row<Situation>[] = [
  {
    label: "takeover",
    when: (s) => isAnalysing(s) && isForeignHash(s.status.lastAppliedSpec) && isUntouchedSinceLastStep(s),
    // Flagger's hash cannot be computed again; the run that it began goes on. Source: flagger-spec, appendix A.
    then: (s) => ({
      sentence: `Taking over from Flagger in the middle of a release: its analysis goes on at ${s.weight}%.`,
      status: { ...s.status, ...revisionOf(s) },
      commands: hold(s),
      wakeAtMs: s.nowMs,
    }),
  },
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
        sentence: `The target went back to the promoted revision; the release is withdrawn`,
        before: [
          event("Warning", `Rolling back ${s.names.canaryRef} the target was reverted to the promoted revision`),
        ],
        alert: { severity: "warn", message: "Canary analysis ended, the target was reverted to the promoted revision" },
        isOfTarget: true,
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
        ...awayFromCanary(),
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
      commands: [...hold(s), { kind: "scale-target", replicaCount: startCount(s) }],
      wakeAtMs: s.nowMs + s.settings.intervalMs,
    }),
  },
  {
    label: "rollback-canary-stuck",
    when: (s) => isAnalysing(s) && s.targetReadiness.kind === "stuck",
    then: (s) =>
      rollback(s, {
        sentence: `Rolling back: the canary cannot become ready: ${targetReason(s)}`,
        before: [
          event("Warning", canaryNotReady(s)),
          event("Warning", `Rolling back ${s.names.canaryRef} progress deadline exceeded ${targetReason(s)}`),
        ],
        alert: { severity: "error", message: `Progress deadline exceeded ${targetReason(s)}` },
      }),
  },
  ...rollbackHookRows(isAnalysing),
  {
    label: "wait-canary",
    when: (s) => isAnalysing(s) && s.targetReadiness.kind === "waiting",
    then: (s) => ({
      sentence: `Waiting for the canary: ${targetReason(s)}.`,
      commands: [...hold(s), standing("Warning", canaryNotReady(s))],
      // Without rollback hooks nothing was asked, and the first check need not wait an interval for the pods.
      isTick: s.isDue && hooksOf(s.settings, "rollback").length > 0,
      wakeAtMs: s.nowMs + s.settings.intervalMs,
    }),
  },
];

/**
 * Whether the target is still what Flagger took its last step with. A Deployment's own rolling update says when its
 * template last changed; a kind that does not say so is analysed from the beginning.
 */
function isUntouchedSinceLastStep(s: Situation): boolean {
  const rolledMs = s.target.progressing?.lastUpdateMs;
  const stepMs = parseTime(s.status.lastTransitionTime);
  // Flagger writes whole seconds.
  const isRolled = rolledMs === undefined || stepMs === undefined || rolledMs > stepMs + 1000;
  return !isRolled && !haveConfigsChanged(s.status, s.observation);
}

function canaryNotReady(s: Situation): string {
  return `canary ${s.names.targetKind.toLowerCase()} ${s.names.targetRef} not ready: ${targetReason(s)}`;
}

function targetReason(s: Situation): string {
  return s.targetReadiness.kind === "ready" ? "" : s.targetReadiness.reason;
}
