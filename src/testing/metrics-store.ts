import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, silentLog } from "#base";

/** A process whose counters are scraped. */
export interface ExposedProcess {
  readonly job: string;
  /** Labels that the scrape adds, such as `pod`. */
  readonly labels: Readonly<Record<string, string>>;
  /** Its metrics now, in Prometheus' text format; undefined while it does not answer. */
  expose(): string | undefined;
}

/** The cluster's metrics store on a free port, filled by scrapes of processes that a test writes. */
export interface TestMetricsStore {
  /** Base URL of the Prometheus HTTP API. */
  readonly url: string;
  /** Resolves when every process was scraped at the present moment. */
  scraped(): Promise<void>;
  close(): Promise<void>;
}

const POLL_MS = 2;
const POLLS_MAX = 2500;

/** Starts one; it scrapes whenever the clock says so. */
export async function startTestMetricsStore(
  processes: () => readonly ExposedProcess[],
  { clock, scrapeIntervalMs }: { readonly clock: Clock; readonly scrapeIntervalMs: number },
): Promise<TestMetricsStore> {
  const { startMetrics, staticTarget } = await import("#cluster");
  const directory = await mkdtemp(join(tmpdir(), "serin-metrics-"));
  const exporter = createServer((request, response) => {
    const text = processes()[Number(request.url?.slice(1))]?.expose();
    if (text === undefined) response.writeHead(503).end();
    else response.end(text);
  });
  await new Promise<void>((resolve) => exporter.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(exporter.address() as AddressInfo).port}`;
  const metrics = await startMetrics({
    directory,
    address: "127.0.0.1",
    port: 0,
    targets: () => processes().map(({ job, labels }, index) => staticTarget(job, `${url}/${index}`, labels)),
    scrapeIntervalMs,
    // Longer than any past that is asked for.
    retentionMs: 4 * 3_600_000,
    clock,
    log: silentLog,
    signal: new AbortController().signal,
  });
  return {
    url: metrics.url,
    async scraped() {
      const isDone = (): boolean =>
        metrics.targets.length === processes().length &&
        metrics.targets.every(({ lastScrapeMs, health }) => lastScrapeMs === clock.nowMs() && health !== "unknown");
      for (let poll = 0; poll < POLLS_MAX && !isDone(); poll++)
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      if (!isDone()) throw new Error("the processes were not scraped within 5 s");
    },
    async close() {
      await metrics.close();
      exporter.closeAllConnections();
      await new Promise((resolve) => exporter.close(resolve));
      await rm(directory, { recursive: true, force: true });
    },
  };
}
