import { createLabels, labelEntries, type Labels, METRIC_NAME } from "#promql";
import { type Exposition, parseSeries } from "../exposition/parse-exposition.ts";
import type { SampleStore, StoredSeries } from "../storage/index.ts";
import { instanceOf, type ScrapeTarget } from "./scrape-target.ts";

/** A sample on its way to store and journal; no value marks the series as stale. */
export interface NewSample {
  readonly series: StoredSeries;
  readonly value: number | undefined;
  readonly timeMs: number;
}

/**
 * The series of one target: finds them by their text, so that labels are read only once, and tells which are gone.
 */
export interface TargetSeries {
  /** Samples of a successful scrape at a time, with staleness markers for series that were there before. */
  accept(exposition: Exposition, timeMs: number): AcceptedScrape;
  /** Staleness markers for everything that the target had, after a failed scrape or when it is gone. */
  drop(timeMs: number): readonly NewSample[];
  /** The series `name` that is about the target itself. */
  own(name: string): StoredSeries | undefined;
}

export interface AcceptedScrape {
  readonly samples: readonly NewSample[];
  readonly addedCount: number;
  /** Series that were refused, with the first reason. */
  readonly refused: { readonly count: number; readonly reason: string };
}

/** How far ahead of us a timestamp of the target itself may be. */
const MAX_AHEAD_MS = 10 * 60_000;

interface Seen {
  readonly series: StoredSeries;
  /** Number of the last scrape that had it. */
  scrape: number;
}

export function createTargetSeries(target: ScrapeTarget, store: SampleStore): TargetSeries {
  const byText = new Map<string, Seen>();
  const labelsOf = targetLabels(target);
  const ownLabels = new Map<string, Labels>();
  let scrape = 0;

  function lookUp(text: string): StoredSeries | string {
    const parsed = parseSeries(text);
    if (!parsed.ok) return parsed.error;
    const labels = labelsOf(parsed.value);
    return store.series(labels) ?? "the store holds as many series as it may";
  }

  function staleSince(oldest: number, timeMs: number): NewSample[] {
    const samples: NewSample[] = [];
    for (const [text, seen] of byText) {
      if (seen.scrape >= oldest) continue;
      byText.delete(text);
      samples.push({ series: seen.series, value: undefined, timeMs });
    }
    return samples;
  }

  return {
    accept(exposition, timeMs) {
      scrape++;
      const samples: NewSample[] = [];
      let addedCount = 0;
      const refused = { count: 0, reason: "" };
      for (const { text, value, timestampMs } of exposition.samples) {
        let seen = byText.get(text);
        if (seen === undefined || seen.series.isForgotten) {
          const ownText = detached(text);
          const series = lookUp(ownText);
          if (typeof series === "string") {
            refused.count++;
            if (refused.reason === "") refused.reason = series;
            continue;
          }
          seen = { series, scrape };
          byText.set(ownText, seen);
          addedCount++;
        }
        seen.scrape = scrape;
        if (timestampMs === undefined) samples.push({ series: seen.series, value, timeMs });
        else if (timestampMs <= timeMs + MAX_AHEAD_MS)
          samples.push({ series: seen.series, value, timeMs: timestampMs });
      }
      return { samples: [...samples, ...staleSince(scrape, timeMs)], addedCount, refused };
    },
    drop: (timeMs) => staleSince(Number.POSITIVE_INFINITY, timeMs),
    own(name) {
      const labels = ownLabels.get(name) ?? labelsOf(createLabels([[METRIC_NAME, name]]));
      ownLabels.set(name, labels);
      return store.series(labels);
    },
  };
}

/** Copies a text: a slice would keep the whole scrape that it was cut from in memory. */
function detached(text: string): string {
  return Buffer.from(text, "utf8").toString("utf8");
}

/** Puts the target's labels on those of a series. Source: Prometheus documentation, `honor_labels`. */
function targetLabels(target: ScrapeTarget): (labels: Labels) => Labels {
  const fixed = new Map([
    ...Object.entries(target.labels),
    ["job", target.job],
    ["instance", instanceOf(target)],
  ] as const);
  return (labels) => {
    const merged = new Map<string, string>(fixed);
    for (const [name, value] of labelEntries(labels)) {
      const isTaken = (fixed.get(name) ?? "") !== "";
      if (!isTaken || target.honorLabels) merged.set(name, value);
      else merged.set(exportedName(name, merged), value);
    }
    return createLabels(merged);
  };
}

function exportedName(name: string, taken: ReadonlyMap<string, string>): string {
  let exported = `exported_${name}`;
  while (taken.has(exported)) exported = `exported_${exported}`;
  return exported;
}
