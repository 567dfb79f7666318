import type { Clock, Log, Random } from "#base";
import type { Cluster } from "../routing/cluster.ts";
import { DEFAULT_CLUSTER_POLICY } from "../routing/cluster-policy.ts";
import { compileMesh, type MeshConfig } from "../routing/compile-mesh.ts";
import type { MeshEndpoint } from "../routing/mesh-service.ts";
import { nextPosition } from "../routing/weighted-choice.ts";
import { GATEWAY_WORKLOAD, UNKNOWN_WORKLOAD } from "../routing/workload.ts";
import { ClusterRuntime } from "./cluster-runtime.ts";
import { EndpointPool } from "./endpoint-pool.ts";
import type { ExchangeContext } from "./ports.ts";
import { RequestMetrics, type RequestRecord, workloadKey } from "./request-metrics.ts";
import { TcpMetrics } from "./tcp-metrics.ts";
import { TimerWheel } from "./timer-wheel.ts";

export interface RuntimePorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Addresses outside the mesh's Services that are remembered at once. */
const PASSTHROUGH_MAX = 256;
/** Series of workloads without pods are kept for this long, so that the last scrapes still see them. */
const FORGET_AFTER_MS = 10 * 60_000;
/** Positions of routes that no longer exist are dropped beyond this count. */
const POSITIONS_MAX = 10_000;

const NO_OBJECTS = {
  virtualServices: [],
  destinationRules: [],
  gateways: [],
  services: [],
  endpointSlices: [],
  pods: [],
};

/**
 * What changes while the proxy runs: the configuration of the moment, the connections and health behind it, and the
 * metrics. A new configuration replaces the old one between two events, so every request sees one or the other; all that
 * has the same identity in both (endpoints, clusters, routes) keeps its state.
 */
export class MeshRuntime implements ExchangeContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly wheel: TimerWheel;
  readonly metrics = new RequestMetrics();
  readonly tcpMetrics = new TcpMetrics();
  #config: MeshConfig = compileMesh(NO_OBJECTS);
  readonly #pools = new Map<string, EndpointPool>();
  /** Pools of endpoints that left, until their last request is over. */
  readonly #retired = new Set<EndpointPool>();
  readonly #runtimes = new Map<string, ClusterRuntime>();
  readonly #passthrough = new Map<string, Cluster>();
  readonly #positions = new Map<string, number>();
  /** Own addresses that must not be passed through to, because that would go in circles. */
  readonly #ownAddresses = new Set<string>();
  #knownWorkloads: ReadonlySet<string> = new Set();
  #dateSecond = 0;
  #dateText = "";

  constructor(ports: RuntimePorts) {
    this.clock = ports.clock;
    this.random = ports.random;
    this.log = ports.log;
    this.wheel = new TimerWheel(ports.clock);
  }

  get config(): MeshConfig {
    return this.#config;
  }

  /** Replaces the configuration. */
  apply(config: MeshConfig): void {
    this.#config = config;
    this.metrics.setRules(config.telemetry);
    const clusters = clustersByKey(config);
    const endpoints = new Map<string, MeshEndpoint>();
    for (const { endpoints: own } of [...clusters.values(), ...this.#passthrough.values()])
      for (const endpoint of own) endpoints.set(endpoint.key, endpoint);
    for (const [key, runtime] of this.#runtimes) {
      const cluster = clusters.get(key) ?? this.#passthrough.get(key);
      if (cluster === undefined) this.#runtimes.delete(key);
      else runtime.update(cluster);
    }
    for (const [key, pool] of this.#pools) {
      const endpoint = endpoints.get(key);
      if (endpoint === undefined) this.#retire(key, pool);
      else pool.endpoint = endpoint;
    }
    this.#knownWorkloads = new Set([...config.workloads.values(), GATEWAY_WORKLOAD, UNKNOWN_WORKLOAD].map(workloadKey));
    if (this.#positions.size > POSITIONS_MAX) this.#positions.clear();
  }

  runtimeOf(cluster: Cluster): ClusterRuntime {
    const known = this.#runtimes.get(cluster.key);
    if (known !== undefined) return known;
    const made = new ClusterRuntime(cluster, {
      random: this.random,
      nowMs: () => this.clock.nowMs(),
      poolOf: (endpoint) => this.#poolOf(endpoint),
      onHealthChange: (of, endpoint, health) =>
        this.log.info("endpoint changed its state", {
          cluster: of.key,
          endpoint: `${endpoint.address}:${endpoint.port}`,
          workload: workloadKey(endpoint.workload),
          state: health.phase,
        }),
    });
    this.#runtimes.set(cluster.key, made);
    return made;
  }

  passthrough(address: string, port: number): Cluster | undefined {
    const socketAddress = `${address}:${port}`;
    if (!address.startsWith("127.") || this.#ownAddresses.has(socketAddress)) return undefined;
    const key = `passthrough|${socketAddress}`;
    const workload = this.#config.workloads.get(address) ?? UNKNOWN_WORKLOAD;
    const known = this.#passthrough.get(key);
    if (known?.endpoints[0]?.workload === workload) return known;
    const cluster = passthroughCluster({ key, address, port, workload });
    this.#passthrough.delete(key);
    this.#passthrough.set(key, cluster);
    this.#runtimes.get(key)?.update(cluster);
    const [oldest] = this.#passthrough.keys();
    if (this.#passthrough.size > PASSTHROUGH_MAX && oldest !== undefined) this.#dropPassthrough(oldest);
    return cluster;
  }

  nextChoice(ruleKey: string): number {
    const position = nextPosition(this.#positions.get(ruleKey) ?? Math.floor(this.random.next() * 2 ** 32));
    this.#positions.set(ruleKey, position);
    return position;
  }

  record(record: RequestRecord): void {
    this.metrics.record(record, this.clock.nowMs());
  }

  httpDate(): string {
    const nowMs = this.clock.nowMs();
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#dateSecond) {
      this.#dateSecond = second;
      this.#dateText = new Date(nowMs).toUTCString();
    }
    return this.#dateText;
  }

  addOwnAddress(socketAddress: string): void {
    this.#ownAddresses.add(socketAddress);
  }

  removeOwnAddress(socketAddress: string): void {
    this.#ownAddresses.delete(socketAddress);
  }

  /** Work that is due by the clock: ends ejections, closes idle connections, forgets old series. */
  sweep(): void {
    for (const runtime of this.#runtimes.values()) runtime.sweep();
    for (const pool of this.#pools.values()) pool.sweep();
    for (const pool of this.#retired) if (pool.connectionCount === 0) this.#retired.delete(pool);
    this.metrics.forget(this.clock.nowMs() - FORGET_AFTER_MS, (workload) => this.#knownWorkloads.has(workload));
  }

  /** State of the clusters that had requests, for people. */
  describe(): Record<string, unknown> {
    return Object.fromEntries(
      [...this.#runtimes].map(([key, runtime]) => [
        key,
        {
          ...runtime.load,
          endpoints: Object.fromEntries(
            [...runtime.healths].map(([endpoint, health]) => [
              endpoint,
              { state: health.phase, active: this.#pools.get(endpoint)?.activeCount ?? 0 },
            ]),
          ),
        },
      ]),
    );
  }

  close(): void {
    for (const pool of [...this.#pools.values(), ...this.#retired]) pool.close();
    this.#pools.clear();
    this.#retired.clear();
    this.wheel.close();
  }

  #poolOf(endpoint: MeshEndpoint): EndpointPool {
    const known = this.#pools.get(endpoint.key);
    if (known !== undefined) return known;
    const made = new EndpointPool(endpoint, { wheel: this.wheel, nowMs: () => this.clock.nowMs() });
    this.#pools.set(endpoint.key, made);
    return made;
  }

  #retire(key: string, pool: EndpointPool): void {
    pool.retire();
    this.#pools.delete(key);
    if (pool.connectionCount > 0) this.#retired.add(pool);
  }

  #dropPassthrough(key: string): void {
    const cluster = this.#passthrough.get(key);
    this.#passthrough.delete(key);
    this.#runtimes.delete(key);
    for (const endpoint of cluster?.endpoints ?? []) {
      const pool = this.#pools.get(endpoint.key);
      if (pool !== undefined) this.#retire(endpoint.key, pool);
    }
  }
}

function clustersByKey(config: MeshConfig): Map<string, Cluster> {
  const clusters = new Map<string, Cluster>();
  for (const { ofOthers, byClientNamespace } of config.clusters.values()) {
    for (const set of [ofOthers, ...byClientNamespace.values()]) {
      for (const cluster of set.values()) clusters.set(cluster.key, cluster);
    }
  }
  return clusters;
}

function passthroughCluster(target: {
  key: string;
  address: string;
  port: number;
  workload: MeshEndpoint["workload"];
}): Cluster {
  const { key, address, port, workload } = target;
  const host = `${address}:${port}`;
  const endpoint: MeshEndpoint = { key: `${host}/passthrough`, address, port, workload, inboundHost: host };
  return {
    key,
    service: { host, name: "PassthroughCluster", namespace: "unknown", addresses: [], ports: [], endpoints: new Map() },
    port,
    subset: "",
    endpoints: [endpoint],
    policy: DEFAULT_CLUSTER_POLICY,
  };
}
