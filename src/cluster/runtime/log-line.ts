/**
 * The lines of a container's log file: time, stream, `F` for a whole line or `P` for the first part of a long one, text.
 *
 * Source: the CRI log format, which tools that read /var/log/pods know.
 */
export interface LogLine {
  readonly timestamp: string;
  readonly isPartial: boolean;
  readonly text: Buffer;
}

/** Longest text of one line; longer ones are written in parts. Source: the CRI implementations' default. */
export const LINE_BYTES_MAX = 16 * 1024;

export function encodeLogLine(line: {
  timestamp: string;
  stream: "stdout" | "stderr";
  isPartial: boolean;
  text: Buffer;
}): Buffer {
  const head = Buffer.from(`${line.timestamp} ${line.stream} ${line.isPartial ? "P" : "F"} `);
  return Buffer.concat([head, line.text, NEWLINE]);
}

const NEWLINE = Buffer.from("\n");

/** Reads a line without its newline; undefined for one that was torn by a crash. */
export function decodeLogLine(bytes: Buffer): LogLine | undefined {
  const first = bytes.indexOf(" ");
  const second = bytes.indexOf(" ", first + 1);
  if (first < 0 || second < 0 || bytes[second + 2] !== SPACE) return undefined;
  const tag = bytes[second + 1];
  if (tag !== FULL && tag !== PARTIAL) return undefined;
  return {
    timestamp: bytes.toString("latin1", 0, first),
    isPartial: tag === PARTIAL,
    text: bytes.subarray(second + 3),
  };
}

const SPACE = 0x20;
const FULL = 0x46;
const PARTIAL = 0x50;

/** Splits a growing stream of bytes at newlines. */
export function createLineSplitter(bytesMax: number): {
  push(chunk: Buffer, onLine: (text: Buffer, isPartial: boolean) => void): void;
  /** Gives out what is left without a newline. */
  end(onLine: (text: Buffer, isPartial: boolean) => void): void;
} {
  let rest = Buffer.alloc(0);
  return {
    push(chunk, onLine) {
      let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      for (;;) {
        const newline = bytes.indexOf("\n");
        if (newline >= 0 && newline <= bytesMax) {
          onLine(bytes.subarray(0, newline), false);
          bytes = bytes.subarray(newline + 1);
        } else if (bytes.length > bytesMax) {
          onLine(bytes.subarray(0, bytesMax), true);
          bytes = bytes.subarray(bytesMax);
        } else break;
      }
      // A copy, so that a short rest does not keep a whole chunk in memory.
      rest = Buffer.from(bytes);
    },
    end(onLine) {
      if (rest.length > 0) onLine(rest, false);
      rest = Buffer.alloc(0);
    },
  };
}
