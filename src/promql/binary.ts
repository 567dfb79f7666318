import { calculate, compare } from "./arithmetic.ts";
import { type Binary, isComparison, isSetOperator } from "./ast.ts";
import type { Operands, Operation } from "./binary-operands.ts";
import { EvaluationFault, type GridSeries, type GridValue, joinSeries, newGridSeries } from "./evaluation.ts";
import { dropMetricName } from "./labels.ts";
import type { Scope } from "./scope.ts";
import { applySetOperator } from "./set-operators.ts";
import { matchVectors } from "./vector-matching.ts";

/** Evaluates a binary expression. Source: Prometheus documentation, "Operators". @throws EvaluationFault */
export function evaluateBinary(scope: Scope, expr: Binary): GridValue {
  const left = scope.evaluate(scope, expr.left);
  const right = scope.evaluate(scope, expr.right);
  if (left.kind === "scalar" && right.kind === "scalar") {
    const apply = operation(expr);
    return { kind: "scalar", values: left.values.map((value, step) => apply(value, right.values[step] ?? 0) ?? 0) };
  }
  if (left.kind === "vector" && right.kind === "vector") {
    scope.evaluation.spend((left.series.length + right.series.length) * scope.grid.count);
    return { kind: "vector", series: betweenVectors(scope, expr, { left: left.series, right: right.series }) };
  }
  if (left.kind === "vector" && right.kind === "scalar") {
    return { kind: "vector", series: withScalar(expr, left.series, right.values) };
  }
  if (left.kind === "scalar" && right.kind === "vector") {
    return { kind: "vector", series: withScalar(mirrored(expr), right.series, left.values) };
  }
  throw new EvaluationFault(`operator "${expr.op}" cannot join a ${left.kind} and a ${right.kind}`);
}

function betweenVectors(scope: Scope, expr: Binary, operands: Operands): readonly GridSeries[] {
  const matching = expr.matching ?? { cardinality: "one-to-one", on: false, labels: [], include: [] };
  if (isSetOperator(expr.op)) return applySetOperator(expr.op, matching, operands);
  const keepsName = isComparison(expr.op) && !expr.returnsBool;
  return matchVectors({ operands, matching, grid: scope.grid, apply: operation(expr), keepsName });
}

/** A comparison keeps the left value or, with `bool`, yields 0 or 1. */
function operation({ op, returnsBool }: Pick<Binary, "op" | "returnsBool">): Operation {
  if (isSetOperator(op)) throw new EvaluationFault(`operator "${op}" needs instant vectors`);
  if (!isComparison(op)) return (left, right) => calculate(op, left, right);
  if (returnsBool) return (left, right) => (compare(op, left, right) ? 1 : 0);
  return (left, right) => (compare(op, left, right) ? left : undefined);
}

interface ScalarOperation {
  readonly apply: Operation;
  readonly keepsName: boolean;
}

/** For a scalar on the left: the vector's value is the one that a comparison keeps. */
function mirrored(expr: Binary): ScalarOperation {
  const { apply, keepsName } = scalarOperation(expr);
  if (!keepsName) return { apply: (vector, scalar) => apply(scalar, vector), keepsName };
  return { apply: (vector, scalar) => (apply(scalar, vector) === undefined ? undefined : vector), keepsName };
}

function scalarOperation(expr: Binary): ScalarOperation {
  return { apply: operation(expr), keepsName: isComparison(expr.op) && !expr.returnsBool };
}

function withScalar(
  expr: Binary | ScalarOperation,
  vector: readonly GridSeries[],
  scalar: Float64Array,
): readonly GridSeries[] {
  const { apply, keepsName } = "apply" in expr ? expr : scalarOperation(expr);
  const grid = { startMs: 0, stepMs: 0, count: scalar.length };
  return joinSeries(
    vector.map(({ labels, values, present }) => {
      const out = newGridSeries(keepsName ? labels : dropMetricName(labels), grid);
      for (let step = 0; step < grid.count; step++) {
        if (present[step] !== 1) continue;
        const value = apply(values[step] ?? 0, scalar[step] ?? 0);
        if (value === undefined) continue;
        out.values[step] = value;
        out.present[step] = 1;
      }
      return out;
    }),
  );
}
