import { formatProblem, type Problem } from "#base";
import { infrastructure, type Row, standing, step } from "./draft.ts";
import type { RolloutSettings } from "./settings.ts";
import { type Basics, isRunning } from "./situation.ts";
import { ACCEPTED, withCondition } from "./status.ts";

/** The situation before it is known whether there are settings and a target. */
export interface EarlySituation extends Basics {
  readonly settings: RolloutSettings | undefined;
  readonly specProblems: readonly Problem[];
}

/** Rows that come before all others: whether this Canary is to be worked on at all. */
export const preliminaryRows: readonly Row<EarlySituation>[] = [
  {
    label: "deleting",
    when: (s) => s.canary.metadata.deletionTimestamp !== undefined,
    then: () => ({ sentence: "The Canary is being deleted; its objects go with it." }),
  },
  {
    label: "suspended",
    when: (s) => s.canary.spec?.suspend === true,
    then: (s) => ({
      sentence: `${s.names.canaryRef} is suspended.`,
      commands: [standing("Normal", "skipping canary run as object is suspended")],
    }),
  },
  {
    label: "invalid-spec",
    when: (s) => s.specProblems.length > 0,
    then: (s) => {
      const problems = s.specProblems.map(formatProblem).join("; ");
      return {
        sentence: `The spec cannot be executed: ${problems}`,
        // The routes and the phase stay as they are: a slip in an edit must not move traffic.
        status: withCondition(s.status, {
          type: ACCEPTED,
          status: "False",
          reason: "InvalidSpec",
          message: problems,
          nowMs: s.nowMs,
        }),
        commands: s.specProblems.map((problem) =>
          standing("Warning", `Cannot run the canary: ${formatProblem(problem)}`),
        ),
      };
    },
  },
  {
    label: "rollback-target-gone",
    when: (s) =>
      s.observation.target === undefined && isRunning(s.status.phase) && (s.observation.primary?.readyCount ?? 0) > 0,
    then: (s) => ({
      sentence: `The target ${s.names.targetRef} is gone in the middle of a release; all traffic goes to the primary.`,
      status: step(
        s,
        { phase: "Failed", canaryWeight: 0, failedChecks: 0, iterations: 0 },
        "Canary analysis failed, the target was deleted.",
      ),
      commands: [
        { kind: "set-routes", canaryWeight: 0, isMirrored: false },
        standing("Warning", targetMissing(s)),
        { kind: "count-run", outcome: "failure", analysis: "completed" },
      ],
    }),
  },
  {
    label: "target-missing",
    when: (s) => s.observation.target === undefined,
    then: (s) => ({
      sentence: targetMissing(s),
      commands: [
        // What serves must go on serving; there is nothing to create a primary from.
        ...(s.observation.primary === undefined
          ? []
          : infrastructure(s.status.canaryWeight).filter((command) => command.kind === "ensure-services")),
        standing("Warning", targetMissing(s)),
      ],
    }),
  },
];

function targetMissing({ names }: Basics): string {
  return `${names.targetKind.toLowerCase()} ${names.targetRef} get query error: it does not exist; create it or correct spec.targetRef.name`;
}
