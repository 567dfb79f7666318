import { type Labels, labelValue } from "../labels.ts";
import { compileMatcher, type LabelMatcher } from "../matcher.ts";
import type { Queryable, Series } from "../queryable.ts";
import type { SeriesLine } from "./series-line.ts";

interface Sample {
  readonly value: number;
  readonly isStale: boolean;
}

/** A small store for scripts and tests: everything in maps, nothing optimized. */
export interface MemoryQueryable extends Queryable {
  /** Adds the floats and staleness markers of a series, one a step from time zero on. Native histograms are left out. */
  load(series: SeriesLine, stepMs: number): void;
}

export function createMemoryQueryable(): MemoryQueryable {
  const all = new Map<string, { readonly labels: Labels; readonly samples: Map<number, Sample> }>();
  return {
    load({ labels, values }, stepMs) {
      const entry = all.get(labels.key) ?? { labels, samples: new Map<number, Sample>() };
      all.set(labels.key, entry);
      values.forEach((value, i) => {
        if (value.kind === "float") entry.samples.set(i * stepMs, { value: value.value, isStale: false });
        if (value.kind === "stale") entry.samples.set(i * stepMs, { value: Number.NaN, isStale: true });
      });
    },
    select(matchers, startMs, endMs) {
      const found: Series[] = [];
      const accepts = compileAll(matchers);
      for (const { labels, samples } of all.values()) {
        if (!accepts(labels)) continue;
        const inRange = [...samples]
          .filter(([timeMs]) => timeMs >= startMs && timeMs <= endMs)
          .sort(([a], [b]) => a - b);
        found.push({
          labels,
          timestamps: Float64Array.from(inRange, ([timeMs]) => timeMs),
          values: Float64Array.from(inRange, ([, { value }]) => value),
          stale: Uint8Array.from(inRange, ([, { isStale }]) => (isStale ? 1 : 0)),
        });
      }
      return found;
    },
  };
}

function compileAll(matchers: readonly LabelMatcher[]): (labels: Labels) => boolean {
  const tests = matchers.map((matcher) => {
    const test = compileMatcher(matcher);
    if (!test.ok) throw new Error(`cannot compile ${matcher.name}: ${test.error}`);
    return { name: matcher.name, accepts: test.value };
  });
  return (labels) => tests.every(({ name, accepts }) => accepts(labelValue(labels, name)));
}
