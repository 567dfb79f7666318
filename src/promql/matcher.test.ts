import fc from "fast-check";
import { expect, test } from "vitest";
import { compileMatcher, compilePattern, formatMatcher } from "./matcher.ts";

test("compileMatcher: short cuts answer as the regular expression engine does", () => {
  const pattern = fc.constantFrom(
    "",
    ".*",
    ".+",
    "a",
    "ab|c",
    "a|",
    "ab.*",
    "a.+",
    ".*b",
    ".*a.*",
    ".*a.+",
    ".*",
    "5..",
    "a?b",
    "(?i)AB",
    "a\\.b",
    "^a$",
  );
  const value = fc.oneof(
    fc.constantFrom("", "a", "ab", "abc", "c", "bab", "503", "a\nb", "aa", "AB"),
    fc.string({ maxLength: 4 }),
  );
  fc.assert(
    fc.property(pattern, value, (regex, text) => {
      const engine = compilePattern(regex);
      const matches = compileMatcher({ name: "x", op: "=~", value: regex });
      const refuses = compileMatcher({ name: "x", op: "!~", value: regex });
      expect(engine.ok && matches.ok && refuses.ok).toBe(true);
      const wanted = engine.ok && engine.value.matches(text);
      expect([matches.ok && matches.value(text), refuses.ok && refuses.value(text)]).toEqual([wanted, !wanted]);
    }),
    { numRuns: 1000 },
  );
});

test("compileMatcher: an invalid pattern is refused, a costly one is not slow", () => {
  expect(compileMatcher({ name: "x", op: "=~", value: "(" })).toMatchObject({ ok: false });
  expect(compileMatcher({ name: "x", op: "=~", value: "a".repeat(10_000) + "?" })).toMatchObject({ ok: false });
  const test = compileMatcher({ name: "x", op: "=~", value: "(a+)+b" });
  expect(test.ok && test.value(`${"a".repeat(5000)}!`)).toBe(false);
});

test("formatMatcher: quotes names and values that need it", () => {
  expect(formatMatcher({ name: "job", op: "!=", value: 'a"b' })).toBe('job!="a\\"b"');
  expect(formatMatcher({ name: "a.b", op: "=~", value: "x" })).toBe('"a.b"=~"x"');
});
