import { mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { type Clock, type Log, messageOf } from "#base";
import { createLineSplitter, encodeLogLine, LINE_BYTES_MAX } from "./log-line.ts";

/** Size at which a log file is moved to `.1` (and that to `.2`): three files of 10 MB for one run of a container. */
const FILE_BYTES_MAX = 10 * 1024 * 1024;
/** Runs whose logs are kept: the current one and the one before. */
const RUNS_KEPT = 2;
/** Bytes not yet on disk above which the container's output is left in its pipe. */
const PENDING_BYTES_MAX = 1024 * 1024;

/** Path of the current file of a container's run. */
function logPath(directory: string, run: number): string {
  return join(directory, `${run}.log`);
}

/** The files of a run, the oldest first. */
export function logFiles(directory: string, run: number): readonly string[] {
  const path = logPath(directory, run);
  return [`${path}.2`, `${path}.1`, path];
}

export interface ContainerLogOptions {
  readonly directory: string;
  /** Number of the run: the container's restart count. */
  readonly run: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Writes the output of one run of a container to rotating files, and tells readers that follow it. */
export class ContainerLog {
  readonly #options: ContainerLogOptions;
  readonly #path: string;
  readonly #listeners = new Set<() => void>();
  readonly #paused = new Set<Readable>();
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #fileBytes = 0;
  #writing: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: ContainerLogOptions) {
    this.#options = options;
    this.#path = logPath(options.directory, options.run);
    mkdirSync(options.directory, { recursive: true, mode: 0o700 });
    for (const path of logFiles(options.directory, options.run - RUNS_KEPT)) rmSync(path, { force: true });
    this.#fileBytes = statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** All is written and nothing will follow. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Calls back after each write and at the end; returns the unsubscriber. */
  onGrown(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes all output of a stream. */
  attach(source: Readable, stream: "stdout" | "stderr"): void {
    const splitter = createLineSplitter(LINE_BYTES_MAX);
    const append = (text: Buffer, isPartial: boolean): void => {
      const timestamp = `${new Date(this.#options.clock.nowMs()).toISOString().slice(0, -1)}000000Z`;
      this.#append(encodeLogLine({ timestamp, stream, isPartial, text }));
    };
    source.on("data", (chunk: Buffer) => {
      splitter.push(chunk, append);
      if (this.#pendingBytes <= PENDING_BYTES_MAX) return;
      source.pause();
      this.#paused.add(source);
    });
    source.once("end", () => splitter.end(append));
    // A pipe whose other end was killed: what came before is in the log, there is nothing else to say.
    source.on("error", () => undefined);
  }

  /** Writes what is pending and tells the readers that this was all. */
  async close(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    this.#isClosed = true;
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }

  #append(line: Buffer): void {
    if (this.#isClosed) return;
    this.#pending.push(line);
    this.#pendingBytes += line.length;
    this.#writing ??= this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    let file: FileHandle | undefined;
    try {
      while (this.#pending.length > 0) {
        if (this.#fileBytes > FILE_BYTES_MAX) {
          await file?.close();
          file = undefined;
          this.#rotate();
        }
        file ??= await open(this.#path, "a", 0o600);
        const bytes = Buffer.concat(this.#pending);
        this.#pending = [];
        await file.appendFile(bytes);
        this.#fileBytes += bytes.length;
        this.#pendingBytes -= bytes.length;
        for (const listener of this.#listeners) listener();
      }
    } catch (thrown) {
      this.#options.log.error("cannot write a container's log", { path: this.#path, error: messageOf(thrown) });
      this.#pending = [];
      this.#pendingBytes = 0;
    } finally {
      await file?.close().catch(() => undefined);
      // What came while the file was being closed still has to be written.
      this.#writing = this.#pending.length > 0 ? this.#writeAll() : undefined;
      for (const source of this.#paused) source.resume();
      this.#paused.clear();
    }
  }

  #rotate(): void {
    for (const [from, to] of [
      [`${this.#path}.1`, `${this.#path}.2`],
      [this.#path, `${this.#path}.1`],
    ] as const) {
      if (statSync(from, { throwIfNoEntry: false }) !== undefined) renameSync(from, to);
    }
    this.#fileBytes = 0;
  }
}
