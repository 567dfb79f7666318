import { isUtf8 } from "node:buffer";
import { isObject, messageOf } from "#base";
import { malformed, readFields, valueOf } from "./wire.ts";

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
  ExtraValue: readExtra,
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
  const { buffer, byteOffset, length } = bytesOf(value);
  const bytes = Buffer.from(buffer, byteOffset, length);
  if (!isUtf8(bytes)) throw malformed("a text is not valid UTF-8");
  return bytes.toString("utf8");
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
  return valueOf(bytesOf(value), number);
}

function readExtra(value: number | Uint8Array): readonly string[] {
  const items: string[] = [];
  for (const field of readFields(bytesOf(value))) if (field.number === 1) items.push(readText(field.value));
  return items;
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

/** Deeper JSON cannot be written again without exhausting the stack. */
const JSON_DEPTH_MAX = 200;

function readJson(value: number | Uint8Array): unknown {
  const text = readText(partOf(value, 1));
  if (text === "") return undefined;
  const json = parseJson(text);
  checkJson(json, 1);
  return json;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw malformed(`embedded JSON cannot be read: ${messageOf(thrown)}`);
  }
}

function checkJson(json: unknown, depth: number): void {
  if (depth > JSON_DEPTH_MAX) throw malformed(`embedded JSON is nested deeper than ${JSON_DEPTH_MAX} levels`);
  if (Array.isArray(json)) for (const item of json) checkJson(item, depth + 1);
  else if (isObject(json)) {
    for (const [key, item] of Object.entries(json)) {
      if (key === "__proto__") throw malformed('embedded JSON has the key "__proto__", which is not accepted');
      checkJson(item, depth + 1);
    }
  }
}
