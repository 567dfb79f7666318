import type { Reporter } from "../routing/telemetry.ts";
import { exposeHeader, labelText } from "./exposition.ts";
import { type ServiceName, workloadKey } from "./request-metrics.ts";
import type { Workload } from "../routing/workload.ts";

/** One connection that is no HTTP, as one side sees it. */
export interface TcpPeers {
  readonly reporter: Reporter;
  readonly source: Workload;
  readonly destination: Workload;
  readonly service: ServiceName;
  readonly flags: string;
}

export interface TcpCounts {
  readonly openedCount: number;
  readonly closedCount: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

const SERIES_MAX = 5000;

const METRICS = [
  ["istio_tcp_connections_opened_total", "openedCount"],
  ["istio_tcp_connections_closed_total", "closedCount"],
  ["istio_tcp_sent_bytes_total", "sentBytes"],
  ["istio_tcp_received_bytes_total", "receivedBytes"],
] as const satisfies readonly (readonly [string, keyof TcpCounts])[];

/** Istio's standard metrics of connections that are no HTTP. */
export class TcpMetrics {
  readonly #series = new Map<string, { counts: TcpCounts; readonly workloads: readonly string[] }>();

  add(peers: TcpPeers, counts: TcpCounts): void {
    const labels = labelText(labelsOf(peers));
    const known = this.#series.get(labels);
    if (known === undefined && this.#series.size >= SERIES_MAX) return;
    const before = known?.counts ?? { openedCount: 0, closedCount: 0, sentBytes: 0, receivedBytes: 0 };
    this.#series.set(labels, {
      counts: {
        openedCount: before.openedCount + counts.openedCount,
        closedCount: before.closedCount + counts.closedCount,
        sentBytes: before.sentBytes + counts.sentBytes,
        receivedBytes: before.receivedBytes + counts.receivedBytes,
      },
      workloads: [workloadKey(peers.source), workloadKey(peers.destination)],
    });
  }

  /** Drops the series of workloads that are gone. */
  forget(isKnown: (workload: string) => boolean): void {
    for (const [labels, series] of this.#series) if (!series.workloads.every(isKnown)) this.#series.delete(labels);
  }

  expose(): string {
    if (this.#series.size === 0) return "";
    return METRICS.map(([name, count]) => {
      const lines = [...this.#series].map(([labels, { counts }]) => `${name}{${labels}} ${counts[count]}\n`);
      return exposeHeader(name, "counter") + lines.join("");
    }).join("");
  }
}

function labelsOf({ reporter, source, destination, service, flags }: TcpPeers): (readonly [string, string])[] {
  return [
    ["reporter", reporter],
    ["source_workload", source.workload],
    ["source_canonical_service", source.canonicalService],
    ["source_workload_namespace", source.namespace],
    ["source_app", source.app],
    ["source_version", source.version],
    ["destination_workload", destination.workload],
    ["destination_workload_namespace", destination.namespace],
    ["destination_app", destination.app],
    ["destination_version", destination.version],
    ["destination_service", service.host],
    ["destination_canonical_service", destination.canonicalService],
    ["destination_service_name", service.name],
    ["destination_service_namespace", service.namespace],
    ["request_protocol", "tcp"],
    ["response_flags", flags],
    ["connection_security_policy", "unknown"],
  ];
}
