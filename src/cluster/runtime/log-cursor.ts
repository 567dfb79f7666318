import { type FileHandle, open, stat } from "node:fs/promises";
import { logFiles } from "./container-log.ts";
import { createLineSplitter, decodeLogLine, LINE_BYTES_MAX, type LogLine } from "./log-line.ts";

const CHUNK_BYTES = 64 * 1024;
/** Room for a line's head of time, stream and tag beside its text. */
const HEAD_BYTES_MAX = 64;

/** Reads the files of one run from the oldest to the newest and keeps its place while they grow and rotate. */
export class LogCursor {
  readonly #paths: readonly string[];
  readonly #splitter = createLineSplitter(LINE_BYTES_MAX + HEAD_BYTES_MAX);
  readonly #chunk = Buffer.alloc(CHUNK_BYTES);
  #file: FileHandle | undefined;

  constructor(directory: string, run: number) {
    this.#paths = logFiles(directory, run);
  }

  /** Gives the lines that were written since the last call. */
  async *available(): AsyncGenerator<LogLine> {
    this.#file ??= await this.#openNext(undefined);
    while (this.#file !== undefined) {
      yield* this.#readToEnd(this.#file);
      const next = await this.#openNext((await this.#file.stat()).ino);
      if (next === undefined) return;
      // Lines may have come between the end that was seen and the rotation.
      yield* this.#readToEnd(this.#file);
      await this.#file.close();
      this.#file = next;
    }
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  async *#readToEnd(file: FileHandle): AsyncGenerator<LogLine> {
    for (;;) {
      const { bytesRead } = await file.read(this.#chunk, 0, CHUNK_BYTES);
      if (bytesRead === 0) return;
      const lines: LogLine[] = [];
      this.#splitter.push(Buffer.from(this.#chunk.subarray(0, bytesRead)), (bytes) => {
        const line = decodeLogLine(bytes);
        if (line !== undefined) lines.push(line);
      });
      yield* lines;
    }
  }

  /** Opens the file that follows the one with this inode; the oldest when that one is gone or none was read yet. */
  async #openNext(inode: number | undefined): Promise<FileHandle | undefined> {
    const existing: { path: string; inode: number }[] = [];
    for (const path of this.#paths) {
      const found = await stat(path).catch(() => undefined);
      if (found !== undefined) existing.push({ path, inode: found.ino });
    }
    const next = existing[existing.findIndex((file) => file.inode === inode) + 1];
    // A file that was rotated away between the two calls is found under its next name by the next call.
    return next === undefined ? undefined : open(next.path, "r").catch(() => undefined);
  }
}
