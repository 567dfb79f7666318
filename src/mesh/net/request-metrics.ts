import {
  HTTP_METRICS,
  type HttpMetric,
  type MetricGroup,
  metricGroups,
  type Reporter,
  type TelemetryRule,
  type TagEdit,
  type TagSource,
} from "../routing/telemetry.ts";
import type { Workload } from "../routing/workload.ts";
import { Histogram } from "./histogram.ts";
import { exposeHeader, labelText } from "./exposition.ts";

/** The service a request was for, as the metrics name it. */
export interface ServiceName {
  readonly host: string;
  readonly name: string;
  readonly namespace: string;
}

export const UNKNOWN_SERVICE: ServiceName = { host: "unknown", name: "unknown", namespace: "unknown" };

/** One finished request as one side saw it. */
export interface RequestRecord {
  readonly reporter: Reporter;
  readonly source: Workload;
  readonly destination: Workload;
  readonly service: ServiceName;
  /** 0: no response was sent. */
  readonly responseCode: number;
  /** `-` or flags joined by commas. */
  readonly flags: string;
  readonly protocol: "http" | "grpc";
  readonly grpcStatus: string;
  readonly isMutualTls: boolean;
  readonly durationMs: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly request: RequestAttributes;
}

/** What tag overrides can read of a request. */
export interface RequestAttributes {
  readonly method: string;
  readonly authority: string;
  readonly path: string;
  header(name: string): string | undefined;
}

/** Series kept at once; each is up to 67 lines of text. */
const SERIES_MAX = 20_000;
/** Longest text of a tag that comes from a request. */
const TAG_VALUE_MAX = 200;

const NAME: Readonly<Record<HttpMetric, string>> = {
  requestCount: "istio_requests_total",
  requestDuration: "istio_request_duration_milliseconds",
  requestSize: "istio_request_bytes",
  responseSize: "istio_response_bytes",
};

interface Series {
  readonly labels: string;
  readonly metrics: readonly HttpMetric[];
  readonly source: string;
  readonly destination: string;
  count: number;
  readonly duration: Histogram | undefined;
  readonly requestSize: Histogram | undefined;
  readonly responseSize: Histogram | undefined;
  lastUsedMs: number;
}

/** Istio's standard metrics of HTTP requests. Source of names, labels and their order: istio-spec 4.1 and 4.2. */
export class RequestMetrics {
  readonly #series = new Map<string, Series>();
  #rules: readonly TelemetryRule[] = [];
  /** Groups by workload object; forgotten when the rules change. */
  #groups = new WeakMap<Workload, Map<Reporter, readonly MetricGroup[]>>();
  /** Short ids of workloads and services, to build series keys from. */
  #ids = new WeakMap<object, string>();
  /** Requests that were not counted because there are too many series. */
  droppedCount = 0;

  setRules(rules: readonly TelemetryRule[]): void {
    this.#rules = rules;
    this.#groups = new WeakMap();
  }

  record(record: RequestRecord, nowMs: number): void {
    const owner = record.reporter === "source" ? record.source : record.destination;
    for (const group of this.#groupsOf(owner, record.reporter)) {
      const series = this.#seriesOf(record, group, nowMs);
      if (series === undefined) {
        this.droppedCount++;
        continue;
      }
      series.lastUsedMs = nowMs;
      series.count++;
      series.duration?.observe(record.durationMs);
      series.requestSize?.observe(record.requestBytes);
      series.responseSize?.observe(record.responseBytes);
    }
  }

  /** Drops series that were not used since `unusedSinceMs` and one of whose workloads is gone. */
  forget(unusedSinceMs: number, isKnown: (workload: string) => boolean): void {
    for (const [key, series] of this.#series) {
      const isGone = !isKnown(series.source) || !isKnown(series.destination);
      if (isGone && series.lastUsedMs < unusedSinceMs) this.#series.delete(key);
    }
  }

  /** The series in Prometheus' text format. */
  expose(): string {
    const parts: string[] = [];
    for (const metric of HTTP_METRICS) {
      const owned = [...this.#series.values()].filter((series) => series.metrics.includes(metric));
      if (owned.length === 0) continue;
      parts.push(exposeHeader(NAME[metric], metric === "requestCount" ? "counter" : "histogram"));
      for (const series of owned) {
        const histogram = histogramOf(series, metric);
        if (histogram === undefined) parts.push(`${NAME[metric]}{${series.labels}} ${series.count}\n`);
        else histogram.expose(NAME[metric], series.labels, parts);
      }
    }
    return parts.join("");
  }

  #groupsOf(workload: Workload, reporter: Reporter): readonly MetricGroup[] {
    let ofWorkload = this.#groups.get(workload);
    if (ofWorkload === undefined) {
      ofWorkload = new Map();
      this.#groups.set(workload, ofWorkload);
    }
    let groups = ofWorkload.get(reporter);
    if (groups === undefined) {
      groups = metricGroups(this.#rules, workload, reporter);
      ofWorkload.set(reporter, groups);
    }
    return groups;
  }

  #seriesOf(record: RequestRecord, group: MetricGroup, nowMs: number): Series | undefined {
    const tags = group.edits.map((edit) => tagValue(edit, record));
    const key = this.#keyOf(record, group, tags);
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    if (this.#series.size >= SERIES_MAX) return undefined;
    const has = (metric: HttpMetric): boolean => group.metrics.includes(metric);
    const made: Series = {
      labels: labelText(editedLabels(record, group.edits, tags)),
      metrics: group.metrics,
      source: workloadKey(record.source),
      destination: workloadKey(record.destination),
      count: 0,
      duration: has("requestDuration") ? new Histogram() : undefined,
      requestSize: has("requestSize") ? new Histogram() : undefined,
      responseSize: has("responseSize") ? new Histogram() : undefined,
      lastUsedMs: nowMs,
    };
    this.#series.set(key, made);
    return made;
  }

  #keyOf(record: RequestRecord, group: MetricGroup, tags: readonly (string | undefined)[]): string {
    const { reporter, responseCode, flags, protocol, grpcStatus, isMutualTls } = record;
    const peers = `${this.#identityOf(record.source)}|${this.#identityOf(record.destination)}|${record.service.host}`;
    const outcome = `${responseCode}|${flags}|${protocol}|${grpcStatus}|${isMutualTls ? 1 : 0}`;
    const extra = tags.length === 0 ? "" : JSON.stringify([group.edits.map(({ tag }) => tag), tags]);
    return `${reporter}|${group.metrics.length}${group.metrics[0]}|${peers}|${outcome}|${extra}`;
  }

  /** All that the labels say of a workload; equal for all pods of one, over reconfigurations. */
  #identityOf(workload: Workload): string {
    const known = this.#ids.get(workload);
    if (known !== undefined) return known;
    const { labels: _, hasSidecar: __, ...named } = workload;
    const identity = Object.values(named).join("\0");
    this.#ids.set(workload, identity);
    return identity;
  }
}

/** `namespace/workload`, by which series are kept as long as it has pods. */
export function workloadKey(workload: Workload): string {
  return `${workload.namespace}/${workload.workload}`;
}

function histogramOf(series: Series, metric: HttpMetric): Histogram | undefined {
  switch (metric) {
    case "requestCount":
      return undefined;
    case "requestDuration":
      return series.duration;
    case "requestSize":
      return series.requestSize;
    case "responseSize":
      return series.responseSize;
  }
}

type Labels = readonly (readonly [name: string, value: string])[];

function editedLabels(
  record: RequestRecord,
  edits: readonly TagEdit[],
  values: readonly (string | undefined)[],
): Labels {
  const labels = new Map(standardLabels(record));
  edits.forEach(({ tag }, index) => {
    const value = values[index];
    if (value === undefined) labels.delete(tag);
    else labels.set(tag, value);
  });
  return [...labels];
}

/** The labels in Istio's order. The source cannot see whether TLS was used, so it always says `unknown`. */
function standardLabels(record: RequestRecord): Labels {
  const { source, destination, service, isMutualTls, reporter } = record;
  const sourcePolicy = reporter === "source" ? "unknown" : isMutualTls ? "mutual_tls" : "none";
  const cluster = (workload: Workload): string => (workload.workload === "unknown" ? "unknown" : "Kubernetes");
  return [
    ["reporter", reporter],
    ["source_workload", source.workload],
    ["source_canonical_service", source.canonicalService],
    ["source_canonical_revision", source.canonicalRevision],
    ["source_workload_namespace", source.namespace],
    ["source_principal", isMutualTls ? source.principal : "unknown"],
    ["source_app", source.app],
    ["source_version", source.version],
    ["source_cluster", cluster(source)],
    ["destination_workload", destination.workload],
    ["destination_workload_namespace", destination.namespace],
    ["destination_principal", isMutualTls ? destination.principal : "unknown"],
    ["destination_app", destination.app],
    ["destination_version", destination.version],
    ["destination_service", service.host],
    ["destination_canonical_service", destination.canonicalService],
    ["destination_canonical_revision", destination.canonicalRevision],
    ["destination_service_name", service.name],
    ["destination_service_namespace", service.namespace],
    ["destination_cluster", cluster(destination)],
    ["request_protocol", record.protocol],
    ["response_code", String(record.responseCode)],
    ["grpc_response_status", record.grpcStatus],
    ["response_flags", record.flags],
    ["connection_security_policy", sourcePolicy],
  ];
}

function tagValue(edit: TagEdit, record: RequestRecord): string | undefined {
  return edit.source === undefined ? undefined : readTag(edit.source, record).slice(0, TAG_VALUE_MAX);
}

function readTag(source: TagSource, { request, responseCode, protocol }: RequestRecord): string {
  switch (source.kind) {
    case "text":
      return source.value;
    case "method":
      return request.method;
    case "host":
      return request.authority;
    case "path":
      return request.path;
    case "scheme":
      return "http";
    case "responseCode":
      return String(responseCode);
    case "protocol":
      return protocol;
    case "requestHeader":
      return request.header(source.name) ?? "unknown";
  }
}
