import type { Socket } from "node:net";
import { BodyDecoder, MalformedBody } from "./body-decoder.ts";
import { Exchange } from "./exchange.ts";
import {
  findHeadEnd,
  HEAD_BYTES_MAX,
  type HeadFault,
  hasBareLineFeed,
  parseRequestHead,
  type RequestHead,
} from "./http-head.ts";
import { readIncoming } from "./incoming-request.ts";
import { writeLocalReply } from "./message-head.ts";
import type { ClientStream, ExchangeContext, Listener } from "./ports.ts";
import { SocketWriter } from "./socket-writer.ts";

export interface ClientConnectionOptions {
  readonly socket: Socket;
  readonly context: ExchangeContext;
  readonly listener: Listener;
  readonly onClosed: (connection: ClientConnection) => void;
}

/** How long a client may take and be silent. Sources: Envoy's defaults for idle connections and streams. */
const HEAD_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 3_600_000;
const STREAM_IDLE_TIMEOUT_MS = 300_000;
/** After the last response: how long, and how much, is still read so that the response is not lost to a reset. */
const LINGER_MS = 1000;
const LINGER_BYTES_MAX = 1024 * 1024;
/** Requests that a client may send ahead. */
const AHEAD_BYTES_MAX = 64 * 1024;

/**
 *     head ──► body ──► responding ──► head …
 *       │        │           ├──────► tunnel
 *       └────────┴───────────┴──────► lingering ──► closed
 */
type Phase = "head" | "body" | "responding" | "tunnel" | "lingering" | "closed";

/** One connection of a client: cuts its bytes into requests and runs one exchange at a time. */
export class ClientConnection implements ClientStream {
  readonly writer: SocketWriter;
  readonly remoteAddress: string;
  readonly #socket: Socket;
  readonly #context: ExchangeContext;
  readonly #listener: Listener;
  readonly #onClosed: (connection: ClientConnection) => void;
  #phase: Phase = "head";
  #unread: Buffer | undefined;
  #decoder: BodyDecoder | undefined;
  #exchange: Exchange | undefined;
  #isReading = false;
  #lastMoveMs: number;
  #headStartedMs: number | undefined;
  #lingeredBytes = 0;
  #isDraining = false;

  constructor(options: ClientConnectionOptions) {
    const { socket } = options;
    this.#socket = socket;
    this.#context = options.context;
    this.#listener = options.listener;
    this.#onClosed = options.onClosed;
    this.writer = new SocketWriter(socket);
    this.remoteAddress = socket.remoteAddress?.replace(/^::ffff:/, "") ?? "";
    this.#lastMoveMs = options.context.clock.nowMs();
    socket.on("data", (data: Buffer) => this.#onData(data));
    socket.on("drain", () => this.#exchange?.onClientWritable());
    socket.once("end", () => this.#onEnd());
    // "close" always follows.
    socket.on("error", () => undefined);
    socket.once("close", () => this.#onClose());
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** No further request is taken: an idle connection closes now, another one after its response. */
  drain(): void {
    this.#isDraining = true;
    if (this.#phase === "head" && this.#unread === undefined) this.#socket.end();
  }

  /** Looks at the clock: closes what has been silent for too long. */
  sweep(nowMs: number): void {
    const silentMs = nowMs - this.#lastMoveMs;
    if (this.#phase === "head") {
      if (this.#headStartedMs !== undefined && nowMs - this.#headStartedMs > HEAD_TIMEOUT_MS) this.#refuse(408);
      else if (silentMs > IDLE_TIMEOUT_MS) this.#socket.end();
    } else if (silentMs > STREAM_IDLE_TIMEOUT_MS) {
      if (this.#phase === "tunnel") this.destroy();
      else this.#exchange?.onIdle();
    }
  }

  flush(): boolean {
    this.#lastMoveMs = this.#context.clock.nowMs();
    return this.writer.flush();
  }

  resumeBody(): void {
    if (this.#phase === "body" || this.#phase === "tunnel") this.#socket.resume();
  }

  startTunnel(): void {
    this.#phase = "tunnel"; // responding → tunnel
    const ahead = this.#unread;
    this.#unread = undefined;
    if (ahead !== undefined) this.#exchange?.onTunnelData(ahead);
    this.#socket.resume();
  }

  endExchange({ keepsAlive }: { readonly keepsAlive: boolean }): void {
    this.#exchange = undefined;
    this.flush();
    if (this.#phase === "closed") return;
    const isComplete = this.#decoder?.isDone ?? true;
    if (!keepsAlive || !isComplete || this.#isDraining) {
      this.#linger();
      return;
    }
    this.#phase = "head"; // (body | responding) → head
    this.#decoder = undefined;
    this.#socket.resume();
    if (this.#unread !== undefined && !this.#isReading) this.#read();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #onData(data: Buffer): void {
    this.#lastMoveMs = this.#context.clock.nowMs();
    switch (this.#phase) {
      case "closed":
        return;
      case "lingering":
        this.#lingeredBytes += data.length;
        if (this.#lingeredBytes > LINGER_BYTES_MAX) this.destroy();
        return;
      case "tunnel":
        if (this.#exchange?.onTunnelData(data) === false) this.#socket.pause();
        return;
      case "head":
      case "body":
      case "responding":
        this.#unread = this.#unread === undefined ? data : Buffer.concat([this.#unread, data]);
        if (!this.#isReading) this.#read();
    }
  }

  /** Reads as far as the bytes and the exchange in work allow. */
  #read(): void {
    this.#isReading = true;
    while (this.#unread !== undefined && this.#readStep());
    this.#isReading = false;
    const ahead: Buffer | undefined = this.#unread;
    if (this.#phase === "responding" && (ahead?.length ?? 0) > AHEAD_BYTES_MAX) this.#socket.pause();
  }

  /** One head, or the rest of one body; false when there is nothing to do until something changes. */
  #readStep(): boolean {
    const bytes = this.#unread;
    if (bytes === undefined) return false;
    if (this.#phase === "head") return this.#readHead(bytes);
    if (this.#phase === "body") return this.#readBody(bytes);
    return false;
  }

  #readHead(bytes: Buffer): boolean {
    // A client may send an empty line after a body. Source: RFC 9112, 2.2.
    const start = bytes[0] === 13 && bytes[1] === 10 ? 2 : 0;
    if (isHttp2Preface(bytes, start)) {
      this.#refuseHttp2();
      return false;
    }
    const end = findHeadEnd(bytes, start);
    if (end < 0 || end - start > HEAD_BYTES_MAX) {
      if (bytes.length - start > HEAD_BYTES_MAX) this.#refuse(431);
      else if (hasBareLineFeed(bytes)) this.#refuse(400);
      else this.#headStartedMs ??= this.#lastMoveMs;
      return false;
    }
    this.#headStartedMs = undefined;
    this.#unread = end < bytes.length ? bytes.subarray(end) : undefined;
    const parsed = parseRequestHead(bytes.toString("latin1", start, end));
    if (!parsed.ok) {
      this.#refuseHead(parsed.fault);
      return false;
    }
    return this.#startExchange(withoutHttp2Upgrade(parsed.head));
  }

  #startExchange(head: RequestHead): boolean {
    const context = this.#context;
    const { config } = context;
    const request = readIncoming({ head, listener: this.#listener, config, remoteAddress: this.remoteAddress });
    if ("reason" in request) {
      this.#refuseHead(request);
      return false;
    }
    this.#decoder = new BodyDecoder(head.framing);
    this.#phase = this.#decoder.isDone ? "responding" : "body"; // head → (body | responding)
    const exchange = new Exchange({ context, listener: this.#listener, stream: this, head, request });
    this.#exchange = exchange;
    const isComplete = this.#decoder.isDone;
    if (isComplete) exchange.onRequestEnd();
    exchange.start();
    if (isComplete) this.#pauseUnless(exchange.onRequestBatch());
    else if (this.#unread === undefined) this.#pauseUnless(exchange.onRequestBatch());
    return true;
  }

  #readBody(bytes: Buffer): boolean {
    const { exchange, decoder } = { exchange: this.#exchange, decoder: this.#decoder };
    if (exchange === undefined || decoder === undefined) return false;
    let wantsMore = true;
    let position: number;
    try {
      position = decoder.decode(bytes, { start: 0, end: bytes.length }, (data) => {
        wantsMore = exchange.onRequestBody(data) && wantsMore;
      });
    } catch (thrown) {
      if (!(thrown instanceof MalformedBody)) throw thrown;
      // What follows cannot be told apart from another request, so nothing of it is read.
      exchange.onClientGone();
      this.#refuse(400);
      return false;
    }
    this.#unread = position < bytes.length ? bytes.subarray(position) : undefined;
    if (decoder.isDone && this.#phase === "body") {
      this.#phase = "responding"; // body → responding
      exchange.onRequestEnd();
    }
    const takesMore = exchange.onRequestBatch() && wantsMore;
    if (this.#phase === "body") this.#pauseUnless(takesMore);
    return true;
  }

  #pauseUnless(wantsMore: boolean): void {
    if (!wantsMore) this.#socket.pause();
  }

  #refuseHead(fault: HeadFault): void {
    this.#context.log.debug("refused a request", { reason: fault.reason, from: this.remoteAddress });
    this.#refuse(fault.status);
  }

  /** Answers what is no request, and closes: nothing that follows can be trusted. */
  #refuse(status: number): void {
    if (this.#phase === "closed" || this.#phase === "lingering") return;
    this.writer.text(
      writeLocalReply({
        status,
        body: "",
        headers: [],
        edits: [],
        date: this.#context.httpDate(),
        isHead: false,
        keepsAlive: false,
        isOldClient: false,
      }),
    );
    this.flush();
    this.#exchange = undefined;
    this.#linger();
  }

  /** HTTP/2 without TLS is not spoken here; the client is told so in its own language. */
  #refuseHttp2(): void {
    this.#socket.write(HTTP2_REFUSAL);
    this.#linger();
  }

  /** any → lingering */
  #linger(): void {
    this.#phase = "lingering";
    this.#unread = undefined;
    this.#socket.end();
    this.#socket.resume();
    this.#context.wheel.schedule(LINGER_MS, () => this.destroy());
  }

  #onEnd(): void {
    if (this.#phase === "tunnel") {
      this.#exchange?.onTunnelEnd();
      return;
    }
    // Like Envoy: a client that closes its side in the middle of a request has given up.
    if (this.#phase === "lingering") this.#socket.destroySoon();
    else this.#socket.destroy();
  }

  #onClose(): void {
    if (this.#phase === "closed") return;
    this.#phase = "closed";
    this.#unread = undefined;
    const exchange = this.#exchange;
    this.#exchange = undefined;
    exchange?.onClientGone();
    this.#onClosed(this);
  }
}

const PREFACE = "PRI * HTTP/2.0\r\n";

function isHttp2Preface(bytes: Buffer, start: number): boolean {
  return bytes[start] === 80 && bytes.toString("latin1", start, start + PREFACE.length) === PREFACE;
}

/** An empty SETTINGS frame, then GOAWAY with HTTP_1_1_REQUIRED. Source: RFC 9113, 6.5, 6.8 and 7. */
const HTTP2_REFUSAL = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 13]);

/** A switch to HTTP/2 is declined by not passing it on: what comes after it could not be checked. Source: RFC 9110, 7.8. */
function withoutHttp2Upgrade(head: RequestHead): RequestHead {
  const isDeclined = head.upgrade !== undefined && (/h2c|tls/i.test(head.upgrade) || head.framing.kind !== "none");
  return isDeclined ? { ...head, upgrade: undefined } : head;
}
