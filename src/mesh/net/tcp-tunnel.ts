import { connect, type Socket } from "node:net";
import type { Cluster } from "../routing/cluster.ts";
import { UNKNOWN_WORKLOAD } from "../routing/workload.ts";
import type { EndpointPool } from "./endpoint-pool.ts";
import type { ExchangeContext, Listener } from "./ports.ts";
import type { TcpMetrics } from "./tcp-metrics.ts";

export interface TunnelOptions {
  readonly socket: Socket;
  readonly context: ExchangeContext;
  readonly listener: Listener;
  readonly cluster: Cluster;
  readonly metrics: TcpMetrics;
}

/** Endpoints that are tried before the client is turned away. */
const CONNECT_TRIES = 3;

/**
 * Passes the bytes of a connection on to an endpoint and back, whatever they are. The whole connection stays with the
 * endpoint that its first byte went to.
 */
export function startTunnel(options: TunnelOptions): void {
  const { socket, context, cluster } = options;
  socket.on("error", () => undefined);
  // Nothing is read before there is somewhere to write it.
  socket.pause();
  const runtime = context.runtimeOf(cluster);
  const tried = new Set<string>();
  let upstream: Socket | undefined;
  socket.once("close", () => upstream?.destroy());

  function tryNext(): void {
    const pool = runtime.choose(undefined, tried);
    if (pool === undefined || tried.size >= CONNECT_TRIES) {
      report(options, undefined, { flags: pool === undefined ? "UH" : "UF", sentBytes: 0, receivedBytes: 0 });
      socket.destroy();
      return;
    }
    tried.add(pool.key);
    const { address, port } = pool.endpoint;
    const made = connect({ host: address, port, noDelay: true, allowHalfOpen: true });
    upstream = made;
    const timer = context.wheel.schedule(cluster.policy.limits.connectTimeoutMs, () => made.destroy());
    made.on("error", () => undefined);
    const onEarlyClose = (): void => {
      timer.cancel();
      if (!socket.destroyed) tryNext();
    };
    made.once("close", onEarlyClose);
    made.once("connect", () => {
      timer.cancel();
      made.off("close", onEarlyClose);
      join(options, made, pool);
    });
  }
  tryNext();
}

function join(options: TunnelOptions, upstream: Socket, pool: EndpointPool): void {
  const { socket } = options;
  pool.activeCount++;
  socket.setTimeout(options.cluster.policy.limits.idleTimeoutMs, () => socket.destroy());
  upstream.once("close", () => {
    pool.activeCount--;
    socket.destroySoon();
    report(options, pool, { flags: "-", sentBytes: upstream.bytesRead, receivedBytes: upstream.bytesWritten });
  });
  socket.pipe(upstream);
  upstream.pipe(socket);
}

function report(
  { socket, context, listener, cluster, metrics }: TunnelOptions,
  pool: EndpointPool | undefined,
  outcome: { readonly flags: string; readonly sentBytes: number; readonly receivedBytes: number },
): void {
  const { config } = context;
  const source = listener.sourceOf(config, socket.remoteAddress ?? "");
  const destination = pool?.endpoint.workload ?? UNKNOWN_WORKLOAD;
  const counts = {
    openedCount: pool === undefined ? 0 : 1,
    closedCount: 1,
    sentBytes: outcome.sentBytes,
    receivedBytes: outcome.receivedBytes,
  };
  const peers = { source: source ?? UNKNOWN_WORKLOAD, destination, service: cluster.service, flags: outcome.flags };
  if (source !== undefined) metrics.add({ reporter: "source", ...peers }, counts);
  if (destination.hasSidecar) metrics.add({ reporter: "destination", ...peers }, counts);
}
