import { err, ok, type Result } from "./result.ts";

/** An absolute count or a percentage of a total: `2` or `"25%"`. */
export type IntOrPercent = number | string;

/**
 * Scales an int-or-percent against a total and rounds it up or down to a whole count.
 *
 * Source: apimachinery `intstr.GetScaledValueFromIntOrPercent`.
 */
export function scaleIntOrPercent(value: IntOrPercent, total: number, round: "up" | "down"): Result<number, string> {
  if (typeof value === "number") return ok(value);
  const match = /^(\d+)%$/.exec(value);
  if (match === null) return err(`must be an integer or a percentage such as "25%", received "${value}"`);
  const scaled = (Number(match[1]) * total) / 100;
  return ok(round === "up" ? Math.ceil(scaled) : Math.floor(scaled));
}
