import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** What an AlertProvider of the type `webhook` posts, as far as tests look at it. */
export interface ReceivedAlert {
  readonly canary: { readonly name: string; readonly namespace: string };
  readonly severity: string;
  readonly message: string;
  readonly reason: string;
  readonly isTerminal: boolean;
}

/** Receives alerts on a port of its own. */
export interface AlertInbox {
  readonly url: string;
  /** Alerts about Canaries of a namespace, in the order of arrival. */
  of(namespace: string): readonly ReceivedAlert[];
  close(): Promise<void>;
}

export async function openAlertInbox(): Promise<AlertInbox> {
  const received: ReceivedAlert[] = [];
  const server = createServer((incoming, response) => {
    let body = "";
    incoming.on("data", (chunk: Buffer) => (body += chunk.toString()));
    incoming.once("end", () => {
      received.push(JSON.parse(body) as ReceivedAlert);
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    of: (namespace) => received.filter(({ canary }) => canary.namespace === namespace),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
