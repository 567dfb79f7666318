import pino from "pino";
import type { Log } from "#base";

/** Flagger's names for the levels, and the usual ones. */
const LEVELS: Readonly<Record<string, string>> = {
  debug: "debug",
  info: "info",
  warn: "warn",
  warning: "warn",
  error: "error",
};

/** A log of JSON lines on standard output; undefined when there is no such level. */
export function createJsonLog(level: string, stream: NodeJS.WritableStream): Log | undefined {
  const known = Object.hasOwn(LEVELS, level) ? LEVELS[level] : undefined;
  if (known === undefined) return undefined;
  const options = {
    level: known,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return wrap(pino(options, stream));
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
