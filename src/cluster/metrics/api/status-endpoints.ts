import { formatDuration } from "#base";
import { instanceOf, scrapeTimeoutMs, type TargetStatus } from "../scrape/index.ts";
import type { ApiContext } from "./api-context.ts";
import type { ApiData } from "./envelope.ts";

/** `/api/v1/targets`. Nothing is dropped after discovery, so that list is empty. */
export function answerTargets(context: ApiContext, params: URLSearchParams): ApiData {
  const state = params.get("state") ?? "any";
  const active = state === "dropped" ? [] : context.scraper.targets.map((status) => targetJson(context, status));
  return data({ activeTargets: active, droppedTargets: [], droppedTargetCounts: {} });
}

function targetJson({ scrapeIntervalMs }: ApiContext, { target, ...status }: TargetStatus): object {
  const instance = instanceOf(target);
  const url = new URL(target.url);
  return {
    discoveredLabels: { __address__: instance, __metrics_path__: url.pathname, __scheme__: "http", job: target.job },
    labels: { ...target.labels, instance, job: target.job },
    scrapePool: target.job,
    scrapeUrl: target.url,
    globalUrl: target.url,
    lastError: status.lastError,
    lastScrape: new Date(status.lastScrapeMs ?? 0).toISOString(),
    lastScrapeDuration: status.lastDurationMs / 1000,
    health: status.health,
    scrapeInterval: formatDuration(scrapeIntervalMs),
    scrapeTimeout: formatDuration(scrapeTimeoutMs(scrapeIntervalMs)),
  };
}

/** `/api/v1/status/buildinfo`. */
export function answerBuildInfo({ version }: ApiContext): ApiData {
  return data({ version, revision: "", branch: "", buildUser: "", buildDate: "", goVersion: "", application: "serin" });
}

/** `/api/v1/status/runtimeinfo`. */
export function answerRuntimeInfo({ startedMs, clock, store, retentionMs }: ApiContext): ApiData {
  return data({
    startTime: new Date(startedMs).toISOString(),
    serverTime: new Date(clock.nowMs()).toISOString(),
    timeSeriesCount: store.stats.seriesCount,
    storageRetention: formatDuration(retentionMs),
  });
}

/** `/api/v1/status/tsdb`. */
export function answerTsdb({ store }: ApiContext): ApiData {
  return data({ headStats: { numSeries: store.stats.seriesCount, numLabelPairs: labelPairCount(store.index) } });
}

function labelPairCount(index: ApiContext["store"]["index"]): number {
  return index.names().reduce((sum, name) => sum + index.values(name).length, 0);
}

/** `/api/v1/rules`: there are no recording or alerting rules here. */
export function answerRules(): ApiData {
  return data({ groups: [] });
}

/** `/api/v1/alerts`: without rules there are none. */
export function answerAlerts(): ApiData {
  return data({ alerts: [] });
}

/** `/api/v1/query_exemplars`: exemplars are not kept. */
export function answerExemplars(): ApiData {
  return data([]);
}

function data(value: object): ApiData {
  return { json: JSON.stringify(value) };
}
