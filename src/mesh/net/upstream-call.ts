import type { EndpointOutcome } from "../routing/outlier.ts";
import { isRetriable, type RetryPolicy, retryBackoffMs, type TryOutcome } from "../routing/retry-policy.ts";
import type { ClusterRuntime } from "./cluster-runtime.ts";
import type { EndpointPool } from "./endpoint-pool.ts";
import { headerValue, type ResponseHead } from "./http-head.ts";
import { endUpstreamHead } from "./message-head.ts";
import type { TimerWheel, WheelTimer } from "./timer-wheel.ts";
import type { UpstreamConnection, UpstreamFault, UpstreamHandler } from "./upstream-connection.ts";

/** A call that ends without a response of the endpoint: what the client gets instead. */
export interface CallFailure {
  readonly status: 502 | 503 | 504;
  readonly flags: readonly string[];
  readonly body: string;
  readonly isOverload: boolean;
}

/** Takes the outcome of a call: a head with its body and end, or one failure. */
export interface CallHandler {
  onHead(head: ResponseHead, attempt: { readonly serviceTimeMs: number; readonly flags: readonly string[] }): void;
  /** The data is only valid during the call. */
  onBody(data: Buffer): void;
  onEnd(): void;
  onFailure(failure: CallFailure): void;
  /** The response broke off after its head. */
  onBroken(): void;
  onReadDone(): void;
  /** More of the request's body may come. */
  onWritable(): void;
}

/** One attempt as the endpoint's side saw it, for the metrics of the destination. */
export interface AttemptRecord {
  readonly pool: EndpointPool;
  readonly responseCode: number;
  readonly flags: string;
  readonly grpcStatus: string;
  readonly durationMs: number;
  readonly responseBytes: number;
}

export interface CallOptions {
  readonly runtime: ClusterRuntime;
  readonly retry: RetryPolicy;
  /** The request's head without its last lines. */
  readonly headText: string;
  readonly method: string;
  readonly wantsUpgrade: boolean;
  readonly isChunked: boolean;
  readonly hashKey: string | undefined;
  readonly wheel: TimerWheel;
  readonly nowMs: () => number;
  readonly chance: () => number;
  readonly onAttempt: (record: AttemptRecord) => void;
}

/** Bodies up to this size are kept until the response begins, so that an attempt can be repeated. */
const REPLAY_BYTES_MAX = 64 * 1024;

/** Source: RFC 9110, 9.2.2. */
const IDEMPOTENT = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);

const RESET_TEXT = "upstream connect error or disconnect/reset before headers. reset reason:";

type Phase = "new" | "queued" | "attempting" | "waiting" | "responding" | "done";

/**
 * One request to a cluster: waits for admission, chooses endpoints, repeats attempts as the policy says, and hands the
 * response over. Its owner writes the body as it comes.
 *
 *     new → queued → attempting → responding → done
 *                     ↑      ↓
 *                     waiting (for the next attempt)
 */
export class UpstreamCall implements UpstreamHandler {
  readonly #options: CallOptions;
  readonly #handler: CallHandler;
  #phase: Phase = "new";
  #isAdmitted = false;
  #pool: EndpointPool | undefined;
  #connection: UpstreamConnection | undefined;
  #isReused = false;
  #attemptNumber = 1;
  #attemptStartedMs = 0;
  #tried: Set<string> | undefined;
  #holdsRetry = false;
  #hasReplayedStale = false;
  #timer: WheelTimer | undefined;
  #body: Buffer[] = [];
  #bodyBytes = 0;
  #isBodyEnded = false;
  #isReplayable = true;
  #head: ResponseHead | undefined;
  #responseBytes = 0;

  constructor(options: CallOptions, handler: CallHandler) {
    this.#options = options;
    this.#handler = handler;
  }

  /** Starts the call; what it writes is sent by the next {@link flush}. */
  start(): void {
    switch (this.#options.runtime.admit(this.#onTurn)) {
      case "now":
        this.#isAdmitted = true;
        this.#attempt({ mustBeNew: false });
        break;
      case "queued":
        this.#phase = "queued"; // new → queued
        break;
      case "overflow":
        this.#fail(failure(503, ["UO"], `${RESET_TEXT} overflow`));
        break;
    }
  }

  /** The endpoint that answers, once there is one. */
  get pool(): EndpointPool | undefined {
    return this.#pool;
  }

  /** Takes a piece of the request's body that stays valid; false when the owner should wait for `onWritable`. */
  writeBody(data: Buffer): boolean {
    this.#bodyBytes += data.length;
    if (this.#bodyBytes > REPLAY_BYTES_MAX) this.#isReplayable = false;
    const isSending = this.#connection !== undefined;
    if (this.#isReplayable || !isSending) this.#body.push(data);
    else this.#body = [];
    if (isSending) this.#connection?.writeBody(data, this.#options.isChunked);
    return isSending || this.#isReplayable;
  }

  endBody(): void {
    this.#isBodyEnded = true;
    this.#connection?.endRequest(this.#options.isChunked);
  }

  /** Sends what was written; false when the endpoint is slower than the client. */
  flush(): boolean {
    return this.#connection?.flush() ?? true;
  }

  /** Bytes from the client after a switch of protocols. */
  writeTunnel(data: Buffer): boolean {
    this.#connection?.writeRaw(data);
    return this.flush();
  }

  endTunnel(): void {
    this.#connection?.endTunnel();
  }

  pauseResponse(): void {
    this.#connection?.pause();
  }

  resumeResponse(): void {
    this.#connection?.resume();
  }

  /** Gives the call up: the client went away, or its time is over. Nothing more is handed over. */
  cancel(reason: "clientGone" | "timeout"): void {
    if (this.#phase === "done") return;
    if (reason === "timeout" && this.#pool !== undefined && this.#phase === "attempting")
      this.#options.runtime.record(this.#pool, { kind: "local", isTimeout: true });
    this.#endAttempt(this.#head?.status ?? 0, "DC");
    this.#finish();
  }

  onHead(head: ResponseHead): void {
    this.#timer?.cancel();
    const { status } = head;
    this.#responseBytes = head.headBytes;
    this.#head = head;
    this.#recordOutcome({ kind: "status", status });
    const outcome: TryOutcome = { kind: "response", status, grpcStatus: headerValue(head.headers, "grpc-status") };
    const refusal = this.#retryRefusal(outcome);
    if (refusal === undefined) {
      this.#endAttempt(status, "-");
      this.#retryLater();
      return;
    }
    this.#phase = "responding"; // attempting → responding
    this.#body = [];
    const serviceTimeMs = this.#options.nowMs() - this.#attemptStartedMs;
    this.#handler.onHead(head, { serviceTimeMs, flags: refusal });
  }

  onBody(data: Buffer): void {
    this.#responseBytes += data.length;
    this.#handler.onBody(data);
  }

  onEnd(): void {
    // The connection goes back to its pool by itself.
    this.#connection = undefined;
    this.#endAttempt(this.#head?.status ?? 0, "-");
    this.#finish();
    this.#handler.onEnd();
  }

  onFault(fault: UpstreamFault): void {
    this.#timer?.cancel();
    this.#connection = undefined;
    if (this.#phase === "responding") {
      this.#endAttempt(this.#head?.status ?? 0, "UC");
      this.#finish();
      this.#handler.onBroken();
      return;
    }
    if (fault === "reset" && this.#canReplayStale()) {
      this.#releaseEndpoint();
      this.#hasReplayedStale = true;
      this.#attempt({ mustBeNew: true });
      this.flush();
      return;
    }
    this.#onFailedAttempt(fault);
  }

  onReadDone(): void {
    this.#handler.onReadDone();
  }

  onWritable(): void {
    this.#handler.onWritable();
  }

  readonly #onTurn = (): void => {
    this.#isAdmitted = true;
    this.#attempt({ mustBeNew: false });
    this.flush();
    this.#handler.onWritable();
  };

  #attempt({ mustBeNew }: { mustBeNew: boolean }): void {
    const { runtime, headText, method, wantsUpgrade, hashKey, retry } = this.#options;
    const pool = runtime.choose(hashKey, this.#tried);
    if (pool === undefined) {
      this.#fail(failure(503, ["UH"], "no healthy upstream"));
      return;
    }
    const { connection, isReused } = pool.acquire(runtime.cluster.policy.limits, { mustBeNew });
    pool.activeCount++;
    this.#phase = "attempting"; // (new | queued | waiting) → attempting
    this.#pool = pool;
    this.#connection = connection;
    this.#isReused = isReused;
    this.#attemptStartedMs = this.#options.nowMs();
    connection.start(endUpstreamHead(headText, this.#attemptNumber), { method, wantsUpgrade }, this);
    for (const data of this.#body) connection.writeBody(data, this.#options.isChunked);
    if (!this.#isReplayable) this.#body = [];
    if (this.#isBodyEnded) connection.endRequest(this.#options.isChunked);
    if (retry.perTryTimeoutMs !== undefined)
      this.#timer = this.#options.wheel.schedule(retry.perTryTimeoutMs, () => this.#onPerTryTimeout());
  }

  /**
   * A server may close an idle connection just when a request is sent on it. That says nothing about the server, so the
   * request is repeated once on a new connection, if doing it twice cannot hurt. Source: RFC 9112, 9.3.1.
   */
  #canReplayStale(): boolean {
    return this.#isReused && !this.#hasReplayedStale && this.#isReplayable && IDEMPOTENT.has(this.#options.method);
  }

  #onPerTryTimeout(): void {
    this.#recordOutcome({ kind: "local", isTimeout: true });
    this.#endAttempt(0, "DC");
    const refusal = this.#retryRefusal({ kind: "perTryTimeout" });
    if (refusal === undefined) this.#retryLater();
    else {
      this.#fail(failure(504, ["UT", ...refusal], "upstream request timeout"));
      this.#handler.onReadDone();
    }
  }

  #onFailedAttempt(fault: UpstreamFault): void {
    this.#recordOutcome({ kind: "local", isTimeout: false });
    // A failure to connect is not seen by the endpoint's side. Source: istio-spec 4.4.
    if (fault === "connect") this.#releaseEndpoint();
    else this.#endAttempt(fault === "protocol" ? 502 : 503, fault === "protocol" ? "UPE" : "UC");
    const refusal = this.#retryRefusal(
      fault === "connect"
        ? { kind: "connectFailure" }
        : { kind: "reset", isIdempotent: fault === "reset" && IDEMPOTENT.has(this.#options.method) },
    );
    if (refusal === undefined) {
      this.#retryLater();
      return;
    }
    if (fault === "protocol") this.#fail(failure(502, ["UPE", ...refusal], `${RESET_TEXT} protocol error`));
    else if (fault === "connect")
      this.#fail(failure(503, ["UF", ...refusal], `${RESET_TEXT} remote connection failure`));
    else this.#fail(failure(503, ["UC", ...refusal], `${RESET_TEXT} connection termination`));
  }

  /** Undefined when another attempt may follow; otherwise the flags to add for why not. */
  #retryRefusal(outcome: TryOutcome): readonly string[] | undefined {
    const { retry, runtime, wantsUpgrade } = this.#options;
    if (retry.retryCount === 0 || wantsUpgrade || !this.#isReplayable || !isRetriable(retry, outcome)) return [];
    if (this.#attemptNumber > retry.retryCount) return ["URX"];
    if (this.#holdsRetry) return undefined;
    if (!runtime.startRetry()) return ["UO"];
    this.#holdsRetry = true;
    return undefined;
  }

  #retryLater(): void {
    const { retry, wheel, chance } = this.#options;
    if (retry.avoidsPreviousHosts && this.#pool !== undefined) {
      this.#tried ??= new Set();
      this.#tried.add(this.#pool.key);
    }
    this.#phase = "waiting"; // attempting → waiting
    this.#head = undefined;
    const delayMs = retryBackoffMs(retry, this.#attemptNumber - 1, chance());
    this.#attemptNumber++;
    this.#timer = wheel.schedule(delayMs, () => {
      this.#attempt({ mustBeNew: false });
      this.flush();
      this.#handler.onWritable();
    });
  }

  #recordOutcome(outcome: EndpointOutcome): void {
    if (this.#pool !== undefined) this.#options.runtime.record(this.#pool, outcome);
  }

  /** Ends the attempt, if there is one, and reports it. */
  #endAttempt(responseCode: number, flags: string): void {
    this.#timer?.cancel();
    const pool = this.#pool;
    const isActive = pool !== undefined && (this.#phase === "attempting" || this.#phase === "responding");
    this.#releaseEndpoint();
    if (!isActive) return;
    const grpcStatus = this.#head === undefined ? "" : (headerValue(this.#head.headers, "grpc-status") ?? "");
    const durationMs = this.#options.nowMs() - this.#attemptStartedMs;
    const responseBytes = this.#responseBytes;
    this.#options.onAttempt({ pool, responseCode, flags, grpcStatus, durationMs, responseBytes });
  }

  #releaseEndpoint(): void {
    const isHeld = this.#phase === "attempting" || this.#phase === "responding";
    if (isHeld && this.#pool !== undefined) this.#pool.activeCount--;
    this.#connection?.destroy();
    this.#connection = undefined;
  }

  #fail(failed: CallFailure): void {
    this.#finish();
    this.#handler.onFailure(failed);
  }

  /** any → done */
  #finish(): void {
    if (this.#phase === "done") return;
    this.#phase = "done";
    this.#timer?.cancel();
    this.#body = [];
    const { runtime } = this.#options;
    if (this.#holdsRetry) runtime.endRetry();
    if (this.#isAdmitted) runtime.release();
    else runtime.leaveQueue(this.#onTurn);
  }
}

/** Source of the bodies: istio-spec 4.3 (they are Envoy's, and people search for them). */
function failure(status: CallFailure["status"], flags: readonly string[], body: string): CallFailure {
  return { status, flags, body, isOverload: flags.includes("UO") };
}
