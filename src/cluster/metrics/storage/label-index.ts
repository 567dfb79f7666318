import { compileMatcher, labelEntries, type LabelMatcher, labelValue, literalAlternatives } from "#promql";
import { Failure } from "#base";
import type { StoredSeries } from "./series-samples.ts";

/** Finds series by label without looking at all of them. */
export interface LabelIndex {
  add(series: StoredSeries): void;
  remove(series: StoredSeries): void;
  find(matchers: readonly LabelMatcher[]): readonly StoredSeries[];
  names(): readonly string[];
  values(name: string): readonly string[];
}

/** An inverted index: label name → value → series. */
export function createLabelIndex(): LabelIndex {
  const all = new Set<StoredSeries>();
  const postings = new Map<string, Map<string, Set<StoredSeries>>>();

  /** The series with one of a finite set of values, when the matcher asks for such. */
  function candidates(matcher: LabelMatcher): readonly ReadonlySet<StoredSeries>[] | undefined {
    const values = matcher.op === "=" ? new Set([matcher.value]) : undefined;
    const wanted = values ?? (matcher.op === "=~" ? literalAlternatives(matcher.value) : undefined);
    // An empty value also means series without the label, which no posting lists.
    if (wanted === undefined || wanted.has("")) return undefined;
    const byValue = postings.get(matcher.name);
    return [...wanted].flatMap((value) => byValue?.get(value) ?? []);
  }

  function smallest(matchers: readonly LabelMatcher[]): Iterable<StoredSeries> {
    let best: readonly ReadonlySet<StoredSeries>[] = [all];
    let bestCount = all.size;
    for (const matcher of matchers) {
      const sets = candidates(matcher);
      if (sets === undefined) continue;
      const count = sets.reduce((sum, set) => sum + set.size, 0);
      if (count >= bestCount) continue;
      best = sets;
      bestCount = count;
    }
    return best.length === 1 ? (best[0] ?? []) : best.flatMap((set) => [...set]);
  }

  return {
    add(series) {
      all.add(series);
      for (const [name, value] of labelEntries(series.labels)) {
        const byValue = postings.get(name) ?? new Map<string, Set<StoredSeries>>();
        postings.set(name, byValue);
        const set = byValue.get(value) ?? new Set<StoredSeries>();
        byValue.set(value, set);
        set.add(series);
      }
    },
    remove(series) {
      all.delete(series);
      for (const [name, value] of labelEntries(series.labels)) {
        const byValue = postings.get(name);
        const set = byValue?.get(value);
        set?.delete(series);
        if (set?.size === 0) byValue?.delete(value);
        if (byValue?.size === 0) postings.delete(name);
      }
    },
    find(matchers) {
      const tests = matchers.map((matcher) => {
        const test = compileMatcher(matcher);
        if (!test.ok) throw new Failure(`Cannot match label "${matcher.name}": ${test.error}`, { code: "BadMatcher" });
        return { name: matcher.name, accepts: test.value };
      });
      const found: StoredSeries[] = [];
      for (const series of smallest(matchers)) {
        if (tests.every(({ name, accepts }) => accepts(labelValue(series.labels, name)))) found.push(series);
      }
      return found;
    },
    names: () => [...postings.keys()].sort(),
    values: (name) => [...(postings.get(name)?.keys() ?? [])].sort(),
  };
}
