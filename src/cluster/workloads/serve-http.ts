import { createServer, type RequestListener, type Server } from "node:http";
import { Failure, messageOf } from "#base";

/**
 * Starts a server.
 *
 * @throws Failure `ListenFailed`, with the address in the message.
 */
export function listen(
  listener: RequestListener,
  options: { host: string; port: number; timeoutMs: number },
): Promise<Server> {
  const server = createServer({ requestTimeout: options.timeoutMs }, listener);
  // Longer than any proxy keeps an idle connection, so that it is never the server that closes under a request.
  server.keepAliveTimeout = 75_000;
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => {
      const message = `Cannot listen on ${options.host}:${options.port}: ${messageOf(cause)}`;
      reject(new Failure(message, { code: "ListenFailed" }));
    });
    server.listen(options.port, options.host, () => resolve(server));
  });
}

const IDLE_CHECK_MS = 25;

/** Stops accepting, lets requests in flight end until the limit, then cuts what is left. */
export async function drain(server: Server, limitMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const cut = setTimeout(() => server.closeAllConnections(), limitMs);
  // close() ends the connections that are idle now; those that become idle later have to be looked for.
  const look = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
  await closed;
  clearTimeout(cut);
  clearInterval(look);
}
