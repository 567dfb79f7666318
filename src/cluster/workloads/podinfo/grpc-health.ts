import { createServer, type Http2Server, type ServerHttp2Stream, type ServerHttp2Session } from "node:http2";
import { Failure, messageOf } from "#base";

const REQUEST_BYTES_MAX = 4096;
/** Statuses of the protocol's HealthCheckResponse. */
const SERVING = 1;
const NOT_SERVING = 2;
/** gRPC status codes. */
const OK = 0;
const NOT_FOUND = 5;
const UNIMPLEMENTED = 12;

export interface GrpcHealthServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Serves grpc.health.v1.Health/Check without TLS, for gRPC probes; other methods are answered as unimplemented.
 *
 * Source: the gRPC health checking protocol and gRPC over HTTP/2. The request's field 1 is the service's name, the
 * answer's field 1 its status.
 *
 * @throws Failure `ListenFailed`, with the address in the message.
 */
export async function startGrpcHealth(options: {
  readonly host: string;
  readonly port: number;
  readonly service: string;
  readonly isHealthy: () => boolean;
}): Promise<GrpcHealthServer> {
  const { host, port, service, isHealthy } = options;
  const server = createServer();
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
  });
  server.on("stream", (stream, headers) => {
    // A client that goes away in the middle is no matter of ours.
    stream.on("error", () => undefined);
    if (headers[":path"] !== "/grpc.health.v1.Health/Check") {
      finish(stream, UNIMPLEMENTED);
      return;
    }
    const chunks: Buffer[] = [];
    let byteCount = 0;
    stream.on("data", (chunk: Buffer) => {
      byteCount += chunk.length;
      if (byteCount > REQUEST_BYTES_MAX) stream.close();
      else chunks.push(chunk);
    });
    stream.once("end", () => {
      const asked = readService(Buffer.concat(chunks));
      if (asked !== "" && asked !== service) finish(stream, NOT_FOUND);
      else finish(stream, OK, Buffer.from([0, 0, 0, 0, 2, 0x08, isHealthy() ? SERVING : NOT_SERVING]));
    });
  });
  await listen(server, host, port);
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const session of sessions) session.close();
      }),
  };
}

function listen(server: Http2Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => {
      reject(new Failure(`Cannot listen on ${host}:${port}: ${messageOf(cause)}`, { code: "ListenFailed" }));
    });
    server.listen(port, host, () => resolve());
  });
}

function finish(stream: ServerHttp2Stream, status: number, message?: Buffer): void {
  if (stream.destroyed) return;
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": String(status) }));
  stream.end(message);
}

/** Reads the service's name: a five-byte frame head, then field 1 with a length below 128. */
function readService(request: Buffer): string {
  if (request[5] !== 0x0a) return "";
  return request.toString("utf8", 7, 7 + (request[6] ?? 0));
}
