import { encodeUtf8 } from "./utf8.ts";

/**
 * Writes the fields of one protobuf message, in the order of the calls. A field without a value is left out, as proto3 has it.
 *
 * Source: Protocol Buffers "Encoding".
 */
export class ProtobufWriter {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  /** A text; empty ones are left out. */
  text(field: number, value: string | undefined): this {
    return value === undefined || value === "" ? this : this.#delimited(field, encodeUtf8(value));
  }

  /** Texts of a repeated field. */
  texts(field: number, values: readonly string[] | undefined): this {
    for (const value of values ?? []) this.#delimited(field, encodeUtf8(value));
    return this;
  }

  /** A truth; false is left out. */
  flag(field: number, value: boolean | undefined): this {
    return value === true ? this.#push(varint(field << 3), varint(1)) : this;
  }

  /** A whole number of at least zero; zero is left out. */
  count(field: number, value: number | undefined): this {
    return value === undefined || value === 0 ? this : this.#push(varint(field << 3), varint(value));
  }

  /** A number with a fraction; zero is left out. */
  double(field: number, value: number | undefined): this {
    if (value === undefined || value === 0) return this;
    const octets = new Uint8Array(8);
    new DataView(octets.buffer).setFloat64(0, value, true);
    return this.#push(varint((field << 3) | 1), octets);
  }

  /** A message inside of this one; undefined is left out, an empty one is not. */
  message(field: number, value: ProtobufWriter | undefined): this {
    return value === undefined ? this : this.#delimited(field, value.finish());
  }

  /** The bytes of the message. */
  finish(): Uint8Array {
    const result = new Uint8Array(this.#length);
    let offset = 0;
    for (const part of this.#parts) {
      result.set(part, offset);
      offset += part.length;
    }
    return result;
  }

  #delimited(field: number, octets: Uint8Array): this {
    return this.#push(varint((field << 3) | 2), varint(octets.length), octets);
  }

  #push(...parts: readonly Uint8Array[]): this {
    for (const part of parts) {
      this.#parts.push(part);
      this.#length += part.length;
    }
    return this;
  }
}

function varint(value: number): Uint8Array {
  const octets: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    octets.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  octets.push(rest);
  return Uint8Array.from(octets);
}
