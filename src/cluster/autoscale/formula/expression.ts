import { Failure } from "#base";

/** What a formula is made of once it is read. Source of the language: expr-lang 1.17; keda-hpa-spec 10. */
export type Expression =
  | { readonly type: "literal"; readonly value: FormulaValue; readonly isFraction: boolean }
  | { readonly type: "name"; readonly name: string }
  /** `#`: the element that a predicate is asked about. */
  | { readonly type: "element" }
  | { readonly type: "list"; readonly items: readonly Expression[] }
  | { readonly type: "index"; readonly list: Expression; readonly index: Expression }
  | { readonly type: "unary"; readonly operator: UnaryOperator; readonly operand: Expression }
  | {
      readonly type: "binary";
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly type: "choice"; readonly test: Expression; readonly yes: Expression; readonly no: Expression }
  | { readonly type: "call"; readonly name: string; readonly arguments: readonly Expression[] };

/** `null` is `nil`. */
export type FormulaValue = number | string | boolean | null | readonly FormulaValue[];

export type UnaryOperator = "-" | "+" | "!";

export type BinaryOperator = (typeof BINARY_OPERATORS)[number];

const BINARY_OPERATORS = [
  "||",
  "&&",
  "==",
  "!=",
  "<",
  ">",
  "<=",
  ">=",
  "in",
  "contains",
  "startsWith",
  "endsWith",
  "+",
  "-",
  "*",
  "/",
  "%",
  "**",
  "??",
] as const;

/** Operators that are one and the same. */
const SAME: Readonly<Record<string, string>> = { and: "&&", or: "||", "^": "**" };

/** An operator as written, in its one form; undefined when there is none like it. */
export function binaryOperator(written: string): BinaryOperator | undefined {
  const wanted = SAME[written] ?? written;
  return BINARY_OPERATORS.find((operator) => operator === wanted);
}

/** Operators by how closely they bind; the higher the closer. Source: expr-lang `parser/operator`. */
export const BINDING: Readonly<Record<string, number>> = {
  or: 10,
  "||": 10,
  and: 15,
  "&&": 15,
  "==": 20,
  "!=": 20,
  "<": 20,
  ">": 20,
  "<=": 20,
  ">=": 20,
  in: 20,
  contains: 20,
  startsWith: 20,
  endsWith: 20,
  "not in": 20,
  "not contains": 20,
  "not startsWith": 20,
  "not endsWith": 20,
  "+": 30,
  "-": 30,
  "*": 60,
  "/": 60,
  "%": 60,
  "**": 100,
  "^": 100,
  "??": 500,
};

/** As {@link BINDING}, for operators before their operand: `-a ** 2` is `-(a ** 2)`, and `!a == b` is `(!a) == b`. */
export const UNARY_BINDING: Readonly<Record<string, number>> = { not: 50, "!": 50, "-": 90, "+": 90 };

/** Words of the language, which no trigger can be called by. */
export const RESERVED: ReadonlySet<string> = new Set(
  "and or not in contains startsWith endsWith matches let if else true false nil".split(" "),
);

/** What is wrong with a formula, on its way up to whoever compiles or evaluates it. */
export function badFormula(message: string): Failure {
  return new Failure(message, { code: "BadFormula" });
}
