import { RE2JS } from "re2js";
import { err, ok, type Result } from "#base";
import { quote } from "./quoting.ts";

/** A condition on one label. Regular expressions are RE2 and must match the whole value. */
export interface LabelMatcher {
  readonly name: string;
  readonly op: "=" | "!=" | "=~" | "!~";
  readonly value: string;
}

/** Answers whether a label value (empty when the label is missing) satisfies a matcher. */
export type ValueTest = (value: string) => boolean;

const MAX_PATTERN_LENGTH = 8192;
const MAX_REMEMBERED_VALUES = 10_000;

/**
 * Compiles an anchored RE2 pattern in which `.` matches newlines too.
 *
 * Source: Prometheus `labels.NewFastRegexMatcher`, which compiles `^(?s:PATTERN)$`.
 */
export function compilePattern(pattern: string): Result<RE2JS, string> {
  if (pattern.length > MAX_PATTERN_LENGTH) return err(`pattern of ${pattern.length} characters is too long`);
  try {
    return ok(RE2JS.compile(pattern, RE2JS.DOTALL));
  } catch (thrown) {
    return err(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

/**
 * Turns a matcher into a test. Literals, alternations of them and a literal with `.*` or `.+` around it need no regular
 * expression engine; the answers of the others are remembered per value, as the same few values come again and again.
 */
export function compileMatcher(matcher: LabelMatcher): Result<ValueTest, string> {
  switch (matcher.op) {
    case "=":
      return ok((value) => value === matcher.value);
    case "!=":
      return ok((value) => value !== matcher.value);
    case "=~":
      return compileRegexTest(matcher.value);
    case "!~": {
      const test = compileRegexTest(matcher.value);
      if (!test.ok) return test;
      const matches = test.value;
      return ok((value) => !matches(value));
    }
  }
}

function compileRegexTest(pattern: string): Result<ValueTest, string> {
  const values = literalAlternatives(pattern);
  if (values !== undefined) return ok((value) => values.has(value));
  const simple = /^(\.\*)?([^\\^$.*+?()[\]{}|]*)(\.[*+])?$/.exec(pattern);
  if (simple !== null) return ok(simpleTest({ head: simple[1], literal: simple[2] ?? "", tail: simple[3] }));
  const compiled = compilePattern(pattern);
  if (!compiled.ok) return compiled;
  const regex = compiled.value;
  const remembered = new Map<string, boolean>();
  return ok((value) => {
    const known = remembered.get(value);
    if (known !== undefined) return known;
    const answer = regex.testExact(value);
    if (remembered.size < MAX_REMEMBERED_VALUES) remembered.set(value, answer);
    return answer;
  });
}

interface SimplePattern {
  readonly head: string | undefined;
  readonly literal: string;
  readonly tail: string | undefined;
}

/** `literal.*`, `literal.+`, `.*literal`, `.*literal.*`, and the like with no literal. */
function simpleTest({ head, literal, tail }: SimplePattern): ValueTest {
  const restLength = tail === ".+" ? 1 : 0;
  if (head === undefined) return (value) => value.startsWith(literal) && value.length >= literal.length + restLength;
  if (tail === undefined) return (value) => value.endsWith(literal);
  // The first place leaves the longest rest.
  return (value) => {
    const start = value.indexOf(literal);
    return start !== -1 && value.length >= start + literal.length + restLength;
  };
}

/** The finite set of values that a pattern accepts, when it is only literals joined by `|`. */
export function literalAlternatives(pattern: string): ReadonlySet<string> | undefined {
  return /[\\^$.*+?()[\]{}]/.test(pattern) ? undefined : new Set(pattern.split("|"));
}

/** Writes a matcher as in a selector: `job=~"api|web"`. */
export function formatMatcher(matcher: LabelMatcher): string {
  return `${formatLabelName(matcher.name)}${matcher.op}${quote(matcher.value)}`;
}

/** Writes a label name, quoted when it is not an old-style name. */
export function formatLabelName(name: string): string {
  return /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : quote(name);
}
