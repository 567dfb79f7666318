import type { Row } from "./draft.ts";
import { infrastructure, step } from "./draft.ts";
import { whoAndWhy } from "./intent.ts";
import { rollback } from "./rollback.ts";
import { asks, isAnalysing, type Situation } from "./situation.ts";
import { promotion } from "./step-rows.ts";

/** Before all others: nothing may come between a person and the way back. */
export const abortRow: Row<Situation> = {
  label: "abort",
  when: (s) => asks(s, "abort"),
  then: (s) => {
    const who = whoOf(s);
    return rollback(s, {
      sentence: `Rolling back: aborted by ${who}`,
      before: [],
      alert: { severity: "warn", message: `Canary analysis was aborted by ${who}` },
      isOfTarget: s.status.phase === "Waiting",
    });
  },
};

/** After the canary's readiness, which no person can overrule. */
export const promoteAskedRow: Row<Situation> = {
  label: "promote-asked",
  when: (s) => isAnalysing(s) && asks(s, "promote") && s.observation.problems.length === 0,
  // Progressing, WaitingPromotion → Promoting
  then: (s) => ({
    sentence: `Promoting ${s.names.targetRef} without the steps that are left, as asked by ${whoOf(s)}.`,
    status: step(s, { phase: "Promoting", canaryWeight: s.weight }),
    commands: [...infrastructure(s.weight), ...promotion(s)],
    wakeAtMs: s.nowMs,
  }),
};

function whoOf({ asked }: Situation): string {
  return asked.kind === "standing" ? whoAndWhy(asked.intent) : "";
}
