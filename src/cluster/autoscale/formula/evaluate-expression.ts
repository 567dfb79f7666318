import { badFormula, type Expression, type FormulaValue } from "./expression.ts";
import { functions, kindOf, listOf, numberOf, truthOf } from "./functions.ts";

/** Most expressions that one evaluation may compute: predicates inside of predicates multiply. Source: ours. */
const STEP_COUNT_MAX = 100_000;

/** What an evaluation knows. */
interface Evaluation {
  readonly values: Readonly<Record<string, number | undefined>>;
  stepCount: number;
}

interface Scope {
  readonly evaluation: Evaluation;
  /** The element that the innermost predicate is asked about. */
  readonly element: FormulaValue;
}

/**
 * Computes an expression; names without a value are nil.
 *
 * @throws Failure saying what cannot be computed.
 */
export function evaluateExpression(
  expression: Expression,
  values: Readonly<Record<string, number | undefined>>,
): FormulaValue {
  return compute(expression, { evaluation: { values, stepCount: 0 }, element: null });
}

function compute(expression: Expression, scope: Scope): FormulaValue {
  const { evaluation } = scope;
  step(evaluation);
  switch (expression.type) {
    case "literal":
      return expression.value;
    case "name":
      return Object.hasOwn(evaluation.values, expression.name) ? (evaluation.values[expression.name] ?? null) : null;
    case "element":
      return scope.element;
    case "list":
      return expression.items.map((item) => compute(item, scope));
    case "index":
      return elementAt(compute(expression.list, scope), compute(expression.index, scope));
    case "unary":
      return signed(expression, scope);
    case "binary":
      return joined(expression, scope);
    case "choice":
      return truthOf(compute(expression.test, scope), "the condition of ?:")
        ? compute(expression.yes, scope)
        : compute(expression.no, scope);
    case "call":
      return called(expression, scope);
  }
}

function step(evaluation: Evaluation): void {
  evaluation.stepCount++;
  if (evaluation.stepCount > STEP_COUNT_MAX) throw badFormula(`it takes more than ${STEP_COUNT_MAX} steps`);
}

/** Negative positions count from the end. */
function elementAt(list: FormulaValue, position: FormulaValue): FormulaValue {
  const items = listOf(list, "[ ]");
  const index = numberOf(position, "[ ]");
  const found = Number.isInteger(index) ? items.at(index) : undefined;
  if (found === undefined) throw badFormula(`a list of ${items.length} has no element ${index}`);
  return found;
}

function signed({ operator, operand }: Extract<Expression, { type: "unary" }>, scope: Scope): FormulaValue {
  const value = compute(operand, scope);
  if (operator === "!") return !truthOf(value, "!");
  return operator === "-" ? -numberOf(value, "-") : numberOf(value, "+");
}

function called({ name, arguments: given }: Extract<Expression, { type: "call" }>, scope: Scope): FormulaValue {
  const known = functions.get(name);
  if (known === undefined) throw badFormula(`unknown function "${name}"`);
  const [first, second] = given;
  if (!known.hasPredicate || first === undefined || second === undefined) {
    return known.apply(
      given.map((argument) => compute(argument, scope)),
      undefined,
    );
  }
  return known.apply([compute(first, scope)], (element) => compute(second, { ...scope, element }));
}

function joined({ operator, left, right }: Extract<Expression, { type: "binary" }>, scope: Scope): FormulaValue {
  const first = compute(left, scope);
  if (operator === "??") return first ?? compute(right, scope);
  if (operator === "&&") return truthOf(first, operator) && truthOf(compute(right, scope), operator);
  if (operator === "||") return truthOf(first, operator) || truthOf(compute(right, scope), operator);
  const second = compute(right, scope);
  const { evaluation } = scope;
  if (operator === "==") return isEqual(first, second, evaluation);
  if (operator === "!=") return !isEqual(first, second, evaluation);
  if (operator === "in") return listOf(second, "in").some((item) => isSame(item, first, evaluation));
  if (operator === "contains") return textOf(first, operator).includes(textOf(second, operator));
  if (operator === "startsWith") return textOf(first, operator).startsWith(textOf(second, operator));
  if (operator === "endsWith") return textOf(first, operator).endsWith(textOf(second, operator));
  if (typeof first !== "string" || typeof second !== "string") {
    return ofNumbers[operator](numberOf(first, operator), numberOf(second, operator));
  }
  const ofTexts = ordered[operator];
  if (ofTexts === undefined) throw badFormula(`${operator} needs numbers, not texts`);
  return ofTexts(first, second);
}

function textOf(value: FormulaValue, what: string): string {
  if (typeof value === "string") return value;
  throw badFormula(`${what} needs a text, not ${kindOf(value)}`);
}

/** Only what has one type is compared, but for nil. */
function isEqual(left: FormulaValue, right: FormulaValue, evaluation: Evaluation): boolean {
  const isComparable = left === null || right === null || typeof left === typeof right;
  if (!isComparable) throw badFormula(`${kindOf(left)} and ${kindOf(right)} cannot be compared`);
  return isSame(left, right, evaluation);
}

/** A list that holds another twice, which does so again, doubles with each: comparing takes steps, too. */
function isSame(left: FormulaValue, right: FormulaValue, evaluation: Evaluation): boolean {
  step(evaluation);
  if (!Array.isArray(left) || !Array.isArray(right)) return left === right;
  return left.length === right.length && left.every((item, i) => isSame(item, right[i] ?? null, evaluation));
}

type Arithmetic = "+" | "-" | "*" | "/" | "%" | "**" | "<" | ">" | "<=" | ">=";
type Computation<T> = (left: T, right: T) => FormulaValue;

const ofNumbers: Readonly<Record<Arithmetic, Computation<number>>> = {
  "+": (left, right) => left + right,
  "-": (left, right) => left - right,
  "*": (left, right) => left * right,
  "/": (left, right) => left / right,
  "%": remainder,
  "**": (left, right) => left ** right,
  "<": (left, right) => left < right,
  ">": (left, right) => left > right,
  "<=": (left, right) => left <= right,
  ">=": (left, right) => left >= right,
};

/** What texts can do of it. */
const ordered: Readonly<Partial<Record<Arithmetic, Computation<string>>>> = {
  "+": concatenated,
  "<": (left, right) => left < right,
  ">": (left, right) => left > right,
  "<=": (left, right) => left <= right,
  ">=": (left, right) => left >= right,
};

/** Longest text that an evaluation may make, in UTF-16 units; predicates inside of predicates double it. Source: ours. */
const TEXT_LENGTH_MAX = 10_000;

function concatenated(left: string, right: string): string {
  if (left.length + right.length > TEXT_LENGTH_MAX) {
    throw badFormula(`it makes a text of more than ${TEXT_LENGTH_MAX} characters`);
  }
  return left + right;
}

function remainder(left: number, right: number): number {
  if (!Number.isInteger(left) || !Number.isInteger(right)) throw badFormula("% takes whole numbers only");
  if (right === 0) throw badFormula("% by zero");
  return left % right;
}
