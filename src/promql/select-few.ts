import type { Labels } from "./labels.ts";
import { EvaluationFault, type GridSeries, isPresentAnywhere } from "./evaluation.ts";
import { compareValues } from "./sort.ts";

/** Series that an aggregation puts together. */
export interface Group {
  readonly labels: Labels;
  readonly members: readonly GridSeries[];
}

/** Aggregations that keep some of their elements as they are. */
export type Selection = "topk" | "bottomk" | "limitk" | "limit_ratio";

/**
 * Keeps some elements of each group at each step. The elements of `topk` and `bottomk` come in order of their value at the
 * last step, which for an instant query is the order that users expect.
 *
 * @throws EvaluationFault when the parameter is NaN
 */
export function selectFew(groups: readonly Group[], op: Selection, params: Float64Array): readonly GridSeries[] {
  if (params.some(Number.isNaN)) {
    throw new EvaluationFault(op === "limit_ratio" ? "Ratio value is NaN" : "Parameter value is NaN");
  }
  const result: GridSeries[] = [];
  for (const { members } of groups) {
    const kept = members.map(({ present }) => new Uint8Array(present.length));
    let order: readonly number[] = members.map((_, index) => index);
    params.forEach((param, step) => {
      order = chosenAt(members, { op, param, step });
      for (const index of order) (kept[index] ?? new Uint8Array()).fill(1, step, step + 1);
    });
    const rest = members.map((_, index) => index).filter((index) => !order.includes(index));
    for (const index of [...order, ...rest]) {
      const member = members[index];
      const present = kept[index];
      if (member !== undefined && present !== undefined) result.push({ ...member, present });
    }
  }
  return result.filter(isPresentAnywhere);
}

interface Choice {
  readonly op: Selection;
  readonly param: number;
  readonly step: number;
}

/** Indexes of the elements that are kept at a step. */
function chosenAt(members: readonly GridSeries[], { op, param, step }: Choice): readonly number[] {
  const candidates = members.map((_, index) => index).filter((index) => members[index]?.present[step] === 1);
  if (op === "limit_ratio") return candidates.filter((index) => isInRatio(members[index]?.labels.key ?? "", param));
  const count = Math.max(0, Math.trunc(param));
  if (op === "limitk") return candidates.slice(0, count);
  const valueOf = (index: number): number => members[index]?.values[step] ?? Number.NaN;
  const descending = op === "topk";
  return candidates.sort((a, b) => compareValues(valueOf(a), valueOf(b), descending)).slice(0, count);
}

/** Decides by a hash of the labels, so that a ratio of 0.3 and one of -0.7 split the same series in two. */
function isInRatio(key: string, ratio: number): boolean {
  const position = hash(key) / 2 ** 32;
  const limited = Math.max(-1, Math.min(1, ratio));
  return limited >= 0 ? position < limited : position >= 1 + limited;
}

/** FNV-1a with 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    value ^= text.charCodeAt(i);
    value = Math.imul(value, 0x01000193);
  }
  return value >>> 0;
}
