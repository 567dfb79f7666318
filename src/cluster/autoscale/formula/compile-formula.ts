import { err, Failure, messageOf, ok, type Result } from "#base";
import { evaluateExpression } from "./evaluate-expression.ts";
import type { Expression } from "./expression.ts";
import { floatOf } from "./functions.ts";
import { parseText } from "./parse-text.ts";
import { readExpression } from "./read-expression.ts";

/** A formula of `scalingModifiers`, ready to be computed. */
export interface Formula {
  /**
   * Computes it from the triggers' values. It has no value, `undefined`, only when it asks for missing ones by `??` and none
   * of them is there.
   */
  evaluate(values: Readonly<Record<string, number | undefined>>): Result<number | undefined, string>;
}

/** What every trigger has when a formula is tried. Source: keda-hpa-spec 3.1. */
const TRIAL_VALUE = -1;

/**
 * Reads a formula over the names of triggers: a subset of expr-lang without ranges, maps, pipes, `let`, `matches` and fields.
 * It is tried once, so that a formula whose types do not fit is found here, as in KEDA.
 *
 * Source: keda-hpa-spec 10; expr-lang 1.17.
 *
 * @example compileFormula("max(queue / 2, rate)", ["queue", "rate"])
 */
export function compileFormula(text: string, names: readonly string[]): Result<Formula, string> {
  const parsed = parseText(text);
  if (!parsed.ok) return err(refusal(text, parsed.error));
  const compiled = caught(() => {
    const expression = readExpression(parsed.value, names);
    const hasCoalescing = usesCoalescing(expression);
    const run = (values: Readonly<Record<string, number | undefined>>): number | undefined => {
      const value = evaluateExpression(expression, values);
      return value === null && hasCoalescing ? undefined : floatOf(value);
    };
    run(Object.fromEntries(names.map((name) => [name, TRIAL_VALUE])));
    return run;
  });
  if (!compiled.ok) return err(refusal(text, compiled.error));
  const run = compiled.value;
  return ok({ evaluate: (values) => evaluated(text, () => run(values)) });
}

function evaluated(text: string, run: () => number | undefined): Result<number | undefined, string> {
  const result = caught(run);
  const finding = result.ok ? infinity(result.value) : result.error;
  return finding === undefined
    ? result
    : err(`Cannot compute the formula ${JSON.stringify(shortened(text))}: ${finding}`);
}

function infinity(value: number | undefined): string | undefined {
  return value === undefined || Number.isFinite(value) ? undefined : `the result is ${value}`;
}

/** Turns what is thrown about the formula into a value; bugs go on. */
function caught<T>(action: () => T): Result<T, string> {
  try {
    return ok(action());
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === "BadFormula") return err(messageOf(thrown));
    throw thrown;
  }
}

function refusal(text: string, finding: string): string {
  return `Cannot use the formula ${JSON.stringify(shortened(text))}: ${finding}`;
}

const SHOWN_LENGTH = 200;

function shortened(text: string): string {
  return text.length <= SHOWN_LENGTH ? text : `${text.slice(0, SHOWN_LENGTH)}…`;
}

function usesCoalescing(expression: Expression): boolean {
  switch (expression.type) {
    case "binary":
      return expression.operator === "??" || [expression.left, expression.right].some(usesCoalescing);
    case "unary":
      return usesCoalescing(expression.operand);
    case "choice":
      return [expression.test, expression.yes, expression.no].some(usesCoalescing);
    case "list":
      return expression.items.some(usesCoalescing);
    case "index":
      return [expression.list, expression.index].some(usesCoalescing);
    case "call":
      return expression.arguments.some(usesCoalescing);
    case "literal":
    case "name":
    case "element":
      return false;
  }
}
