import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "#base";

/** A request as the scripted server saw it. */
export interface SeenRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** For tests: an HTTP server that answers as the script says, faults included. */
export interface ScriptedServer {
  readonly url: string;
  readonly seen: readonly SeenRequest[];
  close(): Promise<void>;
}

/** Starts a server on a free port; `index` counts requests from 0. */
export async function startScriptedServer(
  script: (request: SeenRequest, response: ServerResponse, index: number) => void,
): Promise<ScriptedServer> {
  const seen: SeenRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const one = {
        method: request.method ?? "",
        url: new URL(request.url ?? "/", "http://127.0.0.1"),
        headers: request.headers,
        body: Buffer.concat(chunks).toString("utf8"),
      };
      script(one, response, seen.push(one) - 1);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Answers with JSON. */
export function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}

/** A Status as servers send it. */
export function statusBody(
  code: number,
  reason: string,
  details: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: `said ${reason}`,
    reason,
    code,
    details,
  };
}

/** A real clock whose delays pass faster, for tests that mix back-off with real sockets. */
export function createFastClock(speedup: number): Clock {
  return {
    nowMs: () => Date.now(),
    after(delayMs, callback) {
      const timer = setTimeout(callback, delayMs / speedup);
      return () => clearTimeout(timer);
    },
  };
}

/** Delays pass a hundred times faster. */
export const fastClock: Clock = createFastClock(100);
