import { type BackoffPolicy, backoffMs, type Clock, Failure, type Random, redact } from "#base";
import type { RawRequest, RawResponse } from "./client.ts";
import { createConnections } from "./connections.ts";
import { describeRequest, type RequestDescription } from "./describe-request.ts";
import { createIdentitySource, type Identity } from "./identity.ts";
import type { KubeConfig } from "./kube-config.ts";
import { createRateLimiter, type RateLimit } from "./rate-limiter.ts";
import { sleep } from "./sleep.ts";

const ANSWER_TIMEOUT_MS = 60_000;
/** Attempts of a request that may be repeated, the first one included. */
const ATTEMPT_COUNT = 4;
const RETRY: BackoffPolicy = { initialMs: 100, factor: 3, maxMs: 2000, jitter: 0.5 };
/** Longest wait that a server's Retry-After is granted. */
const MAX_RETRY_AFTER_MS = 10_000;

/** Carries requests to one server. */
export interface Transport {
  send(request: RawRequest): Promise<RawResponse>;
  /** Takes the credentials of the last request out of what a server wrote. */
  redact(text: string): string;
  close(): Promise<void>;
}

/** One answer that came, or did not. */
export interface RequestReport extends RequestDescription {
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** Until the head of the answer. */
  readonly durationMs: number;
}

/** What the transport takes from outside. */
export interface TransportPorts {
  readonly clock: Clock;
  readonly random: Random;
  /** Bounds all requests but streams; unbounded when absent. */
  readonly rateLimit?: RateLimit;
  /** Told of each attempt that was sent; must not throw. */
  readonly onRequest?: (report: RequestReport) => void;
}

/**
 * Opens a transport.
 *
 * Reads are sent again when the connection is lost before an answer begins, and after an answer 429. A write is not: it may
 * have been done, and one that is sent late may no longer be meant, or its sender no longer entitled. Both are sent once
 * more when the server does not know the asker (401) and there is a newer identity, since then nothing was done.
 */
export function createTransport(config: KubeConfig, ports: TransportPorts): Transport {
  const { clock, random } = ports;
  const base = new URL(config.server);
  const prefix = base.pathname.replace(/\/+$/, "");
  const connections = createConnections(config);
  const identities = createIdentitySource(config, clock);
  const limiter = ports.rateLimit === undefined ? undefined : createRateLimiter(ports.rateLimit, clock);

  let lastAuthorization = "";

  async function sendAs(identity: Identity, request: RawRequest): Promise<RawResponse> {
    if (request.stream !== true) await limiter?.take(request.signal);
    request.signal?.throwIfAborted();
    // The last moment at which it can be held back.
    request.beforeSend?.();
    const { authorization } = identity;
    if (authorization !== undefined) lastAuthorization = authorization;
    const pool = connections.of(identity, request.stream === true ? "stream" : "request");
    const startedMs = clock.nowMs();
    let status = 0;
    try {
      const response = await pool.request({
        origin: base.origin,
        method: methodOf(request),
        path: prefix + request.path,
        headers: { ...(authorization === undefined ? {} : { authorization }), ...request.headers },
        body: request.body ?? null,
        signal: request.signal ?? null,
        headersTimeout: ANSWER_TIMEOUT_MS,
        bodyTimeout: request.stream === true ? 0 : ANSWER_TIMEOUT_MS,
      });
      status = response.statusCode;
      return { status, headers: response.headers, body: response.body };
    } finally {
      const durationMs = Math.max(0, clock.nowMs() - startedMs);
      ports.onRequest?.({ ...describeRequest(methodOf(request), request.path), status, durationMs });
    }
  }

  async function sendOnce(request: RawRequest): Promise<RawResponse> {
    const identity = await identities.current();
    const response = await sendAs(identity, request);
    if (response.status !== 401) return response;
    const fresh = await identities.renew(identity);
    if (fresh === undefined) return response;
    await drain(response);
    return sendAs(fresh, request);
  }

  async function send(request: RawRequest): Promise<RawResponse> {
    const mayRepeat = methodOf(request) === "GET" && request.stream !== true;
    for (let attempt = 0; ; attempt++) {
      const mayGoOn = mayRepeat && attempt + 1 < ATTEMPT_COUNT;
      try {
        const response = await sendOnce(request);
        const waitMs = response.status === 429 && mayGoOn ? retryAfterMs(response) : undefined;
        if (waitMs === undefined) return response;
        await drain(response);
        await sleep(clock, waitMs, request.signal);
      } catch (thrown) {
        request.signal?.throwIfAborted();
        if (thrown instanceof Failure) throw thrown;
        if (!mayGoOn) throw unreachableServer(config, request, thrown);
        await sleep(clock, backoffMs(RETRY, attempt, random), request.signal);
      }
      request.signal?.throwIfAborted();
    }
  }

  // `Bearer TOKEN`: either part gives it away.
  const redacted = (text: string): string => redact(text, [lastAuthorization, lastAuthorization.split(" ")[1] ?? ""]);
  return { send, redact: redacted, close: () => connections.close() };
}

function methodOf(request: RawRequest): string {
  return request.method ?? "GET";
}

function retryAfterMs(response: RawResponse): number | undefined {
  const seconds = Number(response.headers["retry-after"]);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds * 1000, MAX_RETRY_AFTER_MS) : undefined;
}

async function drain(response: RawResponse): Promise<void> {
  let byteCount = 0;
  for await (const chunk of response.body) {
    byteCount += chunk.byteLength;
    if (byteCount > 64 * 1024) return;
  }
}

function unreachableServer(config: KubeConfig, request: RawRequest, cause: unknown): Failure {
  const path = request.path.split("?")[0] ?? request.path;
  const origin = config.origin === undefined ? "" : ` (${config.origin})`;
  const what = `Cannot reach the API server ${config.server}${origin} for ${methodOf(request)} ${path}`;
  return new Failure(what, { code: "ServerUnreachable", retryable: true, cause });
}
