import type { Server, Socket } from "node:net";
import type { Clock, Log, Random } from "#base";
import type { MeshConfig } from "../routing/compile-mesh.ts";
import type { RouteClient } from "../routing/route-request.ts";
import { GATEWAY_WORKLOAD } from "../routing/workload.ts";
import { ClientConnection } from "./client-connection.ts";
import { exposeHeader } from "./exposition.ts";
import { bind, boundPort } from "./listener-socket.ts";
import { MeshRuntime } from "./mesh-runtime.ts";
import type { Listener } from "./ports.ts";
import { startTunnel } from "./tcp-tunnel.ts";

export interface ProxyOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Unless true, only addresses 127.x.y.z are listened on. */
  readonly allowsAnyAddress?: boolean;
}

interface SocketAddress {
  readonly address: string;
  /** 0 picks a free one. */
  readonly port: number;
}

/** One open listener. */
export interface ProxyListener {
  readonly address: string;
  readonly port: number;
  /** Takes no more connections, lets requests in flight end for the time given, then closes what is left. */
  close(options?: { readonly drainMs?: number }): Promise<void>;
}

/** The data plane of one node: what its sidecars and its ingress gateway do, in one place. */
export interface Proxy {
  /** Replaces the configuration between two requests; none in flight is touched. */
  apply(config: MeshConfig): void;
  /** Serves the Gateway servers of port `gatewayPort`. */
  listenGateway(options: SocketAddress & { readonly gatewayPort: number }): Promise<ProxyListener>;
  /** Serves a pod as its sidecar's outbound side; the pod is the one that has the address. */
  listenPod(options: SocketAddress & { readonly namespace: string }): Promise<ProxyListener>;
  /** Serves a Service on its cluster address; `host` is its full name. */
  listenService(
    options: SocketAddress & { readonly host: string; readonly servicePort: number },
  ): Promise<ProxyListener>;
  /** Metrics in Prometheus' text format. */
  metricsText(): string;
  /** What is applied and how it fares, as JSON for people. */
  describe(): Record<string, unknown>;
  /** Ends all listeners; requests in flight get `drainMs` to finish. */
  close(options?: { readonly drainMs?: number }): Promise<void>;
}

const SWEEP_MS = 500;
/** Time for the first byte on a port whose protocol is not named. */
const SNIFF_TIMEOUT_MS = 60_000;

/** Creates a proxy without listeners that routes nothing until a configuration is applied. */
export function createProxy(options: ProxyOptions): Proxy {
  const runtime = new MeshRuntime(options);
  const listeners = new Set<OpenListener>();
  let cancelSweep = scheduleSweep();

  function scheduleSweep(): () => void {
    return options.clock.after(SWEEP_MS, () => {
      const nowMs = options.clock.nowMs();
      for (const listener of listeners) for (const connection of listener.connections) connection.sweep(nowMs);
      runtime.sweep();
      cancelSweep = scheduleSweep();
    });
  }

  async function open(at: SocketAddress, listener: Listener): Promise<ProxyListener> {
    const opened = await OpenListener.bind({
      at,
      listener,
      runtime,
      allowsAnyAddress: options.allowsAnyAddress ?? false,
    });
    listeners.add(opened);
    if (listener.kind === "pod") runtime.addOwnAddress(opened.socketAddress);
    return {
      address: opened.address,
      port: opened.port,
      async close(closing) {
        await opened.close(closing?.drainMs ?? 0);
        listeners.delete(opened);
        runtime.removeOwnAddress(opened.socketAddress);
      },
    };
  }

  return {
    apply: (config) => runtime.apply(config),
    listenGateway: ({ gatewayPort, ...at }) => open(at, gatewayListener(gatewayPort)),
    listenPod: ({ namespace, ...at }) => open(at, podListener(at.address, namespace)),
    listenService: ({ host, servicePort, ...at }) => open(at, serviceListener(host, servicePort)),
    metricsText: () => metricsText(runtime, listeners),
    describe: () => ({ clusters: runtime.describe() }),
    async close(closing) {
      await Promise.all([...listeners].map((listener) => listener.close(closing?.drainMs ?? 0)));
      listeners.clear();
      cancelSweep();
      runtime.close();
    },
  };
}

function gatewayListener(port: number): Listener {
  const { namespace, labels } = GATEWAY_WORKLOAD;
  return {
    kind: "gateway",
    port,
    clientOf: ({ gatewayIds }) => ({ kind: "gateway", namespace, labels, gateways: gatewayIds }),
    sourceOf: () => GATEWAY_WORKLOAD,
    fallbackHost: undefined,
  };
}

const MESH = ["mesh"];

function podListener(address: string, namespace: string): Listener {
  return {
    kind: "pod",
    port: 80,
    clientOf: (config) => meshClient(config, address, namespace),
    sourceOf: (config) => config.workloads.get(address),
    fallbackHost: undefined,
  };
}

/** Whoever calls a Service by its address is only known when it calls from the address of a pod. */
function serviceListener(host: string, port: number): Listener {
  return {
    kind: "service",
    port,
    clientOf: (config, remoteAddress) => meshClient(config, remoteAddress, ""),
    sourceOf: (config, remoteAddress) => config.workloads.get(remoteAddress),
    fallbackHost: host,
  };
}

function meshClient(config: MeshConfig, address: string, otherwise: string): RouteClient {
  const workload = config.workloads.get(address);
  return {
    kind: "mesh",
    namespace: workload?.namespace ?? otherwise,
    labels: workload?.labels ?? {},
    gateways: MESH,
  };
}

interface OpenOptions {
  readonly at: SocketAddress;
  readonly listener: Listener;
  readonly runtime: MeshRuntime;
  readonly allowsAnyAddress: boolean;
}

/** A bound listener with its connections. */
class OpenListener {
  readonly address: string;
  readonly connections = new Set<ClientConnection>();
  readonly #tunnels = new Set<Socket>();
  readonly #runtime: MeshRuntime;
  readonly #listener: Listener;
  #server: Server | undefined;
  #onEmpty: (() => void) | undefined;

  static async bind(options: OpenOptions): Promise<OpenListener> {
    const opened = new OpenListener(options);
    const { address, port } = options.at;
    const { allowsAnyAddress } = options;
    opened.#server = await bind({ address, port, allowsAnyAddress }, (socket) => opened.#accept(socket));
    return opened;
  }

  private constructor(options: OpenOptions) {
    this.address = options.at.address;
    this.#runtime = options.runtime;
    this.#listener = options.listener;
  }

  get port(): number {
    return this.#server === undefined ? 0 : boundPort(this.#server);
  }

  get socketAddress(): string {
    return `${this.address}:${this.port}`;
  }

  async close(drainMs: number): Promise<void> {
    this.#server?.close();
    for (const connection of this.connections) connection.drain();
    if (drainMs > 0) await this.#whenEmpty(drainMs);
    for (const connection of this.connections) connection.destroy();
    for (const socket of this.#tunnels) socket.destroy();
  }

  #whenEmpty(drainMs: number): Promise<void> {
    if (this.connections.size + this.#tunnels.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#runtime.clock.after(drainMs, resolve);
      this.#onEmpty = () => {
        cancel();
        resolve();
      };
    });
  }

  #accept(socket: Socket): void {
    if (this.#listener.kind !== "service") {
      this.#serve(socket);
      return;
    }
    const { fallbackHost = "", port } = this.#listener;
    const protocol = this.#runtime.config.registry.byHost
      .get(fallbackHost)
      ?.ports.find((entry) => entry.port === port)?.protocol;
    if (protocol === "tcp") this.#tunnel(socket);
    else this.#sniff(socket);
  }

  /** Tells HTTP/1 by its first bytes; all else, HTTP/2 included, is passed on as it is. */
  #sniff(socket: Socket): void {
    socket.on("error", () => undefined);
    socket.setTimeout(SNIFF_TIMEOUT_MS, () => socket.destroy());
    this.#track(socket);
    socket.once("data", (data: Buffer) => {
      socket.setTimeout(0);
      socket.pause();
      socket.unshift(data);
      this.#untrack(socket);
      if (looksLikeHttp1(data)) {
        this.#serve(socket);
        socket.resume();
      } else this.#tunnel(socket);
    });
    socket.once("end", () => socket.end());
  }

  #serve(socket: Socket): void {
    const onClosed = (connection: ClientConnection): void => {
      this.connections.delete(connection);
      this.#noticeEmpty();
    };
    this.connections.add(new ClientConnection({ socket, context: this.#runtime, listener: this.#listener, onClosed }));
  }

  #tunnel(socket: Socket): void {
    const { config, tcpMetrics: metrics } = this.#runtime;
    const { fallbackHost = "", port } = this.#listener;
    const cluster = config.clusters.get(fallbackHost)?.ofOthers.get(`${port}|`);
    if (cluster === undefined) {
      socket.destroy();
      return;
    }
    this.#track(socket);
    startTunnel({ socket, context: this.#runtime, listener: this.#listener, cluster, metrics });
  }

  #track(socket: Socket): void {
    this.#tunnels.add(socket);
    socket.once("close", () => this.#untrack(socket));
  }

  #untrack(socket: Socket): void {
    this.#tunnels.delete(socket);
    this.#noticeEmpty();
  }

  #noticeEmpty(): void {
    if (this.connections.size + this.#tunnels.size === 0) this.#onEmpty?.();
  }
}

/** A method and a blank, or the beginning of a method; but not the beginning of HTTP/2. */
function looksLikeHttp1(data: Buffer): boolean {
  const start = data.toString("latin1", 0, 24).trimStart();
  return /^[A-Z][A-Z-]{0,15}(?: |$)/.test(start) && !start.startsWith("PRI ");
}

function metricsText(runtime: MeshRuntime, listeners: ReadonlySet<OpenListener>): string {
  let connectionCount = 0;
  for (const { connections } of listeners) connectionCount += connections.size;
  return (
    `${exposeHeader("istio_build", "gauge")}istio_build{component="proxy",tag="serin"} 1\n` +
    `${exposeHeader("serin_proxy_connections", "gauge")}serin_proxy_connections ${connectionCount}\n` +
    `${exposeHeader("serin_proxy_dropped_records_total", "counter")}serin_proxy_dropped_records_total ${runtime.metrics.droppedCount}\n` +
    runtime.metrics.expose() +
    runtime.tcpMetrics.expose()
  );
}
