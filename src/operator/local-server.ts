import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A small HTTP server on a free port, for tests. */
export interface LocalServer {
  readonly url: string;
  /** What arrived, oldest first. */
  readonly requests: readonly {
    readonly url: string;
    readonly headers: IncomingMessage["headers"];
    readonly body: string;
  }[];
  close(): Promise<void>;
}

/** `answer` gets each request with its body read. */
export async function startLocalServer(
  answer: (response: ServerResponse, request: { url: string; body: string; count: number }) => void,
): Promise<LocalServer> {
  const requests: LocalServer["requests"][number][] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => (body += chunk));
    request.on("end", () => {
      const url = request.url ?? "";
      requests.push({ url, headers: request.headers, body });
      answer(response, { url, body, count: requests.length });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
