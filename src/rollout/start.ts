import { gateOf } from "./checks.ts";
import type { Command } from "./decision.ts";
import { alert, type Draft, event, freshRun, infrastructure } from "./draft.ts";
import type { Situation } from "./situation.ts";

/** How many pods the canary starts with. Source: flagger-spec 3.2, ScaleFromZero. */
export function startCount(s: Situation): number {
  if (s.target.desiredCount > 0) return s.target.desiredCount;
  return Math.max(1, s.observation.scalerMinCount ?? s.primary?.desiredCount ?? 1);
}

/** Starts a run: the canary's pods come, its traffic later. */
export function startRun(s: Situation): Draft {
  const gate = gateOf(s, "confirm-rollout");
  const passed = gate.kind === "passed" ? gate.hooks : [];
  // After a failed promotion the canary carries the traffic; it keeps it unless the primary is well again.
  const canaryWeight = s.primaryReadiness.kind === "ready" ? 0 : s.weight;
  const scale: Command = { kind: "scale-target", replicaCount: startCount(s) };
  return {
    sentence: `New revision of ${s.names.targetRef}: scaling it up to analyse it.`,
    status: freshRun(s, { phase: "Progressing", canaryWeight }),
    commands: [
      ...infrastructure(canaryWeight),
      ...passed.map((hook) => event("Normal", `Confirm-rollout check ${hook.name} passed`)),
      event("Normal", `New revision detected! Scaling up ${s.names.targetRef}`),
      ...s.settings.notices.map((notice) => event("Warning", notice)),
      alert("info", "New revision detected, progressing canary analysis.", { hasMetadata: true }),
      scale,
    ],
    isTick: true,
    wakeAtMs: s.nowMs,
  };
}
