import { Pool } from "undici";
import { type BackoffPolicy, backoffMs, type Clock, Failure, type Random } from "#base";
import { createAuthorization } from "./authorization.ts";
import type { RawRequest, RawResponse } from "./client.ts";
import type { KubeConfig } from "./kube-config.ts";
import { sleep } from "./sleep.ts";

/** Connections for requests that end soon. */
const REQUEST_CONNECTION_COUNT = 16;
/** Connections for watches and followed logs, each of which holds one: one for each kind that is watched, with room. */
const STREAM_CONNECTION_COUNT = 256;
const CONNECT_TIMEOUT_MS = 10_000;
const ANSWER_TIMEOUT_MS = 60_000;
/** Attempts of a request that may be repeated, the first one included. */
const ATTEMPT_COUNT = 4;
const RETRY: BackoffPolicy = { initialMs: 100, factor: 3, maxMs: 2000, jitter: 0.5 };
/** Longest wait that a server's Retry-After is granted. */
const MAX_RETRY_AFTER_MS = 10_000;

/** Carries requests to one server. */
export interface Transport {
  send(request: RawRequest): Promise<RawResponse>;
  close(): Promise<void>;
}

/** What the transport takes from outside. */
export interface TransportPorts {
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Opens a transport with two bounded pools, because a watch holds its connection for minutes and would starve the rest.
 *
 * A GET is sent again when the connection is lost before an answer begins; a write is not, since it may have been done.
 * An answer 429 is retried for every method: the server says that it did nothing.
 */
export function createTransport(config: KubeConfig, { clock, random }: TransportPorts): Transport {
  const base = new URL(config.server);
  const prefix = base.pathname.replace(/\/+$/, "");
  const requests = openPool(config, base.origin, REQUEST_CONNECTION_COUNT);
  const streams = openPool(config, base.origin, STREAM_CONNECTION_COUNT);
  const authorization = createAuthorization(config.credentials, clock);

  async function sendOnce(request: RawRequest): Promise<RawResponse> {
    const header = await authorization();
    const response = await (request.stream === true ? streams : requests).request({
      method: methodOf(request),
      path: prefix + request.path,
      headers: { ...(header === undefined ? {} : { authorization: header }), ...request.headers },
      body: request.body ?? null,
      signal: request.signal ?? null,
      headersTimeout: ANSWER_TIMEOUT_MS,
      bodyTimeout: request.stream === true ? 0 : ANSWER_TIMEOUT_MS,
    });
    return { status: response.statusCode, headers: response.headers, body: response.body };
  }

  async function send(request: RawRequest): Promise<RawResponse> {
    const mayRepeat = methodOf(request) === "GET" && request.stream !== true;
    for (let attempt = 0; ; attempt++) {
      const isLast = attempt + 1 >= ATTEMPT_COUNT;
      try {
        const response = await sendOnce(request);
        const waitMs = response.status === 429 && !isLast ? retryAfterMs(response) : undefined;
        if (waitMs === undefined) return response;
        await drain(response);
        await sleep(clock, waitMs, request.signal);
      } catch (thrown) {
        request.signal?.throwIfAborted();
        if (thrown instanceof Failure) throw thrown;
        if (!mayRepeat || isLast) throw unreachableServer(config.server, request, thrown);
        await sleep(clock, backoffMs(RETRY, attempt, random), request.signal);
      }
      request.signal?.throwIfAborted();
    }
  }

  return {
    send,
    async close() {
      await Promise.all([requests.destroy(), streams.destroy()]);
    },
  };
}

function methodOf(request: RawRequest): string {
  return request.method ?? "GET";
}

function openPool(config: KubeConfig, origin: string, connections: number): Pool {
  const { credentials } = config;
  return new Pool(origin, {
    connections,
    pipelining: 1,
    connect: {
      timeout: CONNECT_TIMEOUT_MS,
      ...(config.caPem === undefined ? {} : { ca: config.caPem }),
      ...(config.tlsServerName === undefined ? {} : { servername: config.tlsServerName }),
      ...(config.insecureSkipTlsVerify === true ? { rejectUnauthorized: false } : {}),
      ...(credentials.kind === "certificate" ? { cert: credentials.certificatePem, key: credentials.keyPem } : {}),
    },
  });
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

function unreachableServer(server: string, request: RawRequest, cause: unknown): Failure {
  const path = request.path.split("?")[0] ?? request.path;
  return new Failure(`Cannot reach the API server ${server} for ${methodOf(request)} ${path}`, {
    code: "ServerUnreachable",
    retryable: true,
    cause,
  });
}
