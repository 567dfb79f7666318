import type { Call, Position } from "./ast.ts";
import { absentLabels } from "./absent.ts";
import {
  EvaluationFault,
  type GridSeries,
  isPresentAnywhere,
  joinSeries,
  newGridSeries,
  stepTimeMs,
} from "./evaluation.ts";
import { dropMetricName, type Labels, labelValue, METRIC_NAME } from "./labels.ts";
import { formatFloat } from "./number-format.ts";
import { type RangeFunction, rangeFunctions, type Window } from "./range-functions.ts";
import { argument, evaluateScalar, rangeExpr, type Scope, warnQuantile } from "./scope.ts";
import { evaluateRangeVector, type RangeSeries, type RangeVector } from "./select.ts";

/** These give back samples as they were, so that the metric keeps its name. */
const KEEP_NAME: ReadonlySet<string> = new Set(["first_over_time", "last_over_time"]);

/** Evaluates a function of a range vector; `undefined` when the function is not one. */
export function callRangeFunction(scope: Scope, call: Call): readonly GridSeries[] | undefined {
  if (call.func === "absent_over_time") return absentOverTime(scope, call);
  const apply = rangeFunctions.get(call.func);
  if (apply === undefined) return undefined;
  const rangeArg = call.args.find((arg) => rangeExpr(arg) !== undefined);
  if (rangeArg === undefined) throw new EvaluationFault(`${call.func} needs a range vector`);
  const params = call.args.filter((arg) => arg !== rangeArg).map((arg) => evaluateScalar(scope, arg));
  const range = evaluateRangeVector(scope, rangeArg);
  checkParams(scope, call, params);
  const result: GridSeries[] = [];
  for (const series of range.series) {
    scope.evaluation.spend(scope.grid.count);
    const labels = KEEP_NAME.has(call.func) ? series.labels : dropMetricName(series.labels);
    const out = slide({ scope, range, series, labels }, apply, params);
    if (!isPresentAnywhere(out)) continue;
    if (call.func === "rate" || call.func === "increase") hintAtNonCounter(scope, series.labels, rangeArg.where);
    result.push(out);
  }
  return joinSeries(result);
}

function checkParams(scope: Scope, call: Call, params: readonly Float64Array[]): void {
  if (call.func === "quantile_over_time") {
    const wrong = params[0]?.find((phi) => !(phi >= 0 && phi <= 1));
    const where = call.args[0]?.where ?? call.where;
    if (wrong !== undefined) warnQuantile(scope, wrong, where);
  }
  if (call.func !== "double_exponential_smoothing") return;
  params.forEach((values, i) => {
    const wrong = values.find((factor) => !(factor > 0 && factor < 1));
    if (wrong === undefined) return;
    const [name, symbol] = i === 0 ? ["smoothing", "sf"] : ["trend", "tf"];
    throw new EvaluationFault(`invalid ${name} factor. Expected: 0 < ${symbol} < 1, got: ${formatFloat(wrong)}`);
  });
}

function hintAtNonCounter(scope: Scope, labels: Labels, where: Position): void {
  const name = labelValue(labels, METRIC_NAME);
  if (name === "" || /_(?:total|sum|count|bucket)$/.test(name)) return;
  scope.evaluation.info(
    `metric might not be a counter, name does not end in _total/_sum/_count/_bucket: ${JSON.stringify(name)}`,
    where,
  );
}

interface Slide {
  readonly scope: Scope;
  readonly range: RangeVector;
  readonly series: RangeSeries;
  readonly labels: Labels;
}

/** Moves the window over the samples once, as steps and samples both ascend. */
function slide(
  { scope, range, series, labels }: Slide,
  apply: RangeFunction,
  params: readonly Float64Array[],
): GridSeries {
  const { grid } = scope;
  const { timestamps, values } = series;
  const out = newGridSeries(labels, grid);
  let from = 0;
  let to = 0;
  for (let step = 0; step < grid.count; step++) {
    const endMs = range.endMs(step);
    const startMs = endMs - range.rangeMs;
    while (to < timestamps.length && (timestamps[to] ?? 0) <= endMs) to++;
    while (from < to && (timestamps[from] ?? 0) <= startMs) from++;
    if (from === to) continue;
    const window: Window = { timestamps, values, from, to, startMs, endMs, evaluationMs: stepTimeMs(grid, step) };
    const value = apply(
      window,
      params.map((param) => param[step] ?? 0),
    );
    if (value === undefined) continue;
    out.values[step] = value;
    out.present[step] = 1;
  }
  return out;
}

function absentOverTime(scope: Scope, call: Call): readonly GridSeries[] {
  const arg = argument(call, 0);
  const range = evaluateRangeVector(scope, arg);
  const out = newGridSeries(absentLabels(arg), scope.grid);
  out.values.fill(1);
  out.present.fill(1);
  for (const series of range.series) {
    const seen = slide({ scope, range, series, labels: series.labels }, () => 1, []);
    seen.present.forEach((isPresent, step) => {
      if (isPresent !== 0) out.present[step] = 0;
    });
  }
  return isPresentAnywhere(out) ? [out] : [];
}
