import { messageOf } from "#base";
import { malformed, readFields } from "./wire.ts";

/** Types that are not read field by field: what they become in JSON. */
const readers: Readonly<Record<string, (value: number | Uint8Array) => unknown>> = {
  string: readText,
  int: readInt,
  bool: (value) => readInt(value) !== 0,
  bytes: (value) => Buffer.from(bytesOf(value)).toString("base64"),
  Time: (value) => readTime(value, 0),
  MicroTime: (value) => readTime(value, 6),
  Quantity: (value) => readText(partOf(value, 1)),
  IntOrString: readIntOrString,
  FieldsV1: readJson,
  RawExtension: readJson,
  ExtraValue: (value) => readFields(bytesOf(value)).map((item) => readText(item.value)),
};

export function isWellKnown(type: string): boolean {
  return Object.hasOwn(readers, type);
}

export function readScalar(type: string, value: number | Uint8Array): unknown {
  return readers[type]?.(value);
}

/** Reads UTF-8 text; nothing is the empty text. */
export function readText(value: number | Uint8Array | undefined): string {
  if (value === undefined) return "";
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytesOf(value));
  } catch (thrown) {
    throw malformed(`a text is not valid UTF-8: ${messageOf(thrown)}`);
  }
}

function bytesOf(value: number | Uint8Array): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw malformed("a number stands where bytes are expected");
}

function readInt(value: number | Uint8Array | undefined): number {
  if (value === undefined) return 0;
  if (typeof value === "number") return value;
  throw malformed("bytes stand where a number is expected");
}

function partOf(value: number | Uint8Array, number: number): number | Uint8Array | undefined {
  return readFields(bytesOf(value)).find((field) => field.number === number)?.value;
}

const SECONDS_MAX = 253_402_300_799;

/** Seconds and nanoseconds since the epoch; nothing when both are missing, which is Go's zero time. */
function readTime(value: number | Uint8Array, fractionDigits: 0 | 6): string | undefined {
  const secondsPart = partOf(value, 1);
  if (secondsPart === undefined) return undefined;
  const seconds = readInt(secondsPart);
  if (Math.abs(seconds) > SECONDS_MAX) throw malformed(`${seconds} is no time`);
  const whole = new Date(seconds * 1000).toISOString().slice(0, -".000Z".length);
  if (fractionDigits === 0) return `${whole}Z`;
  const micros = Math.trunc(readInt(partOf(value, 2)) / 1000);
  return `${whole}.${String(micros).padStart(fractionDigits, "0")}Z`;
}

function readIntOrString(value: number | Uint8Array): string | number {
  const isText = readInt(partOf(value, 1)) === 1;
  return isText ? readText(partOf(value, 3)) : readInt(partOf(value, 2));
}

function readJson(value: number | Uint8Array): unknown {
  const text = readText(partOf(value, 1));
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch (thrown) {
    throw malformed(`embedded JSON cannot be read: ${messageOf(thrown)}`);
  }
}
