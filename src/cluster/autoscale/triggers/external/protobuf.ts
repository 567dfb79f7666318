import { isUtf8 } from "node:buffer";

/**
 * The part of the protobuf encoding that the external scaler's messages use when they are read. The API server's own reader
 * passes over doubles and speaks of request bodies in its errors.
 *
 * Source: Protocol Buffers "Encoding".
 */
export type ProtobufField =
  | { readonly number: number; readonly kind: "varint"; readonly value: bigint }
  | { readonly number: number; readonly kind: "double"; readonly value: number }
  | { readonly number: number; readonly kind: "bytes"; readonly value: Buffer };

const VARINT_BYTES_MAX = 10;
const FIELD_NUMBER_MAX = 2 ** 29 - 1;

/**
 * Reads the fields of one message in their order; fixed fields of 32 bits are passed over, since no message has one.
 *
 * @throws Error when the bytes break off, or are no message.
 */
export function* readProtobuf(bytes: Buffer): Generator<ProtobufField, void> {
  let at = 0;
  while (at < bytes.length) {
    const tag = readVarint(bytes, at);
    at = tag.next;
    const number = Number(tag.value >> 3n);
    if (number < 1 || number > FIELD_NUMBER_MAX) throw new Error("the message has a field without a valid number");
    const wireType = Number(tag.value & 7n);
    if (wireType === 0) {
      const { value, next } = readVarint(bytes, at);
      at = next;
      yield { number, kind: "varint", value: BigInt.asIntN(64, value) };
      continue;
    }
    const length = wireType === 2 ? readVarint(bytes, at) : { value: BigInt(fixedWidth(wireType)), next: at };
    if (length.value > BigInt(bytes.length - length.next)) throw new Error("the message breaks off");
    at = length.next + Number(length.value);
    const value = bytes.subarray(length.next, at);
    if (wireType === 2) yield { number, kind: "bytes", value };
    if (wireType === 1) yield { number, kind: "double", value: value.readDoubleLE() };
  }
}

/** Reads text, which is UTF-8 and nothing else. */
export function protobufText(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new Error("the message has a text that is not UTF-8");
  return bytes.toString("utf8");
}

function fixedWidth(wireType: number): number {
  if (wireType === 1) return 8;
  if (wireType === 5) return 4;
  throw new Error(`the message has a field of the unknown wire type ${wireType}`);
}

function readVarint(bytes: Buffer, start: number): { readonly value: bigint; readonly next: number } {
  let value = 0n;
  for (let i = 0; i < VARINT_BYTES_MAX; i += 1) {
    const byte = bytes[start + i];
    if (byte === undefined) throw new Error("the message breaks off");
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) return { value: BigInt.asUintN(64, value), next: start + i + 1 };
  }
  throw new Error("the message has a number of more than 64 bits");
}
