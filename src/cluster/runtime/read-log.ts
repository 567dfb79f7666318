import type { LogQuery } from "../node-api.ts";
import type { ContainerLog } from "./container-log.ts";
import { LogCursor } from "./log-cursor.ts";
import type { LogLine } from "./log-line.ts";

export interface ReadLogOptions {
  readonly directory: string;
  /** Number of the run: the container's restart count then. */
  readonly run: number;
  /** The log while it is being written; undefined for a run that has ended. */
  readonly live: ContainerLog | undefined;
  /** `sinceMs` is a time since the Unix epoch: only lines written then or later. */
  readonly query: Pick<LogQuery, "follow" | "timestamps" | "tailLines" | "sinceMs" | "limitBytes">;
  readonly signal: AbortSignal;
}

/** Streams a run's log as `kubectl logs` shows it, and with `follow` what is added until the run ends. */
export async function* readLog(options: ReadLogOptions): AsyncGenerator<Uint8Array> {
  let leftBytes = options.query.limitBytes ?? Number.POSITIVE_INFINITY;
  const render = createRenderer(options.query.timestamps);
  const cursor = new LogCursor(options.directory, options.run);
  try {
    for await (const line of selectLines(options, cursor)) {
      const bytes = render(line);
      yield bytes.subarray(0, leftBytes);
      leftBytes -= bytes.length;
      if (leftBytes <= 0 || options.signal.aborted) return;
    }
  } finally {
    await cursor.close();
  }
}

function createRenderer(hasTimestamps: boolean): (line: LogLine) => Buffer {
  let isInsideLine = false;
  return ({ timestamp, isPartial, text }) => {
    const head = hasTimestamps && !isInsideLine ? `${timestamp} ` : "";
    isInsideLine = isPartial;
    return Buffer.concat([Buffer.from(head), text, Buffer.from(isPartial ? "" : "\n")]);
  };
}

async function* selectLines(options: ReadLogOptions, cursor: LogCursor): AsyncGenerator<LogLine> {
  const { live, query, signal } = options;
  const { sinceMs } = query;
  const isWanted = (line: LogLine): boolean => sinceMs === undefined || Date.parse(line.timestamp) >= sinceMs;
  if (query.tailLines === undefined) yield* wanted(cursor, isWanted);
  else yield* await lastLines(wanted(cursor, isWanted), query.tailLines);
  while (query.follow && live !== undefined && !signal.aborted) {
    // Asked before reading: what is written up to the end is then read by the last round.
    const wasClosed = live.isClosed;
    if (!wasClosed) await waitForGrowth(live, signal);
    yield* wanted(cursor, isWanted);
    if (wasClosed) return;
  }
}

async function* wanted(cursor: LogCursor, isWanted: (line: LogLine) => boolean): AsyncGenerator<LogLine> {
  for await (const line of cursor.available()) if (isWanted(line)) yield line;
}

async function lastLines(lines: AsyncIterable<LogLine>, count: number): Promise<LogLine[]> {
  if (count <= 0) return [];
  const kept: LogLine[] = [];
  for await (const line of lines) {
    kept.push(line);
    // Trimmed in blocks: one by one would move the whole array for each line.
    if (kept.length >= 2 * count) kept.splice(0, kept.length - count);
  }
  return kept.slice(-count);
}

function waitForGrowth(live: ContainerLog, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      unsubscribe();
      signal.removeEventListener("abort", finish);
      resolve();
    };
    const unsubscribe = live.onGrown(finish);
    signal.addEventListener("abort", finish, { once: true });
    if (live.isClosed) finish();
  });
}
