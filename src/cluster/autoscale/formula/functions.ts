import { badFormula, type FormulaValue } from "./expression.ts";

/** Functions of formulas. Source: expr-lang 1.17 `builtin`; empty lists give 0 for sums and means, nil for bounds. */
export interface FormulaFunction {
  readonly atLeast: number;
  readonly atMost: number;
  /** Whether the second argument is asked about each element rather than evaluated once. */
  readonly hasPredicate: boolean;
  apply(values: readonly FormulaValue[], ask: Predicate | undefined): FormulaValue;
}

export type Predicate = (element: FormulaValue) => FormulaValue;

function ofNumber(name: string, compute: (value: number) => number): FormulaFunction {
  return { atLeast: 1, atMost: 1, hasPredicate: false, apply: ([value]) => compute(numberOf(value, `${name}()`)) };
}

/** Takes numbers and lists of them, to any depth. */
function ofNumbers(name: string, compute: (values: readonly number[]) => FormulaValue): FormulaFunction {
  return {
    atLeast: 1,
    atMost: Number.POSITIVE_INFINITY,
    hasPredicate: false,
    apply: (values) => compute(flattened(values, `${name}()`)),
  };
}

/** Asks a predicate about each element of a list. */
function ofList(
  name: string,
  compute: (list: readonly FormulaValue[], ask: Predicate) => FormulaValue,
  isOptional = false,
): FormulaFunction {
  return {
    atLeast: isOptional ? 1 : 2,
    atMost: 2,
    hasPredicate: true,
    apply: ([list], ask) => compute(listOf(list, `${name}()`), ask ?? ((element) => element)),
  };
}

function holding(list: readonly FormulaValue[], ask: Predicate): readonly FormulaValue[] {
  return list.filter((element) => truthOf(ask(element), "a predicate"));
}

export const functions: ReadonlyMap<string, FormulaFunction> = new Map<string, FormulaFunction>([
  ["min", ofNumbers("min", (values) => (values.length === 0 ? null : values.reduce((a, b) => Math.min(a, b))))],
  ["max", ofNumbers("max", (values) => (values.length === 0 ? null : values.reduce((a, b) => Math.max(a, b))))],
  ["mean", ofNumbers("mean", (values) => (values.length === 0 ? 0 : total(values) / values.length))],
  ["median", ofNumbers("median", median)],
  ["sum", ofList("sum", (list, ask) => total(list.map((element) => numberOf(ask(element), "sum()"))), true)],
  ["count", ofList("count", (list, ask) => holding(list, ask).length, true)],
  ["all", ofList("all", (list, ask) => holding(list, ask).length === list.length)],
  ["any", ofList("any", (list, ask) => holding(list, ask).length > 0)],
  ["none", ofList("none", (list, ask) => holding(list, ask).length === 0)],
  ["one", ofList("one", (list, ask) => holding(list, ask).length === 1)],
  ["filter", ofList("filter", holding)],
  ["map", ofList("map", (list, ask) => list.map(ask))],
  ["abs", ofNumber("abs", Math.abs)],
  ["ceil", ofNumber("ceil", Math.ceil)],
  ["floor", ofNumber("floor", Math.floor)],
  ["round", ofNumber("round", roundHalfAway)],
  ["int", { atLeast: 1, atMost: 1, hasPredicate: false, apply: ([value]) => wholeOf(value) }],
  ["float", { atLeast: 1, atMost: 1, hasPredicate: false, apply: ([value]) => floatOf(value) }],
  ["len", { atLeast: 1, atMost: 1, hasPredicate: false, apply: ([value]) => lengthOf(value) }],
]);

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}

/** Half goes away from zero, which Math.round() does for positive numbers only. Source: Go `math.Round`. */
function roundHalfAway(value: number): number {
  const whole = Math.trunc(value);
  return Math.abs(value - whole) >= 0.5 ? whole + Math.sign(value) : whole;
}

function wholeOf(value: FormulaValue | undefined): number {
  if (typeof value !== "string") return Math.trunc(numberOf(value, "int()"));
  if (!/^[+-]?\d+$/.test(value)) throw badFormula(`int() cannot read ${quoted(value)}`);
  return Number(value);
}

/** A number, or a text that is one, as a number. */
export function floatOf(value: FormulaValue | undefined): number {
  if (typeof value !== "string") return numberOf(value, "float()");
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(value)) {
    throw badFormula(`float() cannot read ${quoted(value)}`);
  }
  return Number(value);
}

const QUOTED_MAX = 40;

function quoted(text: string): string {
  return JSON.stringify(text.length > QUOTED_MAX ? `${text.slice(0, QUOTED_MAX)}…` : text);
}

function lengthOf(value: FormulaValue | undefined): number {
  // In characters, as in Go, not in UTF-16 units. Source: expr-lang `len`.
  return typeof value === "string" ? Array.from(value).length : listOf(value, "len()").length;
}

/** Most values that nested lists may have: one that holds another twice, which does so again, doubles with each. Source: ours. */
const VALUE_COUNT_MAX = 10_000;

function flattened(values: readonly FormulaValue[], what: string): readonly number[] {
  const numbers: number[] = [];
  let visitCount = 0;
  const visit = (value: FormulaValue): void => {
    visitCount += 1;
    if (visitCount > VALUE_COUNT_MAX) throw badFormula(`${what} gets more than ${VALUE_COUNT_MAX} values`);
    if (isList(value)) value.forEach(visit);
    else numbers.push(numberOf(value, what));
  };
  values.forEach(visit);
  return numbers;
}

export function numberOf(value: FormulaValue | undefined, what: string): number {
  if (typeof value === "number") return value;
  throw badFormula(`${what} needs a number, not ${kindOf(value)}`);
}

export function truthOf(value: FormulaValue | undefined, what: string): boolean {
  if (typeof value === "boolean") return value;
  throw badFormula(`${what} needs true or false, not ${kindOf(value)}`);
}

export function listOf(value: FormulaValue | undefined, what: string): readonly FormulaValue[] {
  if (isList(value)) return value;
  throw badFormula(`${what} needs a list, not ${kindOf(value)}`);
}

function isList(value: FormulaValue | undefined): value is readonly FormulaValue[] {
  return Array.isArray(value);
}

/** A value's kind, for messages. */
export function kindOf(value: FormulaValue | undefined): string {
  if (value === null || value === undefined) return "nil";
  if (isList(value)) return "a list";
  return typeof value === "boolean" ? String(value) : `a ${typeof value}`;
}
