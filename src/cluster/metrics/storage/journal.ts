import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  truncateSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { type Clock, Failure, type Log, messageOf } from "#base";
import { createRecordEncoder, decodeRecords, type RecordEncoder } from "./journal-records.ts";
import type { SampleStore } from "./sample-store.ts";
import type { StoredSeries } from "./series-samples.ts";

/**
 * The scrapes on disk, so that rates survive the end of the process: an append-only log in segments. Each segment names the
 * series it uses, so that old ones can be deleted without reading them. Writes are grouped; they reach the operating system
 * within {@link FLUSH_AFTER_MS}, so a kill loses at most that, a power failure somewhat more.
 */
export interface Journal {
  /** Adds the samples of one moment. */
  append(
    timeMs: number,
    samples: readonly { readonly series: StoredSeries; readonly value: number | undefined }[],
  ): void;
  /** Deletes segments that ended before a time. */
  forgetBefore(timeMs: number): void;
  /** Writes what is pending and closes the file. */
  close(): void;
}

/** A sample of a moment; without a value it marks the series as stale. */
export interface MomentSample {
  readonly series: StoredSeries;
  readonly value: number | undefined;
}

export interface JournalOptions {
  readonly directory: string;
  readonly store: SampleStore;
  readonly clock: Clock;
  readonly log: Log;
}

const FLUSH_AFTER_MS = 250;
const MAX_PENDING_BYTES = 1024 * 1024;
const MAX_SEGMENT_BYTES = 32 * 1024 * 1024;
const MAX_SEGMENT_AGE_MS = 10 * 60_000;
/** Beyond this the oldest segments go even within the retention, so that disk and the time of a start are bounded. */
const MAX_TOTAL_BYTES = 256 * 1024 * 1024;
const SEGMENT_NAME = /^(\d{8})\.journal$/;

interface Segment {
  readonly number: number;
  readonly path: string;
  /** Newest sample in it. */
  lastMs: number;
  bytes: number;
}

/**
 * Reads the journal of a directory into the store and opens a new segment behind it.
 *
 * @throws Failure `JournalUnusable` when the directory cannot be read or written
 */
export function openJournal(options: JournalOptions): Journal {
  const { directory } = options;
  try {
    mkdirSync(directory, { recursive: true });
    const segments = replay(options);
    return startJournal(options, segments);
  } catch (thrown) {
    throw new Failure(`Cannot use the metrics journal in "${directory}": ${messageOf(thrown)}`, {
      code: "JournalUnusable",
      cause: thrown,
    });
  }
}

function replay({ directory, store, log }: JournalOptions): Segment[] {
  const segments: Segment[] = [];
  for (const name of readdirSync(directory).sort()) {
    const match = SEGMENT_NAME.exec(name);
    if (match === null) continue;
    const path = join(directory, name);
    const bytes = readFileSync(path);
    const segment: Segment = { number: Number(match[1]), path, lastMs: Number.NEGATIVE_INFINITY, bytes: bytes.length };
    const wholeBytes = replaySegment(bytes, store, segment);
    segments.push(segment);
    if (wholeBytes === bytes.length) continue;
    log.warn("the end of a metrics segment was torn and is dropped", { path, droppedBytes: bytes.length - wholeBytes });
    truncateSync(path, wholeBytes);
  }
  return segments;
}

function replaySegment(bytes: Buffer, store: SampleStore, segment: Segment): number {
  const byId = new Map<number, StoredSeries>();
  return decodeRecords(bytes, (record) => {
    if (record.kind === "series") {
      const series = store.series(record.labels);
      if (series !== undefined) byId.set(record.id, series);
      return;
    }
    segment.lastMs = Math.max(segment.lastMs, record.timeMs);
    for (const { id, value } of record.samples) {
      const series = byId.get(id);
      if (series !== undefined) store.append(series, record.timeMs, value);
    }
  });
}

/** The segment that is written to. */
interface OpenSegment {
  readonly segment: Segment;
  readonly file: number;
  readonly openedMs: number;
  /** Series that the segment names already: each is named before its first sample. */
  readonly named: Set<number>;
  readonly encoder: RecordEncoder;
}

function openSegment({ directory, clock }: JournalOptions, number: number): OpenSegment {
  const path = join(directory, `${String(number).padStart(8, "0")}.journal`);
  const segment: Segment = { number, path, lastMs: Number.NEGATIVE_INFINITY, bytes: 0 };
  const file = openSync(path, "a");
  return { segment, file, openedMs: clock.nowMs(), named: new Set(), encoder: createRecordEncoder() };
}

function startJournal(options: JournalOptions, segments: Segment[]): Journal {
  const { clock, log } = options;
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let cancelFlush: (() => void) | undefined;
  let current = openSegment(options, (segments.at(-1)?.number ?? 0) + 1);
  segments.push(current.segment);

  function flush(): void {
    cancelFlush?.();
    cancelFlush = undefined;
    const bytes = Buffer.concat(pending);
    pending = [];
    pendingBytes = 0;
    try {
      writeWhole(current, bytes);
    } catch (thrown) {
      // A full disk must not end the cluster: the samples stay in memory. What the segment names is no longer sure.
      log.error("cannot write the metrics journal", { path: current.segment.path, error: messageOf(thrown) });
      current = { ...current, named: new Set(), encoder: createRecordEncoder() };
    }
  }

  function rotate(): void {
    flush();
    try {
      const next = openSegment(options, current.segment.number + 1);
      closeSync(current.file);
      current = next;
      segments.push(next.segment);
    } catch (thrown) {
      log.error("cannot start a segment of the metrics journal", {
        path: current.segment.path,
        error: messageOf(thrown),
      });
    }
  }

  return {
    append(timeMs, samples) {
      if (isFull(current, clock.nowMs())) rotate();
      for (const record of encodeMoment(current, timeMs, samples)) {
        pending.push(record);
        pendingBytes += record.length;
      }
      if (pendingBytes > MAX_PENDING_BYTES) flush();
      else cancelFlush ??= clock.after(FLUSH_AFTER_MS, flush);
    },
    forgetBefore: (timeMs) => deleteOldSegments(segments, timeMs),
    close() {
      flush();
      closeSync(current.file);
    },
  };
}

function isFull({ segment, openedMs }: OpenSegment, nowMs: number): boolean {
  return segment.bytes > MAX_SEGMENT_BYTES || nowMs - openedMs > MAX_SEGMENT_AGE_MS;
}

function encodeMoment(
  { segment, named, encoder }: OpenSegment,
  timeMs: number,
  samples: readonly MomentSample[],
): readonly Buffer[] {
  const records: Buffer[] = [];
  for (const { series } of samples) {
    if (named.has(series.id)) continue;
    named.add(series.id);
    records.push(encoder.encode({ kind: "series", id: series.id, labels: series.labels }));
  }
  const entries = samples.map(({ series, value }) => ({ id: series.id, value }));
  records.push(encoder.encode({ kind: "samples", timeMs, samples: entries }));
  segment.lastMs = Math.max(segment.lastMs, timeMs);
  return records;
}

function writeWhole({ file, segment }: OpenSegment, bytes: Buffer): void {
  try {
    for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
    segment.bytes += bytes.length;
  } catch (thrown) {
    // Half a record would hide everything written after it.
    ftruncateSync(file, segment.bytes);
    throw thrown;
  }
}

function deleteOldSegments(segments: Segment[], beforeMs: number): void {
  let totalBytes = segments.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const segment of segments.slice(0, -1)) {
    if (segment.lastMs >= beforeMs && totalBytes <= MAX_TOTAL_BYTES) continue;
    totalBytes -= segment.bytes;
    rmSync(segment.path, { force: true });
    segments.splice(segments.indexOf(segment), 1);
  }
}
