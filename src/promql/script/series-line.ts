import { createLabels, type Labels, METRIC_NAME } from "../labels.ts";
import { tokenize } from "../lexer.ts";

/** A value of a series line. Native histograms are kept as text: the evaluator has none. */
export type ScriptValue =
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "gap" }
  | { readonly kind: "stale" }
  | { readonly kind: "histogram"; readonly text: string };

export interface SeriesLine {
  readonly labels: Labels;
  readonly values: readonly ScriptValue[];
}

/** Longest series that a line may expand to. */
const MAX_VALUE_COUNT = 100_000;

/** Reads `metric{label="value"} 1 2 _ 3+1x4`. @throws Error that quotes what is wrong */
export function parseSeriesLine(line: string): SeriesLine {
  const end = endOfMetric(line);
  return { labels: parseMetric(line.slice(0, end)), values: parseValues(line.slice(end)) };
}

function endOfMetric(line: string): number {
  const match = /^[a-zA-Z_:][\w:]*/.exec(line);
  const nameEnd = match?.[0].length ?? 0;
  if (line[nameEnd] !== "{") return nameEnd;
  const labels = /\{(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|[^"'`}])*\}/y;
  labels.lastIndex = nameEnd;
  if (labels.exec(line) === null) throw new Error(`unclosed labels in ${JSON.stringify(line)}`);
  return labels.lastIndex;
}

function parseMetric(text: string): Labels {
  const tokens = tokenize(text);
  const entries: [string, string][] = [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i];
    const isPair = tokens[i + 1]?.text === "=" && tokens[i + 2]?.kind === "string";
    if (token?.kind === "identifier" || token?.kind === "string") {
      entries.push(isPair ? [token.text, tokens[i + 2]?.text ?? ""] : [METRIC_NAME, token.text]);
      if (isPair) i += 2;
    }
  }
  return createLabels(entries);
}

function parseValues(text: string): readonly ScriptValue[] {
  const values: ScriptValue[] = [];
  const items = text.match(/(?:\{\{.*?\}\}|[^\s{])+/g) ?? [];
  for (const item of items) {
    for (const value of expandItem(item)) values.push(value);
    if (values.length > MAX_VALUE_COUNT) throw new Error(`more than ${MAX_VALUE_COUNT} values in one series`);
  }
  return values;
}

function expandItem(item: string): readonly ScriptValue[] {
  if (item === "stale") return [{ kind: "stale" }];
  const gap = /^_(?:x(\d+))?$/.exec(item);
  if (gap !== null) return Array.from({ length: Number(gap[1] ?? 1) }, () => ({ kind: "gap" }) as const);
  const histogram = /^(\{\{.*?\}\})(?:[+-]\{\{.*?\}\})?(?:x(\d+))?$/.exec(item);
  if (histogram !== null) {
    const repeat = histogram[2] === undefined ? 1 : Number(histogram[2]) + 1;
    return Array.from({ length: repeat }, () => ({ kind: "histogram", text: histogram[1] ?? "" }) as const);
  }
  const series =
    /^([+-]?(?:[\d.]+(?:e[+-]?\d+)?|inf|nan))(?:([+-](?:[\d.]+(?:e[+-]?\d+)?|inf|nan)))?(?:x(\d+))?$/i.exec(item);
  if (series === null) throw new Error(`cannot read the value ${JSON.stringify(item)}`);
  const start = parseScriptNumber(series[1] ?? "");
  const increment = series[2] === undefined ? 0 : parseScriptNumber(series[2]);
  const times = series[3] === undefined ? 0 : Number(series[3]);
  const values: ScriptValue[] = [];
  let value = start;
  for (let i = 0; i <= times; i++) {
    values.push({ kind: "float", value });
    value += increment;
  }
  return values;
}

/** Reads a number as the scripts write it: `+Inf`, `-inf`, `NaN`, `.5`, `1e3`. @throws Error */
export function parseScriptNumber(text: string): number {
  const special = /^([+-]?)(inf|nan)$/i.exec(text);
  if (special !== null) {
    if (special[2]?.toLowerCase() === "nan") return Number.NaN;
    return special[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  const value = Number(text);
  if (text.trim() === "" || Number.isNaN(value)) throw new Error(`cannot read the number ${JSON.stringify(text)}`);
  return value;
}
