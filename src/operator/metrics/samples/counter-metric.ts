import { compileMatcher, type LabelMatcher, parsePromql } from "#promql";
import { err, ok, type Result } from "#base";
import type { ArmName } from "#stats";

/** A metric that is counted: which raw counters of which copy belong to it, and what they mean. */
export interface CounterMetric {
  readonly name: string;
  readonly kind: "counts" | "latency";
  readonly selectors: readonly CounterSelector[];
  /** Whether the requests of a series of requests failed. */
  readonly isBad: LabelTest;
  /** The labels that `isBad` looks at. */
  readonly badLabels: readonly string[];
  /** Makes milliseconds of the bounds of a histogram. */
  readonly boundFactor: number;
}

/** A series may be all requests, those that failed, or a bucket of a histogram. */
export interface CounterSelector {
  readonly arm: ArmName;
  readonly role: "requests" | "bad" | "bucket";
  readonly matchers: readonly LabelMatcher[];
}

export type LabelTest = (labels: Readonly<Record<string, string>>) => boolean;

/** The matchers of a text such as `name{label="value"}`; the error says why it selects no raw counters. */
export function parseSelector(text: string): Result<readonly LabelMatcher[], string> {
  const parsed = parsePromql(text);
  if (!parsed.ok) return err(parsed.error.message);
  let expr = parsed.value;
  while (expr.kind === "paren") expr = expr.expr;
  switch (expr.kind) {
    case "vectorSelector": {
      if (expr.offsetMs !== 0 || expr.at !== undefined) return err("it looks at another time; leave out offset and @");
      const broken = expr.matchers.map(compileMatcher).find((test) => !test.ok);
      return broken === undefined || broken.ok ? ok(expr.matchers) : err(broken.error);
    }
    case "matrixSelector":
      return err("it has a window in brackets; write the selector alone, the window is added");
    case "call":
      return err(
        `it calls ${expr.func}(); counts are taken from raw values, so write the selector of the counter alone`,
      );
    case "aggregation":
      return err(
        `it aggregates with ${expr.op}(); what restarted cannot be told from a sum, so write the selector of the counter alone`,
      );
    case "binary":
    case "number":
    case "string":
    case "subquery":
    case "unary":
      return err('it is no selector; write one such as requests_total{app="{{ target }}"}');
  }
}

/** Whether labels satisfy all matchers; a missing label is an empty one. The matchers are of {@link parseSelector}. */
export function matches(matchers: readonly LabelMatcher[]): LabelTest {
  const tests = matchers.flatMap((matcher) => {
    const test = compileMatcher(matcher);
    return test.ok ? [{ name: matcher.name, holds: test.value }] : [];
  });
  return (labels) => tests.every(({ name, holds }) => holds(labels[name] ?? ""));
}

/** What tells processes apart: the labels that a scrape adds, and those that common rules make of them. */
export const PROCESS_LABELS = [
  "cluster",
  "instance",
  "job",
  "kubernetes_namespace",
  "kubernetes_pod_name",
  "namespace",
  "pod",
  "pod_name",
] as const;

/** The process that counts; the counters of one begin at 0 together. */
export function processOf(labels: Readonly<Record<string, string>>): string {
  const parts = PROCESS_LABELS.flatMap((name) => (labels[name] === undefined ? [] : [`${name}=${labels[name]}`]));
  return parts.join(",");
}

const POD_LABELS = ["pod", "pod_name", "kubernetes_pod_name", "instance"] as const;

/** What a process is known by although its other labels change, as they do when rules of a scrape are edited. */
export function podOf(labels: Readonly<Record<string, string>>): string {
  return POD_LABELS.map((name) => labels[name]).find((value) => value !== undefined) ?? "";
}
