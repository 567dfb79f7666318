import type { Call, Expr, MatrixSelector, Position, Subquery } from "./ast.ts";
import { type Evaluation, EvaluationFault, type Grid, type GridSeries, type GridValue } from "./evaluation.ts";
import { formatFloat } from "./number-format.ts";

/** What the parts of the evaluator work in: a query, a grid, and the way to evaluate what stands inside them. */
export interface Scope {
  readonly evaluation: Evaluation;
  readonly grid: Grid;
  /** The evaluator itself, handed down so that its parts need not import it. */
  readonly evaluate: (scope: Scope, expr: Expr) => GridValue;
}

/** Evaluates an expression of type instant vector. @throws EvaluationFault */
export function evaluateVector(scope: Scope, expr: Expr): readonly GridSeries[] {
  const value = scope.evaluate(scope, expr);
  if (value.kind !== "vector") throw new EvaluationFault(`expected an instant vector, got a ${value.kind}`);
  return value.series;
}

/** Evaluates an expression of type scalar, one number a step. @throws EvaluationFault */
export function evaluateScalar(scope: Scope, expr: Expr): Float64Array {
  const value = scope.evaluate(scope, expr);
  if (value.kind !== "scalar") throw new EvaluationFault(`expected a scalar, got a ${value.kind}`);
  return value.values;
}

/** Evaluates an expression of type string. @throws EvaluationFault */
export function evaluateString(scope: Scope, expr: Expr): string {
  const value = scope.evaluate(scope, expr);
  if (value.kind !== "string") throw new EvaluationFault(`expected a string, got a ${value.kind}`);
  return value.value;
}

/** Returns an argument whose presence the type check has seen to. */
export function argument(call: Call, index: number): Expr {
  const arg = call.args[index];
  if (arg === undefined) throw new EvaluationFault(`argument ${index + 1} of "${call.func}" is missing`);
  return arg;
}

/** The expression as a range vector, parentheses taken off; `undefined` when it is of another type. */
export function rangeExpr(expr: Expr): MatrixSelector | Subquery | undefined {
  if (expr.kind === "paren") return rangeExpr(expr.expr);
  return expr.kind === "matrixSelector" || expr.kind === "subquery" ? expr : undefined;
}

/** Notes a quantile outside of 0 to 1. */
export function warnQuantile(scope: Scope, phi: number, where: Position): void {
  scope.evaluation.warn(`quantile value should be between 0 and 1, got ${formatFloat(phi)}`, where);
}
