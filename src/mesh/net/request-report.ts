import type { Cluster } from "../routing/cluster.ts";
import type { MeshConfig } from "../routing/compile-mesh.ts";
import { UNKNOWN_WORKLOAD, type Workload } from "../routing/workload.ts";
import type { EndpointPool } from "./endpoint-pool.ts";
import { headerValue, type RequestHead, type ResponseHead } from "./http-head.ts";
import type { IncomingRequest } from "./incoming-request.ts";
import type { ExchangeContext, Listener } from "./ports.ts";
import { type ServiceName, UNKNOWN_SERVICE } from "./request-metrics.ts";
import type { AttemptRecord } from "./upstream-call.ts";

export interface ReportOptions {
  readonly context: ExchangeContext;
  readonly listener: Listener;
  readonly remoteAddress: string;
  readonly head: RequestHead;
  readonly request: IncomingRequest;
  /** Bytes sent to the client so far, on its whole connection. */
  readonly writtenBytes: () => number;
}

/** Gathers what the metrics say about one request: once for the source, once for each attempt at its destination. */
export class RequestReport {
  #requestBytes: number;
  readonly #options: ReportOptions;
  readonly #config: MeshConfig;
  readonly #source: Workload | undefined;
  readonly #startedMs: number;
  readonly #writtenBefore: number;
  readonly #protocol: "http" | "grpc";
  #service: ServiceName = UNKNOWN_SERVICE;
  #isMutualTls = true;
  #destination: Workload = UNKNOWN_WORKLOAD;
  #responseCode = 0;
  #grpcStatus = "";
  #flags: string[] | undefined;

  constructor(options: ReportOptions) {
    const { context, listener, head } = options;
    this.#options = options;
    this.#config = context.config;
    this.#source = listener.sourceOf(this.#config, options.remoteAddress);
    this.#startedMs = context.clock.nowMs();
    this.#writtenBefore = options.writtenBytes();
    this.#requestBytes = head.headBytes;
    this.#protocol =
      headerValue(head.headers, "content-type")?.startsWith("application/grpc") === true ? "grpc" : "http";
  }

  get requestBytes(): number {
    return this.#requestBytes;
  }

  /** Counts bytes of the request's body. */
  addRequestBytes(count: number): void {
    this.#requestBytes += count;
  }

  /** Adds a response flag; the empty one is none. */
  addFlag(flag: string): void {
    if (flag === "") return;
    this.#flags ??= [];
    if (!this.#flags.includes(flag)) this.#flags.push(flag);
  }

  setCluster(cluster: Cluster): void {
    this.#service = cluster.service;
    this.#isMutualTls = cluster.policy.isMutualTls;
  }

  setPassthrough(authority: string): void {
    this.#service = { host: authority, name: "PassthroughCluster", namespace: "unknown" };
    this.#isMutualTls = false;
  }

  setBlackHole(host: string): void {
    this.#service = { host, name: "BlackHoleCluster", namespace: "unknown" };
  }

  setResponse(head: ResponseHead, pool: EndpointPool | undefined): void {
    this.#responseCode = head.status;
    this.#grpcStatus = this.#protocol === "grpc" ? (headerValue(head.headers, "grpc-status") ?? "") : "";
    this.#destination = pool?.endpoint.workload ?? UNKNOWN_WORKLOAD;
  }

  setLocalResponse(status: number): void {
    this.#responseCode = status;
  }

  /** Reports an attempt as the destination's sidecar saw it. */
  recordAttempt(attempt: AttemptRecord): void {
    const { endpoint } = attempt.pool;
    this.#destination = endpoint.workload;
    if (!endpoint.workload.hasSidecar) return;
    this.#options.context.record({
      reporter: "destination",
      source: this.#source ?? UNKNOWN_WORKLOAD,
      destination: endpoint.workload,
      service: this.#config.registry.byHost.get(endpoint.inboundHost) ?? this.#service,
      responseCode: attempt.responseCode,
      flags: attempt.flags,
      protocol: this.#protocol,
      grpcStatus: this.#protocol === "grpc" ? attempt.grpcStatus : "",
      isMutualTls: this.#usesMutualTls(),
      durationMs: attempt.durationMs,
      requestBytes: this.#requestBytes,
      responseBytes: attempt.responseBytes,
      request: this.#options.request,
    });
  }

  /** Reports the request as its source saw it. */
  finish(): void {
    const source = this.#source;
    if (source?.hasSidecar !== true) return;
    const { context, writtenBytes } = this.#options;
    context.record({
      reporter: "source",
      source,
      destination: this.#destination,
      service: this.#service,
      responseCode: this.#responseCode,
      flags: this.#flags?.join(",") ?? "-",
      protocol: this.#protocol,
      grpcStatus: this.#grpcStatus,
      isMutualTls: this.#usesMutualTls(),
      durationMs: context.clock.nowMs() - this.#startedMs,
      requestBytes: this.#requestBytes,
      responseBytes: writtenBytes() - this.#writtenBefore,
      request: this.#options.request,
    });
  }

  #usesMutualTls(): boolean {
    return this.#isMutualTls && this.#source?.hasSidecar === true && this.#destination.hasSidecar;
  }
}
