import { Cron } from "croner";
import { err, ok, type Result } from "#base";

/** Two cron expressions of five fields and the IANA time zone that both are in. */
export interface CronWindow {
  readonly start: string;
  readonly end: string;
  readonly timezone: string;
}

/**
 * Tells whether a time is inside: the next end does not come after the next start, both looked for after `nowMs`.
 *
 * A local time that the change to summer time skips counts as the first moment after the gap, and one that the change to
 * winter time repeats counts once, the first time, so that a window opens once a day on those days too.
 * Source: keda-hpa-spec 15.3.
 */
export function isInside({ start, end, timezone }: CronWindow, nowMs: number): boolean {
  const nextStart = nextMs(start, timezone, nowMs);
  const nextEnd = nextMs(end, timezone, nowMs);
  if (nextStart === undefined || nextEnd === undefined) return false;
  return nextEnd <= nextStart;
}

/** Says what is wrong with a cron expression of five fields; undefined when it can be used. */
export function scheduleFault(expression: string, nowMs: number): string | undefined {
  const explicit = explicitFields(expression);
  if (!explicit.ok) return explicit.error;
  return nextMs(expression, "UTC", nowMs) === undefined ? "such a time never comes" : undefined;
}

/** Says whether a name stands in the IANA time zone database. */
export function isTimezone(name: string): boolean {
  // Offsets such as "+02:00" are known to JavaScript only.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

/** First time of the schedule after `nowMs`, in milliseconds since the epoch. */
function nextMs(expression: string, timezone: string, nowMs: number): number | undefined {
  const explicit = explicitFields(expression);
  if (!explicit.ok) return undefined;
  // Without a function to call it only calculates: nothing is scheduled.
  return new Cron(explicit.value, { timezone, mode: "5-part" }).nextRun(new Date(nowMs))?.getTime();
}

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Names that stand for `min`, `min + 1`, … */
  readonly words: readonly string[];
}

const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const weekdays = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const fields: readonly Field[] = [
  { name: "minute", min: 0, max: 59, words: [] },
  { name: "hour", min: 0, max: 23, words: [] },
  { name: "day of the month", min: 1, max: 31, words: [] },
  { name: "month", min: 1, max: 12, words: months },
  { name: "day of the week", min: 0, max: 6, words: weekdays },
];

/**
 * Writes the fields as plain lists of numbers, or `*`. Dialects of cron differ in what else they allow, and a schedule
 * that works here has to work in KEDA. Source: the standard five fields of robfig/cron v3, which KEDA reads.
 */
function explicitFields(expression: string): Result<string, string> {
  const words = expression.trim().split(/\s+/);
  if (words.length !== fields.length)
    return err(
      `it has ${words.length} fields, five are needed: minute, hour, day of the month, month, day of the week`,
    );
  const lists: string[] = [];
  for (const [index, field] of fields.entries()) {
    const list = explicitField(words[index] ?? "", field);
    if (!list.ok) return list;
    lists.push(list.value);
  }
  return ok(lists.join(" "));
}

function explicitField(text: string, field: Field): Result<string, string> {
  const values = new Set<number>();
  for (const item of text.split(",")) {
    const match = /^(?:[*?]|(\w+)(?:-(\w+))?)(?:\/(\d+))?$/.exec(item);
    if (match === null) return err(`"${item}" is no ${field.name}`);
    const [, first, last, stepText] = match;
    const step = stepText === undefined ? 1 : Number(stepText);
    if (first === undefined && step === 1) return ok("*");
    const from = first === undefined ? field.min : numberOf(first, field);
    // "5/15" goes on to the end of the field, "5" alone does not.
    const open = first === undefined || stepText !== undefined ? field.max : from;
    const to = last === undefined ? open : numberOf(last, field);
    if (from === undefined || to === undefined || from > to || step === 0)
      return err(`"${item}" is no ${field.name}: write numbers from ${field.min} to ${field.max}`);
    for (let value = from; value <= to; value += step) values.add(value);
  }
  return ok([...values].sort((a, b) => a - b).join(","));
}

function numberOf(text: string, { min, max, words }: Field): number | undefined {
  const word = words.indexOf(text.toLowerCase());
  const value = word >= 0 ? word + min : /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  return value >= min && value <= max ? value : undefined;
}
