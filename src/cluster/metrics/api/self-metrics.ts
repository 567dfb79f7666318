import type { ApiContext } from "./api-context.ts";

/** The store's own metrics in the text format. Names are those of Prometheus where the meaning is the same. */
export function selfMetrics({ store, scraper, startedMs }: ApiContext): string {
  const { seriesCount, appendedCount, refusedSeriesCount } = store.stats;
  const memory = process.memoryUsage();
  const cpu = process.cpuUsage();
  return [
    metric("prometheus_tsdb_head_series", { type: "gauge", help: "Series in memory.", value: seriesCount }),
    metric("prometheus_tsdb_head_samples_appended_total", {
      type: "counter",
      help: "Samples taken in since the start.",
      value: appendedCount,
    }),
    metric("serin_metrics_refused_series_total", {
      type: "counter",
      help: "Series refused because the store was full.",
      value: refusedSeriesCount,
    }),
    metric("serin_metrics_targets", {
      type: "gauge",
      help: "Targets that are scraped.",
      value: scraper.targets.length,
    }),
    metric("process_resident_memory_bytes", {
      type: "gauge",
      help: "Resident memory of the process.",
      value: memory.rss,
    }),
    metric("process_cpu_seconds_total", {
      type: "counter",
      help: "User and system CPU time of the process.",
      value: (cpu.user + cpu.system) / 1e6,
    }),
    metric("process_start_time_seconds", {
      type: "gauge",
      help: "Start of the metrics store since the Unix epoch.",
      value: startedMs / 1000,
    }),
  ].join("");
}

interface Sample {
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly value: number;
}

function metric(name: string, { type, help, value }: Sample): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name} ${value}\n`;
}
