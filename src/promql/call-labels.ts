import type { RE2JS } from "re2js";
import type { Call } from "./ast.ts";
import { EvaluationFault, type GridSeries, joinSeries } from "./evaluation.ts";
import { isLabelName, type Labels, labelValue, withLabels } from "./labels.ts";
import { compilePattern } from "./matcher.ts";
import { quote } from "./quoting.ts";
import { argument, evaluateString, evaluateVector, type Scope } from "./scope.ts";
import { sortByLabels } from "./sort.ts";

/** Functions that change or order by labels. */
export const labelFunctions: ReadonlySet<string> = new Set([
  "label_join",
  "label_replace",
  "sort_by_label",
  "sort_by_label_desc",
]);

export function callLabelFunction(scope: Scope, call: Call): readonly GridSeries[] {
  const vector = evaluateVector(scope, argument(call, 0));
  const texts = call.args.slice(1).map((arg) => evaluateString(scope, arg));
  switch (call.func) {
    case "label_replace":
      return labelReplace(vector, texts);
    case "label_join":
      return labelJoin(vector, texts);
    default:
      return sortByLabels(vector, { names: texts, descending: call.func === "sort_by_label_desc" });
  }
}

function relabel(vector: readonly GridSeries[], change: (labels: Labels) => Labels): readonly GridSeries[] {
  return joinSeries(vector.map((series) => ({ ...series, labels: change(series.labels) })));
}

function labelReplace(
  vector: readonly GridSeries[],
  [target = "", replacement = "", source = "", pattern = ""]: readonly string[],
): readonly GridSeries[] {
  const compiled = compilePattern(pattern);
  if (!compiled.ok) {
    throw new EvaluationFault(`invalid regular expression in label_replace(): ${pattern}: ${compiled.error}`);
  }
  checkLabelName(target, "label_replace");
  return relabel(vector, (labels) => {
    const value = expand(compiled.value, { replacement, text: labelValue(labels, source) });
    return value === undefined ? labels : withLabels(labels, [[target, value]]);
  });
}

/** Fills `$1`, `${1}`, `$name` and `$$` from a full match; `undefined` without one. Source: Go `regexp.Regexp.Expand`. */
function expand(
  regex: RE2JS,
  { replacement, text }: { readonly replacement: string; readonly text: string },
): string | undefined {
  const matcher = regex.matcher(text);
  if (!matcher.matches()) return undefined;
  const named = regex.namedGroups();
  return replacement.replace(/\$(?:\$|\{\w+\}|\w+)/g, (reference) => {
    if (reference === "$$") return "$";
    const name = reference.replace(/[${}]/g, "");
    const index = /^\d+$/.test(name) ? Number(name) : named[name];
    return index === undefined || index > matcher.groupCount() ? "" : (matcher.group(index) ?? "");
  });
}

function labelJoin(
  vector: readonly GridSeries[],
  [target = "", separator = "", ...sources]: readonly string[],
): readonly GridSeries[] {
  checkLabelName(target, "label_join");
  for (const source of sources) {
    if (!isLabelName(source)) throw new EvaluationFault(`invalid source label name in label_join(): ${quote(source)}`);
  }
  return relabel(vector, (labels) =>
    withLabels(labels, [[target, sources.map((source) => labelValue(labels, source)).join(separator)]]),
  );
}

function checkLabelName(name: string, func: string): void {
  if (!isLabelName(name)) throw new EvaluationFault(`invalid destination label name in ${func}(): ${quote(name)}`);
}
