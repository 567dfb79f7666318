import { Agent } from "undici";
import { type Clock, type Log, messageOf } from "#base";
import type { Exposition, MetricMetadata } from "../exposition/parse-exposition.ts";
import type { Journal, SampleStore } from "../storage/index.ts";
import { fetchExposition } from "./fetch-exposition.ts";
import { instanceOf, type ScrapeTarget, targetKey } from "./scrape-target.ts";
import { createTargetSeries, type NewSample, type TargetSeries } from "./target-series.ts";

/** State of a target, as `/api/v1/targets` tells it. */
export interface TargetStatus {
  readonly target: ScrapeTarget;
  readonly health: "unknown" | "up" | "down";
  readonly lastError: string;
  readonly lastScrapeMs: number | undefined;
  readonly lastDurationMs: number;
}

export interface Scraper {
  readonly targets: readonly TargetStatus[];
  readonly metadata: ReadonlyMap<string, MetricMetadata>;
  /** Ends all scrapes and waits for them. */
  close(): Promise<void>;
}

export interface ScraperOptions {
  /** Asked before every round. */
  readonly targets: () => readonly ScrapeTarget[];
  readonly intervalMs: number;
  readonly store: SampleStore;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Log;
}

const MAX_CONCURRENT_SCRAPES = 16;
const MAX_TARGET_COUNT = 2000;
const MAX_BODY_BYTES = 16 * 1024 * 1024;
/** A slow target is waited for beyond its interval, as its next scrape does not start before this one ends. */
const MIN_TIMEOUT_MS = 5000;

/** How long a scrape may take. */
export function scrapeTimeoutMs(intervalMs: number): number {
  return Math.max(MIN_TIMEOUT_MS, intervalMs);
}

const MAX_METADATA_COUNT = 20_000;

interface Entry {
  readonly target: ScrapeTarget;
  readonly series: TargetSeries;
  isBusy: boolean;
  isGone: boolean;
  status: TargetStatus;
}

/** Scrapes every target once an interval, several at a time, one target never twice at a time. */
export function startScraper(options: ScraperOptions): Scraper {
  const { clock, intervalMs } = options;
  const stop = new AbortController();
  const dispatcher = new Agent({
    connections: 1,
    pipelining: 1,
    keepAliveTimeout: 30_000,
    connect: { timeout: MIN_TIMEOUT_MS },
  });
  const context: ScrapeContext = { options, dispatcher, signal: stop.signal, metadata: new Map() };
  const entries = new Map<string, Entry>();
  const running = new Set<Promise<void>>();
  let waiting: Entry[] = [];
  let cancelNext: () => void = () => undefined;

  function round(): void {
    cancelNext = clock.after(intervalMs, round);
    syncTargets(options, entries);
    // A target that still waits from the round before keeps its place.
    const isWaiting = new Set(waiting);
    for (const entry of entries.values()) if (!entry.isBusy && !isWaiting.has(entry)) waiting.push(entry);
    startWaiting();
  }

  function startWaiting(): void {
    while (running.size < MAX_CONCURRENT_SCRAPES && !stop.signal.aborted) {
      const entry = waiting.shift();
      if (entry === undefined) return;
      if (entry.isGone) continue;
      entry.isBusy = true;
      const scrape = scrapeOnce(context, entry).finally(() => {
        entry.isBusy = false;
        running.delete(scrape);
        startWaiting();
      });
      running.add(scrape);
    }
  }

  round();
  return {
    get targets() {
      return [...entries.values()].map(({ status }) => status);
    },
    metadata: context.metadata,
    async close() {
      cancelNext();
      stop.abort();
      waiting = [];
      await Promise.all(running);
      await dispatcher.destroy();
    },
  };
}

interface ScrapeContext {
  readonly options: ScraperOptions;
  readonly dispatcher: Agent;
  readonly signal: AbortSignal;
  readonly metadata: Map<string, MetricMetadata>;
}

/** Never rejects: what goes wrong becomes the state of the target. */
async function scrapeOnce({ options, dispatcher, signal, metadata }: ScrapeContext, entry: Entry): Promise<void> {
  const { clock, intervalMs, log } = options;
  const { url } = entry.target;
  const startMs = clock.nowMs();
  const timeoutMs = scrapeTimeoutMs(intervalMs);
  const outcome = await fetchExposition({ url, dispatcher, timeoutMs, maxBodyBytes: MAX_BODY_BYTES, signal }).catch(
    (thrown: unknown) => messageOf(thrown),
  );
  if (signal.aborted || entry.isGone) return;
  const lastError = typeof outcome === "string" ? outcome : "";
  const durationMs = clock.nowMs() - startMs;
  if (lastError !== "" && entry.status.health !== "down") log.debug("a scrape failed", { url, error: lastError });
  const health = lastError === "" ? "up" : "down";
  entry.status = { target: entry.target, health, lastError, lastScrapeMs: startMs, lastDurationMs: durationMs };
  const exposition = typeof outcome === "string" ? undefined : outcome;
  record(options, entry, { startMs, durationMs, exposition });
  if (exposition !== undefined) remember(exposition, metadata);
}

/** Takes up new targets and marks the series of those that are gone as stale. */
function syncTargets(options: ScraperOptions, entries: Map<string, Entry>): void {
  const wanted = new Map(
    options
      .targets()
      .slice(0, MAX_TARGET_COUNT)
      .map((target) => [targetKey(target), target]),
  );
  for (const [key, entry] of entries) {
    if (wanted.has(key)) continue;
    entry.isGone = true;
    entries.delete(key);
    const timeMs = options.clock.nowMs();
    const own = OWN_SERIES.flatMap((name) => entry.series.own(name) ?? []);
    write(options, [...entry.series.drop(timeMs), ...own.map((series) => ({ series, value: undefined, timeMs }))]);
  }
  for (const [key, target] of wanted) {
    if (entries.has(key)) continue;
    const status: TargetStatus = {
      target,
      health: "unknown",
      lastError: "",
      lastScrapeMs: undefined,
      lastDurationMs: 0,
    };
    const series = createTargetSeries(target, options.store);
    entries.set(key, { target, series, isBusy: false, isGone: false, status });
  }
}

const OWN_SERIES = [
  "up",
  "scrape_duration_seconds",
  "scrape_samples_scraped",
  "scrape_samples_post_metric_relabeling",
  "scrape_series_added",
] as const;

interface ScrapeOutcome {
  readonly startMs: number;
  readonly durationMs: number;
  /** Absent when the scrape failed. */
  readonly exposition: Exposition | undefined;
}

function record(options: ScraperOptions, entry: Entry, { startMs, durationMs, exposition }: ScrapeOutcome): void {
  const accepted = exposition === undefined ? undefined : entry.series.accept(exposition, startMs);
  if (accepted !== undefined && accepted.refused.count > 0) {
    const { count, reason } = accepted.refused;
    options.log.warn("series of a scrape were refused", { instance: instanceOf(entry.target), count, reason });
  }
  const values: Readonly<Record<(typeof OWN_SERIES)[number], number>> = {
    up: accepted === undefined ? 0 : 1,
    scrape_duration_seconds: durationMs / 1000,
    scrape_samples_scraped: exposition?.samples.length ?? 0,
    scrape_samples_post_metric_relabeling: exposition?.samples.length ?? 0,
    scrape_series_added: accepted?.addedCount ?? 0,
  };
  const own = OWN_SERIES.flatMap((name) => {
    const series = entry.series.own(name);
    return series === undefined ? [] : [{ series, value: values[name], timeMs: startMs }];
  });
  write(options, [...(accepted?.samples ?? entry.series.drop(startMs)), ...own]);
}

/** Puts samples into the store, and those that were news into the journal. */
function write({ store, journal }: ScraperOptions, samples: readonly NewSample[]): void {
  const byTime = new Map<number, NewSample[]>();
  for (const sample of samples) {
    if (!store.append(sample.series, sample.timeMs, sample.value)) continue;
    const same = byTime.get(sample.timeMs);
    if (same === undefined) byTime.set(sample.timeMs, [sample]);
    else same.push(sample);
  }
  for (const [timeMs, group] of byTime) journal.append(timeMs, group);
}

function remember({ metadata }: Exposition, into: Map<string, MetricMetadata>): void {
  for (const [name, entry] of metadata) {
    if (into.has(name) || into.size < MAX_METADATA_COUNT) into.set(name, entry);
  }
}
