/** Writes JSON lines as podinfo's logger does: `level`, `ts`, `msg`, then the fields. */
export interface LineLog {
  debug(msg: string, fields?: Readonly<Record<string, unknown>>): void;
  info(msg: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(msg: string, fields?: Readonly<Record<string, unknown>>): void;
  error(msg: string, fields?: Readonly<Record<string, unknown>>): void;
}

const RANK: Readonly<Record<string, number>> = { debug: 0, info: 1, warn: 2, error: 3, fatal: 4, panic: 4 };

/** Creates a log that drops lines below the level. */
export function createLineLog(level: string, write: (line: string) => void): LineLog {
  const least = RANK[level] ?? 1;
  const writer =
    (name: string) =>
    (msg: string, fields: Readonly<Record<string, unknown>> = {}): void => {
      if ((RANK[name] ?? 0) < least) return;
      write(`${JSON.stringify({ level: name, ts: new Date().toISOString(), msg, ...fields })}\n`);
    };
  return { debug: writer("debug"), info: writer("info"), warn: writer("warn"), error: writer("error") };
}
