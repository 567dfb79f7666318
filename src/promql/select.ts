import type { AtModifier, Expr, MatrixSelector, Subquery, TimeShift, VectorSelector } from "./ast.ts";
import {
  type Evaluation,
  EvaluationFault,
  type Grid,
  type GridSeries,
  isPresentAnywhere,
  newGridSeries,
  stepTimeMs,
} from "./evaluation.ts";
import type { Labels } from "./labels.ts";
import type { Series } from "./queryable.ts";
import { rangeExpr, type Scope } from "./scope.ts";

/** Range vectors are kept as samples with a window that slides over them. */
export interface RangeVector {
  readonly series: readonly RangeSeries[];
  readonly rangeMs: number;
  /** End of the window at a step of the grid. */
  endMs(step: number): number;
}

/** Samples without staleness markers. */
export interface RangeSeries {
  readonly labels: Labels;
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
}

/** What a selector yields of each sample: its value, or (for `timestamp`) the time it was taken, in seconds. */
export type SampleField = "value" | "timestamp";

/**
 * Evaluates an instant vector selector: at each step the newest sample that is not older than the lookback, unless it is a
 * staleness marker. A sample exactly as old as the lookback is too old.
 */
export function selectInstant(
  { evaluation, grid }: Pick<Scope, "evaluation" | "grid">,
  expr: VectorSelector,
  field: SampleField = "value",
): readonly GridSeries[] {
  const { lookbackMs } = evaluation;
  const timeOf = shiftedTime(expr, { evaluation, grid });
  const found = evaluation.queryable.select(expr.matchers, timeOf(0) - lookbackMs + 1, timeOf(grid.count - 1));
  const result: GridSeries[] = [];
  for (const series of found) {
    evaluation.spend(series.values.length + grid.count);
    const out = newGridSeries(series.labels, grid);
    fillFromSamples(out, series, { timeOf, lookbackMs, field });
    if (isPresentAnywhere(out)) result.push(out);
  }
  return result;
}

interface Lookup {
  readonly timeOf: (step: number) => number;
  readonly lookbackMs: number;
  readonly field: SampleField;
}

function fillFromSamples(out: GridSeries, series: Series, { timeOf, lookbackMs, field }: Lookup): void {
  const { timestamps, values, stale } = series;
  let next = 0;
  for (let step = 0; step < out.present.length; step++) {
    const timeMs = timeOf(step);
    while (next < timestamps.length && (timestamps[next] ?? 0) <= timeMs) next++;
    const index = next - 1;
    if (index < 0 || stale?.[index] === 1) continue;
    const sampleMs = timestamps[index] ?? 0;
    if (sampleMs <= timeMs - lookbackMs) continue;
    out.present[step] = 1;
    out.values[step] = field === "value" ? (values[index] ?? 0) : sampleMs / 1000;
  }
}

/** Evaluates an expression of type range vector. @throws EvaluationFault */
export function evaluateRangeVector(scope: Scope, expr: Expr): RangeVector {
  const range = rangeExpr(expr);
  if (range === undefined) throw new EvaluationFault("expected a range vector");
  return range.kind === "matrixSelector" ? selectRange(scope, range) : runSubquery(scope, range);
}

function selectRange({ evaluation, grid }: Pick<Scope, "evaluation" | "grid">, expr: MatrixSelector): RangeVector {
  const endMs = shiftedTime(expr.selector, { evaluation, grid });
  const found = evaluation.queryable.select(expr.selector.matchers, endMs(0) - expr.rangeMs + 1, endMs(grid.count - 1));
  const series: RangeSeries[] = [];
  for (const one of found) {
    evaluation.spend(one.values.length);
    if (one.values.length > 0) series.push(withoutStale(one));
  }
  return { series, rangeMs: expr.rangeMs, endMs };
}

function withoutStale(series: Series): RangeSeries {
  const { labels, timestamps, values, stale } = series;
  if (stale === undefined || !stale.includes(1)) return { labels, timestamps, values };
  const isLive = (_: number, index: number): boolean => stale[index] !== 1;
  return { labels, timestamps: timestamps.filter(isLive), values: values.filter(isLive) };
}

/**
 * Evaluates a subquery's expression at the multiples of its step within the widest range asked for. The start of the range
 * itself is not part of it.
 */
function runSubquery(scope: Scope, expr: Subquery): RangeVector {
  const stepMs = expr.stepMs ?? scope.evaluation.subqueryStepMs;
  const endMs = shiftedTime(expr, scope);
  const startMs = (Math.floor((endMs(0) - expr.rangeMs) / stepMs) + 1) * stepMs;
  const count = Math.max(0, Math.floor((endMs(scope.grid.count - 1) - startMs) / stepMs) + 1);
  const grid: Grid = { startMs, stepMs, count };
  scope.evaluation.spend(count);
  const value = count === 0 ? undefined : scope.evaluate({ ...scope, grid }, expr.expr);
  const series = value?.kind === "vector" ? value.series : [];
  return { series: series.map((one) => samplesOf(one, grid)), rangeMs: expr.rangeMs, endMs };
}

/** The samples that a series on a grid has. */
export function samplesOf({ labels, values, present }: GridSeries, grid: Grid): RangeSeries {
  const timestamps: number[] = [];
  for (let i = 0; i < present.length; i++) if (present[i] !== 0) timestamps.push(stepTimeMs(grid, i));
  return { labels, timestamps: Float64Array.from(timestamps), values: values.filter((_, i) => present[i] !== 0) };
}

/** The time at which a selector looks at the samples, after `@` and `offset`. */
function shiftedTime(
  { at, offsetMs }: TimeShift,
  { evaluation, grid }: Pick<Scope, "evaluation" | "grid">,
): (step: number) => number {
  if (at === undefined) return (step) => stepTimeMs(grid, step) - offsetMs;
  const fixedMs = atTimeMs(at, evaluation) - offsetMs;
  return () => fixedMs;
}

function atTimeMs(at: AtModifier, { query }: Evaluation): number {
  switch (at.kind) {
    case "time":
      return at.timeMs;
    case "start":
      return query.startMs;
    case "end":
      return query.endMs;
  }
}
