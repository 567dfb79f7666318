import { request as requestHttp } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { request as requestHttps } from "node:https";
import { connect } from "node:net";
import type { Container, LifecycleHandler, Probe } from "#api";
import { type Clock, formatDuration, messageOf } from "#base";
import type { ProcessSpec } from "./container-process.ts";
import { runCommand } from "./run-command.ts";

export interface ProbeResult {
  readonly isSuccess: boolean;
  /** What the event says after "probe failed:". */
  readonly output: string;
}

/** What a probe or hook is run against. */
export interface ProbeTarget {
  readonly podIp: string;
  readonly container: Container;
  /** Variables and place of the container's process; `words` is not used. */
  readonly process: ProcessSpec;
}

export interface ProbeOptions {
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

type HttpGet = NonNullable<Probe["httpGet"]>;

/** Runs one probe or hook. Never rejects: whatever goes wrong is a failure with its reason. */
export async function runProbe(
  handler: Probe | LifecycleHandler,
  target: ProbeTarget,
  options: ProbeOptions,
): Promise<ProbeResult> {
  try {
    if (handler.exec !== undefined) return await probeByCommand(handler.exec.command ?? [], target, options);
    if (handler.httpGet !== undefined) return await probeByHttp(handler.httpGet, target, options);
    if (handler.tcpSocket !== undefined) return await probeByTcp(handler.tcpSocket, target, options);
    if ("grpc" in handler && handler.grpc !== undefined) return await probeByGrpc(handler.grpc, target, options);
    return { isSuccess: false, output: "the probe names no handler: write exec, httpGet, tcpSocket or grpc" };
  } catch (thrown) {
    return { isSuccess: false, output: messageOf(thrown) };
  }
}

async function probeByCommand(
  words: readonly string[],
  { process }: ProbeTarget,
  options: ProbeOptions,
): Promise<ProbeResult> {
  const { exitCode, output } = await runCommand({ ...process, words }, options);
  if (exitCode === undefined) {
    const shown = words.map((word) => JSON.stringify(word)).join(" ");
    return {
      isSuccess: false,
      output: `command timed out: ${shown} timed out after ${formatDuration(options.timeoutMs)}`,
    };
  }
  return { isSuccess: exitCode === 0, output };
}

/** Source: core/v1 HTTPGetAction: success is a code from 200 to 399. Redirects are not followed, they are a success. */
async function probeByHttp(get: HttpGet, target: ProbeTarget, options: ProbeOptions): Promise<ProbeResult> {
  const port = resolvePort(get.port, target.container);
  if (port === undefined) return { isSuccess: false, output: `the container has no port named "${get.port}"` };
  const isTls = get.scheme === "HTTPS";
  const host = hostOf(get.host, target);
  const path = get.path === undefined || get.path === "" ? "/" : get.path.replace(/^(?!\/)/, "/");
  const url = `${isTls ? "https" : "http"}://${host}:${port}${path}`;
  const headers: Record<string, string> = { "user-agent": "kube-probe/1.32", accept: "*/*", connection: "close" };
  for (const { name, value } of get.httpHeaders ?? []) headers[name.toLowerCase()] = value;
  const status = await withLimit<number>(options, `Get "${url}"`, (done, fail) => {
    const send = isTls ? requestHttps : requestHttp;
    const request = send({ host, port, path, headers, agent: false, ...(isTls ? { rejectUnauthorized: false } : {}) });
    request.once("response", (response) => {
      done(response.statusCode ?? 0);
      response.destroy();
    });
    request.on("error", fail);
    request.end();
    return () => request.destroy();
  });
  const isSuccess = status >= 200 && status < 400;
  return { isSuccess, output: isSuccess ? "" : `HTTP probe failed with statuscode: ${status}` };
}

async function probeByTcp(
  tcp: NonNullable<Probe["tcpSocket"]>,
  target: ProbeTarget,
  options: ProbeOptions,
): Promise<ProbeResult> {
  const port = resolvePort(tcp.port, target.container);
  if (port === undefined) return { isSuccess: false, output: `the container has no port named "${tcp.port}"` };
  const host = hostOf(tcp.host, target);
  await withLimit<void>(options, `dial tcp ${host}:${port}`, (done, fail) => {
    const socket = connect({ host, port });
    socket.once("connect", () => done());
    socket.on("error", fail);
    return () => socket.destroy();
  });
  return { isSuccess: true, output: "" };
}

/**
 * Asks grpc.health.v1.Health/Check.
 *
 * Source: the gRPC health checking protocol; the request's field 1 is the service, the answer's field 1 the status, 1 is SERVING.
 */
async function probeByGrpc(
  grpc: NonNullable<Probe["grpc"]>,
  target: ProbeTarget,
  options: ProbeOptions,
): Promise<ProbeResult> {
  const authority = `http://${target.podIp}:${grpc.port}`;
  const service = Buffer.from(grpc.service ?? "");
  const message = service.length === 0 ? service : Buffer.concat([Buffer.from([0x0a, service.length]), service]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  const answer = await withLimit<Buffer>(options, `health check of ${authority}`, (done, fail) => {
    const session = connectHttp2(authority);
    session.on("error", fail);
    const stream = session.request({
      ":method": "POST",
      ":path": "/grpc.health.v1.Health/Check",
      "content-type": "application/grpc",
      te: "trailers",
    });
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => {
      if (chunks.length < GRPC_CHUNKS_MAX) chunks.push(chunk);
    });
    stream.once("end", () => done(Buffer.concat(chunks)));
    stream.on("error", fail);
    stream.end(Buffer.concat([head, message]));
    return () => session.destroy();
  });
  const isServing = answer.length >= 7 && answer[5] === 0x08 && answer[6] === 1;
  return {
    isSuccess: isServing,
    output: isServing ? "" : "service unhealthy (responded with a status other than SERVING)",
  };
}

const GRPC_CHUNKS_MAX = 16;

function resolvePort(port: number | string, container: Container): number | undefined {
  if (typeof port === "number") return port;
  return container.ports?.find(({ name }) => name === port)?.containerPort;
}

/** A pod's `localhost` is its own address here: all pods share the machine's loopback. */
function hostOf(host: string | undefined, target: ProbeTarget): string {
  return host === undefined || host === "" || host === "localhost" || host === "127.0.0.1" ? target.podIp : host;
}

/** Runs something that can be cut: at the limit, when the caller aborts, and once it has settled. */
function withLimit<T>(
  { timeoutMs, clock, signal }: ProbeOptions,
  what: string,
  begin: (done: (value: T) => void, fail: (cause: Error) => void) => () => void,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    let cut = (): void => undefined;
    const settle = (finish: () => void): void => {
      cancel();
      signal.removeEventListener("abort", abort);
      finish();
      cut();
    };
    const fail = (cause: Error): void => settle(() => reject(new Error(`${what}: ${cause.message}`)));
    const abort = (): void => fail(new Error("the node stops"));
    const cancel = clock.after(timeoutMs, () => fail(new Error(`no answer within ${formatDuration(timeoutMs)}`)));
    signal.addEventListener("abort", abort, { once: true });
    cut = begin((value) => settle(() => resolve(value)), fail);
  });
}
