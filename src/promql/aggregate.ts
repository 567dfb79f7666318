import { type Aggregation, type AggregationOperator, type Grouping, unwrapParens } from "./ast.ts";
import {
  EvaluationFault,
  type Grid,
  type GridSeries,
  isPresentAnywhere,
  joinSeries,
  newGridSeries,
} from "./evaluation.ts";
import { addCompensated, addToMean, compensatedTotal, meanOf, newRunningMean } from "./kahan.ts";
import { dropLabels, isLabelName, keepLabels, type Labels, METRIC_NAME, withLabels } from "./labels.ts";
import { formatFloat } from "./number-format.ts";
import { quantileOf } from "./quantile.ts";
import { quote } from "./quoting.ts";
import { evaluateScalar, evaluateString, evaluateVector, type Scope, warnQuantile } from "./scope.ts";
import { type Group, selectFew } from "./select-few.ts";

/** Evaluates an aggregation. Source: Prometheus documentation, "Aggregation operators". @throws EvaluationFault */
export function aggregate(scope: Scope, expr: Aggregation): readonly GridSeries[] {
  const { op, grouping, param } = expr;
  const few = param !== undefined && isSelection(op) ? evaluateScalar(scope, param) : undefined;
  const vector = evaluateVector(scope, expr.expr);
  scope.evaluation.spend(vector.length * scope.grid.count);
  if (few !== undefined && isSelection(op)) return selectFew(groupBy(vector, grouping), op, few);
  if (op === "count_values" && param !== undefined) {
    return countValues(scope, { vector, grouping, label: evaluateString(scope, param) });
  }
  if (op === "quantile" && param !== undefined) {
    const phis = evaluateScalar(scope, param);
    const wrong = phis.find((phi) => !(phi >= 0 && phi <= 1));
    if (wrong !== undefined) warnQuantile(scope, wrong, unwrapParens(param).where);
    return reduce(groupBy(vector, grouping), scope.grid, (values, step) => quantileOf(phis[step] ?? 0, values));
  }
  const reducer = reducers[op];
  if (reducer === undefined) throw new EvaluationFault(`aggregation "${op}" needs a parameter`);
  return reduce(groupBy(vector, grouping), scope.grid, reducer);
}

function isSelection(op: AggregationOperator): op is "topk" | "bottomk" | "limitk" | "limit_ratio" {
  return op === "topk" || op === "bottomk" || op === "limitk" || op === "limit_ratio";
}

function groupBy(vector: readonly GridSeries[], grouping: Grouping): readonly Group[] {
  const groups = new Map<string, { labels: Labels; members: GridSeries[] }>();
  for (const series of vector) {
    const labels = groupLabels(series.labels, grouping);
    const group = groups.get(labels.key);
    if (group === undefined) groups.set(labels.key, { labels, members: [series] });
    else group.members.push(series);
  }
  return [...groups.values()];
}

function groupLabels(labels: Labels, { without, labels: names }: Grouping): Labels {
  return without ? dropLabels(labels, [...names, METRIC_NAME]) : keepLabels(labels, names);
}

/** Reduces the values that a group has at one step; never called without one. */
type Reducer = (values: number[], step: number) => number;

const reducers: Partial<Record<AggregationOperator, Reducer>> = {
  sum: (values) => {
    const total = { sum: 0, compensation: 0 };
    for (const value of values) addCompensated(total, value);
    return compensatedTotal(total);
  },
  avg: (values) => {
    const mean = newRunningMean();
    for (const value of values) addToMean(mean, value);
    return meanOf(mean);
  },
  count: (values) => values.length,
  group: () => 1,
  min: (values) => values.reduce((best, value) => (value < best || Number.isNaN(best) ? value : best)),
  max: (values) => values.reduce((best, value) => (value > best || Number.isNaN(best) ? value : best)),
  stddev: (values) => Math.sqrt(variance(values)),
  stdvar: variance,
};

/** Population variance by Welford's method; NaN when any value is not finite. */
function variance(values: readonly number[]): number {
  let mean = 0;
  let squares = 0;
  values.forEach((value, i) => {
    const delta = value - mean;
    mean += delta / (i + 1);
    squares += delta * (value - mean);
  });
  return values.every(Number.isFinite) ? squares / values.length : Number.NaN;
}

function reduce(groups: readonly Group[], grid: Grid, reducer: Reducer): readonly GridSeries[] {
  return groups
    .map(({ labels, members }) => {
      const out = newGridSeries(labels, grid);
      for (let step = 0; step < grid.count; step++) {
        const values: number[] = [];
        for (const member of members) if (member.present[step] === 1) values.push(member.values[step] ?? 0);
        if (values.length === 0) continue;
        out.values[step] = reducer(values, step);
        out.present[step] = 1;
      }
      return out;
    })
    .filter(isPresentAnywhere);
}

interface CountValues {
  readonly vector: readonly GridSeries[];
  readonly grouping: Grouping;
  readonly label: string;
}

/** Counts how often each value occurs; the value becomes a label. */
function countValues(scope: Scope, { vector, grouping, label }: CountValues): readonly GridSeries[] {
  if (!isLabelName(label)) throw new EvaluationFault(`invalid label name ${quote(label)}`);
  // With `by`, the new label replaces a grouping label of the same name instead of splitting groups by it.
  const counted = new Map<string, GridSeries>();
  for (const series of vector) {
    for (let step = 0; step < scope.grid.count; step++) {
      if (series.present[step] !== 1) continue;
      const text = formatFloat(series.values[step] ?? 0);
      const labels = groupLabels(withLabels(series.labels, [[label, text]]), withLabelKept(grouping, label));
      let out = counted.get(labels.key);
      if (out === undefined) {
        scope.evaluation.spend(scope.grid.count);
        out = newGridSeries(labels, scope.grid);
        counted.set(labels.key, out);
      }
      out.values[step] = (out.values[step] ?? 0) + 1;
      out.present[step] = 1;
    }
  }
  return joinSeries([...counted.values()]);
}

function withLabelKept({ without, labels }: Grouping, label: string): Grouping {
  return { without, labels: without ? labels.filter((name) => name !== label) : [...labels, label] };
}
