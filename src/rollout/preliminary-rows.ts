import type { CanaryStatus } from "#api";
import { formatProblem, type Problem } from "#base";
import { deletionRows, type EarlySituation } from "./deletion-rows.ts";
import { alert, type Draft, event, infrastructure, type Row, standing, step } from "./draft.ts";
import { type Intent, readIntent, whoAndWhy } from "./intent.ts";
import { type Basics, isAnalysing, isRunning } from "./situation.ts";
import { ACCEPTED, completeStatus, isTold, withCondition } from "./status.ts";

/** Rows that come before all others: whether this Canary is to be worked on at all. */
export const preliminaryRows: readonly Row<EarlySituation>[] = [
  ...deletionRows,
  {
    label: "abort",
    when: (s) => {
      const isHeld = s.canary.spec?.suspend === true || s.specProblems.length > 0;
      return isHeld && s.observation.target !== undefined && abortOf(s) !== undefined;
    },
    // A slip in the spec, or a suspension, is no reason to refuse the way back.
    then: (s) => {
      const intent = abortOf(s);
      const who = intent === undefined ? "" : whoAndWhy(intent);
      return endedEarly(s, {
        sentence: `Rolling back: aborted by ${who}; all traffic goes to the primary.`,
        message: `Canary analysis was aborted by ${who}`,
      });
    },
  },
  {
    label: "suspended",
    when: (s) => s.canary.spec?.suspend === true,
    then: (s) => ({
      sentence: `${s.names.canaryRef} is suspended.`,
      ...(s.specProblems.length === 0 ? {} : { status: notAccepted(before(s), "InvalidSpec", s.specProblems) }),
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
        status: notAccepted(before(s), "InvalidSpec", s.specProblems),
        commands: s.specProblems
          .filter((problem) => !isTold(s.canary, problem))
          .map((problem) => standing("Warning", `Cannot run the canary: ${formatProblem(problem)}`)),
      };
    },
  },
  {
    label: "rollback-target-gone",
    when: (s) =>
      s.observation.target === undefined && isRunning(s.status.phase) && (s.observation.primary?.readyCount ?? 0) > 0,
    then: (s) => {
      const draft = endedEarly(s, {
        sentence: `The target ${s.names.targetRef} is gone in the middle of a release; all traffic goes to the primary.`,
        message: "Canary analysis failed, the target was deleted.",
      });
      return {
        ...draft,
        status: notAccepted({ ...s, status: draft.status ?? s.status }, "TargetMissing", [targetProblem(s)]),
        commands: [...(draft.commands ?? []), standing("Warning", targetMissing(s))],
      };
    },
  },
  {
    label: "target-missing",
    when: (s) => s.observation.target === undefined,
    then: (s) => ({
      sentence: targetMissing(s),
      status: notAccepted(before(s), "TargetMissing", [targetProblem(s)]),
      commands: [
        // What serves must go on serving; there is nothing to create a primary from.
        ...(s.observation.primary === undefined
          ? []
          : infrastructure(s.status.canaryWeight).filter((command) => command.kind === "ensure-services")),
        ...(isTold(s.canary, targetProblem(s)) ? [] : [standing("Warning", targetMissing(s))]),
      ],
    }),
  },
];

/** An abort of a release that can still be taken back by moving traffic alone. */
function abortOf(s: EarlySituation): Intent | undefined {
  const intent = readIntent(s.canary);
  if (intent === undefined || typeof intent === "string" || intent.action !== "abort" || !isAnalysing(s))
    return undefined;
  const isOfRun = intent.revision === undefined || intent.revision === s.status.lastAppliedSpec;
  return isOfRun && (s.observation.primary?.readyCount ?? 0) > 0 ? intent : undefined;
}

/** Ends a run of which too little is known for an ordinary rollback. */
function endedEarly(s: EarlySituation, { sentence, message }: { sentence: string; message: string }): Draft {
  return {
    sentence,
    status: step(s, { phase: "Failed", canaryWeight: 0, failedChecks: 0, iterations: 0 }, message),
    commands: [
      { kind: "set-routes", canaryWeight: 0, isMirrored: false },
      event("Warning", message),
      alert("error", message, { isTerminal: true, reason: sentence }),
      { kind: "count-run", outcome: "failure", analysis: "completed" },
    ],
  };
}

/** The status with what must be mended; a condition that says the same already keeps its times. */
function notAccepted(at: Pick<Basics, "status" | "nowMs">, reason: string, problems: readonly Problem[]): CanaryStatus {
  const message = problems.map(formatProblem).join("; ");
  return withCondition(at.status, { type: ACCEPTED, status: "False", reason, message, nowMs: at.nowMs });
}

/** With the condition that the last look left. */
function before({ canary, nowMs }: Basics): Pick<Basics, "status" | "nowMs"> {
  return { status: completeStatus(canary.status), nowMs };
}

function targetProblem({ names }: Basics): Problem {
  return {
    path: "spec.targetRef.name",
    code: "not-found",
    message: `the ${names.targetKind} "${names.targetRef}" does not exist`,
    fix: "create it or correct the name",
  };
}

function targetMissing({ names }: Basics): string {
  return `${names.targetKind.toLowerCase()} ${names.targetRef} get query error: it does not exist; create it or correct spec.targetRef.name`;
}
