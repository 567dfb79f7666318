import type { Random } from "#base";
import type { Cluster } from "../routing/cluster.ts";
import { chooseEndpoint } from "../routing/load-balance.ts";
import type { MeshEndpoint } from "../routing/mesh-service.ts";
import {
  type EndpointHealth,
  type EndpointOutcome,
  HEALTHY,
  isPanicking,
  recordOutcome,
  sweepHealth,
} from "../routing/outlier.ts";
import type { EndpointPool } from "./endpoint-pool.ts";

/** Requests that wait for a connection at most, whatever the policy allows. */
const PENDING_HARD_MAX = 10_000;

/** Draws that try to avoid the endpoints of earlier attempts. Source: Istio's hostSelectionRetryMaxAttempts. */
const AVOID_DRAWS = 5;

interface Member {
  readonly pool: EndpointPool;
  health: EndpointHealth;
}

export interface ClusterPorts {
  readonly random: Random;
  readonly nowMs: () => number;
  readonly poolOf: (endpoint: MeshEndpoint) => EndpointPool;
  readonly onHealthChange: (cluster: Cluster, endpoint: MeshEndpoint, health: EndpointHealth) => void;
}

/** Whether a request may start: now, when a connection is free (`onTurn` is called), or not at all. */
export type Admission = "now" | "queued" | "overflow";

/** The changing side of a cluster: which of its endpoints are chosen, and how many requests it has. */
export class ClusterRuntime {
  cluster: Cluster;
  readonly #ports: ClusterPorts;
  #members: Member[] = [];
  /** Those that may be chosen; undefined when it has to be made anew. */
  #choosable: EndpointPool[] | undefined;
  #cursor = 0;
  #activeCount = 0;
  #retryCount = 0;
  readonly #waiting = new Set<() => void>();

  constructor(cluster: Cluster, ports: ClusterPorts) {
    this.cluster = cluster;
    this.#ports = ports;
    this.update(cluster);
  }

  /** Takes over a new configuration; endpoints that stay keep their health. */
  update(cluster: Cluster): void {
    this.cluster = cluster;
    const known = new Map(this.#members.map((member) => [member.pool.key, member]));
    this.#members = cluster.endpoints.map((endpoint) => {
      const member = known.get(endpoint.key);
      return { pool: this.#ports.poolOf(endpoint), health: member?.health ?? HEALTHY };
    });
    this.#choosable = undefined;
  }

  get healths(): ReadonlyMap<string, EndpointHealth> {
    return new Map(this.#members.map(({ pool, health }) => [pool.key, health]));
  }

  get load(): { readonly active: number; readonly waiting: number } {
    return { active: this.#activeCount, waiting: this.#waiting.size };
  }

  /** Asks for the start of a request. After "queued", `onTurn` is called once, or `leaveQueue` has to be. */
  admit(onTurn: () => void): Admission {
    const { limits } = this.cluster.policy;
    if (this.#activeCount + this.#waiting.size >= limits.requestsMax) return "overflow";
    if (this.#activeCount < limits.connectionsMax) {
      this.#activeCount++;
      return "now";
    }
    if (this.#waiting.size >= Math.min(limits.pendingMax, PENDING_HARD_MAX)) return "overflow";
    this.#waiting.add(onTurn);
    return "queued";
  }

  leaveQueue(onTurn: () => void): void {
    this.#waiting.delete(onTurn);
  }

  /** An admitted request is over. */
  release(): void {
    this.#activeCount--;
    for (const onTurn of this.#waiting) {
      if (this.#activeCount >= this.cluster.policy.limits.connectionsMax) return;
      this.#waiting.delete(onTurn);
      this.#activeCount++;
      onTurn();
    }
  }

  /** Asks for one more retry at the same time; each true is given back by {@link endRetry}. */
  startRetry(): boolean {
    const { retryBudget, limits } = this.cluster.policy;
    const max =
      retryBudget === undefined
        ? limits.retriesMax
        : Math.max(retryBudget.concurrencyMin, retryBudget.share * this.#activeCount);
    if (this.#retryCount >= max) return false;
    this.#retryCount++;
    return true;
  }

  endRetry(): void {
    this.#retryCount--;
  }

  /** Chooses an endpoint, if possible none of `avoided`; undefined when there is none that works. */
  choose(hashKey: string | undefined, avoided: ReadonlySet<string> | undefined): EndpointPool | undefined {
    const { balancer } = this.cluster.policy;
    const candidates = this.#candidates();
    const draws = avoided === undefined || balancer.kind === "hash" ? 1 : AVOID_DRAWS;
    let chosen: EndpointPool | undefined;
    for (let draw = 0; draw < draws; draw++) {
      const input = { kind: balancer.kind, cursor: this.#cursor++, chance: () => this.#ports.random.next(), hashKey };
      chosen = candidates[chooseEndpoint(candidates, input)];
      if (chosen === undefined || avoided?.has(chosen.key) !== true) break;
    }
    const avoidedAll = avoided !== undefined && chosen !== undefined && avoided.has(chosen.key);
    return avoidedAll ? (candidates.find(({ key }) => !avoided.has(key)) ?? chosen) : chosen;
  }

  /** Endpoints on probation take one request at a time, as long as others can take the rest. */
  #candidates(): readonly EndpointPool[] {
    this.#choosable ??= this.#listChoosable();
    if (this.cluster.policy.outlier === undefined || !this.#members.some(({ health }) => health.phase === "probing"))
      return this.#choosable;
    const busy = this.#members.filter(({ health, pool }) => health.phase === "probing" && pool.activeCount > 0);
    const free = this.#choosable.filter((pool) => !busy.some((member) => member.pool === pool));
    return free.length > 0 ? free : this.#choosable;
  }

  /** Counts what an endpoint did with a request, and ejects it when it did wrong too often. */
  record(pool: EndpointPool, outcome: EndpointOutcome): void {
    const policy = this.cluster.policy.outlier;
    if (policy === undefined) return;
    const member = this.#members.find((candidate) => candidate.pool === pool);
    if (member === undefined) return;
    const context = {
      policy,
      nowMs: this.#ports.nowMs(),
      hostCount: this.#members.length,
      ejectedCount: this.#ejectedCount(),
    };
    this.#setHealth(member, recordOutcome(member.health, outcome, context));
  }

  /** Ends ejections whose time is over. */
  sweep(): void {
    const policy = this.cluster.policy.outlier;
    if (policy === undefined) return;
    const nowMs = this.#ports.nowMs();
    for (const member of this.#members) this.#setHealth(member, sweepHealth(member.health, policy, nowMs));
  }

  #setHealth(member: Member, health: EndpointHealth): void {
    const hasChanged = health.phase !== member.health.phase;
    member.health = health;
    if (!hasChanged) return;
    this.#choosable = undefined;
    this.#ports.onHealthChange(this.cluster, member.pool.endpoint, health);
  }

  #ejectedCount(): number {
    return this.#members.filter(({ health }) => health.phase === "ejecting").length;
  }

  #listChoosable(): EndpointPool[] {
    const policy = this.cluster.policy.outlier;
    const all = this.#members.map(({ pool }) => pool);
    if (policy === undefined || isPanicking(policy, all.length, this.#ejectedCount())) return all;
    return this.#members.filter(({ health }) => health.phase !== "ejecting").map(({ pool }) => pool);
  }
}
