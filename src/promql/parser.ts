import {
  AGGREGATION_OPERATORS,
  type Aggregation,
  type AggregationOperator,
  type AtModifier,
  type BinaryOperator,
  type Expr,
  isSetOperator,
  type Position,
  type Subquery,
  type VectorMatching,
  type VectorSelector,
} from "./ast.ts";
import { SyntaxFault, type Token } from "./lexer.ts";
import { parseMatchers } from "./parse-matchers.ts";
import { locate } from "./position.ts";
import {
  acceptKeyword,
  acceptSymbol,
  expectLabelList,
  expectPositiveDuration,
  expectSignedDuration,
  expectSymbol,
  isKeywordNext,
  isSymbolNext,
  next,
  peek,
  type TokenReader,
  unexpected,
} from "./token-reader.ts";

/** Binding strength of the binary operators; `^` alone is right-associative. Source: Prometheus documentation, "Operators". */
const PRECEDENCE: Readonly<Record<BinaryOperator, number>> = {
  or: 1,
  and: 2,
  unless: 2,
  "==": 3,
  "!=": 3,
  "<=": 3,
  "<": 3,
  ">=": 3,
  ">": 3,
  "+": 4,
  "-": 4,
  "*": 5,
  "/": 5,
  "%": 5,
  atan2: 5,
  "^": 6,
};
const POWER = PRECEDENCE["^"];

/** Deeper nesting would exhaust the stack here or in the evaluator. */
const MAX_DEPTH = 200;
/** A chain such as `a + b + c` nests without a parenthesis being written, so operations are counted too. */
const MAX_OPERATION_COUNT = 1000;

const RESERVED = new Set(["bool", "ignoring", "on", "group_left", "group_right", "offset"]);

/** A recursive-descent parser over the tokens of one query. */
interface Parser {
  readonly text: string;
  readonly reader: TokenReader;
  /** Levels of nesting entered and not yet left. */
  depth: number;
  /** Binary operators and ranges so far. */
  operationCount: number;
}

function where(parser: Parser, token: Token): Position {
  return locate(parser.text, token.offset);
}

/** Parses the whole of a query. @throws SyntaxFault */
export function parseTokens(text: string, tokens: readonly Token[]): Expr {
  const parser: Parser = { text, reader: { tokens, index: 0 }, depth: 0, operationCount: 0 };
  const expr = parseBinary(parser, 1);
  const rest = peek(parser.reader);
  if (rest.kind !== "end") throw unexpected(rest, "");
  return expr;
}

function parseBinary(parser: Parser, minPrecedence: number): Expr {
  if (++parser.depth > MAX_DEPTH)
    throw new SyntaxFault(peek(parser.reader).offset, `more than ${MAX_DEPTH} levels of nesting`);
  let left = parseUnary(parser);
  for (;;) {
    const token = peek(parser.reader);
    const op = binaryOperator(token);
    if (op === undefined || PRECEDENCE[op] < minPrecedence) break;
    countOperation(parser, token);
    next(parser.reader);
    const modifiers = parseModifiers(parser.reader, op);
    const right = parseBinary(parser, op === "^" ? POWER : PRECEDENCE[op] + 1);
    left = { kind: "binary", op, left, right, ...modifiers, where: left.where, opWhere: where(parser, token) };
  }
  parser.depth--;
  return left;
}

function countOperation(parser: Parser, token: Token): void {
  if (++parser.operationCount > MAX_OPERATION_COUNT) {
    throw new SyntaxFault(token.offset, `more than ${MAX_OPERATION_COUNT} operations`);
  }
}

function parseUnary(parser: Parser): Expr {
  const token = peek(parser.reader);
  if (token.kind !== "symbol" || (token.text !== "-" && token.text !== "+")) return parsePostfix(parser);
  next(parser.reader);
  // A sign binds looser than a power and tighter than a product: -2^2 is -(2^2), -a*b is (-a)*b.
  const expr = parseBinary(parser, POWER);
  if (expr.kind === "number")
    return { ...expr, value: token.text === "-" ? -expr.value : expr.value, where: where(parser, token) };
  return { kind: "unary", op: token.text, expr, where: where(parser, token) };
}

function parsePostfix(parser: Parser): Expr {
  let expr = parsePrimary(parser);
  for (;;) {
    const token = peek(parser.reader);
    if (acceptSymbol(parser.reader, "[")) expr = parseRange(parser, expr, token);
    else if (acceptSymbol(parser.reader, "@")) expr = withAt(expr, parseAt(parser.reader), token);
    else if (acceptKeyword(parser.reader, "offset"))
      expr = withOffset(expr, expectSignedDuration(parser.reader, "in offset"), token);
    else return expr;
  }
}

function parsePrimary(parser: Parser): Expr {
  const token = next(parser.reader);
  switch (token.kind) {
    case "number":
      return { kind: "number", value: token.value, where: where(parser, token) };
    case "duration":
      return { kind: "number", value: token.value / 1000, where: where(parser, token) };
    case "string":
      return { kind: "string", value: token.text, where: where(parser, token) };
    case "identifier":
      return parseNamed(parser, token);
    case "symbol":
      if (token.text === "(") {
        const expr = parseBinary(parser, 1);
        expectSymbol(parser.reader, ")", "inside parentheses");
        return { kind: "paren", expr, where: where(parser, token) };
      }
      if (token.text === "{") return selector(parser, token, undefined);
      throw unexpected(token, "");
    case "end":
      throw unexpected(token, "");
  }
}

function parseNamed(parser: Parser, token: Token): Expr {
  const word = token.text.toLowerCase();
  const op = AGGREGATION_OPERATORS.find((name) => name === word);
  if (op !== undefined && startsAggregation(parser.reader)) return parseAggregation(parser, op, token);
  if (isSymbolNext(parser.reader, "("))
    return { kind: "call", func: token.text, args: parseArguments(parser), where: where(parser, token) };
  if (word === "inf" || word === "nan") {
    return {
      kind: "number",
      value: word === "inf" ? Number.POSITIVE_INFINITY : Number.NaN,
      where: where(parser, token),
    };
  }
  if (RESERVED.has(word)) throw unexpected(token, "");
  if (acceptSymbol(parser.reader, "{")) return selector(parser, token, token.text);
  return {
    kind: "vectorSelector",
    matchers: [{ name: "__name__", op: "=", value: token.text }],
    offsetMs: 0,
    where: where(parser, token),
  };
}

function selector(parser: Parser, start: Token, name: string | undefined): VectorSelector {
  return {
    kind: "vectorSelector",
    matchers: parseMatchers(parser.reader, { start, name }),
    offsetMs: 0,
    where: where(parser, start),
  };
}

function parseAggregation(parser: Parser, op: AggregationOperator, start: Token): Aggregation {
  let grouping = parseGrouping(parser.reader);
  const args = parseArguments(parser);
  grouping ??= parseGrouping(parser.reader);
  const takesParam = TAKES_PARAM.has(op);
  const [first, second] = args;
  const wanted = takesParam ? 2 : 1;
  if (args.length !== wanted || first === undefined) {
    throw new SyntaxFault(
      start.offset,
      `wrong number of arguments for aggregate expression provided, expected ${wanted}, got ${args.length}`,
    );
  }
  return {
    kind: "aggregation",
    op,
    grouping: grouping ?? { without: false, labels: [] },
    ...(second === undefined ? { expr: first } : { param: first, expr: second }),
    where: where(parser, start),
  };
}

function parseArguments(parser: Parser): Expr[] {
  const args: Expr[] = [];
  expectSymbol(parser.reader, "(", "in call");
  if (acceptSymbol(parser.reader, ")")) return args;
  do {
    args.push(parseBinary(parser, 1));
  } while (acceptSymbol(parser.reader, ","));
  expectSymbol(parser.reader, ")", "in call");
  return args;
}

function parseRange(parser: Parser, expr: Expr, bracket: Token): Expr {
  countOperation(parser, bracket);
  const rangeMs = expectPositiveDuration(parser.reader, "in range or subquery selector");
  if (acceptSymbol(parser.reader, "]")) {
    if (expr.kind !== "vectorSelector") {
      throw new SyntaxFault(bracket.offset, "ranges only allowed for vector selectors");
    }
    if (expr.offsetMs !== 0) throw new SyntaxFault(bracket.offset, "no offset modifiers allowed before range");
    if (expr.at !== undefined) throw new SyntaxFault(bracket.offset, "no @ modifiers allowed before range");
    return { kind: "matrixSelector", selector: expr, rangeMs, where: expr.where };
  }
  expectSymbol(parser.reader, ":", "in range or subquery selector");
  const subquery: Subquery = { kind: "subquery", expr, rangeMs, offsetMs: 0, where: expr.where };
  if (acceptSymbol(parser.reader, "]")) return subquery;
  const stepMs = expectPositiveDuration(parser.reader, "in subquery selector");
  expectSymbol(parser.reader, "]", "in subquery selector");
  return { ...subquery, stepMs };
}

const TAKES_PARAM: ReadonlySet<AggregationOperator> = new Set([
  "topk",
  "bottomk",
  "limitk",
  "limit_ratio",
  "quantile",
  "count_values",
]);

function binaryOperator(token: Token): BinaryOperator | undefined {
  const word = token.kind === "identifier" ? token.text.toLowerCase() : token.kind === "symbol" ? token.text : "";
  return Object.hasOwn(PRECEDENCE, word) ? (word as BinaryOperator) : undefined;
}

function startsAggregation(reader: TokenReader): boolean {
  return isSymbolNext(reader, "(") || isKeywordNext(reader, "by") || isKeywordNext(reader, "without");
}

function parseGrouping(reader: TokenReader): Aggregation["grouping"] | undefined {
  if (acceptKeyword(reader, "by")) return { without: false, labels: expectLabelList(reader) };
  if (acceptKeyword(reader, "without")) return { without: true, labels: expectLabelList(reader) };
  return undefined;
}

function parseModifiers(
  reader: TokenReader,
  op: BinaryOperator,
): { readonly returnsBool: boolean; readonly matching?: VectorMatching } {
  const returnsBool = acceptKeyword(reader, "bool");
  const on = acceptKeyword(reader, "on");
  const cardinality = isSetOperator(op) ? "many-to-many" : "one-to-one";
  if (!on && !acceptKeyword(reader, "ignoring")) {
    const matching = { cardinality, on: false, labels: [], include: [] } as const;
    return isSetOperator(op) ? { returnsBool, matching } : { returnsBool };
  }
  const labels = expectLabelList(reader);
  const left = acceptKeyword(reader, "group_left");
  if (!left && !acceptKeyword(reader, "group_right")) {
    return { returnsBool, matching: { cardinality, on, labels, include: [] } };
  }
  const include = isSymbolNext(reader, "(") ? expectLabelList(reader) : [];
  return { returnsBool, matching: { cardinality: left ? "many-to-one" : "one-to-many", on, labels, include } };
}

function parseAt(reader: TokenReader): AtModifier {
  for (const kind of ["start", "end"] as const) {
    if (!acceptKeyword(reader, kind)) continue;
    expectSymbol(reader, "(", "in @");
    expectSymbol(reader, ")", "in @");
    return { kind };
  }
  return { kind: "time", timeMs: Math.round(expectSignedDuration(reader, "in @")) };
}

function withAt(expr: Expr, at: AtModifier, token: Token): Expr {
  const selector = shiftable(expr);
  if (selector === undefined) {
    throw new SyntaxFault(
      token.offset,
      `@ modifier must be preceded by ${SHIFTABLE}, but follows a ${nameOf(expr)} instead`,
    );
  }
  if (selector.at !== undefined) {
    throw new SyntaxFault(token.offset, "@ <timestamp> may not be set multiple times per selector");
  }
  return expr.kind === "matrixSelector" ? { ...expr, selector: { ...expr.selector, at } } : { ...selector, at };
}

function withOffset(expr: Expr, offsetMs: number, token: Token): Expr {
  const selector = shiftable(expr);
  if (selector === undefined) {
    throw new SyntaxFault(
      token.offset,
      `offset modifier must be preceded by ${SHIFTABLE}, but follows a ${nameOf(expr)} instead`,
    );
  }
  if (selector.offsetMs !== 0) throw new SyntaxFault(token.offset, "offset may not be set multiple times per selector");
  return expr.kind === "matrixSelector"
    ? { ...expr, selector: { ...expr.selector, offsetMs } }
    : { ...selector, offsetMs };
}

const SHIFTABLE = "an instant vector selector or range vector selector or a subquery";

function shiftable(expr: Expr): VectorSelector | Subquery | undefined {
  if (expr.kind === "matrixSelector") return expr.selector;
  return expr.kind === "vectorSelector" || expr.kind === "subquery" ? expr : undefined;
}

function nameOf(expr: Expr): string {
  const names: Partial<Record<Expr["kind"], string>> = {
    number: "number literal",
    string: "string literal",
    paren: "parenthesis",
  };
  return names[expr.kind] ?? expr.kind;
}
