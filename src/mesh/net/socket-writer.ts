import type { Socket } from "node:net";

/** Data up to this size is joined with the head as text, which is one write instead of two; larger data is written as it is. */
const JOIN_BYTES_MAX = 8 * 1024;

/**
 * Collects what one read event makes to be written and hands it to the socket in as few writes as possible. Heads are
 * text whose characters are bytes.
 */
export class SocketWriter {
  readonly #socket: Socket;
  #text = "";
  /** Bytes taken since the start, for the metrics. */
  writtenBytes = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  text(text: string): void {
    this.writtenBytes += text.length;
    this.#text += text;
  }

  /** Takes data that stays valid after the call only if `isOwned`; otherwise it is copied when it is too large to join. */
  data(data: Buffer, isOwned: boolean): void {
    this.writtenBytes += data.length;
    if (data.length <= JOIN_BYTES_MAX) {
      this.#text += data.toString("latin1");
      return;
    }
    this.#socket.cork();
    this.#writeText();
    this.#socket.write(isOwned ? data : Buffer.from(data));
    this.#socket.uncork();
  }

  /** Data as one chunk of a chunked body. */
  chunk(data: Buffer, isOwned: boolean): void {
    this.text(`${data.length.toString(16)}\r\n`);
    this.data(data, isOwned);
    this.text("\r\n");
  }

  /** Writes what is collected; false when the socket wants no more for now. */
  flush(): boolean {
    this.#writeText();
    return !this.#socket.writableNeedDrain;
  }

  #writeText(): void {
    if (this.#text === "") return;
    this.#socket.write(this.#text, "latin1");
    this.#text = "";
  }
}
