import { parser as editorParser } from "@prometheus-io/lezer-promql";
import { expect, test } from "vitest";
import { parsePromql } from "./parse.ts";
import { printPromql } from "./print.ts";

function message(text: string): string {
  const result = parsePromql(text);
  if (result.ok) throw new Error(`${text} was accepted`);
  return result.error.message;
}

function canonical(text: string): string {
  const result = parsePromql(text);
  if (!result.ok) throw new Error(`${text}: ${result.error.message}`);
  return printPromql(result.value);
}

test.each([
  ["", "1:1: parse error: no expression found in input"],
  ["sum(", "1:5: parse error: unclosed left parenthesis"],
  ["(a + b", "1:7: parse error: unclosed left parenthesis"],
  ["a +", "1:4: parse error: unexpected end of input"],
  ["foo{", '1:5: parse error: unexpected end of input inside braces, expected label name or "}"'],
  ["foo{a}", '1:6: parse error: unexpected "}" inside braces, expected label matching operator'],
  ['foo{a="x"', '1:10: parse error: unexpected end of input inside braces, expected ","'],
  ["foo bar", '1:5: parse error: unexpected identifier "bar"'],
  ['foo{a="x', "1:7: parse error: unterminated quoted string"],
  ["{}", "1:1: parse error: vector selector must contain at least one non-empty matcher"],
  ['{a=~".*"}', "1:1: parse error: vector selector must contain at least one non-empty matcher"],
  ['foo{a=~"("}', "1:8: parse error: "],
  ['a{__name__="b"}', '1:1: parse error: metric name must not be set twice: "a" or "b"'],
  ["rate(foo)", '1:6: parse error: expected type range vector in call to function "rate", got instant vector'],
  ["rate(foo[5m], 1)", '1:1: parse error: expected 1 argument(s) in call to "rate", got 2'],
  ["clamp(foo, 1)", '1:1: parse error: expected 3 argument(s) in call to "clamp", got 2'],
  ["nosuch(foo)", '1:1: parse error: unknown function with name "nosuch"'],
  ["foo[5m]\n+ 1", "1:1: parse error: binary expression must contain only scalar and instant vector types"],
  ["1 +\n2 > 3", "2:3: parse error: comparisons between scalars must use BOOL modifier"],
  ["foo + bool bar", "1:5: parse error: bool modifier can only be used on comparison operators"],
  ["1 and foo", '1:3: parse error: set operator "and" not allowed in binary scalar expression'],
  ["a + on(x) group_left(x) b", '1:1: parse error: label "x" must not occur in ON and GROUP clause at once'],
  ["a and on(x) group_left() b", '1:1: parse error: no grouping allowed for "and" operation'],
  ["sum(foo)[5m]", "1:9: parse error: ranges only allowed for vector selectors"],
  ["foo[5m][5m]", "1:8: parse error: ranges only allowed for vector selectors"],
  ["foo offset 5m offset 1m", "1:15: parse error: offset may not be set multiple times per selector"],
  ["foo offset 5m[1m]", "1:14: parse error: no offset modifiers allowed before range"],
  ["sum(foo) offset 5m", "1:10: parse error: offset modifier must be preceded by an instant vector selector"],
  ["foo[0s]", "1:5: parse error: duration must be greater than 0"],
  ["foo[5x]", '1:5: parse error: bad number or duration syntax: "5x"'],
  ["topk(foo)", "1:1: parse error: wrong number of arguments for aggregate expression provided, expected 2, got 1"],
  ["foo $ bar", '1:5: parse error: unexpected character: "$"'],
  ["line1 +\n  )", '2:3: parse error: unexpected ")"'],
])("parsePromql: refuses %j", (text, expected) => {
  expect(message(text)).toContain(expected);
});

test("parsePromql: bounds length and nesting", () => {
  expect(message(`${"(".repeat(300)}1${")".repeat(300)}`)).toContain("more than 200 levels of nesting");
  expect(message("-".repeat(5000) + "1")).toContain("more than 200 levels of nesting");
  expect(message(`1${" + 1".repeat(20_000)}`)).toContain("more than 1000 operations");
  expect(message(`a${"[5m:]".repeat(10_000)}`)).toContain("more than 1000 operations");
  expect(canonical(`a${" + a".repeat(1000)}`)).toContain("a + a");
  const chain = " + 1".repeat(100);
  expect(message(`${"(".repeat(100)}1${`${chain})`.repeat(100)}`)).toContain("more than 1000 operations");
  expect(message("a".repeat(100_001))).toContain("at most 100000");
});

test.each([
  ["-1^2", "-1 ^ 2"],
  ["SUM(x) by(a,b)", "sum by (a, b) (x)"],
  ["sum without()(x)", "sum without () (x)"],
  ["topk by (a) (3, x)", "topk by (a) (3, x)"],
  ['foo{a="b",c!~"d|e"}[90s] offset -1h @ 10', 'foo{a="b",c!~"d|e"}[1m30s] @ 10.000 offset -1h'],
  ["a+on(x)group_left(y)b", "a + on (x) group_left (y) b"],
  ["a > bool ignoring(x) b", "a > bool ignoring (x) b"],
  ["max_over_time(rate(foo[1m])[1h:]  @ end())", "max_over_time(rate(foo[1m])[1h:] @ end())"],
  ['{"my.metric", "a.b"=~\'x\\n\'}', '{"my.metric","a.b"=~"x\\n"}'],
  ["foo[5m*2]", "foo[10m]"],
  ["1h30m + 0x10 + 1_000", "5400 + 16 + 1000"],
  ["min_of(1, 2)", "min_of(1, 2)"],
  ["a # comment\n + b", "a + b"],
  ["a offset 5m / 2 - b @ 10 * 3", "a offset 5m / 2 - b @ 10.000 * 3"],
])("printPromql: %j", (text, expected) => {
  expect(canonical(text)).toBe(expected);
  expect(canonical(expected)).toBe(expected);
});

test("parsePromql: accepts nothing that Prometheus' editor grammar refuses", () => {
  const queries = [
    'sum by (a) (rate(foo{a="b",c!~"x"}[5m] offset 5m))',
    'histogram_quantile(0.99, sum(rate(x_bucket{le!=""}[1m])) by (le))',
    "a + on (x) group_left (y) b",
    "max_over_time(rate(foo[1m])[1h:5m] @ end() offset 1m)",
    'count_values without (a) ("x", foo) or vector(0)',
    "-foo ^ 2 atan2 bar >= bool 3",
    '{"my.metric", a="b"}',
  ];
  for (const query of queries) {
    expect(parsePromql(query)).toMatchObject({ ok: true });
    let hasError = false;
    editorParser.parse(query).iterate({
      enter: (node) => {
        hasError ||= node.type.isError;
      },
    });
    expect({ query, hasError }).toEqual({ query, hasError: false });
  }
});
