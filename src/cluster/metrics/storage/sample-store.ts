import type { LabelMatcher, Labels, Queryable } from "#promql";
import { createLabelIndex, type LabelIndex } from "./label-index.ts";
import { appendSample, dropBefore, newStoredSeries, readSamples, type StoredSeries } from "./series-samples.ts";

/** Everything scraped within the retention, in memory. */
export interface SampleStore extends Queryable {
  /** The series with these labels, made when missing; `undefined` when the store holds as many as it may. */
  series(labels: Labels): StoredSeries | undefined;
  /** Returns false for a sample that is not newer than the series' last. */
  append(series: StoredSeries, timeMs: number, value: number | undefined): boolean;
  /** Labels of the series that match and have samples between the times. */
  find(matchers: readonly LabelMatcher[], startMs: number, endMs: number): readonly Labels[];
  /** Series whose newest sample is a value. */
  live(): readonly StoredSeries[];
  readonly index: Pick<LabelIndex, "names" | "values">;
  /** Forgets samples before a time and series that have none left. */
  forgetBefore(timeMs: number): void;
  readonly stats: StoreStats;
}

export interface StoreStats {
  readonly seriesCount: number;
  readonly appendedCount: number;
  readonly refusedSeriesCount: number;
}

export function createSampleStore({ maxSeriesCount }: { readonly maxSeriesCount: number }): SampleStore {
  const byKey = new Map<string, StoredSeries>();
  const index = createLabelIndex();
  let nextId = 1;
  let appendedCount = 0;
  let refusedSeriesCount = 0;

  return {
    index,
    series(labels) {
      const known = byKey.get(labels.key);
      if (known !== undefined) return known;
      if (byKey.size >= maxSeriesCount) {
        refusedSeriesCount++;
        return undefined;
      }
      const series = newStoredSeries(nextId++, labels);
      byKey.set(labels.key, series);
      index.add(series);
      return series;
    },
    append(series, timeMs, value) {
      const isAppended = appendSample(series, timeMs, value);
      if (isAppended) appendedCount++;
      return isAppended;
    },
    select(matchers, startMs, endMs) {
      return index
        .find(matchers)
        .filter((series) => overlaps(series, startMs, endMs))
        .map((series) => readSamples(series, startMs, endMs));
    },
    find(matchers, startMs, endMs) {
      return index
        .find(matchers)
        .filter((series) => overlaps(series, startMs, endMs))
        .map(({ labels }) => labels);
    },
    live: () => [...byKey.values()].filter(({ chunks, isStale }) => chunks.length > 0 && !isStale),
    forgetBefore(timeMs) {
      for (const series of byKey.values()) {
        dropBefore(series, timeMs);
        if (series.chunks.length > 0) continue;
        series.isForgotten = true;
        byKey.delete(series.labels.key);
        index.remove(series);
      }
    },
    get stats() {
      return { seriesCount: byKey.size, appendedCount, refusedSeriesCount };
    },
  };
}

function overlaps({ chunks, lastMs }: StoredSeries, startMs: number, endMs: number): boolean {
  const first = chunks[0];
  return first !== undefined && lastMs >= startMs && first.startMs <= endMs;
}
