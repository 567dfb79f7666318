import { type Call, type Expr, unwrapParens } from "./ast.ts";
import { absentLabels } from "./absent.ts";
import { callHistogramFunction, histogramFunctions } from "./call-histogram.ts";
import {
  EvaluationFault,
  type GridSeries,
  type GridValue,
  isPresentAnywhere,
  joinSeries,
  newGridSeries,
  stepTimeMs,
} from "./evaluation.ts";
import { dropMetricName, emptyLabels } from "./labels.ts";
import { mathFunctions, roundTo, timeFunctions } from "./math-functions.ts";
import { argument, evaluateScalar, evaluateVector, type Scope } from "./scope.ts";
import { selectInstant } from "./select.ts";
import { sortByValue } from "./sort.ts";

/** Evaluates the functions that take instant vectors and scalars. Source: Prometheus documentation, "Query functions". */
export function callVectorFunction(scope: Scope, call: Call): GridValue {
  const scalar = callScalarFunction(scope, call);
  if (scalar !== undefined) return { kind: "scalar", values: scalar };
  return { kind: "vector", series: callToVector(scope, call) };
}

function callScalarFunction(scope: Scope, call: Call): Float64Array | undefined {
  const { grid, evaluation } = scope;
  const { startMs, endMs, stepMs } = evaluation.query;
  const constant = (value: number): Float64Array => new Float64Array(grid.count).fill(value);
  switch (call.func) {
    case "time":
      return constant(0).map((_, step) => stepTimeMs(grid, step) / 1000);
    case "pi":
      return constant(Math.PI);
    case "start":
      return constant(startMs / 1000);
    case "end":
      return constant(endMs / 1000);
    case "step":
      return constant(stepMs / 1000);
    case "range":
      return constant((endMs - startMs) / 1000);
    case "min_of":
    case "max_of": {
      const right = evaluateScalar(scope, argument(call, 1));
      const pick = call.func === "min_of" ? Math.min : Math.max;
      return evaluateScalar(scope, argument(call, 0)).map((left, step) => pick(left, right[step] ?? 0));
    }
    case "scalar":
      return toScalar(scope, evaluateVector(scope, argument(call, 0)));
    default:
      return undefined;
  }
}

/** The value of the only element, NaN when there is none or more than one. */
function toScalar(scope: Scope, vector: readonly GridSeries[]): Float64Array {
  return new Float64Array(scope.grid.count).map((_, step) => {
    const present = vector.filter((series) => series.present[step] === 1);
    return present.length === 1 ? (present[0]?.values[step] ?? Number.NaN) : Number.NaN;
  });
}

function callToVector(scope: Scope, call: Call): readonly GridSeries[] {
  const { func } = call;
  const math = mathFunctions.get(func) ?? timeFunctions.get(func);
  if (math !== undefined) return mapValues(argumentOrTime(scope, call), math);
  if (histogramFunctions.has(func)) return callHistogramFunction(scope, call);
  switch (func) {
    case "vector": {
      const out = newGridSeries(emptyLabels, scope.grid);
      out.values.set(evaluateScalar(scope, argument(call, 0)));
      out.present.fill(1);
      return [out];
    }
    case "absent":
      return absent(scope, argument(call, 0));
    case "timestamp":
      return timestamps(scope, argument(call, 0));
    case "round": {
      const nearest = call.args[1] === undefined ? undefined : evaluateScalar(scope, call.args[1]);
      return mapValues(evaluateVector(scope, argument(call, 0)), (value, step) => roundTo(value, nearest?.[step] ?? 1));
    }
    case "clamp":
    case "clamp_min":
    case "clamp_max":
      return clamp(scope, call);
    case "sort":
    case "sort_desc":
      return sortByValue(evaluateVector(scope, argument(call, 0)), func === "sort_desc");
    default:
      throw new EvaluationFault(`function "${func}" is not implemented`);
  }
}

function argumentOrTime(scope: Scope, call: Call): readonly GridSeries[] {
  if (call.args[0] !== undefined) return evaluateVector(scope, call.args[0]);
  const now = newGridSeries(emptyLabels, scope.grid);
  now.present.fill(1);
  now.values.forEach((_, step) => {
    now.values[step] = stepTimeMs(scope.grid, step) / 1000;
  });
  return [now];
}

/** Applies a function to every value; the metric loses its name. */
function mapValues(
  vector: readonly GridSeries[],
  apply: (value: number, step: number) => number,
): readonly GridSeries[] {
  return joinSeries(
    vector.map(({ labels, values, present }) => ({
      labels: dropMetricName(labels),
      values: values.map(apply),
      present,
    })),
  );
}

function absent(scope: Scope, expr: Expr): readonly GridSeries[] {
  const vector = evaluateVector(scope, expr);
  const out = newGridSeries(absentLabels(expr), scope.grid);
  out.values.fill(1);
  out.present.forEach((_, step) => {
    out.present[step] = vector.some((series) => series.present[step] === 1) ? 0 : 1;
  });
  return isPresentAnywhere(out) ? [out] : [];
}

/** Times of samples when the argument is a selector; otherwise a vector's elements are of the time of evaluation. */
function timestamps(scope: Scope, expr: Expr): readonly GridSeries[] {
  const inner = unwrapParens(expr);
  if (inner.kind === "vectorSelector") {
    return mapValues(selectInstant(scope, inner, "timestamp"), (seconds) => seconds);
  }
  return mapValues(evaluateVector(scope, expr), (_, step) => stepTimeMs(scope.grid, step) / 1000);
}

function clamp(scope: Scope, call: Call): readonly GridSeries[] {
  const vector = evaluateVector(scope, argument(call, 0));
  const first = evaluateScalar(scope, argument(call, 1));
  const low = call.func === "clamp_max" ? undefined : first;
  const high =
    call.func === "clamp_max" ? first : call.func === "clamp" ? evaluateScalar(scope, argument(call, 2)) : undefined;
  const lowAt = (step: number): number => low?.[step] ?? Number.NEGATIVE_INFINITY;
  const highAt = (step: number): number => high?.[step] ?? Number.POSITIVE_INFINITY;
  const clamped = mapValues(vector, (value, step) => Math.max(lowAt(step), Math.min(highAt(step), value)));
  // An upper bound below the lower one leaves nothing.
  return joinSeries(
    clamped.map((series) => ({
      ...series,
      present: series.present.map((isPresent, step) => (highAt(step) < lowAt(step) ? 0 : isPresent)),
    })),
  );
}
