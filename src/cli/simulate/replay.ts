import { readFileSync, statSync } from "node:fs";
import { Failure, formatDuration, formatProblem } from "#base";
import { decodeRecording, type RecordedTick, type Replay, replayRelease, simulableCanary } from "#simulator";
import type { ProgramContext } from "../program-context.ts";
import type { SimulateOptions } from "./options.ts";
import { readCanary } from "./read-canary.ts";

/** Largest recording that is read, in bytes: a week of ticks with two histograms. */
const FILE_BYTES_MAX = 256 * 1024 * 1024;
const BUILT_IN = new Set(["request-success-rate", "request-duration"]);

/** Tells what the analysis of a Canary would have said to recorded samples. */
export function runReplay(context: ProgramContext, options: SimulateOptions, path: string): void {
  const canary = readCanary(options.file, options.canaryName);
  const ticks = readRecording(path);
  const recorded = new Set(ticks.flatMap(({ metrics }) => metrics.map(({ name }) => name)));
  const isCompared = canary.spec.analysis.method === "sequential";
  // Constants are held against built-in metrics alone: of a template the recording has counts, not the values of its query.
  const release = simulableCanary(canary, ({ name }) => recorded.has(name) && (isCompared || BUILT_IN.has(name)));
  if (!release.ok)
    throw new Failure(
      `Cannot replay ${path} for the Canary ${canary.metadata.name ?? ""}: ${release.error.map(formatProblem).join("; ")}`,
      { code: "BadManifest" },
    );
  const replay = replayRelease(release.value.canary, ticks);
  context.stdout.write(options.output === "json" ? jsonOf(replay) : textOf(replay, release.value.notes));
}

function readRecording(path: string): readonly RecordedTick[] {
  const bad = (what: string, cause?: unknown): Failure =>
    new Failure(`Cannot read the recording ${path}${what}`, { code: "BadRecording", cause });
  let text: string;
  try {
    if (statSync(path).size > FILE_BYTES_MAX) throw bad(`: it is larger than ${FILE_BYTES_MAX} bytes; cut it`);
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw cause instanceof Failure ? cause : bad("", cause);
  }
  const ticks = decodeRecording(text);
  if (!ticks.ok) throw bad(`: ${ticks.error}`);
  return ticks.value;
}

const verdictText: Readonly<Record<Replay["verdict"], string>> = {
  promoted: "would have been promoted",
  "rolled-back": "would have been rolled back",
  running: "would still be judged at the end of the recording",
};

function textOf({ decisions, verdict, endedMs }: Replay, notes: readonly string[]): string {
  const lines = [
    ...notes.map((note) => `note: ${note}`),
    ...decisions.map(
      ({ sinceMs, weightPercent, sentence }) =>
        `${formatDuration(sinceMs).padStart(8)}  ${`${weightPercent}%`.padStart(4)}  ${sentence}`,
    ),
    `After ${formatDuration(endedMs)} the release ${verdictText[verdict]}.`,
  ];
  return `${lines.join("\n")}\n`;
}

/** For programs: times in seconds. */
function jsonOf({ decisions, verdict, endedMs }: Replay): string {
  const result = {
    verdict,
    endedSeconds: endedMs / 1000,
    decisions: decisions.map(({ sinceMs, ...rest }) => ({ seconds: sinceMs / 1000, ...rest })),
  };
  return `${JSON.stringify(result, undefined, 2)}\n`;
}
