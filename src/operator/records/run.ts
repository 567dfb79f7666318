import type { DecisionRecord } from "#rollout";

/** One release from its start to its end, as it is kept. */
export interface Run {
  /** From 1; names the key that keeps it. */
  readonly number: number;
  /** `status.lastAppliedSpec` of what was released; empty before it is known. */
  readonly revision: string;
  readonly startedAt: string;
  readonly endedAt?: string;
  readonly outcome?: RunOutcome;
  /** The last of its decisions, in order. */
  readonly records: readonly DecisionRecord[];
  /** Earlier decisions that are not kept any more. */
  readonly droppedCount: number;
  /** Something about the record itself: `run-0003 could not be read`. */
  readonly note?: string;
}

export const runOutcomes = [
  "initialized",
  "promoted",
  "rolled back",
  "promotion failed",
  "withdrawn",
  "replaced",
  "unknown",
] as const;

/** How a run ended; `unknown` when nobody saw its end. */
export type RunOutcome = (typeof runOutcomes)[number];

/** Decisions of a run that are kept. */
export const MAX_RECORD_COUNT = 200;

/** What is known when a record comes: the runs' last one, and the number that the next may have. */
export interface Known {
  readonly last: Run | undefined;
  readonly nextNumber: number;
  readonly revision: string;
  readonly note?: string;
}

/** The runs that a record changes, in order: the one that it ends by beginning another, and its own. */
export function joinRun(record: DecisionRecord, { last, nextNumber, revision, note }: Known): readonly Run[] {
  if (last === undefined) return opens(record) ? [begun(record, { number: nextNumber, revision, note })] : [];
  if (last.outcome !== undefined && opens(record)) return [begun(record, { number: nextNumber, revision, note })];
  if (last.outcome !== undefined) return [added(record, last)];
  if (record.label !== "restart" && !(record.label === "start" && hasStarted(last)))
    return [{ ...added(record, last), revision }];
  const ended: Run = { ...last, endedAt: record.at, outcome: record.label === "restart" ? "replaced" : "unknown" };
  return [ended, begun(record, { number: nextNumber, revision, note })];
}

function begun(
  record: DecisionRecord,
  { number, revision, note }: { number: number; revision: string; note: string | undefined },
): Run {
  const empty = { number, revision, startedAt: record.at, records: [], droppedCount: 0 };
  return added(record, note === undefined ? empty : { ...empty, note });
}

/** A record with the time of the last one is that one, decided again. */
function added(record: DecisionRecord, run: Run): Run {
  const isAgain = run.records.at(-1)?.at === record.at;
  const records = [...(isAgain ? run.records.slice(0, -1) : run.records), record];
  const surplus = Math.max(0, records.length - MAX_RECORD_COUNT);
  const outcome = run.outcome === undefined ? outcomeOf(record) : undefined;
  return {
    ...run,
    records: records.slice(surplus),
    droppedCount: run.droppedCount + surplus,
    ...(outcome === undefined ? {} : { outcome, endedAt: record.at }),
  };
}

const ended: ReadonlySet<string> = new Set(["Succeeded", "Failed", "Initialized", "Terminating", "Terminated"]);

/** Whether a record belongs to a release that is on its way, or that is held before it could begin. */
function opens({ to, label }: DecisionRecord): boolean {
  return !ended.has(to.phase) || label === "paused" || label === "wait-primary-settle";
}

function hasStarted({ records, droppedCount }: Run): boolean {
  return droppedCount > 0 || records.some(({ label }) => label === "start" || label === "restart");
}

function outcomeOf({ from, to, label }: DecisionRecord): RunOutcome | undefined {
  if (from.phase === to.phase) return undefined;
  if (to.phase === "Succeeded") return "promoted";
  if (to.phase === "Failed") return label.startsWith("promotion-failed") ? "promotion failed" : "rolled back";
  if (to.phase === "Initialized") return from.phase === "Waiting" ? "withdrawn" : "initialized";
  return undefined;
}
