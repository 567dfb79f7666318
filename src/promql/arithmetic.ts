import { unreachable } from "#base";
import type { ArithmeticOperator, ComparisonOperator } from "./ast.ts";

/** Applies an arithmetic operator to two floats as Go does. */
export function calculate(op: ArithmeticOperator, left: number, right: number): number {
  switch (op) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    case "/":
      return left / right;
    case "%":
      return left % right;
    case "^":
      return power(left, right);
    case "atan2":
      return Math.atan2(left, right);
    default:
      return unreachable(op);
  }
}

/** IEEE 754 says that 1 to any power, and -1 to an infinite one, are 1; JavaScript says NaN. */
function power(base: number, exponent: number): number {
  if (base === 1 || (base === -1 && Math.abs(exponent) === Number.POSITIVE_INFINITY)) return 1;
  return base ** exponent;
}

export function compare(op: ComparisonOperator, left: number, right: number): boolean {
  switch (op) {
    case "==":
      return left === right;
    case "!=":
      return left !== right;
    case ">":
      return left > right;
    case "<":
      return left < right;
    case ">=":
      return left >= right;
    case "<=":
      return left <= right;
    default:
      return unreachable(op);
  }
}
