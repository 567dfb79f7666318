import { crc32 } from "node:zlib";
import { createLabels, labelEntries, type Labels } from "#promql";

/**
 * The records of a journal segment. Each is framed as length, CRC-32 of the payload, payload, so that a torn or damaged tail
 * is found. A payload is a kind byte and:
 *
 * - series: id (varint), labels as JSON
 * - samples: time (f64), then for each sample a varint of (distance to the id before, zigzag) × 4 + form, and the value
 *
 * The form says what follows: a float of 8 bytes, an integer of 4, nothing for a staleness marker, nothing for the value
 * that the series had last in this segment. Most counters stand still from one scrape to the next.
 */
export type JournalRecord =
  | { readonly kind: "series"; readonly id: number; readonly labels: Labels }
  | { readonly kind: "samples"; readonly timeMs: number; readonly samples: readonly JournalSample[] };

export interface JournalSample {
  readonly id: number;
  /** Absent: a staleness marker. */
  readonly value: number | undefined;
}

/** Writes the records of one segment. */
export interface RecordEncoder {
  encode(record: JournalRecord): Buffer;
}

const FRAME_BYTES = 8;
const SERIES_KIND = 1;
const SAMPLES_KIND = 2;
const FLOAT_FORM = 0;
const INTEGER_FORM = 1;
const STALE_FORM = 2;
const SAME_FORM = 3;
const MAX_VARINT_BYTES = 6;
/** A longer payload can only be damage. */
const MAX_PAYLOAD_BYTES = 16 * 1024 * 1024;

export function createRecordEncoder(): RecordEncoder {
  const lastValues = new Map<number, number>();
  return {
    encode(record) {
      const payload =
        record.kind === "series" ? encodeSeries(record.id, record.labels) : encodeSamples(record, lastValues);
      const frame = Buffer.allocUnsafe(FRAME_BYTES);
      frame.writeUInt32LE(payload.length, 0);
      frame.writeUInt32LE(crc32(payload), 4);
      return Buffer.concat([frame, payload]);
    },
  };
}

function encodeSeries(id: number, labels: Labels): Buffer {
  const head = Buffer.alloc(1 + MAX_VARINT_BYTES, SERIES_KIND);
  const end = writeVarint(head, 1, id);
  return Buffer.concat([head.subarray(0, end), Buffer.from(JSON.stringify(labelEntries(labels)), "utf8")]);
}

function encodeSamples(
  { timeMs, samples }: { readonly timeMs: number; readonly samples: readonly JournalSample[] },
  lastValues: Map<number, number>,
): Buffer {
  const payload = Buffer.allocUnsafe(9 + samples.length * (MAX_VARINT_BYTES + 8));
  payload.writeUInt8(SAMPLES_KIND, 0);
  payload.writeDoubleLE(timeMs, 1);
  let at = 9;
  let previousId = 0;
  for (const { id, value } of samples) {
    const form = formOf(value, lastValues.get(id));
    at = writeVarint(payload, at, zigzag(id - previousId) * 4 + form);
    if (form === FLOAT_FORM) at = payload.writeDoubleLE(value ?? 0, at);
    if (form === INTEGER_FORM) at = payload.writeInt32LE(value ?? 0, at);
    if (value !== undefined) lastValues.set(id, value);
    previousId = id;
  }
  return payload.subarray(0, at);
}

function formOf(value: number | undefined, last: number | undefined): number {
  if (value === undefined) return STALE_FORM;
  if (last !== undefined && Object.is(value, last)) return SAME_FORM;
  return (value | 0) === value && !Object.is(value, -0) ? INTEGER_FORM : FLOAT_FORM;
}

/** Calls back for each whole record of a segment and returns how many bytes they take; the rest is torn or damaged. */
export function decodeRecords(bytes: Buffer, onRecord: (record: JournalRecord) => void): number {
  const lastValues = new Map<number, number>();
  let offset = 0;
  while (offset + FRAME_BYTES <= bytes.length) {
    const length = bytes.readUInt32LE(offset);
    const end = offset + FRAME_BYTES + length;
    if (length > MAX_PAYLOAD_BYTES || end > bytes.length) break;
    const payload = bytes.subarray(offset + FRAME_BYTES, end);
    if (crc32(payload) !== bytes.readUInt32LE(offset + 4)) break;
    const record = decodePayload(payload, lastValues);
    if (record === undefined) break;
    onRecord(record);
    offset = end;
  }
  return offset;
}

function decodePayload(payload: Buffer, lastValues: Map<number, number>): JournalRecord | undefined {
  const kind = payload[0];
  if (kind === SAMPLES_KIND && payload.length >= 9) return decodeSamples(payload, lastValues);
  if (kind !== SERIES_KIND) return undefined;
  const id = readVarint(payload, 1);
  const labels = id === undefined ? undefined : decodeLabels(payload.toString("utf8", id.end));
  return id === undefined || labels === undefined ? undefined : { kind: "series", id: id.value, labels };
}

function decodeSamples(payload: Buffer, lastValues: Map<number, number>): JournalRecord | undefined {
  const samples: JournalSample[] = [];
  let id = 0;
  for (let at = 9; at < payload.length; ) {
    const head = readVarint(payload, at);
    if (head === undefined) return undefined;
    const form = head.value % 4;
    id += unzigzag(Math.floor(head.value / 4));
    at = head.end;
    const size = form === FLOAT_FORM ? 8 : form === INTEGER_FORM ? 4 : 0;
    if (at + size > payload.length) return undefined;
    let value: number | undefined;
    if (form === FLOAT_FORM) value = payload.readDoubleLE(at);
    else if (form === INTEGER_FORM) value = payload.readInt32LE(at);
    else if (form === SAME_FORM) value = lastValues.get(id);
    if (value === undefined && form !== STALE_FORM) return undefined;
    if (value !== undefined) lastValues.set(id, value);
    samples.push({ id, value });
    at += size;
  }
  return { kind: "samples", timeMs: payload.readDoubleLE(1), samples };
}

function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1;
}

function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

/** Writes a whole number below 2^42 in groups of seven bits and returns where it ends. */
function writeVarint(into: Buffer, offset: number, value: number): number {
  let at = offset;
  let rest = value;
  while (rest >= 0x80) {
    into[at++] = (rest % 0x80) + 0x80;
    rest = Math.floor(rest / 0x80);
  }
  into[at++] = rest;
  return at;
}

function readVarint(from: Buffer, offset: number): { readonly value: number; readonly end: number } | undefined {
  let value = 0;
  let factor = 1;
  for (let at = offset; at < offset + MAX_VARINT_BYTES; at++) {
    const byte = from[at];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return { value, end: at + 1 };
    factor *= 0x80;
  }
  return undefined;
}

function decodeLabels(json: string): Labels | undefined {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (!Array.isArray(value)) return undefined;
  const entries: [string, string][] = [];
  for (const entry of value as unknown[]) {
    if (!Array.isArray(entry)) return undefined;
    const [name, text] = entry as unknown[];
    if (typeof name !== "string" || typeof text !== "string") return undefined;
    entries.push([name, text]);
  }
  return createLabels(entries);
}
