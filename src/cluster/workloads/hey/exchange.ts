import { Agent as HttpAgent, type ClientRequest, type IncomingMessage, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import { resolveHttpTarget } from "../http-proxy.ts";
import type { LoadPlan } from "./options.ts";

/** How one request went; all durations in milliseconds. */
export interface Exchange {
  /** Since the start of the run. */
  readonly startedMs: number;
  readonly totalMs: number;
  readonly connectMs: number;
  readonly lookupMs: number;
  readonly writeMs: number;
  readonly waitMs: number;
  readonly readMs: number;
  readonly outcome: { readonly status: number; readonly byteCount: number } | { readonly error: string };
}

/** Sends requests of one plan over shared connections. */
export interface Sender {
  send(startedMs: number, signal: AbortSignal): Promise<Exchange>;
  close(): void;
}

const REDIRECTS_MAX = 10;

export function createSender(plan: LoadPlan): Sender {
  const options = { keepAlive: plan.keepsAlive, maxSockets: plan.workerCount, maxFreeSockets: plan.workerCount };
  const http = new HttpAgent(options);
  const https = new HttpsAgent({ ...options, rejectUnauthorized: false });
  const agents = { http, https };
  return {
    send: (startedMs, signal) => exchange({ plan, agents, startedMs, signal }),
    close() {
      http.destroy();
      https.destroy();
    },
  };
}

interface ExchangeOptions {
  readonly plan: LoadPlan;
  readonly agents: { readonly http: HttpAgent; readonly https: HttpsAgent };
  readonly startedMs: number;
  readonly signal: AbortSignal;
}

async function exchange(options: ExchangeOptions): Promise<Exchange> {
  const { plan } = options;
  const beganMs = performance.now();
  const timing = new Timing();
  const limit = plan.timeoutMs === 0 ? undefined : AbortSignal.timeout(plan.timeoutMs);
  const signal = limit === undefined ? options.signal : AbortSignal.any([limit, options.signal]);
  let outcome: Exchange["outcome"];
  try {
    outcome = await followRedirects(options, timing, signal);
  } catch (thrown) {
    const cause = thrown instanceof Error ? thrown.message : String(thrown);
    const reason = limit?.aborted === true ? `no answer within ${plan.timeoutMs / 1000} s` : cause;
    outcome = { error: `${plan.method} "${plan.url.href}": ${reason}` };
  }
  return { startedMs: options.startedMs, totalMs: performance.now() - beganMs, ...timing.phases(), outcome };
}

async function followRedirects(
  options: ExchangeOptions,
  timing: Timing,
  signal: AbortSignal,
): Promise<{ status: number; byteCount: number }> {
  let url = options.plan.url;
  for (let hop = 0; ; hop++) {
    const answer = await roundTrip({ ...options, url, signal }, timing);
    const isRedirect = answer.status >= 301 && answer.status <= 308 && answer.location !== undefined;
    if (!isRedirect || !options.plan.followsRedirects) return answer;
    if (hop === REDIRECTS_MAX) throw new Error(`stopped after ${REDIRECTS_MAX} redirects`);
    url = new URL(answer.location ?? "", url);
  }
}

function roundTrip(
  options: ExchangeOptions & { readonly url: URL; readonly signal: AbortSignal },
  timing: Timing,
): Promise<{ status: number; byteCount: number; location: string | undefined }> {
  const { plan, agents, url, signal } = options;
  const target = resolveHttpTarget(url, plan.env);
  const send = target.isTls ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const request = send({
      method: plan.method,
      host: target.host,
      port: target.port,
      path: target.path,
      headers: {
        host: target.authority,
        ...plan.headers,
        ...(plan.body === undefined ? {} : { "content-length": plan.body.byteLength }),
        ...(plan.keepsAlive ? {} : { connection: "close" }),
      },
      agent: target.isTls ? agents.https : agents.http,
      signal,
    });
    request.on("error", reject);
    timing.watch(request);
    request.once("response", (response: IncomingMessage) => {
      let byteCount = 0;
      response.on("data", (chunk: Buffer) => {
        byteCount += chunk.length;
      });
      response.once("error", reject);
      response.once("end", () => {
        timing.end();
        resolve({ status: response.statusCode ?? 0, byteCount, location: response.headers.location });
      });
    });
    request.end(plan.body);
  });
}

/** Collects when the phases of a request ended. */
class Timing {
  #startMs = performance.now();
  #lookupMs: number | undefined;
  #connectMs: number | undefined;
  #writtenMs: number | undefined;
  #answeredMs: number | undefined;
  #endMs: number | undefined;

  watch(request: ClientRequest): void {
    this.#startMs = performance.now();
    request.once("socket", (socket) => {
      if (!socket.connecting) return;
      socket.once("lookup", () => {
        this.#lookupMs = performance.now();
      });
      socket.once("connect", () => {
        this.#connectMs = performance.now();
      });
    });
    request.once("finish", () => {
      this.#writtenMs = performance.now();
    });
    request.once("response", () => {
      this.#answeredMs = performance.now();
    });
  }

  end(): void {
    this.#endMs = performance.now();
  }

  phases(): Pick<Exchange, "connectMs" | "lookupMs" | "writeMs" | "waitMs" | "readMs"> {
    const connectedMs = this.#connectMs ?? this.#startMs;
    const writtenMs = this.#writtenMs ?? connectedMs;
    const answeredMs = this.#answeredMs ?? writtenMs;
    return {
      lookupMs: (this.#lookupMs ?? this.#startMs) - this.#startMs,
      connectMs: connectedMs - this.#startMs,
      writeMs: Math.max(0, writtenMs - connectedMs),
      waitMs: Math.max(0, answeredMs - writtenMs),
      readMs: Math.max(0, (this.#endMs ?? answeredMs) - answeredMs),
    };
  }
}
