import type { Clock, Log, Random } from "#base";
import type { Cluster } from "../routing/cluster.ts";
import type { MeshConfig } from "../routing/compile-mesh.ts";
import type { RouteClient } from "../routing/route-request.ts";
import type { Workload } from "../routing/workload.ts";
import type { ClusterRuntime } from "./cluster-runtime.ts";
import type { RequestRecord } from "./request-metrics.ts";
import type { SocketWriter } from "./socket-writer.ts";
import type { TimerWheel } from "./timer-wheel.ts";

/** What an exchange needs of the proxy it runs in. */
export interface ExchangeContext {
  /** The configuration at this moment; an exchange takes it once and keeps it. */
  readonly config: MeshConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly wheel: TimerWheel;
  runtimeOf(cluster: Cluster): ClusterRuntime;
  /** The cluster of an address of this machine that belongs to no service; undefined when passing through is refused. */
  passthrough(address: string, port: number): Cluster | undefined;
  /** The next position of the weighted choice of a route. */
  nextChoice(ruleKey: string): number;
  record(record: RequestRecord): void;
  /** The value of a Date header. */
  httpDate(): string;
}

/** Where a request came in. */
export interface Listener {
  readonly kind: "gateway" | "pod" | "service";
  /** Port of the gateway's server or of the Service; at a pod the request says it. */
  readonly port: number;
  /** Who asks, from the configuration of the moment and the address of the peer. */
  clientOf(config: MeshConfig, remoteAddress: string): RouteClient;
  /** The workload that reports as the source; undefined when the peer has no sidecar of its own. */
  sourceOf(config: MeshConfig, remoteAddress: string): Workload | undefined;
  /** Host that requests are for when their Host header names none of the mesh. */
  readonly fallbackHost: string | undefined;
}

/** The client's side of an exchange. */
export interface ClientStream {
  readonly writer: SocketWriter;
  readonly remoteAddress: string;
  /** True once no further request is wanted on this connection. */
  readonly isDraining: boolean;
  /** Sends what was written; false when the client is slower than we are. */
  flush(): boolean;
  /** The endpoint takes more of the request's body. */
  resumeBody(): void;
  /** What the client sends from now on is no HTTP. */
  startTunnel(): void;
  /** The response is written. */
  endExchange(outcome: { readonly keepsAlive: boolean }): void;
  /** Breaks the connection off. */
  destroy(): void;
}
