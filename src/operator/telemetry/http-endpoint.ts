import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Failure, messageOf } from "#base";
import type { RolloutMetrics } from "./rollout-metrics.ts";

export interface HttpEndpoint {
  readonly port: number;
  close(): Promise<void>;
}

/** Serves /metrics, /healthz (the process lives) and /readyz (it knows the cluster, whether it leads or not). */
export async function startHttpEndpoint(options: {
  readonly address: string;
  readonly port: number;
  readonly metrics: RolloutMetrics;
  readonly isReady: () => boolean;
}): Promise<HttpEndpoint> {
  const { address, port, metrics, isReady } = options;
  const server = createServer((request, response) => {
    const path = (request.url ?? "/").split("?")[0];
    if (path === "/healthz") {
      response.writeHead(200, { "content-type": "text/plain; charset=utf-8" }).end("OK");
      return;
    }
    if (path === "/readyz") {
      const [status, text] = isReady() ? [200, "OK"] : [503, "not ready: the cluster's objects are still being read"];
      response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(text);
      return;
    }
    if (path !== "/metrics") {
      response.writeHead(404, { "content-type": "text/plain; charset=utf-8" }).end("404 page not found\n");
      return;
    }
    metrics.text().then(
      (text) => response.writeHead(200, { "content-type": metrics.contentType }).end(text),
      (thrown: unknown) => response.writeHead(500).end(messageOf(thrown)),
    );
  });
  server.headersTimeout = 5000;
  server.requestTimeout = 10_000;
  await listen(server, { address, port });
  const bound = server.address() as AddressInfo;
  return {
    port: bound.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, { address, port }: { address: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) =>
      reject(
        new Failure(`Cannot listen on ${address}:${port} for metrics; choose another with -port`, {
          code: "AddressInUse",
          cause,
        }),
      ),
    );
    server.listen(port, address, resolve);
  });
}
