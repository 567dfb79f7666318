import type { Clock, Log } from "#base";
import type { Queryable } from "#promql";
import type { MetricApis } from "../metric-apis.ts";
import { createPromqlMetrics } from "./adapter/index.ts";
import type { ApiContext } from "./api/api-context.ts";
import { type ApiServer, startApiServer } from "./api/server.ts";
import { type ScrapeTarget, startScraper, type TargetStatus } from "./scrape/index.ts";
import { createSampleStore, type Journal, openJournal, type SampleStore } from "./storage/index.ts";

export interface MetricsOptions {
  /** Where the journal lies; made when missing. */
  readonly directory: string;
  readonly address: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** Asked before every round of scrapes; must answer from memory. */
  readonly targets: () => readonly ScrapeTarget[];
  /** Default 5 s. */
  readonly scrapeIntervalMs?: number;
  /** Default 2 h. */
  readonly retentionMs?: number;
  /** Default 200,000. */
  readonly maxSeriesCount?: number;
  /** What `/api/v1/status/buildinfo` says. */
  readonly version?: string;
  /** Metrics in the text format that are served beside the store's own. */
  readonly moreOwnMetrics?: () => string;
  readonly clock: Clock;
  readonly log: Log;
  /** Ends everything, as `close()` does. */
  readonly signal: AbortSignal;
}

/** A running metrics store. */
export interface Metrics {
  /** Base URL of the Prometheus HTTP API. */
  readonly url: string;
  readonly queryable: Queryable;
  /** The store's series as metrics of objects and of what is outside of the cluster. */
  readonly apis: MetricApis;
  readonly targets: readonly TargetStatus[];
  /** Ends scrapes and server and writes what is pending. */
  close(): Promise<void>;
}

const DEFAULT_SCRAPE_INTERVAL_MS = 5000;
const DEFAULT_RETENTION_MS = 2 * 3_600_000;
const DEFAULT_MAX_SERIES_COUNT = 200_000;
const FORGET_EVERY_MS = 60_000;

/**
 * Starts a store that scrapes targets, keeps their samples in memory and in a journal, and answers PromQL over HTTP. Samples
 * of an earlier process are there from the start.
 *
 * @throws Failure `JournalUnusable` or `MetricsAddressUnusable`
 */
export async function startMetrics(options: MetricsOptions): Promise<Metrics> {
  const { clock, log, directory, retentionMs = DEFAULT_RETENTION_MS } = options;
  const scrapeIntervalMs = options.scrapeIntervalMs ?? DEFAULT_SCRAPE_INTERVAL_MS;
  const store = createSampleStore({ maxSeriesCount: options.maxSeriesCount ?? DEFAULT_MAX_SERIES_COUNT });
  const journal = openJournal({ directory, store, clock, log });
  endReplayedSeries(store, journal);
  const scraper = startScraper({ targets: options.targets, intervalMs: scrapeIntervalMs, store, journal, clock, log });
  const cancelForget = forgetRegularly({ clock, retentionMs, store, journal });
  const closeStorage = async (): Promise<void> => {
    cancelForget();
    await scraper.close();
    journal.close();
  };
  const version = options.version ?? "0.0.0";
  const context: ApiContext = {
    store,
    scraper,
    clock,
    scrapeIntervalMs,
    retentionMs,
    version,
    startedMs: clock.nowMs(),
    ...(options.moreOwnMetrics === undefined ? {} : { moreOwnMetrics: options.moreOwnMetrics }),
  };
  let server: ApiServer;
  try {
    server = await startApiServer({ context, address: options.address, port: options.port, log });
  } catch (thrown) {
    await closeStorage();
    throw thrown;
  }
  const close = once(async () => {
    options.signal.removeEventListener("abort", onAbort);
    await server.close();
    await closeStorage();
  });
  const onAbort = (): void => void close();
  options.signal.addEventListener("abort", onAbort, { once: true });
  if (options.signal.aborted) await close();
  return {
    url: server.url,
    queryable: store,
    apis: createPromqlMetrics({ queryable: store, live: () => store.live().map(({ labels }) => labels), clock }),
    get targets() {
      return scraper.targets;
    },
    close,
  };
}

/**
 * Marks what an earlier process left as stale from its last sample on: nobody scraped since. Series that go on are unaffected,
 * as ranges leave markers out; those of pods that are gone do not linger for the lookback.
 */
function endReplayedSeries(store: SampleStore, journal: Journal): void {
  const live = store.live();
  if (live.length === 0) return;
  const timeMs = live.reduce((newest, { lastMs }) => Math.max(newest, lastMs), 0) + 1;
  const markers = live.map((series) => ({ series, value: undefined }));
  for (const { series } of markers) store.append(series, timeMs, undefined);
  journal.append(timeMs, markers);
}

interface Forgetting {
  readonly clock: Clock;
  readonly retentionMs: number;
  readonly store: SampleStore;
  readonly journal: Journal;
}

/** Drops what is older than the retention, now and then. Returns how to stop. */
function forgetRegularly({ clock, retentionMs, store, journal }: Forgetting): () => void {
  let cancel: () => void = () => undefined;
  const forget = (): void => {
    cancel = clock.after(FORGET_EVERY_MS, forget);
    const beforeMs = clock.nowMs() - retentionMs;
    store.forgetBefore(beforeMs);
    journal.forgetBefore(beforeMs);
  };
  forget();
  return () => cancel();
}

/** Calls a function at most once; later callers get the first call's promise. */
function once(run: () => Promise<void>): () => Promise<void> {
  let result: Promise<void> | undefined;
  return () => (result ??= run());
}
