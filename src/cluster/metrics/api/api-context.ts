import type { Clock } from "#base";
import type { Scraper } from "../scrape/index.ts";
import type { SampleStore } from "../storage/index.ts";

/** What the endpoints answer from. */
export interface ApiContext {
  readonly store: SampleStore;
  readonly scraper: Pick<Scraper, "targets" | "metadata">;
  readonly clock: Clock;
  readonly scrapeIntervalMs: number;
  readonly retentionMs: number;
  readonly version: string;
  readonly startedMs: number;
  /** Served beside the store's own metrics. */
  readonly moreOwnMetrics?: () => string;
}
