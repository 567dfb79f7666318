import type { LabelMatcher } from "./matcher.ts";

/** Where an expression starts in the query: line and column from 1, columns counted in UTF-16 units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** The time of an `@` modifier: a fixed moment, or the bounds of the query. */
export type AtModifier = { readonly kind: "time"; readonly timeMs: number } | { readonly kind: "start" | "end" };

/** `offset` and `@`, which selectors and subqueries share. A positive offset looks into the past. */
export interface TimeShift {
  readonly offsetMs: number;
  readonly at?: AtModifier;
}

export interface NumberLiteral {
  readonly kind: "number";
  readonly value: number;
  readonly where: Position;
}

export interface StringLiteral {
  readonly kind: "string";
  readonly value: string;
  readonly where: Position;
}

export interface VectorSelector extends TimeShift {
  readonly kind: "vectorSelector";
  /** All matchers, the one on `__name__` included. */
  readonly matchers: readonly LabelMatcher[];
  readonly where: Position;
}

export interface MatrixSelector {
  readonly kind: "matrixSelector";
  readonly selector: VectorSelector;
  readonly rangeMs: number;
  readonly where: Position;
}

export interface Subquery extends TimeShift {
  readonly kind: "subquery";
  readonly expr: Expr;
  readonly rangeMs: number;
  /** Absent: the default resolution of the evaluation. */
  readonly stepMs?: number;
  readonly where: Position;
}

export const AGGREGATION_OPERATORS = [
  "avg",
  "bottomk",
  "count",
  "count_values",
  "group",
  "limit_ratio",
  "limitk",
  "max",
  "min",
  "quantile",
  "stddev",
  "stdvar",
  "sum",
  "topk",
] as const;
export type AggregationOperator = (typeof AGGREGATION_OPERATORS)[number];

/** `by (labels)` or `without (labels)`; an aggregation without either is `by ()`. */
export interface Grouping {
  readonly without: boolean;
  readonly labels: readonly string[];
}

export interface Aggregation {
  readonly kind: "aggregation";
  readonly op: AggregationOperator;
  readonly grouping: Grouping;
  readonly param?: Expr;
  readonly expr: Expr;
  readonly where: Position;
}

export interface Call {
  readonly kind: "call";
  readonly func: string;
  readonly args: readonly Expr[];
  readonly where: Position;
}

export type ArithmeticOperator = "+" | "-" | "*" | "/" | "%" | "^" | "atan2";
export type ComparisonOperator = "==" | "!=" | ">" | "<" | ">=" | "<=";
export type SetOperator = "and" | "or" | "unless";
export type BinaryOperator = ArithmeticOperator | ComparisonOperator | SetOperator;

/** How the elements of two vectors find each other. */
export interface VectorMatching {
  readonly cardinality: "one-to-one" | "many-to-one" | "one-to-many" | "many-to-many";
  /** True for `on (labels)`, false for `ignoring (labels)`. */
  readonly on: boolean;
  readonly labels: readonly string[];
  /** Labels that `group_left` or `group_right` copies from the one side. */
  readonly include: readonly string[];
}

export interface Binary {
  readonly kind: "binary";
  readonly op: BinaryOperator;
  readonly left: Expr;
  readonly right: Expr;
  /** `bool`: a comparison yields 0 or 1 and filters nothing. */
  readonly returnsBool: boolean;
  /** Present when something about the matching was written, or the operator is a set operator. */
  readonly matching?: VectorMatching;
  readonly where: Position;
  /** Where the operator stands. */
  readonly opWhere: Position;
}

export interface Unary {
  readonly kind: "unary";
  readonly op: "+" | "-";
  readonly expr: Expr;
  readonly where: Position;
}

export interface Paren {
  readonly kind: "paren";
  readonly expr: Expr;
  readonly where: Position;
}

/** A PromQL expression. Source: Prometheus documentation, "Querying basics" and "Operators". */
export type Expr =
  | NumberLiteral
  | StringLiteral
  | VectorSelector
  | MatrixSelector
  | Subquery
  | Aggregation
  | Call
  | Binary
  | Unary
  | Paren;

/** The static type of an expression; `matrix` is a range vector. */
export type ValueType = "scalar" | "vector" | "matrix" | "string";

/** Takes parentheses off. */
export function unwrapParens(expr: Expr): Expr {
  let inner = expr;
  while (inner.kind === "paren") inner = inner.expr;
  return inner;
}

export function isComparison(op: BinaryOperator): op is ComparisonOperator {
  return op === "==" || op === "!=" || op === ">" || op === "<" || op === ">=" || op === "<=";
}

export function isSetOperator(op: BinaryOperator): op is SetOperator {
  return op === "and" || op === "or" || op === "unless";
}
