import {
  type Aggregation,
  type Binary,
  type Call,
  type Expr,
  isComparison,
  isSetOperator,
  type Position,
  type ValueType,
} from "./ast.ts";
import { functionSignatures } from "./functions.ts";

/** Thrown inside the room only; `parsePromql` turns it into a problem. */
export class TypeFault extends Error {
  readonly where: Position;

  constructor(where: Position, message: string) {
    super(message);
    this.name = "TypeFault";
    this.where = where;
  }
}

const DOCUMENTED: Readonly<Record<ValueType, string>> = {
  scalar: "scalar",
  vector: "instant vector",
  matrix: "range vector",
  string: "string",
};

/** Returns the type of an expression after checking that its parts fit. Source: Prometheus `parser.checkAST`. @throws TypeFault */
export function checkTypes(expr: Expr): ValueType {
  switch (expr.kind) {
    case "number":
      return "scalar";
    case "string":
      return "string";
    case "vectorSelector":
      return "vector";
    case "matrixSelector":
      return "matrix";
    case "paren":
      return checkTypes(expr.expr);
    case "subquery": {
      const type = checkTypes(expr.expr);
      if (type !== "vector") {
        throw new TypeFault(expr.where, `subquery is only allowed on instant vector, got ${DOCUMENTED[type]} instead`);
      }
      return "matrix";
    }
    case "unary": {
      const type = checkTypes(expr.expr);
      if (type === "scalar" || type === "vector") return type;
      const allowed = "unary expression only allowed on expressions of type scalar or instant vector";
      throw new TypeFault(expr.where, `${allowed}, got "${DOCUMENTED[type]}"`);
    }
    case "aggregation":
      return checkAggregation(expr);
    case "call":
      return checkCall(expr);
    case "binary":
      return checkBinary(expr);
  }
}

function expectType(expr: Expr, wanted: ValueType, context: string): void {
  const type = checkTypes(expr);
  if (type !== wanted) {
    throw new TypeFault(expr.where, `expected type ${DOCUMENTED[wanted]} in ${context}, got ${DOCUMENTED[type]}`);
  }
}

function checkAggregation(expr: Aggregation): ValueType {
  expectType(expr.expr, "vector", "aggregation expression");
  if (expr.param !== undefined) {
    expectType(expr.param, expr.op === "count_values" ? "string" : "scalar", "aggregation parameter");
  }
  return "vector";
}

function checkCall(expr: Call): ValueType {
  const signature = functionSignatures.get(expr.func);
  if (signature === undefined) throw new TypeFault(expr.where, `unknown function with name "${expr.func}"`);
  const { args, optionalCount, variadic, returns } = signature;
  const least = args.length - (variadic ? 1 : optionalCount);
  const most = variadic ? Number.POSITIVE_INFINITY : args.length;
  if (expr.args.length < least || expr.args.length > most) {
    const bound = least === most ? "" : expr.args.length < least ? "at least " : "at most ";
    const count = expr.args.length < least ? least : most;
    throw new TypeFault(
      expr.where,
      `expected ${bound}${count} argument(s) in call to "${expr.func}", got ${expr.args.length}`,
    );
  }
  expr.args.forEach((arg, i) => {
    expectType(arg, args[Math.min(i, args.length - 1)] ?? "vector", `call to function "${expr.func}"`);
  });
  return returns;
}

function checkBinary(expr: Binary): ValueType {
  const left = checkTypes(expr.left);
  const right = checkTypes(expr.right);
  for (const [side, type] of [
    [expr.left, left],
    [expr.right, right],
  ] as const) {
    if (type !== "scalar" && type !== "vector") {
      throw new TypeFault(side.where, "binary expression must contain only scalar and instant vector types");
    }
  }
  if (expr.returnsBool && !isComparison(expr.op)) {
    throw new TypeFault(expr.opWhere, "bool modifier can only be used on comparison operators");
  }
  const isScalar = left === "scalar" && right === "scalar";
  if (isScalar && isComparison(expr.op) && !expr.returnsBool) {
    throw new TypeFault(expr.opWhere, "comparisons between scalars must use BOOL modifier");
  }
  if (isSetOperator(expr.op) && (left === "scalar" || right === "scalar")) {
    throw new TypeFault(expr.opWhere, `set operator "${expr.op}" not allowed in binary scalar expression`);
  }
  checkMatching(expr, left === "vector" && right === "vector");
  return isScalar ? "scalar" : "vector";
}

function checkMatching(expr: Binary, isBetweenVectors: boolean): void {
  const { matching, op, where } = expr;
  if (matching === undefined) return;
  if (!isBetweenVectors) throw new TypeFault(where, "vector matching only allowed between instant vectors");
  const isGrouped = matching.cardinality === "many-to-one" || matching.cardinality === "one-to-many";
  if (isSetOperator(op) && isGrouped) throw new TypeFault(where, `no grouping allowed for "${op}" operation`);
  const twice = matching.on ? matching.labels.find((label) => matching.include.includes(label)) : undefined;
  if (twice !== undefined) throw new TypeFault(where, `label "${twice}" must not occur in ON and GROUP clause at once`);
}
