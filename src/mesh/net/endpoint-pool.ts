import type { MeshEndpoint } from "../routing/mesh-service.ts";
import type { TimerWheel } from "./timer-wheel.ts";
import { type ConnectionOwner, UpstreamConnection } from "./upstream-connection.ts";

/** Idle connections kept to one endpoint; more than the requests a busy endpoint has in flight are of no use. */
const IDLE_MAX = 256;
/** Margin before the server's own idle timeout, within which a request could meet the closing connection. */
const SERVER_IDLE_MARGIN_MS = 1000;

export interface PoolLimits {
  readonly connectTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly requestsPerConnectionMax: number;
}

/** The connections to one endpoint, shared by all clusters that have it; the most recently used one is used next. */
export class EndpointPool implements ConnectionOwner {
  endpoint: MeshEndpoint;
  /** Requests in flight, of all clusters. */
  activeCount = 0;
  readonly #wheel: TimerWheel;
  readonly #nowMs: () => number;
  readonly #idle: UpstreamConnection[] = [];
  readonly #all = new Set<UpstreamConnection>();
  #limits: PoolLimits | undefined;
  #isRetired = false;

  constructor(endpoint: MeshEndpoint, ports: { readonly wheel: TimerWheel; readonly nowMs: () => number }) {
    this.endpoint = endpoint;
    this.#wheel = ports.wheel;
    this.#nowMs = ports.nowMs;
  }

  get key(): string {
    return this.endpoint.key;
  }

  get connectionCount(): number {
    return this.#all.size;
  }

  /** An idle connection, or a new one that is still connecting. `isReused` tells which. */
  acquire(
    limits: PoolLimits,
    options: { readonly mustBeNew: boolean },
  ): { connection: UpstreamConnection; isReused: boolean } {
    this.#limits = limits;
    while (!options.mustBeNew) {
      const connection = this.#idle.pop();
      if (connection === undefined) break;
      if (connection.isUsable && !this.#isStale(connection, limits)) return { connection, isReused: true };
      connection.destroy();
    }
    const { address, port } = this.endpoint;
    const { connectTimeoutMs } = limits;
    const connection = new UpstreamConnection({ address, port, connectTimeoutMs, wheel: this.#wheel, owner: this });
    this.#all.add(connection);
    return { connection, isReused: false };
  }

  onIdle(connection: UpstreamConnection): void {
    const isUsedUp = connection.requestCount >= (this.#limits?.requestsPerConnectionMax ?? Number.POSITIVE_INFINITY);
    if (this.#isRetired || isUsedUp || this.#idle.length >= IDLE_MAX) {
      connection.destroy();
      return;
    }
    connection.idleSinceMs = this.#nowMs();
    this.#idle.push(connection);
  }

  onClosed(connection: UpstreamConnection): void {
    this.#all.delete(connection);
    const index = this.#idle.lastIndexOf(connection);
    if (index >= 0) this.#idle.splice(index, 1);
  }

  /** Closes idle connections that stayed idle too long. */
  sweep(): void {
    const limits = this.#limits;
    if (limits === undefined) return;
    for (const connection of this.#idle.filter((idle) => this.#isStale(idle, limits))) connection.destroy();
  }

  /** The endpoint left: idle connections close now, the others when their request is over. */
  retire(): void {
    this.#isRetired = true;
    // Each one that is destroyed takes itself out of the list.
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }

  close(): void {
    this.retire();
    for (const connection of this.#all) connection.destroy();
  }

  #isStale(connection: UpstreamConnection, limits: PoolLimits): boolean {
    const serverMs = connection.serverIdleTimeoutMs;
    const ownMs = limits.idleTimeoutMs;
    const maxMs = serverMs === undefined ? ownMs : Math.min(ownMs, Math.max(serverMs - SERVER_IDLE_MARGIN_MS, 0));
    return this.#nowMs() - connection.idleSinceMs > maxMs;
  }
}
