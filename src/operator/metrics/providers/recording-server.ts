import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import type { MetricResult } from "#rollout";
import { createOutboundHttp } from "../../gates/index.ts";
import type { MetricRequest, MetricSource } from "../metric-source.ts";

export interface Recorded {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What the server answers: a status with a body (JSON unless it is a text), or nothing ever. */
export type Canned =
  | "hang"
  | { readonly status?: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown };

/** The instant of all questions in tests: 2026-01-02T03:04:05Z. */
export const NOW_MS = 1_767_323_045_000;

export interface Asked {
  readonly result: MetricResult;
  readonly requests: readonly Recorded[];
}

/** Asks a source one query against a server that answers in one way; for tests. */
export async function askOf(
  source: MetricSource,
  canned: Canned,
  request: Partial<MetricRequest> = {},
): Promise<Asked> {
  return withServer(canned, request, (whole) => source.query(whole)).then(({ value, requests }) => ({
    result: value,
    requests,
  }));
}

/** The same for a probe. */
export async function probeOf(
  source: MetricSource,
  canned: Canned,
  request: Partial<MetricRequest> = {},
): Promise<{ readonly problem: string | undefined; readonly requests: readonly Recorded[] }> {
  return withServer(canned, request, (whole) => source.probe(whole)).then(({ value, requests }) => ({
    problem: value,
    requests,
  }));
}

async function withServer<T>(
  canned: Canned,
  request: Partial<MetricRequest>,
  ask: (request: MetricRequest) => Promise<T>,
): Promise<{ readonly value: T; readonly requests: readonly Recorded[] }> {
  const server = await startRecordingServer(() => canned);
  const http = createOutboundHttp({});
  try {
    const base = {
      query: "",
      intervalMs: 60_000,
      secret: undefined,
      http,
      signal: new AbortController().signal,
      nowMs: NOW_MS,
      env: {},
    };
    const provider = { type: "", address: server.url, ...request.provider };
    return { value: await ask({ ...base, ...request, provider }), requests: server.requests };
  } finally {
    await http.close();
    await server.close();
  }
}

/** Starts a server on a free port that notes what it is asked. */
export async function startRecordingServer(answer: (request: Recorded) => Canned) {
  const requests: Recorded[] = [];
  const server = createServer((incoming, response) => {
    let body = "";
    incoming.setEncoding("utf8");
    incoming.on("data", (chunk: string) => (body += chunk));
    incoming.on("end", () => {
      const url = new URL(incoming.url ?? "/", "http://server");
      const { method = "", headers } = incoming;
      const recorded = { method, path: url.pathname, query: Object.fromEntries(url.searchParams), headers, body };
      requests.push(recorded);
      const canned = answer(recorded);
      if (canned === "hang") return;
      const text = typeof canned.body === "string" ? canned.body : JSON.stringify(canned.body ?? {});
      response.writeHead(canned.status ?? 200, { ...canned.headers }).end(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A template's Secret and the reference to it, for tests. */
export function withSecret(type: string, data: Readonly<Record<string, string>>): Partial<MetricRequest> {
  return { provider: { type, secretRef: { name: "keys" } }, secret: new Map(Object.entries(data)) };
}
