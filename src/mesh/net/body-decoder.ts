import type { BodyFraming } from "./http-head.ts";

/** Takes the data of a body, without framing. The slice is only valid during the call. */
export type BodySink = (data: Buffer) => void;

/** A body that breaks the rules of its framing. */
export class MalformedBody extends Error {
  constructor(message: string) {
    super(message);
    this.name = "MalformedBody";
  }
}

const CR = 13;
const LF = 10;
const SEMICOLON = 59;
/** Enough for chunks of 4 GiB. */
const SIZE_DIGITS_MAX = 8;
/** Bytes of extensions of one chunk, and of all trailers; both are read over. */
const EXTENSION_BYTES_MAX = 256;
const TRAILER_BYTES_MAX = 8 * 1024;

type ChunkState = "size" | "extension" | "sizeLf" | "data" | "dataCr" | "dataLf" | "trailer" | "trailerLf" | "endLf";

/**
 * Reads one body out of a stream of bytes and stops exactly at its end. Chunk extensions and trailers are checked for
 * bounds and dropped, as RFC 9112 7.1.1 and 6.5.1 allow a proxy.
 */
export class BodyDecoder {
  readonly #framing: BodyFraming;
  #remainingBytes = 0;
  #state: ChunkState = "size";
  #digitCount = 0;
  #lineBytes = 0;
  #trailerBytes = 0;
  #isDone: boolean;

  constructor(framing: BodyFraming) {
    this.#framing = framing;
    this.#isDone = framing.kind === "none";
    if (framing.kind === "length") this.#remainingBytes = framing.lengthBytes;
  }

  /** True once the last byte of the body was read. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /**
   * Reads from `start` to the body's end or to `end`; returns where it stopped.
   *
   * @throws MalformedBody
   */
  decode(bytes: Buffer, range: { readonly start: number; readonly end: number }, sink: BodySink): number {
    if (this.#isDone) return range.start;
    switch (this.#framing.kind) {
      case "none":
        return range.start;
      case "untilClose":
        sink(bytes.subarray(range.start, range.end));
        return range.end;
      case "length":
        return this.#decodeLength(bytes, range, sink);
      case "chunked":
        return this.#decodeChunks(bytes, range, sink);
    }
  }

  /** The stream has ended; true when that is a proper end of the body. */
  endsAtClose(): boolean {
    return this.#isDone || this.#framing.kind === "untilClose";
  }

  #decodeLength(bytes: Buffer, { start, end }: { start: number; end: number }, sink: BodySink): number {
    const stop = Math.min(end, start + this.#remainingBytes);
    this.#remainingBytes -= stop - start;
    this.#isDone = this.#remainingBytes === 0;
    if (stop > start) sink(bytes.subarray(start, stop));
    return stop;
  }

  #decodeChunks(bytes: Buffer, { start, end }: { start: number; end: number }, sink: BodySink): number {
    let position = start;
    while (position < end && !this.#isDone) {
      if (this.#state === "data") {
        const stop = Math.min(end, position + this.#remainingBytes);
        this.#remainingBytes -= stop - position;
        sink(bytes.subarray(position, stop));
        position = stop;
        if (this.#remainingBytes === 0) this.#state = "dataCr";
      } else {
        this.#frame(bytes[position] ?? 0);
        position++;
      }
    }
    return position;
  }

  /** One byte of framing. */
  #frame(byte: number): void {
    switch (this.#state) {
      case "size":
        this.#size(byte);
        break;
      case "extension":
        this.#extension(byte);
        break;
      case "sizeLf":
        expect(byte, LF);
        this.#startChunk();
        break;
      case "dataCr":
        expect(byte, CR);
        this.#state = "dataLf";
        break;
      case "dataLf":
        expect(byte, LF);
        this.#state = "size";
        this.#digitCount = 0;
        break;
      case "trailer":
        this.#trailer(byte);
        break;
      case "trailerLf":
        expect(byte, LF);
        this.#state = "trailer";
        this.#lineBytes = 0;
        break;
      case "endLf":
        expect(byte, LF);
        this.#isDone = true;
        break;
      case "data":
        break;
    }
  }

  #size(byte: number): void {
    const digit = hexValue(byte);
    if (digit >= 0) {
      if (this.#digitCount === 0) this.#remainingBytes = 0;
      if (++this.#digitCount > SIZE_DIGITS_MAX) throw new MalformedBody("a chunk size has too many digits");
      this.#remainingBytes = this.#remainingBytes * 16 + digit;
      return;
    }
    if (this.#digitCount === 0) throw new MalformedBody("a chunk has no size");
    if (byte === CR) this.#state = "sizeLf";
    else if (byte === SEMICOLON) {
      this.#state = "extension";
      this.#lineBytes = 0;
    } else throw new MalformedBody("a chunk size is no hexadecimal number");
  }

  #extension(byte: number): void {
    if (byte === CR) this.#state = "sizeLf";
    else if (isControl(byte)) throw new MalformedBody("a chunk extension has a control character");
    else if (++this.#lineBytes > EXTENSION_BYTES_MAX) throw new MalformedBody("a chunk extension is too long");
  }

  #startChunk(): void {
    this.#state = this.#remainingBytes === 0 ? "trailer" : "data";
    this.#lineBytes = 0;
  }

  #trailer(byte: number): void {
    if (byte === CR) {
      this.#state = this.#lineBytes === 0 ? "endLf" : "trailerLf";
      return;
    }
    if (isControl(byte)) throw new MalformedBody("a trailer has a control character");
    this.#lineBytes++;
    if (++this.#trailerBytes > TRAILER_BYTES_MAX) throw new MalformedBody("the trailers are too long");
  }
}

function expect(byte: number, wanted: number): void {
  if (byte !== wanted) throw new MalformedBody("a chunk does not end in CR LF");
}

function isControl(byte: number): boolean {
  return (byte < 32 && byte !== 9) || byte === 127;
}

function hexValue(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
