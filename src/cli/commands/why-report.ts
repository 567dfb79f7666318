import type { Canary, ConfigMap } from "#api";
import { Failure } from "#base";
import { keyOfRun, type ReadRuns, readRuns, type Run, type RunOutcome, runMapName } from "#operator";
import { completeStatus, conditionOf } from "#rollout";

/** Why a Canary is where it is: from the records of its runs and its status, and nothing else. */
export interface WhyReport {
  readonly namespace: string;
  readonly canary: string;
  /** Alone enough for a person. */
  readonly sentence: string;
  readonly phase: string;
  readonly weight: number;
  /** Whether the release of the run goes on. */
  readonly isOpen: boolean;
  /** What the status complains of now. */
  readonly problems: readonly string[];
  readonly run: Run;
  /** Every run that is kept, the oldest first. */
  readonly runs: readonly { readonly number: number; readonly outcome: RunOutcome | "open" }[];
  readonly broken: ReadRuns["broken"];
}

/**
 * Explains a run, the last one without a number.
 *
 * @throws Failure `NoRecords` saying why there are none; `RunNotFound` naming those that there are.
 */
export function reportOf(canary: Canary, map: ConfigMap | undefined, runNumber?: number): WhyReport {
  const { namespace = "", name = "" } = canary.metadata;
  const isOurs = map?.metadata.ownerReferences?.some(({ uid }) => uid === canary.metadata.uid) === true;
  const { runs, broken } = readRuns(isOurs ? map : undefined);
  const run = runNumber === undefined ? runs.at(-1) : runs.find(({ number }) => number === runNumber);
  if (run === undefined && runs.length > 0)
    throw new Failure(
      `Cannot explain run ${runNumber} of "${namespace}/${name}": it is not kept; --run takes ${runs.map(({ number }) => number).join(", ")}`,
      { code: "RunNotFound" },
    );
  if (run === undefined) throw nothingKept(canary, { hasForeignMap: map !== undefined && !isOurs, broken });
  const { phase, canaryWeight } = completeStatus(canary.status);
  return {
    namespace,
    canary: name,
    sentence: sentenceOf(run),
    phase,
    weight: canaryWeight,
    isOpen: run.outcome === undefined && run === runs.at(-1),
    problems: problemsOf(canary),
    run,
    runs: runs.map(({ number, outcome }) => ({ number, outcome: outcome ?? "open" })),
    broken,
  };
}

/** Of a run that ended the sentence that it ended with; of one that goes on, the last: it says what is waited for. */
function sentenceOf({ records, endedAt }: Run): string {
  const end = records.find(({ at }) => at === endedAt) ?? records.at(-1);
  return end?.sentence ?? "Nothing was decided yet.";
}

function problemsOf(canary: Canary): string[] {
  const status = completeStatus(canary.status);
  const accepted = conditionOf(status, "Accepted");
  const stalled = conditionOf(status, "Stalled");
  return [accepted?.status === "False" ? accepted.message : undefined, stalled?.message].flatMap((message) =>
    message === undefined || message === "" ? [] : [message],
  );
}

function nothingKept(canary: Canary, of: { hasForeignMap: boolean; broken: ReadRuns["broken"] }): Failure {
  const { namespace = "", name = "" } = canary.metadata;
  return new Failure(`Cannot explain "${namespace}/${name}": ${reasonOf(canary, of)}`, { code: "NoRecords" });
}

function reasonOf(
  canary: Canary,
  { hasForeignMap, broken }: { hasForeignMap: boolean; broken: ReadRuns["broken"] },
): string {
  const [problem] = problemsOf(canary);
  const [first] = broken;
  const map = runMapName(canary.metadata.name ?? "");
  if (first !== undefined)
    return `${keyOfRun(first.number)} of the ConfigMap ${map} cannot be read (${first.why}); the next release is kept anew`;
  if (hasForeignMap) return `the ConfigMap ${map} is not Serin's, so nothing is kept (rename or delete it)`;
  const { phase } = completeStatus(canary.status);
  if (phase === "") return `no operator has looked at it yet${problem === undefined ? "" : `: ${problem}`}`;
  if (problem !== undefined) return `no release of it is kept; it is ${phase}: ${problem}`;
  return `no release of it is kept; it is ${phase}, and the next release will be`;
}
