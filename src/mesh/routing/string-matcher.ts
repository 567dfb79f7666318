import { RE2JS } from "re2js";
import type { StringMatch } from "#api";
import { UnusableObject } from "./finding.ts";

/** A compiled StringMatch. `present` asks only that there is a value. */
export type StringMatcher =
  | { readonly kind: "present" }
  | { readonly kind: "exact" | "prefix"; readonly value: string; readonly ignoreCase: boolean }
  | { readonly kind: "regex"; readonly value: string; readonly pattern: RE2JS };

/** Source: istiod's validation of StringMatch. */
const REGEX_LENGTH_MAX = 1024;

/**
 * Compiles one condition. Regular expressions are RE2 and match the whole value; `*` is Istio's word for "any value".
 *
 * @throws UnusableObject when the expression is no RE2 expression.
 */
export function compileStringMatch(match: StringMatch, options: { readonly ignoreCase?: boolean } = {}): StringMatcher {
  const ignoreCase = options.ignoreCase ?? false;
  const fold = (value: string): string => (ignoreCase ? value.toLowerCase() : value);
  if (typeof match.exact === "string") return { kind: "exact", value: fold(match.exact), ignoreCase };
  if (typeof match.prefix === "string") return { kind: "prefix", value: fold(match.prefix), ignoreCase };
  if (typeof match.regex !== "string" || match.regex === "*") return { kind: "present" };
  return { kind: "regex", value: match.regex, pattern: compileRegex(match.regex) };
}

/**
 * Compiles an RE2 expression.
 *
 * @throws UnusableObject quoting the expression and what is wrong with it.
 */
export function compileRegex(text: string): RE2JS {
  if (text.length > REGEX_LENGTH_MAX)
    throw new UnusableObject(`regex has ${text.length} characters; write at most ${REGEX_LENGTH_MAX}`);
  try {
    return RE2JS.compile(text);
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new UnusableObject(`regex "${text}" is no RE2 expression (${reason})`);
  }
}

/** Tells whether a value satisfies the condition; an absent value satisfies none. */
export function matchesString(matcher: StringMatcher, value: string | undefined): boolean {
  if (value === undefined) return false;
  switch (matcher.kind) {
    case "present":
      return true;
    case "exact":
      return (matcher.ignoreCase ? value.toLowerCase() : value) === matcher.value;
    case "prefix":
      return (matcher.ignoreCase ? value.toLowerCase() : value).startsWith(matcher.value);
    case "regex":
      return matcher.pattern.matches(value);
  }
}
