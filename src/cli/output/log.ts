import pino from "pino";
import { err, type Log, ok, type Result } from "#base";

const LEVELS = ["debug", "info", "warn", "error"] as const;

/** Makes a log of JSON lines on a stream; the error names the levels there are. */
export function createLog(level: string, stream: NodeJS.WritableStream): Result<Log, string> {
  const known = LEVELS.find((name) => name === level);
  if (known === undefined) return err(`--log-level: "${level}" is unknown; write ${LEVELS.join(", ")}`);
  const options = {
    level: known,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return ok(wrap(pino(options, stream)));
}

function wrap(logger: pino.Logger): Log {
  return {
    debug: (message, fields = {}) => logger.debug(fields, message),
    info: (message, fields = {}) => logger.info(fields, message),
    warn: (message, fields = {}) => logger.warn(fields, message),
    error: (message, fields = {}) => logger.error(fields, message),
    with: (fields) => wrap(logger.child(fields)),
  };
}
