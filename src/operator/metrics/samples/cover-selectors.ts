import { type LabelMatcher, METRIC_NAME, printPromql } from "#promql";
import type { CounterSelector } from "./counter-metric.ts";

/**
 * One selector that takes at least what several take, so that one query answers for both copies and several metrics; undefined
 * where it would take much more than they do.
 *
 * Labels that each selector asks for by a value, or by a pattern, become alternatives. Conditions that not all have are left
 * out, which only a selector of failed requests may lose: it looks at a part of what another one takes.
 */
export function coverSelectors(selectors: readonly CounterSelector[]): readonly LabelMatcher[] | undefined {
  const [first] = selectors;
  if (first === undefined) return undefined;
  const cover: LabelMatcher[] = [];
  for (const name of new Set(first.matchers.map((matcher) => matcher.name))) {
    const ofAll = selectors.map(({ matchers }) => matchers.filter((matcher) => matcher.name === name));
    const shared = (ofAll[0] ?? []).filter((one) => ofAll.every((list) => list.some((other) => isSame(one, other))));
    if (shared.length > 0) cover.push(...shared);
    else {
      const positive = ofAll.map((list) => list.filter(isPositive));
      if (positive.every((list) => list.length === 1)) cover.push(alternatives(name, positive.flat()));
    }
  }
  const kept = new Set(cover.map((matcher) => matcher.name));
  const wholes = selectors.filter(({ role }) => role !== "bad");
  const names = new Set(wholes.map(nameOf));
  const isCovered = ({ role, matchers, ...selector }: CounterSelector): boolean =>
    (role === "bad" && names.has(nameOf({ role, matchers, ...selector }))) ||
    matchers.every((matcher) => kept.has(matcher.name) || !isPositive(matcher));
  return kept.has(METRIC_NAME) && selectors.every(isCovered) ? cover : undefined;
}

function isSame(a: LabelMatcher, b: LabelMatcher): boolean {
  return a.name === b.name && a.op === b.op && a.value === b.value;
}

function isPositive({ op, value }: LabelMatcher): boolean {
  return (op === "=" && value !== "") || op === "=~";
}

function nameOf({ matchers }: CounterSelector): string {
  return matchers.find(({ name }) => name === METRIC_NAME)?.value ?? "";
}

function alternatives(name: string, matchers: readonly LabelMatcher[]): LabelMatcher {
  const patterns = [...new Set(matchers.map(({ op, value }) => (op === "=" ? literal(value) : value)))].sort();
  const grouped = patterns.map((pattern) => (pattern.includes("|") ? `(?:${pattern})` : pattern));
  return { name, op: "=~", value: grouped.join("|") };
}

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

/** The matchers as a selector with a window. */
export function rangeQuery(matchers: readonly LabelMatcher[], windowMs: number): string {
  const selector = { kind: "vectorSelector", matchers, offsetMs: 0, where: NOWHERE } as const;
  return printPromql({ kind: "matrixSelector", selector, rangeMs: windowMs, where: NOWHERE });
}

const NOWHERE = { line: 1, column: 1 };
