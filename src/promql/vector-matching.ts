import type { VectorMatching } from "./ast.ts";
import type { Operands, Operation } from "./binary-operands.ts";
import {
  EvaluationFault,
  type Grid,
  type GridSeries,
  isPresentAnywhere,
  joinSeries,
  newGridSeries,
} from "./evaluation.ts";
import {
  compareLabels,
  dropLabels,
  dropMetricName,
  formatLabels,
  keepLabels,
  type Labels,
  labelValue,
  withLabels,
} from "./labels.ts";
import { matchLabels } from "./match-key.ts";

export interface MatchedOperation {
  readonly operands: Operands;
  readonly matching: VectorMatching;
  readonly grid: Grid;
  readonly apply: Operation;
  /** Comparisons without `bool` keep the metric's name. */
  readonly keepsName: boolean;
}

/**
 * Joins two vectors element by element. At each step at most one element of the "one" side may have a given match key, and
 * on the other side too unless the matching is grouped.
 *
 * Source: Prometheus documentation, "Vector matching". @throws EvaluationFault
 */
export function matchVectors(operation: MatchedOperation): readonly GridSeries[] {
  const { operands, matching } = operation;
  const isSwapped = matching.cardinality === "one-to-many";
  const many = isSwapped ? operands.right : operands.left;
  const one = isSwapped ? operands.left : operands.right;
  const manyByKey = byMatchKey(many, matching);
  const manySteps = stepsWithAny(many, operation.grid);
  const result: GridSeries[] = [];
  for (const [key, { labels, members }] of byMatchKey(one, matching)) {
    refuseDuplicates(members, { labels, side: isSwapped ? "left" : "right", steps: manySteps });
    const partners = manyByKey.get(key);
    if (partners !== undefined) result.push(...joinGroup(operation, { one: members, many: partners.members }));
  }
  return joinSeries(result);
}

interface MatchGroup {
  readonly labels: Labels;
  readonly members: GridSeries[];
}

function byMatchKey(vector: readonly GridSeries[], matching: VectorMatching): ReadonlyMap<string, MatchGroup> {
  const groups = new Map<string, MatchGroup>();
  for (const series of vector) {
    const labels = matchLabels(series.labels, matching);
    const group = groups.get(labels.key);
    if (group === undefined) groups.set(labels.key, { labels, members: [series] });
    else group.members.push(series);
  }
  return groups;
}

function stepsWithAny(vector: readonly GridSeries[], grid: Grid): Uint8Array {
  return new Uint8Array(grid.count).map((_, step) => (vector.some(({ present }) => present[step] === 1) ? 1 : 0));
}

interface OneSide {
  readonly labels: Labels;
  readonly side: "left" | "right";
  /** Steps at which the other side has anything to match. */
  readonly steps: Uint8Array;
}

function refuseDuplicates(members: readonly GridSeries[], { labels, side, steps }: OneSide): void {
  if (members.length < 2) return;
  steps.forEach((isUsed, step) => {
    if (isUsed === 0) return;
    const [first, second] = members.filter(({ present }) => present[step] === 1);
    if (first === undefined || second === undefined) return;
    const both = [first.labels, second.labels].sort(compareLabels).map(formatLabels).join(", ");
    throw new EvaluationFault(
      `found duplicate series for the match group ${formatLabels(labels)} on the ${side} hand-side of the operation: ` +
        `[${both}];many-to-many matching not allowed: matching labels must be unique on one side`,
    );
  });
}

interface Pairing {
  readonly one: readonly GridSeries[];
  readonly many: readonly GridSeries[];
}

/** Joins the elements of one match key. */
function joinGroup(operation: MatchedOperation, { one, many }: Pairing): readonly GridSeries[] {
  const { matching, grid } = operation;
  const isGrouped = matching.cardinality !== "one-to-one";
  const outputs: GridSeries[] = [];
  const matchedSteps = new Uint8Array(grid.count);
  const seenByLabels = new Map<string, Uint8Array>();
  for (const left of many) {
    for (const right of one) {
      const labels = resultLabels(operation, left.labels, right.labels);
      const seen = isGrouped ? (seenByLabels.get(labels.key) ?? new Uint8Array(grid.count)) : matchedSteps;
      seenByLabels.set(labels.key, seen);
      const out = newGridSeries(labels, grid);
      joinPair(operation, { left, right }, { out, seen });
      if (isPresentAnywhere(out)) outputs.push(out);
    }
  }
  return outputs;
}

function joinPair(
  { matching, apply }: MatchedOperation,
  { left, right }: { readonly left: GridSeries; readonly right: GridSeries },
  { out, seen }: { readonly out: GridSeries; readonly seen: Uint8Array },
): void {
  const isSwapped = matching.cardinality === "one-to-many";
  for (let step = 0; step < seen.length; step++) {
    if (left.present[step] !== 1 || right.present[step] !== 1) continue;
    if (seen[step] === 1) throw new EvaluationFault(multipleMatches(matching));
    // Marked even if a comparison filters the pair out, so that an ambiguous match never depends on values.
    seen[step] = 1;
    const manyValue = left.values[step] ?? 0;
    const oneValue = right.values[step] ?? 0;
    const value = isSwapped ? apply(oneValue, manyValue) : apply(manyValue, oneValue);
    if (value === undefined) continue;
    out.values[step] = value;
    out.present[step] = 1;
  }
}

function multipleMatches({ cardinality }: VectorMatching): string {
  return cardinality === "one-to-one"
    ? "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
    : "multiple matches for labels: grouping labels must ensure unique matches";
}

function resultLabels({ matching, keepsName }: MatchedOperation, many: Labels, one: Labels): Labels {
  const labels = keepsName ? many : dropMetricName(many);
  if (matching.cardinality === "one-to-one") {
    return matching.on ? keepLabels(labels, matching.labels) : dropLabels(labels, matching.labels);
  }
  if (matching.include.length === 0) return labels;
  return withLabels(
    labels,
    matching.include.map((name) => [name, labelValue(one, name)] as const),
  );
}
