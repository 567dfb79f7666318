import type { Call, Expr, Unary } from "./ast.ts";
import { aggregate } from "./aggregate.ts";
import { evaluateBinary } from "./binary.ts";
import { callLabelFunction, labelFunctions } from "./call-labels.ts";
import { callRangeFunction } from "./call-range.ts";
import { callVectorFunction } from "./call-vector.ts";
import { EvaluationFault, type GridValue, joinSeries } from "./evaluation.ts";
import { dropMetricName } from "./labels.ts";
import type { Scope } from "./scope.ts";
import { selectInstant } from "./select.ts";

/** Evaluates an expression of any type but range vector at every step of the grid. @throws EvaluationFault */
export function evaluateExpr(scope: Scope, expr: Expr): GridValue {
  scope.evaluation.spend(0);
  switch (expr.kind) {
    case "number":
      return { kind: "scalar", values: new Float64Array(scope.grid.count).fill(expr.value) };
    case "string":
      return { kind: "string", value: expr.value };
    case "paren":
      return evaluateExpr(scope, expr.expr);
    case "vectorSelector":
      return { kind: "vector", series: selectInstant(scope, expr) };
    case "unary":
      return evaluateUnary(scope, expr);
    case "binary":
      return evaluateBinary(scope, expr);
    case "aggregation":
      return { kind: "vector", series: aggregate(scope, expr) };
    case "call":
      return evaluateCall(scope, expr);
    case "matrixSelector":
    case "subquery":
      throw new EvaluationFault(
        "a range vector can only be the argument of a function, or the whole of an instant query",
      );
  }
}

function evaluateUnary(scope: Scope, { op, expr }: Unary): GridValue {
  const value = evaluateExpr(scope, expr);
  if (op === "+" || value.kind === "string") return value;
  if (value.kind === "scalar") return { kind: "scalar", values: value.values.map((number) => -number) };
  const negated = value.series.map(({ labels, values, present }) => ({
    labels: dropMetricName(labels),
    values: values.map((number) => -number),
    present,
  }));
  return { kind: "vector", series: joinSeries(negated) };
}

function evaluateCall(scope: Scope, call: Call): GridValue {
  const range = callRangeFunction(scope, call);
  if (range !== undefined) return { kind: "vector", series: range };
  if (labelFunctions.has(call.func)) return { kind: "vector", series: callLabelFunction(scope, call) };
  return callVectorFunction(scope, call);
}
