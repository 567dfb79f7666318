import { hasCapacityForStep, isCoupled } from "./capacity.ts";
import { factsOf } from "./check-rows.ts";
import { type Draft, event, hold, type Row, standing } from "./draft.ts";
import type { Need } from "./plan-capacity.ts";
import { rollback } from "./rollback.ts";
import { isTimedOut } from "./sequential-rows.ts";
import { isAnalysing, nextShare, type Situation } from "./situation.ts";
import { CAPACITY_READY, conditionOf, parseTime } from "./status.ts";

const isShort = (s: Situation): boolean => isAnalysing(s) && isCoupled(s) && !isTimedOut(s) && !hasCapacityForStep(s);

/** Progressing and WaitingPromotion, after checks that passed: no step without the pods that it needs. */
export const capacityRows: readonly Row<Situation>[] = [
  {
    label: "rollback-capacity",
    when: (s) => isShort(s) && isPastDeadline(s),
    then: (s) =>
      rollback(s, {
        sentence: `Rolling back: no capacity for the next step within its deadline: ${shortage(s)}`,
        before: [event("Warning", `Rolling back ${s.names.canaryRef} no capacity for the next step: ${shortage(s)}`)],
        alert: { severity: "error", message: `No capacity for the next step: ${shortage(s)}` },
        checks: factsOf(s),
      }),
  },
  {
    label: "wait-capacity",
    when: isShort,
    then: (s): Draft => ({
      sentence: `Holding at ${s.weight}%: ${shortage(s)}`,
      commands: [
        ...hold(s),
        standing("Warning", `Halt ${s.names.canaryRef} advancement waiting for capacity: ${shortage(s)}`),
      ],
      checks: factsOf(s),
      isTick: true,
      wakeAtMs: s.nowMs + s.settings.intervalMs,
    }),
  },
];

/** Which pods are missing for the next step, and what keeps them from coming. */
export function shortage(s: Situation): string {
  const { capacity: plan } = s;
  if (plan === undefined) return "";
  const share = Math.max(s.weight, nextShare(s));
  return `the canary has ${plan.canary.readyCount} of the ${needText(plan.canaryNext)} that ${share}% of the traffic needs`;
}

/** `4 ready pods (hpa web allows at most 3)`. */
export function needText({ count, bareCount, bounds }: Need): string {
  const needed = Math.max(count, bareCount);
  const limits = bounds.filter(({ kind }) => kind === "max" || kind === "quota").map(({ text }) => text);
  return `${needed} ready pod${needed === 1 ? "" : "s"}${limits.length === 0 ? "" : ` (${limits.join(", ")})`}`;
}

function isPastDeadline(s: Situation): boolean {
  const since = conditionOf(s.status, CAPACITY_READY);
  const sinceMs = since?.status === "False" ? parseTime(since.lastTransitionTime) : undefined;
  return sinceMs !== undefined && s.nowMs >= sinceMs + s.settings.capacity.deadlineMs;
}
