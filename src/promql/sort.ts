import type { GridSeries } from "./evaluation.ts";
import { compareLabels, compareText, labelValue } from "./labels.ts";

/** Sorts an instant vector by value, NaN last either way. Range queries sort by labels in the end, so one step decides. */
export function sortByValue(vector: readonly GridSeries[], descending: boolean): readonly GridSeries[] {
  return [...vector].sort((a, b) => compareValues(a.values[0] ?? 0, b.values[0] ?? 0, descending));
}

/** Order of two values in which NaN comes last. */
export function compareValues(a: number, b: number, descending: boolean): number {
  if (Number.isNaN(a)) return Number.isNaN(b) ? 0 : 1;
  if (Number.isNaN(b)) return -1;
  if (a === b) return 0;
  return a < b === descending ? 1 : -1;
}

/** Sorts an instant vector by the given labels in natural order (`2` before `10`), then by all labels. */
export function sortByLabels(
  vector: readonly GridSeries[],
  { names, descending }: { readonly names: readonly string[]; readonly descending: boolean },
): readonly GridSeries[] {
  const sign = descending ? -1 : 1;
  return [...vector].sort((a, b) => {
    for (const name of names) {
      const order = compareNaturally(labelValue(a.labels, name), labelValue(b.labels, name));
      if (order !== 0) return sign * order;
    }
    return sign * compareLabels(a.labels, b.labels);
  });
}

/** Compares runs of digits as numbers and the rest as text. */
function compareNaturally(a: string, b: string): number {
  const partsOfA = a.match(/\d+|\D+/g) ?? [];
  const partsOfB = b.match(/\d+|\D+/g) ?? [];
  const length = Math.min(partsOfA.length, partsOfB.length);
  for (let i = 0; i < length; i++) {
    const left = partsOfA[i] ?? "";
    const right = partsOfB[i] ?? "";
    if (left === right) continue;
    const difference = Number(left) - Number(right);
    return Number.isNaN(difference) || difference === 0 ? compareText(left, right) : difference;
  }
  return partsOfA.length - partsOfB.length;
}
