import type { CanaryStatus } from "#api";
import type { Evidence, Label } from "./decision.ts";
import { evidenceOf } from "./evidence/facts.ts";
import type { Run } from "./evidence/run.ts";
import { writeRun } from "./evidence/write-run.ts";
import { isAnalysing, type Situation } from "./situation.ts";
import type { JudgedTrial } from "./trial.ts";

/** A row's outcome with what the evidence adds to it. */
export interface KeptEvidence {
  readonly status: CanaryStatus;
  readonly evidence?: () => Evidence;
  /** When the next samples are due. */
  readonly wakeAtMs: number | undefined;
}

/** Rows that end what was collected: it was about something else. */
const endings: ReadonlySet<Label> = new Set<Label>(["start", "restart", "restart-analysis"]);

/** Rows after which the checks of the interval count as not passed. */
const failures: ReadonlySet<Label> = new Set<Label>(["halt", "hold-check", "hold-unreachable"]);

/** Rows that wait for a person, a pod or a route: their time is not the analysis'. */
const waits: ReadonlySet<Label> = new Set<Label>([
  "paused",
  "blocked",
  "hold-routes",
  "traffic-gate-closed",
  "promotion-gate-closed",
  "wait-capacity",
]);
/** A look that comes later than so many ticks was waited for: by pods that were not ready, or by an operator that was not there. */
const LATE_TICKS = 2;

/**
 * Records what a tick counted, whatever row decided: evidence goes on while a gate is closed or somebody holds the release. It
 * goes with the run that it is about; what it said stays in the explanation of the decision.
 */
export function keepEvidence(s: Situation, label: Label, status: CanaryStatus): KeptEvidence {
  const { trial } = s;
  const isOver = !isAnalysing({ status }) || endings.has(label) || s.settings.sequential === undefined;
  if (trial?.kind !== "judged") return { status: isOver ? withoutEvidence(status) : status, wakeAtMs: undefined };
  const evidence = (): Evidence => evidenceOf(trial);
  if (isOver) return { evidence, status: withoutEvidence(status), wakeAtMs: undefined };
  const written = writeRun(recorded(s, label, trial), trial);
  return { evidence, status: { ...status, evidence: written }, wakeAtMs: s.nowMs + s.settings.tickMs };
}

function recorded({ nowMs, settings }: Situation, label: Label, { run, areChecksDue, sinceLookMs }: JudgedTrial): Run {
  const lateMs = Math.max(0, sinceLookMs - LATE_TICKS * settings.tickMs);
  return {
    ...run,
    waitedMs: run.waitedMs + (waits.has(label) ? sinceLookMs : lateMs),
    checks: areChecksDue ? { atMs: nowMs, isPassed: !failures.has(label) } : run.checks,
  };
}

function withoutEvidence(status: CanaryStatus): CanaryStatus {
  if (status.evidence === undefined) return status;
  const { evidence: _, ...rest } = status;
  return rest;
}
