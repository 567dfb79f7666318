import { err, ok, parseDuration, type Result } from "#base";

const DAY_MS = 86_400_000;
const LONG_UNITS: Readonly<Record<string, number>> = { d: DAY_MS, w: 7 * DAY_MS, y: 365 * DAY_MS };

/**
 * Milliseconds of a metric's interval. Days, weeks and years are taken too: Prometheus knows them, and the text goes into
 * its queries as it is. Source: Prometheus, "Time Durations".
 */
export function parseWindow(text: string): Result<number, string> {
  const refusal = err(`the interval "${text}" is no duration above zero; write one such as 30s or 1m`);
  // The units go from long to short, so that the short ones are the rest.
  const match = /^((?:\d+[dwy])*)(.*)$/s.exec(text);
  const [, long = "", short = ""] = match ?? [];
  let ms = 0;
  for (const [, count, unit] of long.matchAll(/(\d+)([dwy])/g)) ms += Number(count) * (LONG_UNITS[unit ?? ""] ?? 0);
  const rest = short === "" && long !== "" ? ok(0) : parseDuration(short);
  if (!rest.ok) return refusal;
  ms += rest.value;
  return ms > 0 ? ok(ms) : refusal;
}
