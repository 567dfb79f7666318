import { gunzipSync, gzipSync } from "node:zlib";
import { err, isObject, messageOf, ok, type Result } from "#base";
import type { DecisionRecord } from "#rollout";
import { MAX_RECORD_COUNT, type Run, runOutcomes } from "./run.ts";

/**
 * A run as lines of JSON, gzipped, in base64: the run without its decisions, then a line for each decision.
 *
 * What is read may have been written by anybody who may write a ConfigMap: it is bounded and checked, never trusted.
 */

/** Bytes that a run may unpack to; 200 decisions of 20 kB each. */
const MAX_TEXT_BYTES = 4 * 1024 * 1024;

/** Undefined when nobody would read so long a text. */
export function encodeRun({ records, ...head }: Run): string | undefined {
  const text = Buffer.from([head, ...records].map((line) => `${JSON.stringify(line, finite)}\n`).join(""));
  return text.length > MAX_TEXT_BYTES ? undefined : gzipSync(text).toString("base64");
}

/** JSON has no infinity, and evidence can be without end. */
function finite(_: string, value: unknown): unknown {
  return typeof value === "number" ? Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, value)) : value;
}

/** Reads a run; lines that are no decision are left out and counted. The error says in a few words what is wrong. */
export function decodeRun(number: number, base64: unknown): Result<Run, string> {
  if (typeof base64 !== "string") return err("it is no text");
  const lines = unpack(base64);
  if (!lines.ok) return lines;
  const [head, ...rest] = lines.value;
  if (!isObject(head) || !isText(head.revision) || !isText(head.startedAt)) return err("its first line is no run");
  const last = rest.slice(-MAX_RECORD_COUNT);
  const records = last.filter(isRecord);
  if (records.length === 0 && last.length > 0) return err("no line is a decision");
  const outcome = runOutcomes.find((known) => known === head.outcome);
  return ok({
    number,
    revision: head.revision,
    startedAt: head.startedAt,
    ...(isText(head.endedAt) ? { endedAt: head.endedAt } : {}),
    ...(outcome === undefined ? {} : { outcome }),
    records,
    droppedCount: (isNumber(head.droppedCount) ? head.droppedCount : 0) + last.length - records.length,
    ...(isText(head.note) ? { note: head.note } : {}),
  });
}

function unpack(base64: string): Result<readonly unknown[], string> {
  try {
    const text = gunzipSync(Buffer.from(base64, "base64"), { maxOutputLength: MAX_TEXT_BYTES }).toString();
    return ok(
      text
        .trimEnd()
        .split("\n")
        .map((line): unknown => JSON.parse(line)),
    );
  } catch (thrown) {
    // Bytes that are not gzip, more of them than fit, or a line that is not JSON.
    return err(messageOf(thrown).slice(0, 80));
  }
}

/** Checks what whoever prints a record goes into; a rule or a kind that is not known is only a name. */
function isRecord(value: unknown): value is DecisionRecord {
  if (!isObject(value) || !isText(value.at) || !isText(value.label) || !isText(value.sentence)) return false;
  if (!isStand(value.from) || !isStand(value.to)) return false;
  if (!isListOf(value.checks, isCheck) || !isListOf(value.done, (deed) => isObject(deed) && isText(deed.kind)))
    return false;
  const { evidence, capacity, otherwise, repeated } = value;
  return (
    (evidence === undefined || isEvidence(evidence)) &&
    (capacity === undefined || isCapacity(capacity)) &&
    (otherwise === undefined || isText(otherwise)) &&
    (repeated === undefined || (isObject(repeated) && isNumber(repeated.count) && isText(repeated.lastAt)))
  );
}

function isStand(value: unknown): boolean {
  return isObject(value) && isText(value.phase) && isNumber(value.weight);
}

function isCheck(value: unknown): boolean {
  if (!isObject(value) || !isText(value.name) || !isText(value.verdict) || !isText(value.detail)) return false;
  const { result, query, window, allowed } = value;
  return (
    [query, window, allowed].every((text) => text === undefined || isText(text)) &&
    (result === undefined || (isObject(result) && isText(result.kind) && isResult(result)))
  );
}

function isResult({ kind, value, ageMs, message }: Record<string, unknown>): boolean {
  if (kind === "value") return isNumber(value);
  if (kind === "stale") return isNumber(ageMs);
  return kind === "zero" || kind === "empty" || isText(message);
}

function isEvidence(value: unknown): boolean {
  if (!isObject(value) || !isNumber(value.combined) || !isNumber(value.stopAt)) return false;
  return (value.leading === undefined || isText(value.leading)) && isListOf(value.metrics, isFact);
}

function isFact(value: unknown): boolean {
  if (!isObject(value) || !isText(value.metric) || !isText(value.what) || !isText(value.verdict)) return false;
  const { canary, primary, worse, falseAlarm, left, interval } = value;
  const numbers = [value.estimate, value.bound, value.goAt, value.windowMs];
  return (
    isCounts(canary) &&
    isCounts(primary) &&
    isNumber(worse) &&
    isNumber(falseAlarm) &&
    numbers.every((number) => number === undefined || isNumber(number)) &&
    (value.query === undefined || isText(value.query)) &&
    (left === undefined || (isObject(left) && isNumber(left.requestCount))) &&
    (interval === undefined || (isObject(interval) && isNumber(interval.low) && isNumber(interval.high)))
  );
}

function isCounts(value: unknown): boolean {
  return isObject(value) && isNumber(value.total) && isNumber(value.bad);
}

function isCapacity(value: unknown): boolean {
  if (!isObject(value) || !isText(value.method) || !isText(value.wayBack) || !isListOf(value.bounds, isText))
    return false;
  const isCopy = (copy: unknown): boolean =>
    isObject(copy) && [copy.ready, copy.pods, copy.need, copy.floor].every(isNumber);
  return isCopy(value.primary) && isCopy(value.canary) && [value.podsForAll, value.next, value.reserve].every(isNumber);
}

function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isItem);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isNumber(value: unknown): value is number {
  return typeof value === "number";
}
