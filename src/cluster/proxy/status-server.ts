import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Failure } from "#base";

/** What the status server shows. */
export interface StatusSource {
  isReady(): boolean;
  metricsText(): string;
  describe(): Record<string, unknown>;
}

export interface StatusServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Serves `/healthz/ready`, `/stats/prometheus` (and `/metrics`) and `/config_dump`, as Istio's agent does on this port.
 *
 * @throws Failure `AddressInUse` naming the address.
 */
export function startStatusServer(
  at: { readonly address: string; readonly port: number },
  source: StatusSource,
): Promise<StatusServer> {
  const server = createServer({ maxHeaderSize: 8 * 1024, requestTimeout: 10_000 }, (request, response) =>
    answer(source, request, response),
  );
  return new Promise((resolve, reject) => {
    server.once("error", (cause) =>
      reject(
        new Failure(`Cannot listen on ${at.address}:${at.port} for health and metrics; choose another --status-port`, {
          code: "AddressInUse",
          cause,
        }),
      ),
    );
    server.listen({ host: at.address, port: at.port, exclusive: true }, () =>
      resolve({ port: portOf(server), close: () => close(server) }),
    );
  });
}

function answer(source: StatusSource, request: IncomingMessage, response: ServerResponse): void {
  if (request.method !== "GET" && request.method !== "HEAD") {
    send(response, { status: 405, type: "text/plain", body: "only GET is answered here\n" });
    return;
  }
  switch ((request.url ?? "").replace(/\?.*$/, "")) {
    case "/healthz/ready": {
      const isReady = source.isReady();
      send(response, { status: isReady ? 200 : 503, type: "text/plain", body: isReady ? "ready\n" : "not ready\n" });
      return;
    }
    case "/stats/prometheus":
    case "/metrics":
      send(response, { status: 200, type: "text/plain; version=0.0.4; charset=utf-8", body: source.metricsText() });
      return;
    case "/config_dump":
      send(response, {
        status: 200,
        type: "application/json",
        body: `${JSON.stringify(source.describe(), undefined, 2)}\n`,
      });
      return;
    default:
      send(response, {
        status: 404,
        type: "text/plain",
        body: "try /healthz/ready, /stats/prometheus or /config_dump\n",
      });
  }
}

function send(response: ServerResponse, reply: { status: number; type: string; body: string }): void {
  response.writeHead(reply.status, { "content-type": reply.type });
  response.end(reply.body);
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
