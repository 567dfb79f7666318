import { type Expr, unwrapParens } from "./ast.ts";
import { createLabels, emptyLabels, type Labels, METRIC_NAME } from "./labels.ts";

/**
 * The labels that a missing series would have had: those that the selector asks for by equality, and only once.
 *
 * Source: Prometheus documentation, `absent`; `promql.createLabelsForAbsentFunction`.
 */
export function absentLabels(expr: Expr): Labels {
  const inner = unwrapParens(expr);
  const selector = inner.kind === "matrixSelector" ? inner.selector : inner;
  if (selector.kind !== "vectorSelector") return emptyLabels;
  const wanted = selector.matchers.filter(({ name }) => name !== METRIC_NAME);
  const isUnique = (name: string): boolean => wanted.filter((matcher) => matcher.name === name).length === 1;
  return createLabels(
    wanted.filter(({ name, op }) => op === "=" && isUnique(name)).map(({ name, value }) => [name, value] as const),
  );
}
