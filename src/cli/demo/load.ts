import { Agent, request } from "node:http";
import { isObject } from "#base";
import type { LoadCurve } from "./load-curve.ts";

/** What clients of the demo saw, by the version that answered. */
export interface LoadCounts {
  readonly total: number;
  readonly failed: number;
  /** Answered without a failure, but later than {@link LoadOptions.lateAfterMs}. */
  readonly late: number;
  readonly byVersion: Readonly<Record<string, VersionCounts>>;
  /** The last failure, for people: `HTTP 500 from 6.4.1`, `ECONNREFUSED`. */
  readonly lastFailure: string | undefined;
}

export interface VersionCounts {
  readonly requests: number;
  readonly failed: number;
}

/** Name in {@link LoadCounts.byVersion} for requests that no version answered. */
const NO_VERSION = "none";

export interface LoadOptions {
  readonly host: string;
  readonly address: string;
  readonly port: number;
  readonly rateAt: LoadCurve;
  /** What an answer may take. */
  readonly lateAfterMs: number;
}

/** Load through the gateway, open loop: a slow answer does not slow the next request down. */
export interface Load {
  counts(): LoadCounts;
  /** Stops sending and waits for the requests in flight. */
  stop(): Promise<LoadCounts>;
}

const TICK_MS = 20;
const TIMEOUT_MS = 15_000;
/** Requests in flight beyond this are not sent: the generator must not fall over before the app does. */
const IN_FLIGHT_MAX = 2000;
const BODY_BYTES_MAX = 64 * 1024;

/** Starts sending `GET /` at the rate of each moment. */
export function startLoad(options: LoadOptions): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  const versions = new Map<string, { requests: number; failed: number }>();
  const pending = new Set<Promise<void>>();
  const startedMs = performance.now();
  let lastFailure: string | undefined;
  let late = 0;
  let owed = 0;
  let lastMs = startedMs;

  async function once(): Promise<void> {
    const sentMs = performance.now();
    const answer = await send(options, agent);
    const counts = versions.get(answer.version) ?? { requests: 0, failed: 0 };
    versions.set(answer.version, counts);
    counts.requests++;
    if (answer.failure === undefined) {
      if (performance.now() - sentMs > options.lateAfterMs) late++;
      return;
    }
    counts.failed++;
    lastFailure = answer.failure;
  }

  const timer = setInterval(() => {
    const nowMs = performance.now();
    const rate = options.rateAt(nowMs - startedMs);
    // After a pause of this process no more than a second's worth is made up for.
    owed = Math.min(owed + ((nowMs - lastMs) / 1000) * rate, Math.max(1, rate));
    lastMs = nowMs;
    for (; owed >= 1; owed--) {
      if (pending.size >= IN_FLIGHT_MAX) continue;
      const one = once().finally(() => pending.delete(one));
      pending.add(one);
    }
  }, TICK_MS);

  function counts(): LoadCounts {
    const byVersion = Object.fromEntries(
      [...versions].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, c]) => [name, { ...c }]),
    );
    const all = [...versions.values()];
    const [total, failed] = [sum(all.map((c) => c.requests)), sum(all.map((c) => c.failed))];
    return { total, failed, late, byVersion, lastFailure };
  }

  return {
    counts,
    async stop() {
      clearInterval(timer);
      await Promise.all(pending);
      agent.destroy();
      return counts();
    },
  };
}

interface Answer {
  readonly version: string;
  readonly failure: string | undefined;
}

function send(options: LoadOptions, agent: Agent): Promise<Answer> {
  return new Promise((resolve) => {
    const call = request(
      {
        host: options.address,
        port: options.port,
        path: "/",
        agent,
        headers: { host: options.host },
        timeout: TIMEOUT_MS,
      },
      (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on("data", (chunk: Buffer) => {
          size += chunk.length;
          if (size <= BODY_BYTES_MAX) chunks.push(chunk);
        });
        response.once("error", (cause) => resolve({ version: NO_VERSION, failure: cause.message }));
        response.once("end", () => resolve(readAnswer(response.statusCode ?? 0, Buffer.concat(chunks).toString())));
      },
    );
    call.once("timeout", () => call.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
    call.once("error", (cause) => resolve({ version: NO_VERSION, failure: cause.message }));
    call.end();
  });
}

function readAnswer(status: number, body: string): Answer {
  const version = versionOf(body) ?? NO_VERSION;
  if (status < 500) return { version, failure: undefined };
  return {
    version,
    failure: version === NO_VERSION ? `HTTP ${status}: ${body.slice(0, 80)}` : `HTTP ${status} from ${version}`,
  };
}

function versionOf(body: string): string | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return isObject(value) && typeof value.version === "string" ? value.version : undefined;
  } catch {
    // Not podinfo's answer: the proxy's own error text.
    return undefined;
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
