import { connect, type Socket } from "node:net";
import { BodyDecoder, MalformedBody } from "./body-decoder.ts";
import { findHeadEnd, HEAD_BYTES_MAX, parseResponseHead, type ResponseHead } from "./http-head.ts";
import { SocketWriter } from "./socket-writer.ts";
import type { TimerWheel, WheelTimer } from "./timer-wheel.ts";

/** How a connection failed while a request was on it. */
export type UpstreamFault =
  /** No connection came about. */
  | "connect"
  /** It broke, or was closed, before the response was complete. */
  | "reset"
  /** What came is no HTTP. */
  | "protocol";

/** Takes the response of one request. After `onEnd` or `onFault` nothing more is called. */
export interface UpstreamHandler {
  onHead(head: ResponseHead): void;
  /** The data is only valid during the call. */
  onBody(data: Buffer): void;
  onEnd(): void;
  onFault(fault: UpstreamFault): void;
  /** The bytes of one read were all handed over. */
  onReadDone(): void;
  /** The request may be written on. */
  onWritable(): void;
}

/** What the owner of a connection is told. */
export interface ConnectionOwner {
  /** The exchange is over and the connection can take another one. */
  onIdle(connection: UpstreamConnection): void;
  onClosed(connection: UpstreamConnection): void;
}

export interface ConnectOptions {
  readonly address: string;
  readonly port: number;
  readonly connectTimeoutMs: number;
  readonly wheel: TimerWheel;
  readonly owner: ConnectionOwner;
}

type Phase = "connecting" | "idle" | "head" | "body" | "tunnel" | "closed";

const READ_BUFFER_BYTES = 16 * 1024;

/**
 * One connection to an endpoint, for one request at a time.
 *
 * It reads into one buffer of its own (`onread`), which leaves out the stream layer; so data is only valid during a
 * callback, and whoever keeps it copies it.
 */
export class UpstreamConnection {
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #writer: SocketWriter;
  #phase: Phase = "connecting";
  #handler: UpstreamHandler | undefined;
  #connectTimer: WheelTimer | undefined;
  /** The beginning of a head that did not come in one read. */
  #partial: Buffer | undefined;
  #decoder: BodyDecoder | undefined;
  #requestMethod = "";
  #isRequestSent = false;
  #wantsUpgrade = false;
  #keepsAlive = false;
  #hasError = false;
  /** Requests that were started on it. */
  requestCount = 0;
  idleSinceMs = 0;
  /** What the server said about how long it keeps an idle connection. */
  serverIdleTimeoutMs: number | undefined;

  constructor(options: ConnectOptions) {
    this.#owner = options.owner;
    this.#socket = connect({
      host: options.address,
      port: options.port,
      noDelay: true,
      onread: {
        buffer: Buffer.allocUnsafeSlow(READ_BUFFER_BYTES),
        callback: (count, buffer) => this.#onRead(count, buffer),
      },
    });
    this.#writer = new SocketWriter(this.#socket);
    this.#socket.once("connect", () => this.#onConnect());
    this.#socket.on("drain", () => this.#handler?.onWritable());
    this.#socket.once("end", () => this.#onClose());
    // "close" always follows.
    this.#socket.on("error", () => {
      this.#hasError = true;
    });
    this.#socket.once("close", () => this.#onClose());
    this.#connectTimer = options.wheel.schedule(options.connectTimeoutMs, () => this.#socket.destroy());
  }

  /** True when a request can be started on it. */
  get isUsable(): boolean {
    return this.#phase === "idle" && !this.#socket.destroyed && this.#socket.writable;
  }

  /** Starts a request with its head. */
  start(
    head: string,
    request: { readonly method: string; readonly wantsUpgrade: boolean },
    handler: UpstreamHandler,
  ): void {
    this.#handler = handler;
    this.#requestMethod = request.method;
    this.#wantsUpgrade = request.wantsUpgrade;
    this.#isRequestSent = false;
    this.#keepsAlive = false;
    this.requestCount++;
    if (this.#phase === "idle") this.#phase = "head";
    this.#writer.text(head);
  }

  writeBody(data: Buffer, isChunked: boolean): void {
    if (isChunked) this.#writer.chunk(data, true);
    else this.#writer.data(data, true);
  }

  /** Bytes through a tunnel, after a switch of protocols. */
  writeRaw(data: Buffer): void {
    this.#writer.data(data, true);
  }

  /** The request's last byte was written. */
  endRequest(isChunked: boolean): void {
    if (isChunked) this.#writer.text("0\r\n\r\n");
    this.#isRequestSent = true;
  }

  /** Sends what was written; false when the peer is slower than we are. */
  flush(): boolean {
    return this.#writer.flush();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Ends the sending side of a tunnel. */
  endTunnel(): void {
    this.#socket.end();
  }

  /** Closes without a word to the handler. */
  destroy(): void {
    this.#handler = undefined;
    this.#socket.destroy();
    this.#onClose();
  }

  #onConnect(): void {
    this.#connectTimer?.cancel();
    if (this.#phase === "connecting") this.#phase = this.#handler === undefined ? "idle" : "head";
  }

  #onClose(): void {
    if (this.#phase === "closed") return;
    const { phase, handler, decoder } = { phase: this.#phase, handler: this.#handler, decoder: this.#decoder };
    this.#phase = "closed";
    this.#handler = undefined;
    this.#connectTimer?.cancel();
    this.#socket.destroy();
    this.#owner.onClosed(this);
    if (handler === undefined) return;
    const isProperEnd = phase === "tunnel" || (phase === "body" && decoder?.endsAtClose() === true && !this.#hasError);
    if (isProperEnd) handler.onEnd();
    else handler.onFault(phase === "connecting" ? "connect" : "reset");
    handler.onReadDone();
  }

  #onRead(count: number, buffer: Buffer | Uint8Array): boolean {
    const bytes = Buffer.from(buffer.buffer, buffer.byteOffset, count);
    const handler = this.#handler;
    if (handler === undefined) {
      // Nobody asked, so nothing that comes can be an answer.
      this.destroy();
      return true;
    }
    this.#consume(bytes, handler);
    handler.onReadDone();
    return true;
  }

  #consume(bytes: Buffer, handler: UpstreamHandler): void {
    if (this.#phase === "tunnel") {
      handler.onBody(bytes);
      return;
    }
    let position = 0;
    if (this.#phase === "head") {
      const joined = this.#partial === undefined ? bytes : Buffer.concat([this.#partial, bytes]);
      this.#partial = undefined;
      position = this.#readHeads(joined, handler);
      if (position < 0) return;
      this.#readBody(joined, position, handler);
      return;
    }
    if (this.#phase === "body") this.#readBody(bytes, position, handler);
  }

  /** Reads interim heads and the final one; returns where the body starts, -1 when there is more to come or nothing to go on with. */
  #readHeads(bytes: Buffer, handler: UpstreamHandler): number {
    let start = 0;
    for (;;) {
      const end = findHeadEnd(bytes, start);
      if (end < 0 || end - start > HEAD_BYTES_MAX) {
        if (bytes.length - start > HEAD_BYTES_MAX) this.#fail("protocol");
        else this.#partial = Buffer.from(bytes.subarray(start));
        return -1;
      }
      const parsed = parseResponseHead(bytes.toString("latin1", start, end), this.#requestMethod);
      if (!parsed.ok) {
        this.#fail("protocol");
        return -1;
      }
      const { head } = parsed;
      if (head.status >= 200) return this.#startBody(head, end, handler);
      if (head.status === 101) return this.#startTunnel(head, { bytes, end }, handler);
      // Interim answers are for the connection they come on; ours to the client were sent before.
      start = end;
    }
  }

  #startBody(head: ResponseHead, end: number, handler: UpstreamHandler): number {
    this.#phase = "body";
    this.#decoder = new BodyDecoder(head.framing);
    this.#keepsAlive = head.keepsAlive;
    if (head.idleTimeoutSeconds !== undefined) this.serverIdleTimeoutMs = head.idleTimeoutSeconds * 1000;
    handler.onHead(head);
    return this.#handler === handler ? end : -1;
  }

  #startTunnel(
    head: ResponseHead,
    rest: { readonly bytes: Buffer; readonly end: number },
    handler: UpstreamHandler,
  ): number {
    if (!this.#wantsUpgrade || head.upgrade === undefined) {
      this.#fail("protocol");
      return -1;
    }
    this.#phase = "tunnel";
    handler.onHead(head);
    if (rest.end < rest.bytes.length && this.#handler === handler) handler.onBody(rest.bytes.subarray(rest.end));
    return -1;
  }

  #readBody(bytes: Buffer, start: number, handler: UpstreamHandler): void {
    const decoder = this.#decoder;
    if (decoder === undefined) return;
    let position = start;
    try {
      position = decoder.decode(bytes, { start, end: bytes.length }, (data) => {
        // A handler that gave up in the middle of a read must not hear of the rest.
        if (this.#handler === handler) handler.onBody(data);
      });
    } catch (thrown) {
      if (!(thrown instanceof MalformedBody)) throw thrown;
      this.#fail("protocol");
      return;
    }
    if (decoder.isDone && this.#handler === handler) this.#finish(handler, position === bytes.length);
  }

  #finish(handler: UpstreamHandler, isCleanEnd: boolean): void {
    this.#handler = undefined;
    this.#decoder = undefined;
    // An answer before the request's end leaves half a request on the wire; bytes after the answer belong to nobody.
    const isReusable = this.#keepsAlive && this.#isRequestSent && isCleanEnd && !this.#socket.destroyed;
    handler.onEnd();
    if (isReusable) {
      this.#phase = "idle";
      this.#owner.onIdle(this);
    } else this.destroy();
  }

  #fail(fault: UpstreamFault): void {
    const handler = this.#handler;
    this.destroy();
    handler?.onFault(fault);
  }
}
