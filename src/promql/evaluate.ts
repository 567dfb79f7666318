import { err, formatDuration, ok, type Problem, type Result } from "#base";
import type { Expr, Position } from "./ast.ts";
import { checkTypes } from "./check-types.ts";
import { evaluateExpr } from "./evaluate-expr.ts";
import { type Evaluation, EvaluationFault, type Grid, type GridValue, stepTimeMs } from "./evaluation.ts";
import { compareLabels, type Labels } from "./labels.ts";
import type { Queryable } from "./queryable.ts";
import type { Scope } from "./scope.ts";
import { evaluateRangeVector, type RangeSeries, samplesOf } from "./select.ts";

/** An element of an instant vector. */
export interface VectorElement {
  readonly labels: Labels;
  readonly timeMs: number;
  readonly value: number;
}

/** What a query yields. Instant queries yield any of these, range queries a matrix. */
export type QueryValue =
  | { readonly type: "scalar"; readonly timeMs: number; readonly value: number }
  | { readonly type: "string"; readonly timeMs: number; readonly value: string }
  | { readonly type: "vector"; readonly elements: readonly VectorElement[] }
  | { readonly type: "matrix"; readonly series: readonly RangeSeries[] };

export interface QueryResult {
  readonly value: QueryValue;
  /** What is likely wrong with the result: `PromQL warning: … (1:7)`. */
  readonly warnings: readonly string[];
  /** What is likely wrong with the query: `PromQL info: … (1:7)`. */
  readonly infos: readonly string[];
}

export interface EvaluationOptions {
  /** How old the newest sample of a series may be. Default 5 minutes. */
  readonly lookbackMs?: number;
  /** Resolution of subqueries that name none. Default 1 minute. */
  readonly subqueryStepMs?: number;
  /** Default 50 million, as in Prometheus. */
  readonly maxSampleCount?: number;
  /** Asked now and then; a text ends the query with the problem code `interrupted`. */
  readonly interrupted?: () => string | undefined;
}

export interface InstantParams extends EvaluationOptions {
  readonly timeMs: number;
}

export interface RangeParams extends EvaluationOptions {
  readonly startMs: number;
  /** Included when it falls on a step. */
  readonly endMs: number;
  readonly stepMs: number;
  /** Default 11,000, as in the Prometheus HTTP API. */
  readonly maxStepCount?: number;
}

const DEFAULT_LOOKBACK_MS = 300_000;
const DEFAULT_SUBQUERY_STEP_MS = 60_000;
const DEFAULT_MAX_SAMPLE_COUNT = 50_000_000;
const DEFAULT_MAX_STEP_COUNT = 11_000;
/** How many samples are handled between two questions whether to go on. */
const SAMPLES_PER_CHECK = 100_000;

/**
 * Evaluates an expression at one moment.
 *
 * @example
 * const expr = parsePromql('sum by (job) (rate(http_requests_total[1m]))');
 * if (expr.ok) evaluateInstant(expr.value, store, { timeMs: clock.nowMs() });
 */
export function evaluateInstant(expr: Expr, queryable: Queryable, params: InstantParams): Result<QueryResult, Problem> {
  const { timeMs } = params;
  const query = { startMs: timeMs, endMs: timeMs, stepMs: 0 };
  return run({ queryable, query, params, grid: { startMs: timeMs, stepMs: 1, count: 1 } }, (scope) => {
    if (checkTypes(expr) === "matrix") return { type: "matrix", series: evaluateRangeSelector(scope, expr) };
    return instantValue(evaluateExpr(scope, expr), timeMs);
  });
}

/** Evaluates an expression of type scalar or instant vector at every step from start to end. */
export function evaluateRange(expr: Expr, queryable: Queryable, params: RangeParams): Result<QueryResult, Problem> {
  const { startMs, endMs, stepMs } = params;
  const refuse = (message: string): Result<QueryResult, Problem> =>
    err({ path: "", code: "promql-invalid-parameter", message });
  const type = checkTypes(expr);
  if (type !== "scalar" && type !== "vector") {
    const named = type === "matrix" ? "range vector" : type;
    return refuse(`invalid expression type "${named}" for range query, must be Scalar or instant Vector`);
  }
  if (!(stepMs > 0))
    return refuse("zero or negative query resolution step widths are not accepted. Try a positive integer");
  if (!(endMs >= startMs)) return refuse("end timestamp must not be before start time");
  const count = Math.floor((endMs - startMs) / stepMs) + 1;
  const maxStepCount = params.maxStepCount ?? DEFAULT_MAX_STEP_COUNT;
  if (count > maxStepCount) {
    return refuse(
      `exceeded maximum resolution of ${maxStepCount} points per timeseries with a step of ${formatDuration(stepMs)}. ` +
        "Try decreasing the query resolution (?step=XX)",
    );
  }
  const grid: Grid = { startMs, stepMs, count };
  return run({ queryable, query: { startMs, endMs, stepMs }, params, grid }, (scope) =>
    rangeValue(evaluateExpr(scope, expr), grid),
  );
}

interface Run {
  readonly queryable: Queryable;
  readonly query: Evaluation["query"];
  readonly params: EvaluationOptions;
  readonly grid: Grid;
}

function run(
  { queryable, query, params, grid }: Run,
  evaluate: (scope: Scope) => QueryValue,
): Result<QueryResult, Problem> {
  const warnings = new Set<string>();
  const infos = new Set<string>();
  const note = (into: Set<string>, kind: string) => (message: string, where: Position) =>
    void into.add(`PromQL ${kind}: ${message} (${where.line}:${where.column})`);
  const evaluation: Evaluation = {
    queryable,
    query,
    lookbackMs: params.lookbackMs ?? DEFAULT_LOOKBACK_MS,
    subqueryStepMs: params.subqueryStepMs ?? DEFAULT_SUBQUERY_STEP_MS,
    spend: createBudget(params),
    warn: note(warnings, "warning"),
    info: note(infos, "info"),
  };
  try {
    const value = evaluate({ evaluation, grid, evaluate: evaluateExpr });
    return ok({ value, warnings: [...warnings], infos: [...infos] });
  } catch (thrown) {
    if (!(thrown instanceof EvaluationFault)) throw thrown;
    return err({ path: "", code: `promql-${thrown.code}`, message: thrown.message });
  }
}

/** Counts samples; asks every now and then whether to go on. */
function createBudget({
  maxSampleCount = DEFAULT_MAX_SAMPLE_COUNT,
  interrupted,
}: EvaluationOptions): Evaluation["spend"] {
  let spentCount = 0;
  let nextCheckAt = 0;
  return (sampleCount) => {
    spentCount += sampleCount;
    if (spentCount > maxSampleCount) {
      throw new EvaluationFault(
        "query processing would load too many samples into memory in query execution",
        "too-many-samples",
      );
    }
    if (spentCount < nextCheckAt) return;
    nextCheckAt = spentCount + SAMPLES_PER_CHECK;
    const reason = interrupted?.();
    if (reason !== undefined) throw new EvaluationFault(reason, "interrupted");
  };
}

/** The samples of a range vector that is the whole of an instant query. */
function evaluateRangeSelector(scope: Scope, expr: Expr): readonly RangeSeries[] {
  const range = evaluateRangeVector(scope, expr);
  const endMs = range.endMs(0);
  const result: RangeSeries[] = [];
  for (const { labels, timestamps, values } of range.series) {
    const isInside = (_: number, i: number): boolean => {
      const timeMs = timestamps[i] ?? 0;
      return timeMs > endMs - range.rangeMs && timeMs <= endMs;
    };
    const inside = { labels, timestamps: timestamps.filter(isInside), values: values.filter(isInside) };
    if (inside.values.length > 0) result.push(inside);
  }
  return sorted(result);
}

function instantValue(value: GridValue, timeMs: number): QueryValue {
  switch (value.kind) {
    case "scalar":
      return { type: "scalar", timeMs, value: value.values[0] ?? Number.NaN };
    case "string":
      return { type: "string", timeMs, value: value.value };
    case "vector":
      return {
        type: "vector",
        elements: value.series
          .filter(({ present }) => present[0] === 1)
          .map(({ labels, values }) => ({ labels, timeMs, value: values[0] ?? Number.NaN })),
      };
  }
}

function rangeValue(value: GridValue, grid: Grid): QueryValue {
  if (value.kind === "vector")
    return { type: "matrix", series: sorted(value.series.map((one) => samplesOf(one, grid))) };
  const values = value.kind === "scalar" ? value.values : new Float64Array();
  const timestamps = values.map((_, step) => stepTimeMs(grid, step));
  return { type: "matrix", series: [{ labels: { pairs: [], key: "" }, timestamps, values }] };
}

function sorted(series: readonly RangeSeries[]): readonly RangeSeries[] {
  return [...series].sort((a, b) => compareLabels(a.labels, b.labels));
}
