import { err, ok, type Result } from "./result.ts";

const MS_PER_UNIT: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/**
 * Parses a Go duration (`1m30s`, `500ms`, `-1.5h`, `0`) into milliseconds.
 *
 * Source: Go `time.ParseDuration`: a signed sequence of decimal numbers, each with a unit of ns, us, ms, s, m, h.
 */
export function parseDuration(text: string): Result<number, string> {
  if (text === "0") return ok(0);
  const sign = text.startsWith("-") ? -1 : 1;
  const body = text.replace(/^[+-]/, "");
  const part = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/gy;
  let totalMs = 0;
  while (part.lastIndex < body.length) {
    const match = part.exec(body);
    if (match === null) return err(`invalid duration "${text}": write a number with a unit, such as 30s or 1m30s`);
    totalMs += Number(match[1]) * (MS_PER_UNIT[match[2] ?? ""] ?? 0);
  }
  if (body === "") return err(`invalid duration "${text}": write a number with a unit, such as 30s or 1m30s`);
  return ok(sign * totalMs);
}

/** Writes milliseconds as a Go duration: `1m30s`, `1.5s`, `250ms`, `0s`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return "0s";
  if (ms < 0) return `-${formatDuration(-ms)}`;
  if (ms < 1000) return `${trimmed(ms)}ms`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor((ms % 3_600_000) / 60_000);
  const seconds = (ms % 60_000) / 1000;
  if (hours > 0) return `${hours}h${minutes}m${trimmed(seconds)}s`;
  if (minutes > 0) return `${minutes}m${trimmed(seconds)}s`;
  return `${trimmed(seconds)}s`;
}

function trimmed(value: number): string {
  return String(Number(value.toFixed(9)));
}

/** Writes an age as kubectl does: `5s`, `3m2s`, `12m`, `2h5m`, `26h`, `4d`, `2y10d`. Source: apimachinery `duration.HumanDuration`. */
export function formatAge(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return withRest(`${minutes}m`, seconds % 60, "s");
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return withRest(`${hours}h`, minutes % 60, "m");
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (hours < 24 * 8) return withRest(`${days}d`, hours % 24, "h");
  if (days < 365 * 2) return `${days}d`;
  const years = Math.floor(days / 365);
  return years < 8 ? withRest(`${years}y`, days % 365, "d") : `${years}y`;
}

function withRest(head: string, rest: number, unit: string): string {
  return rest === 0 ? head : `${head}${rest}${unit}`;
}
