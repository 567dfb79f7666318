import type { Problem, Result } from "#base";
import { evaluateInstant, evaluateRange, type QueryResult, type QueryValue } from "../evaluate.ts";
import { formatLabels, type Labels } from "../labels.ts";
import { compilePattern } from "../matcher.ts";
import { parsePromql } from "../parse.ts";
import { createMemoryQueryable, type MemoryQueryable } from "./memory-queryable.ts";
import { type EvalCommand, type Expectations, parseScript } from "./script.ts";
import type { ScriptValue, SeriesLine } from "./series-line.ts";

/** What became of one `eval` command. */
export interface CaseOutcome {
  readonly line: number;
  readonly query: string;
  /** Absent when the case passed. */
  readonly failure?: string;
  /** The case needs native histograms, in its data or in its result. */
  readonly needsNativeHistograms: boolean;
}

/** Runs a script from its text and returns the outcome of each query. @throws Error when the script cannot be read */
export function runScript(text: string): readonly CaseOutcome[] {
  const outcomes: CaseOutcome[] = [];
  let queryable = createMemoryQueryable();
  let hasHistograms = false;
  for (const command of parseScript(text)) {
    switch (command.kind) {
      case "clear":
        queryable = createMemoryQueryable();
        hasHistograms = false;
        break;
      case "load":
        for (const series of command.series) queryable.load(series, command.stepMs);
        hasHistograms ||= command.wantsNativeCopies || command.series.some(hasHistogram);
        break;
      case "eval": {
        const failure = checkCase(command, queryable);
        const { line, query } = command;
        const needsNativeHistograms = hasHistograms || command.series.some(hasHistogram);
        outcomes.push({ line, query, needsNativeHistograms, ...(failure === undefined ? {} : { failure }) });
        break;
      }
    }
  }
  return outcomes;
}

function hasHistogram({ values }: SeriesLine): boolean {
  return values.some(({ kind }) => kind === "histogram");
}

/** Evaluates a case and says what differs from what it expects. */
function checkCase(command: EvalCommand, queryable: MemoryQueryable): string | undefined {
  const { expectations } = command;
  const result = evaluate(command, queryable);
  if (!result.ok) {
    if (!expectations.fails) return `failed: ${result.error.message}`;
    return checkMessages(expectations, "fail", [result.error.message]);
  }
  if (expectations.fails) return "did not fail";
  const { value, warnings, infos } = result.value;
  return checkNotes(expectations, { warnings, infos }) ?? checkValue(command, value);
}

function evaluate(command: EvalCommand, queryable: MemoryQueryable): Result<QueryResult, Problem> {
  const expr = parsePromql(command.query);
  if (!expr.ok) return expr;
  const { startMs, endMs, stepMs } = command;
  if (stepMs === undefined) return evaluateInstant(expr.value, queryable, { timeMs: startMs });
  return evaluateRange(expr.value, queryable, { startMs, endMs, stepMs });
}

interface Notes {
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
}

function checkNotes(expectations: Expectations, { warnings, infos }: Notes): string | undefined {
  if (expectations.warns !== undefined && expectations.warns !== warnings.length > 0) {
    return `${expectations.warns ? "expected a warning" : "expected no warning"}, got ${JSON.stringify(warnings)}`;
  }
  if (expectations.informs !== undefined && expectations.informs !== infos.length > 0) {
    return `${expectations.informs ? "expected an info" : "expected no info"}, got ${JSON.stringify(infos)}`;
  }
  return checkMessages(expectations, "warn", warnings) ?? checkMessages(expectations, "info", infos);
}

function checkMessages(expectations: Expectations, about: string, got: readonly string[]): string | undefined {
  for (const wanted of expectations.messages) {
    if (wanted.about !== about) continue;
    const isMet = got.some((message) =>
      wanted.kind === "msg" ? message === wanted.text : matches(wanted.text, message),
    );
    if (!isMet) return `expected ${about} ${wanted.kind} ${JSON.stringify(wanted.text)}, got ${JSON.stringify(got)}`;
  }
  return undefined;
}

function matches(pattern: string, text: string): boolean {
  const compiled = compilePattern(pattern);
  return compiled.ok && compiled.value.matcher(text).find();
}

function checkValue(command: EvalCommand, value: QueryValue): string | undefined {
  switch (value.type) {
    case "string":
      return value.value === command.expectations.string ? undefined : `got the string ${JSON.stringify(value.value)}`;
    case "scalar":
      if (command.scalar === undefined) return `got the scalar ${value.value}`;
      return isClose(command.scalar, value.value) ? undefined : `expected ${command.scalar}, got ${value.value}`;
    case "vector":
      if (command.scalar !== undefined) return "expected a scalar, got a vector";
      return checkElements(command, value.elements);
    case "matrix":
      return checkMatrix(command, value.series);
  }
}

function checkElements(
  command: EvalCommand,
  elements: readonly { readonly labels: Labels; readonly value: number }[],
): string | undefined {
  const got = new Map(elements.map((element, index) => [element.labels.key, { ...element, index }]));
  if (got.size < elements.length) return "two elements have the same labels";
  for (const [index, { labels, values }] of command.series.entries()) {
    const element = got.get(labels.key);
    const [wanted] = values;
    if (element === undefined) return `expected ${formatLabels(labels)}, got ${describe(elements)}`;
    if (command.expectations.isOrdered && element.index !== index) return `${formatLabels(labels)} is out of order`;
    if (!meets(wanted, element.value)) return `${formatLabels(labels)}: expected ${show(wanted)}, got ${element.value}`;
  }
  return elements.length > command.series.length ? `expected fewer, got ${describe(elements)}` : undefined;
}

function describe(elements: readonly { readonly labels: Labels; readonly value: number }[]): string {
  return `[${elements.map(({ labels, value }) => `${formatLabels(labels)} ${value}`).join(", ")}]`;
}

interface MatrixSeries {
  readonly labels: Labels;
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
}

function checkMatrix(command: EvalCommand, series: readonly MatrixSeries[]): string | undefined {
  const byKey = new Map(series.map((one) => [one.labels.key, one]));
  const expected = command.series.filter(({ values }) => values.some(({ kind }) => kind !== "gap"));
  for (const { labels, values } of expected) {
    const got = byKey.get(labels.key);
    if (got === undefined)
      return `expected ${formatLabels(labels)}, got ${series.map((s) => formatLabels(s.labels)).join(" ")}`;
    const failure = checkSteps(command, values, got);
    if (failure !== undefined) return `${formatLabels(labels)}: ${failure}`;
  }
  if (series.length === expected.length) return undefined;
  return `expected ${expected.length} series, got ${series.map((s) => formatLabels(s.labels)).join(" ")}`;
}

function checkSteps(
  { startMs, endMs, stepMs = 1 }: EvalCommand,
  expected: readonly ScriptValue[],
  { timestamps, values }: MatrixSeries,
): string | undefined {
  const byTime = new Map(Array.from(timestamps, (timeMs, i) => [timeMs, values[i] ?? Number.NaN]));
  const count = Math.floor((endMs - startMs) / stepMs) + 1;
  for (let step = 0; step < count; step++) {
    const wanted = expected[step] ?? { kind: "gap" };
    const got = byTime.get(startMs + step * stepMs);
    const isMet = wanted.kind === "gap" ? got === undefined : got !== undefined && meets(wanted, got);
    if (!isMet) return `step ${step}: expected ${show(wanted)}, got ${got ?? "nothing"}`;
  }
  return undefined;
}

function meets(wanted: ScriptValue | undefined, got: number): boolean {
  return wanted?.kind === "float" && isClose(wanted.value, got);
}

function show(value: ScriptValue | undefined): string {
  if (value?.kind === "float") return String(value.value);
  return value?.kind === "histogram" ? value.text : (value?.kind ?? "nothing");
}

/** Relative tolerance of comparisons. Source: Prometheus `promqltest.defaultEpsilon`. */
const EPSILON = 0.000_001;

function isClose(a: number, b: number): boolean {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) && Number.isNaN(b);
  if (a === b) return true;
  const difference = Math.abs(a - b);
  if (a === 0 || b === 0) return difference < EPSILON * 2.2250738585072014e-308;
  return difference / Math.min(Math.abs(a) + Math.abs(b), Number.MAX_VALUE) < EPSILON;
}
