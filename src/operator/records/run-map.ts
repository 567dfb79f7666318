import type { ConfigMap } from "#api";
import { decodeRun, encodeRun } from "./run-codec.ts";
import type { Run } from "./run.ts";

/** The ConfigMap `NAME-serin-runs` of a Canary: a key for each run, `run-0001`, in `binaryData`. */

const MAX_RUN_COUNT = 10;
/** All runs of a Canary together, as base64. etcd takes 1.5 MiB an object; every operator's watch carries it. */
export const MAX_MAP_BYTES = 256 * 1024;
/** A name that another program could choose is no name of ours. */
const RUN_KEY = /^run-(\d{4,9})$/;

export function runMapName(canary: string): string {
  return `${canary}-serin-runs`;
}

export function keyOfRun(number: number): string {
  return `run-${String(number).padStart(4, "0")}`;
}

/** What a ConfigMap has of runs, the oldest first. */
export interface ReadRuns {
  readonly runs: readonly Run[];
  /** Keys that hold something else, and what is wrong with it. */
  readonly broken: readonly { readonly number: number; readonly why: string }[];
}

export function readRuns(map: Pick<ConfigMap, "binaryData"> | undefined): ReadRuns {
  const runs: Run[] = [];
  const broken: { number: number; why: string }[] = [];
  for (const number of runNumbers(map)) {
    const run = decodeRun(number, map?.binaryData?.[keyOfRun(number)]);
    if (run.ok) runs.push(run.value);
    else broken.push({ number, why: run.error });
  }
  return { runs, broken };
}

/** The last run alone, without the work of reading the others. */
export function readLastRun(map: Pick<ConfigMap, "binaryData"> | undefined): {
  readonly last: Run | undefined;
  readonly nextNumber: number;
  readonly note?: string;
} {
  const number = runNumbers(map).at(-1);
  if (number === undefined) return { last: undefined, nextNumber: 1 };
  const run = decodeRun(number, map?.binaryData?.[keyOfRun(number)]);
  if (run.ok) return { last: run.value, nextNumber: number + 1 };
  const note = `${keyOfRun(number)} could not be read (${run.error}); what it told is not shown`;
  return { last: undefined, nextNumber: number + 1, note };
}

/** Numbers of the runs, ascending. */
function runNumbers(map: Pick<ConfigMap, "binaryData"> | undefined): number[] {
  return Object.keys(map?.binaryData ?? {})
    .flatMap((key) => {
      const number = Number(RUN_KEY.exec(key)?.[1] ?? "0");
      return number > 0 && keyOfRun(number) === key ? [number] : [];
    })
    .sort((a, b) => a - b);
}

/**
 * The change of `binaryData` that keeps these runs: their keys, and null for the oldest ones that do not fit any more.
 * Of a run that is too large alone, the oldest decisions go.
 */
export function planWrite(
  map: Pick<ConfigMap, "binaryData"> | undefined,
  changed: readonly Run[],
): Readonly<Record<string, string | null>> {
  const write: Record<string, string | null> = {};
  for (const run of changed) write[keyOfRun(run.number)] = encodeWithin(run, MAX_MAP_BYTES);
  const others = runNumbers(map).filter((number) => write[keyOfRun(number)] === undefined);
  const all = [...others, ...changed.map(({ number }) => number)].sort((a, b) => a - b);
  const textOf = (number: number): string => write[keyOfRun(number)] ?? map?.binaryData?.[keyOfRun(number)] ?? "";
  let bytes = 0;
  for (const [index, number] of all.toReversed().entries()) {
    bytes += textOf(number).length;
    if (index > 0 && (index >= MAX_RUN_COUNT || bytes > MAX_MAP_BYTES)) write[keyOfRun(number)] = null;
  }
  return write;
}

function encodeWithin(run: Run, maxBytes: number): string {
  let kept = run;
  for (;;) {
    const text = encodeRun(kept);
    if (text !== undefined && (text.length <= maxBytes || kept.records.length === 0)) return text;
    const surplus = Math.ceil(kept.records.length / 4);
    kept = { ...kept, records: kept.records.slice(surplus), droppedCount: kept.droppedCount + surplus };
  }
}
