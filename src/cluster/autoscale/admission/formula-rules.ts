import type { ScaledObject } from "#api";
import type { Problem } from "#base";
import { compileFormula } from "../formula/compile-formula.ts";
import { formulaNames } from "../plan/formula-names.ts";
import { usesModifiers } from "./scale-target.ts";

const PATH = "spec.advanced.scalingModifiers";

/** Rules of `scalingModifiers`. */
export function formulaProblems(scaledObject: ScaledObject): readonly Problem[] {
  const modifiers = scaledObject.spec.advanced?.scalingModifiers;
  if (modifiers === undefined || !usesModifiers(scaledObject)) return [];
  const { formula = "", target = "" } = modifiers;
  // The schema takes no other than the two, but who checks without it shall not be surprised.
  const metricType: string | undefined = modifiers.metricType;
  const code = "scaling-modifiers";
  if (formula === "") {
    return [{ path: `${PATH}.formula`, code, message: "it is missing", fix: "add it, or remove scalingModifiers" }];
  }
  const problems: Problem[] = [];
  const compiled = compileFormula(formula, formulaNames(scaledObject.spec));
  if (!compiled.ok) problems.push({ path: `${PATH}.formula`, code, message: compiled.error });
  if (!(parsedNumber(target) > 0)) {
    const message = target === "" ? "it is missing" : `${JSON.stringify(target)} is not a number above 0`;
    problems.push({
      path: `${PATH}.target`,
      code,
      message,
      fix: "set the value of the formula that each pod shall have",
    });
  }
  if (metricType === "Utilization") {
    const message = '"Utilization" is for cpu and memory; a formula is AverageValue or Value';
    problems.push({ path: `${PATH}.metricType`, code, message });
  }
  return problems;
}

function parsedNumber(text: string): number {
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text) ? Number(text) : Number.NaN;
}
