/** What pure code and effects alike get from outside: time, chance, a place to write. Real ones live in the effect rooms. */

/** A source of time and timers. Tests and the simulator pass a virtual one. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number;
  /** Calls back once after `delayMs`; the returned function cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}

/** A source of chance, uniform in [0, 1). */
export interface Random {
  next(): number;
}

export type LogFields = Readonly<Record<string, unknown>>;

/** Structured log. Fields never hold secrets; the message is a constant sentence. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A log that adds the fields to every line. */
  with(fields: LogFields): Log;
}

/** A log that drops everything. */
export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  with: () => silentLog,
};
