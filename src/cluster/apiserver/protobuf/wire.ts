import { Failure } from "#base";

/** One field as it stands in the bytes: a number for varints, the bytes for everything with a length. */
export interface WireField {
  readonly number: number;
  readonly value: number | Uint8Array;
}

const VARINT_BYTES_MAX = 10;
/** Nine bytes hold 63 bits, so the tenth may hold one. */
const LAST_BYTE_MAX = 1;
const FIELD_NUMBER_MAX = 2 ** 29 - 1;

/** The bytes are no message. */
export function malformed(finding: string): Failure {
  return new Failure(`error decoding the body as protobuf: ${finding}`, { code: "MalformedProtobuf" });
}

/**
 * Reads the fields of a message in order, one at a time, so that a body of many small fields takes little memory. Fixed-width fields are
 * skipped, since no Kubernetes type has one.
 *
 * @throws Failure `MalformedProtobuf` when the bytes break off, a number has more than 64 bits, or a field number or wire type is not valid.
 * Source: Protocol Buffers encoding, "Message Structure".
 */
export function* readFields(bytes: Uint8Array): Generator<WireField, void> {
  let at = 0;
  while (at < bytes.length) {
    const tag = readVarint(bytes, at);
    const number = Math.floor(tag.value / 8);
    const wireType = tag.value % 8;
    if (number < 1 || number > FIELD_NUMBER_MAX) throw malformed(`${number} is no field number`);
    at = tag.next;
    if (wireType === 0) {
      const varint = readVarint(bytes, at);
      at = varint.next;
      yield { number, value: varint.value };
    } else if (wireType === 2) {
      const length = readVarint(bytes, at);
      at = length.next + length.value;
      if (length.value < 0 || at > bytes.length) throw malformed(`field ${number} is longer than the message`);
      yield { number, value: bytes.subarray(length.next, at) };
    } else at += fixedWidth(wireType, number);
  }
  if (at > bytes.length) throw malformed("the message breaks off");
}

/** Value of the field of that number. Of several, the last holds. */
export function valueOf(bytes: Uint8Array, number: number): WireField["value"] | undefined {
  let value: WireField["value"] | undefined;
  for (const field of readFields(bytes)) if (field.number === number) value = field.value;
  return value;
}

function fixedWidth(wireType: number, number: number): number {
  if (wireType === 1) return 8;
  if (wireType === 5) return 4;
  throw malformed(`field ${number} has the unknown wire type ${wireType}`);
}

/** A signed number of 64 bits. Most are small, so one byte is read without a bigint. */
function readVarint(bytes: Uint8Array, start: number): { value: number; next: number } {
  const first = bytes[start];
  if (first !== undefined && first < 0x80) return { value: first, next: start + 1 };
  let value = 0n;
  for (let i = 0; i < VARINT_BYTES_MAX; i += 1) {
    const byte = bytes[start + i];
    if (byte === undefined) throw malformed("a number breaks off");
    if (i === VARINT_BYTES_MAX - 1 && byte > LAST_BYTE_MAX) break;
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) return { value: Number(BigInt.asIntN(64, value)), next: start + i + 1 };
  }
  throw malformed("a number is longer than 64 bits");
}
