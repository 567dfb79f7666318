import { setMaxListeners } from "node:events";
import { Agent } from "undici";
import type { Canary, CanaryMetric, MetricTemplate, Secret } from "#api";
import type { Clock } from "#base";
import type { Samples } from "#rollout";
import { createOutboundHttp } from "../gates/index.ts";
import { canary as bare } from "../rehearsal-objects.ts";
import type { MeasureContext } from "./measure-context.ts";
import { measureSamples } from "./measure-samples.ts";

/** The cluster's metrics store, processes whose counters are scraped into it, and what measuring needs; for tests. */

/** A process that counts; its counters go up and never down, until it begins anew. */
export class CountingProcess {
  readonly #counters = new Map<string, number>();
  isDown = false;
  readonly job: string;
  readonly labels: Readonly<Record<string, string>>;

  constructor(job: string, labels: Readonly<Record<string, string>> = {}) {
    this.job = job;
    this.labels = labels;
  }

  /** `series` is a name with labels, such as `x{code="200"}`. */
  add(series: string, count: number): void {
    this.#counters.set(series, (this.#counters.get(series) ?? 0) + count);
  }

  restart(): void {
    this.#counters.clear();
  }

  expose(): string | undefined {
    if (this.isDown) return undefined;
    return [...this.#counters].map(([series, value]) => `${series} ${value}\n`).join("");
  }
}

export interface IstioRequests {
  readonly reporter: "source" | "destination";
  readonly to: string;
  readonly count: number;
  readonly code?: string;
  readonly flags?: string;
  /** How long each took. */
  readonly ms?: number;
}

export const BOUNDS_MS = [10, 100, 500];

/** Counts requests as Istio's proxies do. */
export function addIstio(process: CountingProcess, requests: IstioRequests): void {
  const { reporter, to, count, code = "200", flags = "-", ms = 5 } = requests;
  const labels = [
    `reporter="${reporter}",destination_workload="${to}",destination_workload_namespace="shop"`,
    `response_code="${code}",response_flags="${flags}"`,
  ].join(",");
  process.add(`istio_requests_total{${labels}}`, count);
  for (const bound of [...BOUNDS_MS, "+Inf"])
    process.add(
      `istio_request_duration_milliseconds_bucket{${labels},le="${bound}"}`,
      bound === "+Inf" || ms <= Number(bound) ? count : 0,
    );
}

/** A clock that moves when told to, and a store that scrapes by it. */
export interface RigPorts {
  readonly clock: Clock & { advance(ms: number): Promise<void> };
  startStore(
    processes: () => readonly CountingProcess[],
    options: { readonly clock: Clock; readonly scrapeIntervalMs: number },
  ): Promise<{ readonly url: string; scraped(): Promise<void>; close(): Promise<void> }>;
}

export interface SamplesRig {
  readonly clock: RigPorts["clock"];
  readonly processes: CountingProcess[];
  /** Queries that were sent, oldest first. */
  readonly queries: string[];
  readonly templates: Map<string, MetricTemplate["spec"]>;
  readonly context: MeasureContext;
  readonly url: string;
  /** Lets a scrape happen after the counters were changed. */
  scrape(): Promise<void>;
  /** Asks as the operator does after a decision: from the end of the last counts on. */
  look(canary: Canary, options?: { readonly afterMs?: number; readonly needsHistory?: boolean }): Promise<Samples>;
}

export const SCRAPE_MS = 5000;

export async function withSamplesRig(
  { clock, startStore }: RigPorts,
  body: (rig: SamplesRig) => Promise<void>,
): Promise<void> {
  const processes: CountingProcess[] = [];
  const store = await startStore(() => processes, { clock, scrapeIntervalMs: SCRAPE_MS });
  const http = createOutboundHttp({});
  const queries: string[] = [];
  const agent = new Agent();
  const dispatcher = agent.compose((dispatch) => (options, handler) => {
    const { searchParams } = new URL(options.path, store.url);
    queries.push(searchParams.get("query") ?? "in the body");
    return dispatch(options, handler);
  });
  const templates = new Map<string, MetricTemplate["spec"]>();
  const secret: Secret = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "login", namespace: "shop" },
    data: { token: Buffer.from("geheim-token").toString("base64") },
  };
  const { signal } = new AbortController();
  setMaxListeners(1000, signal);
  const context: MeasureContext = {
    metricsServer: store.url,
    meshProvider: "istio",
    http: { ...http, dispatcher },
    clock,
    signal,
    template: ({ name }) => {
      const spec = templates.get(name);
      return spec === undefined
        ? undefined
        : { apiVersion: "flagger.app/v1beta1", kind: "MetricTemplate", metadata: { name, namespace: "shop" }, spec };
    },
    secret: ({ name }) => (name === "login" ? secret : undefined),
  };
  const rig: SamplesRig = {
    clock,
    processes,
    queries,
    templates,
    context,
    url: store.url,
    async scrape() {
      await clock.advance(SCRAPE_MS);
      await store.scraped();
    },
    look: (canary, { afterMs, needsHistory = false } = {}) =>
      measureSamples({ kind: "samples", id: "samples", afterMs, needsHistory }, { canary }, context),
  };
  try {
    await body(rig);
  } finally {
    await store.close();
    await agent.close();
    await http.close();
  }
}

/** A Canary of the Deployment "web" with these metrics. */
export function canaryWith(metrics: readonly CanaryMetric[], spec: Partial<Canary["spec"]> = {}): Canary {
  return {
    ...bare,
    metadata: { name: "web", namespace: "shop" },
    spec: { ...bare.spec, ...spec, analysis: { ...bare.spec.analysis, method: "sequential", metrics } },
  };
}

export const ERRORS = { name: "request-success-rate" };
export const LATENCY = { name: "request-duration" };
