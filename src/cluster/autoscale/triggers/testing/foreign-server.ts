import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type ServerOptions } from "node:https";
import type { AddressInfo } from "node:net";

/** For tests: a server of somebody else, on a free port, that keeps what it was asked. */
export interface ForeignServer {
  readonly url: string;
  readonly port: number;
  /** `GET /path?query` with the headers of each request. */
  readonly asked: { readonly line: string; readonly headers: IncomingMessage["headers"] }[];
  close(): Promise<void>;
}

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export async function startForeignServer(
  answer: Answer,
  { tls, address = "127.0.0.1" }: { readonly tls?: ServerOptions; readonly address?: string } = {},
): Promise<ForeignServer> {
  const asked: ForeignServer["asked"] = [];
  const listener: RequestListener = (request, response) => {
    asked.push({ line: `${request.method ?? ""} ${request.url ?? ""}`, headers: request.headers });
    answer(request, response);
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls === undefined ? "http" : "https"}://${address}:${port}`,
    port,
    asked,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
