import {
  badFormula,
  type BinaryOperator,
  binaryOperator,
  BINDING,
  type Expression,
  type FormulaValue,
  RESERVED,
  UNARY_BINDING,
  type UnaryOperator,
} from "./expression.ts";
import { functions } from "./functions.ts";
import { BLOCK, ELEMENT, GROUP, type Syntax } from "./parse-text.ts";

/** An expression, and whether it stands in brackets of its own, which keep it together. */
interface Read {
  readonly expression: Expression;
  readonly isGrouped: boolean;
}

interface Scope {
  /** Names of triggers. */
  readonly names: readonly string[];
  /** Inside of a predicate there is an element to speak of. */
  readonly isPredicate: boolean;
}

const COMPARISONS: readonly string[] = ["<", ">", "<=", ">="];

/**
 * Gives syntax its meaning: operators bind as in expr-lang, and every name and function is known.
 *
 * @throws Failure saying what is not.
 */
export function readExpression(syntax: Syntax, names: readonly string[]): Expression {
  return read(syntax, { names, isPredicate: false }).expression;
}

function read(syntax: Syntax, scope: Scope): Read {
  const { type } = syntax;
  if (type === GROUP) return { expression: part(syntax, "content", scope).expression, isGrouped: true };
  if (type === "BinaryExpression") return { expression: binary(syntax, scope), isGrouped: false };
  return { expression: simple(syntax, scope), isGrouped: false };
}

function simple(syntax: Syntax, scope: Scope): Expression {
  switch (syntax.type) {
    case "Literal":
      return literal(syntax);
    case "ThisExpression":
      return name("this", scope);
    case "Identifier":
      return name(textAt(syntax, "name"), scope);
    case ELEMENT:
      if (!scope.isPredicate) throw badFormula("# stands for an element and has no meaning outside of a predicate");
      return { type: "element" };
    case "ArrayExpression":
      return { type: "list", items: parts(syntax, "elements").map((item) => read(item, scope).expression) };
    case "UnaryExpression":
      return unary(syntax, scope);
    case "ConditionalExpression": {
      const [test, yes, no] = ["test", "consequent", "alternate"].map((key) => part(syntax, key, scope).expression);
      if (test === undefined || yes === undefined || no === undefined) throw badFormula("a choice is not whole");
      return { type: "choice", test, yes, no };
    }
    case "CallExpression":
      return call(syntax, scope);
    case "MemberExpression":
      return member(syntax, scope);
    case BLOCK:
      throw badFormula("{ } may only enclose the predicate of a function");
    default:
      throw badFormula(`a ${syntax.type} is not supported`);
  }
}

function literal(syntax: Syntax): Expression {
  const { value } = syntax;
  const raw = textAt(syntax, "raw");
  const isKnown = value === null || ["number", "string", "boolean"].includes(typeof value);
  if (!isKnown) throw badFormula(`${raw} is not supported`);
  // What jsep gives is one of the four, as was just checked.
  const known = value as Exclude<FormulaValue, readonly FormulaValue[]>;
  return { type: "literal", value: known, isFraction: typeof value === "number" && /[.e]/i.test(raw) };
}

function name(text: string, { names }: Scope): Expression {
  if (RESERVED.has(text)) throw badFormula(`"${text}" is not supported here`);
  if (names.includes(text)) return { type: "name", name: text };
  throw badFormula(`unknown name "${text}"; ${known(names)}`);
}

/** Names that a message lists. */
const SHOWN_NAME_COUNT = 10;

function known(names: readonly string[]): string {
  if (names.length === 0) return "no trigger has a name";
  const more = names.length > SHOWN_NAME_COUNT ? `, and ${names.length - SHOWN_NAME_COUNT} more` : "";
  return `names of triggers are ${names.slice(0, SHOWN_NAME_COUNT).join(", ")}${more}`;
}

function unary(syntax: Syntax, scope: Scope): Expression {
  const written = textAt(syntax, "operator");
  const operator: UnaryOperator = written === "-" || written === "+" ? written : "!";
  return { type: "unary", operator, operand: part(syntax, "argument", scope).expression };
}

function binary(syntax: Syntax, scope: Scope): Expression {
  const written = textAt(syntax, "operator");
  const isNegated = written.startsWith("not ");
  const operator = binaryOperator(isNegated ? written.slice(4) : written);
  if (operator === undefined) throw badFormula(`the operator ${written} is not supported`);
  const left = part(syntax, "left", scope);
  const right = part(syntax, "right", scope).expression;
  const joined = joinedUnder(left, (operand) => combined({ operator, left: operand, right }), written);
  return isNegated ? { type: "unary", operator: "!", operand: joined } : joined;
}

/** jsep gives a sign to the next operand alone; here an operator that binds closer takes the operand from under the sign. */
function joinedUnder(left: Read, join: (operand: Read) => Expression, operator: string): Expression {
  const { expression } = left;
  const isBelow =
    expression.type === "unary" &&
    !left.isGrouped &&
    (BINDING[operator] ?? 0) > (UNARY_BINDING[expression.operator] ?? 0);
  if (!isBelow) return join(left);
  const operand = joinedUnder({ expression: expression.operand, isGrouped: false }, join, operator);
  return { ...expression, operand };
}

interface Sides {
  readonly operator: BinaryOperator;
  readonly left: Read;
  readonly right: Expression;
}

function combined({ operator, left, right }: Sides): Expression {
  const { expression, isGrouped } = left;
  if (expression.type === "binary" && !isGrouped) {
    if (expression.operator === "??" && operator !== "??") {
      throw badFormula(`?? and ${operator} may not be mixed; put brackets around one of them`);
    }
    const last = COMPARISONS.includes(operator) ? lastComparison(expression) : undefined;
    if (last !== undefined) {
      // 1 < a < 9 is 1 < a && a < 9.
      const next: Expression = { type: "binary", operator, left: last.right, right };
      return { type: "binary", operator: "&&", left: expression, right: next };
    }
  }
  if (operator === "%") {
    const fraction = [expression, right].find(isFraction);
    if (fraction !== undefined) throw badFormula("% takes whole numbers only; use int() on the values of triggers");
  }
  return { type: "binary", operator, left: expression, right };
}

type Binary = Extract<Expression, { type: "binary" }>;

function lastComparison(expression: Binary): Binary | undefined {
  if (COMPARISONS.includes(expression.operator)) return expression;
  const isChain = expression.operator === "&&" && expression.right.type === "binary";
  return isChain && expression.right.type === "binary" ? lastComparison(expression.right) : undefined;
}

function call(syntax: Syntax, scope: Scope): Expression {
  const callee = child(syntax, "callee");
  if (callee.type !== "Identifier") throw badFormula("only functions can be called");
  const called = textAt(callee, "name");
  const known = functions.get(called);
  if (known === undefined)
    throw badFormula(`unknown function "${called}"; there are ${[...functions.keys()].join(", ")}`);
  const given = parts(syntax, "arguments");
  const { atLeast, atMost } = known;
  if (given.length < atLeast || given.length > atMost) {
    throw badFormula(`${called}() takes ${countText(atLeast, atMost)}, not ${given.length}`);
  }
  const read = given.map((argument, i) => argumentOf(argument, scope, known.hasPredicate && i === 1));
  return { type: "call", name: called, arguments: read };
}

function countText(atLeast: number, atMost: number): string {
  if (atMost === Number.POSITIVE_INFINITY) return `at least ${atLeast} arguments`;
  return atLeast === atMost ? `${atLeast} arguments` : `${atLeast} to ${atMost} arguments`;
}

function argumentOf(syntax: Syntax, scope: Scope, isPredicate: boolean): Expression {
  if (!isPredicate) return read(syntax, scope).expression;
  const content = syntax.type === BLOCK ? child(syntax, "content") : syntax;
  return read(content, { ...scope, isPredicate: true }).expression;
}

function member(syntax: Syntax, scope: Scope): Expression {
  if (syntax["computed"] !== true || syntax["optional"] === true) throw badFormula("values have no fields");
  const list = part(syntax, "object", scope).expression;
  const index = part(syntax, "property", scope).expression;
  if (isFraction(index))
    throw badFormula("a list is indexed by whole numbers only; use int() on the values of triggers");
  return { type: "index", list, index };
}

const FRACTION_FUNCTIONS: readonly string[] = ["ceil", "floor", "round", "float", "mean", "median"];

/** Whether its type is a float to expr-lang, whatever its value is; metrics are. */
function isFraction(expression: Expression): boolean {
  switch (expression.type) {
    case "literal":
      return expression.isFraction;
    case "name":
      return true;
    case "unary":
      return isFraction(expression.operand);
    case "binary":
      if (["+", "-", "*"].includes(expression.operator)) return [expression.left, expression.right].some(isFraction);
      return expression.operator === "/" || expression.operator === "**";
    case "call": {
      const [first] = expression.arguments;
      if (expression.name === "abs" && first !== undefined) return isFraction(first);
      return FRACTION_FUNCTIONS.includes(expression.name);
    }
    case "element":
    case "list":
    case "index":
    case "choice":
      return false;
  }
}

function part(syntax: Syntax, key: string, scope: Scope): Read {
  return read(child(syntax, key), scope);
}

function child(syntax: Syntax, key: string): Syntax {
  const value = syntax[key];
  if (!isSyntax(value)) throw badFormula(`something is missing in a ${syntax.type}`);
  return value;
}

function textAt(syntax: Syntax, key: string): string {
  const value = syntax[key];
  return typeof value === "string" ? value : "";
}

function parts(syntax: Syntax, key: string): readonly Syntax[] {
  const value = syntax[key];
  if (!Array.isArray(value)) throw badFormula(`something is missing in a ${syntax.type}`);
  return value.map((item: unknown) => {
    if (!isSyntax(item)) throw badFormula("an element is missing between two commas");
    return item;
  });
}

function isSyntax(value: unknown): value is Syntax {
  return typeof value === "object" && value !== null && "type" in value;
}
