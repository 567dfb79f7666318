import { parseDuration } from "#base";
import { UnusableObject } from "./finding.ts";

/**
 * Reads an optional duration field into milliseconds.
 *
 * @throws UnusableObject naming the field when it is no duration or is negative.
 */
export function durationMs(field: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const parsed = parseDuration(String(text));
  if (!parsed.ok) throw new UnusableObject(`${field}: ${parsed.error}`);
  if (parsed.value < 0) throw new UnusableObject(`${field}: must not be negative, received "${text}"`);
  return parsed.value;
}
