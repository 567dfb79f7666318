import { formatProblem } from "#base";
import { factsOf } from "./check-rows.ts";
import { type Draft, hold, infrastructure, type Row, standing, step } from "./draft.ts";
import { whoAndWhy } from "./intent.ts";
import { isAnalysing, type Situation, skipsAnalysis } from "./situation.ts";
import { isTold } from "./status.ts";
import { promotion } from "./step-rows.ts";

export const scaleToZero = { kind: "scale-target", replicaCount: 0 } as const;

const hasProblems = ({ observation }: Situation): boolean => observation.problems.length > 0;

/** What the user must mend stops everything but the return of traffic and the checks of a canary that has some. */
export const blockedRow: Row<Situation> = {
  label: "blocked",
  when: (s) => hasProblems(s) && !(isAnalysing(s) && s.isDue && s.hasStarted),
  then: (s) => ({ ...blocked(s), isTick: false }),
};

/** Progressing and WaitingPromotion with a ready canary: what goes without the checks. */
export const shortcutRows: readonly Row<Situation>[] = [
  {
    label: "paused",
    when: (s) => isAnalysing(s) && s.pause !== undefined && (skipsAnalysis(s) || (!s.hasStarted && s.isDue)),
    then: (s) => paused(s, `holding at ${s.heldWeight}%`),
  },
  {
    label: "skip-analysis",
    when: (s) => isAnalysing(s) && !hasProblems(s) && skipsAnalysis(s),
    // Progressing, WaitingPromotion → Promoting
    // In the middle of a run the canary keeps its traffic until the primary is ready for it.
    then: (s) => ({
      sentence: `The analysis is skipped: promoting ${s.names.targetRef}.`,
      status: step(s, { phase: "Promoting", canaryWeight: s.weight }),
      commands: [...infrastructure(s.weight), ...promotion(s)],
      wakeAtMs: s.nowMs,
    }),
  },
];

/** Progressing and WaitingPromotion, after checks that passed: what keeps the next step from being taken. */
export const holdRows: readonly Row<Situation>[] = [
  {
    label: "blocked",
    when: (s) => isAnalysing(s) && hasProblems(s),
    then: (s) => ({ ...blocked(s), checks: factsOf(s) }),
  },
  {
    label: "paused",
    when: (s) => isAnalysing(s) && s.pause !== undefined,
    then: (s) => ({ ...paused(s, `holding at ${s.weight}%, its checks go on`), checks: factsOf(s) }),
  },
  {
    label: "hold-routes",
    when: (s) => isAnalysing(s) && s.observation.routesProblem !== undefined,
    then: (s) => ({ ...routesHeld(s, s.heldWeight), isTick: true, checks: factsOf(s) }),
  },
];

/** A step was asked for that routes which are not in force cannot take: the traffic stays where it was sent. */
export function routesHeld(s: Situation, weight: number): Draft {
  const problem = s.observation.routesProblem ?? "";
  return {
    sentence: `Holding at ${weight}%: the routes are not in force: ${problem}`,
    commands: [
      ...infrastructure(weight, s.isMirroring),
      standing("Warning", `Halt ${s.names.canaryRef} advancement the routes are not in force: ${problem}`),
    ],
    wakeAtMs: s.nowMs + s.settings.intervalMs,
  };
}

/** Nothing goes forward while a pause stands. */
export function paused(s: Situation, what: string): Draft {
  const who = s.pause === undefined ? "" : whoAndWhy(s.pause);
  return {
    sentence: `Paused by ${who}; ${what}.`,
    commands: [...hold(s), standing("Normal", `Paused ${s.names.canaryRef} by ${who}`)],
    isTick: s.isDue,
    wakeAtMs: s.nowMs + s.settings.intervalMs,
  };
}

function blocked(s: Situation): Draft {
  const { problems } = s.observation;
  return {
    sentence: `The release cannot go on: ${problems.map(formatProblem).join("; ")}`,
    commands: problems
      .filter((problem) => !isTold(s.canary, problem))
      .map((problem) => standing("Warning", formatProblem(problem))),
    isTick: true,
    wakeAtMs: s.nowMs + s.settings.intervalMs,
  };
}
