import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Failure, type Log, messageOf } from "#base";
import type { ApiContext } from "./api-context.ts";
import { ApiError, errorAnswer, type HttpAnswer, textAnswer } from "./envelope.ts";
import { route } from "./router.ts";

export interface ApiServer {
  /** `http://ADDRESS:PORT`. */
  readonly url: string;
  close(): Promise<void>;
}

export interface ApiServerOptions {
  readonly context: ApiContext;
  readonly address: string;
  /** 0 picks a free port. */
  readonly port: number;
  readonly log: Log;
}

const MAX_BODY_BYTES = 1024 * 1024;
const MAX_CONNECTIONS = 512;

/** Serves the Prometheus HTTP API on the given address alone. @throws Failure `MetricsAddressUnusable` */
export async function startApiServer({ context, address, port, log }: ApiServerOptions): Promise<ApiServer> {
  const server = createServer(
    { requestTimeout: 30_000, headersTimeout: 10_000, maxHeaderSize: 64 * 1024 },
    (request, response) => {
      void respond(context, request, log).then((answer) => send(request, response, answer));
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) =>
      reject(
        new Failure(`Cannot serve metrics on ${address}:${port}: ${error.message}`, {
          code: "MetricsAddressUnusable",
          cause: error,
        }),
      ),
    );
    server.listen(port, address, resolve);
  });
  const bound = server.address() as AddressInfo;
  const host = bound.family === "IPv6" ? `[${bound.address}]` : bound.address;
  return {
    url: `http://${host}:${bound.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function respond(context: ApiContext, request: IncomingMessage, log: Log): Promise<HttpAnswer> {
  try {
    const { method = "GET" } = request;
    if (method !== "GET" && method !== "HEAD" && method !== "POST") return textAnswer(405, "Method Not Allowed\n");
    const { path, params } = splitTarget(request.url ?? "/");
    if (method === "POST") for (const [name, value] of await readForm(request)) params.append(name, value);
    return route(context, path, params);
  } catch (thrown) {
    if (thrown instanceof ApiError) return errorAnswer(thrown);
    log.error("a metrics request failed", { path: request.url ?? "", error: messageOf(thrown) });
    return errorAnswer(new ApiError("internal", messageOf(thrown)));
  }
}

/** Splits an origin-form or, from clients that speak through a proxy, absolute-form target. */
function splitTarget(target: string): { readonly path: string; readonly params: URLSearchParams } {
  const local = target.replace(/^https?:\/\/[^/?#]*/, "");
  const question = local.indexOf("?");
  if (question === -1) return { path: local, params: new URLSearchParams() };
  return { path: local.slice(0, question), params: new URLSearchParams(local.slice(question + 1)) };
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > MAX_BODY_BYTES) throw new ApiError("bad_data", `the form is larger than ${MAX_BODY_BYTES} bytes`);
    parts.push(part);
  }
  const type = request.headers["content-type"] ?? "";
  return new URLSearchParams(
    type.startsWith("application/x-www-form-urlencoded") ? Buffer.concat(parts).toString("utf8") : "",
  );
}

function send(request: IncomingMessage, response: ServerResponse, { status, contentType, body }: HttpAnswer): void {
  // A body that was refused half-way cannot be followed by another request.
  if (!request.complete) response.setHeader("connection", "close");
  response.writeHead(status, { "content-type": contentType, "content-length": Buffer.byteLength(body) });
  response.end(request.method === "HEAD" ? undefined : body);
}
