import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { InformerEvent, RequestReport } from "#kube";

/** What the operator tells Prometheus about itself; docs/operator-metrics.md lists the names. */
export interface OperatorMetrics {
  requestEnded(report: RequestReport): void;
  informerDid(event: InformerEvent, resource: string): void;
  /** A Canary is looked at this long after the moment that its last decision asked for. */
  tickStarted(latenessMs: number): void;
  /** Says where the number of waiting Canaries is read from. */
  watchQueue(size: () => number): void;
  /** A reconcile found a mistake of our own. */
  bugFound(): void;
  /** Records of a release could not be written. */
  recordsRefused(): void;
  setLeader(isLeader: boolean): void;
}

const REQUEST_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const LATENESS_SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** Distinct kinds that are told apart. The operator asks for some dozen; the bound is for paths that are not foreseen. */
const MAX_RESOURCE_COUNT = 64;

/** Adds the operator's own metrics to a registry. */
export function createOperatorMetrics(registry: Registry): OperatorMetrics {
  const series = createSeries(registry);
  const known = new Set<string>();
  let queueSize = (): number => 0;
  new Gauge({
    name: "serin_work_queue_depth",
    help: "Canaries that wait to be looked at or are being looked at.",
    registers: [registry],
    collect() {
      this.set(queueSize());
    },
  });
  const bounded = (resource: string): string => {
    if (resource === "") return "none";
    if (known.size < MAX_RESOURCE_COUNT) known.add(resource);
    return known.has(resource) ? resource : "other";
  };
  return {
    requestEnded({ verb, resource, status, durationMs }) {
      const labels = { verb, resource: bounded(resource) };
      const answer = status === 0 ? "none" : String(status);
      series.requests.inc({ ...labels, code: answer });
      // A watch is answered at once and then lasts; its time would say nothing.
      if (verb !== "watch") series.requestSeconds.observe(labels, durationMs / 1000);
    },
    informerDid(event, resource) {
      if (event === "listed") series.lists.inc({ resource: bounded(resource) });
      else series.watches.inc({ resource: bounded(resource) });
    },
    tickStarted: (latenessMs) => series.lateness.observe(Math.max(0, latenessMs) / 1000),
    watchQueue: (size) => void (queueSize = size),
    bugFound: () => series.bugs.inc(),
    recordsRefused: () => series.records.inc(),
    setLeader: (isLeader) => series.leader.set(isLeader ? 1 : 0),
  };
}

function createSeries(registry: Registry) {
  const registers = [registry];
  return {
    requests: new Counter({
      name: "serin_kube_requests_total",
      help: "Requests to the API server by their answer; code none for no answer.",
      labelNames: ["verb", "resource", "code"],
      registers,
    }),
    requestSeconds: new Histogram({
      name: "serin_kube_request_duration_seconds",
      help: "Seconds until the API server began to answer, watches left out.",
      labelNames: ["verb", "resource"],
      buckets: REQUEST_SECONDS,
      registers,
    }),
    lists: new Counter({
      name: "serin_informer_lists_total",
      help: "Whole lists that informers took in: one at the start, more after expired watches.",
      labelNames: ["resource"],
      registers,
    }),
    watches: new Counter({
      name: "serin_informer_watches_total",
      help: "Watches that informers opened.",
      labelNames: ["resource"],
      registers,
    }),
    lateness: new Histogram({
      name: "serin_tick_lateness_seconds",
      help: "Seconds between the moment at which a Canary was to be looked at and the look.",
      buckets: LATENESS_SECONDS,
      registers,
    }),
    bugs: new Counter({
      name: "serin_reconcile_bugs_total",
      help: "Looks at Canaries that ended in a mistake of the operator itself.",
      registers,
    }),
    records: new Counter({
      name: "serin_run_records_refused_total",
      help: "Writes of records of releases that were refused; each is tried again with the next record.",
      registers,
    }),
    leader: new Gauge({ name: "serin_leader", help: "1 while this process may write.", registers }),
  };
}
