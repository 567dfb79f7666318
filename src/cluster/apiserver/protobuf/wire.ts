import { Failure } from "#base";

/** One field as it stands in the bytes: a number for varints, the bytes for everything with a length. */
export interface WireField {
  readonly number: number;
  readonly value: number | Uint8Array;
}

const VARINT_BYTES_MAX = 10;

/** The bytes are no message. */
export function malformed(finding: string): Failure {
  return new Failure(`error decoding the body as protobuf: ${finding}`, { code: "MalformedProtobuf" });
}

/**
 * Reads the fields of a message in order. Fixed-width fields are skipped, since no Kubernetes type has one.
 *
 * @throws Failure `MalformedProtobuf` when the bytes break off or use an unknown wire type.
 * Source: Protocol Buffers encoding, "Message Structure".
 */
export function readFields(bytes: Uint8Array): readonly WireField[] {
  const fields: WireField[] = [];
  let at = 0;
  while (at < bytes.length) {
    const tag = readVarint(bytes, at);
    const number = Number(tag.value >> 3n);
    const wireType = Number(tag.value & 7n);
    at = tag.next;
    if (wireType === 0) {
      const varint = readVarint(bytes, at);
      fields.push({ number, value: Number(BigInt.asIntN(64, varint.value)) });
      at = varint.next;
    } else if (wireType === 2) {
      const length = readVarint(bytes, at);
      const end = length.next + Number(length.value);
      if (end > bytes.length) throw malformed(`field ${number} is longer than the message`);
      fields.push({ number, value: bytes.subarray(length.next, end) });
      at = end;
    } else at += fixedWidth(wireType, number);
  }
  if (at > bytes.length) throw malformed("the message breaks off");
  return fields;
}

function fixedWidth(wireType: number, number: number): number {
  if (wireType === 1) return 8;
  if (wireType === 5) return 4;
  throw malformed(`field ${number} has the unknown wire type ${wireType}`);
}

function readVarint(bytes: Uint8Array, start: number): { value: bigint; next: number } {
  let value = 0n;
  for (let i = 0; i < VARINT_BYTES_MAX; i += 1) {
    const byte = bytes[start + i];
    if (byte === undefined) throw malformed("a number breaks off");
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) return { value, next: start + i + 1 };
  }
  throw malformed("a number is longer than 64 bits");
}
