import { expect, test } from "vitest";
import { formatLabels } from "#promql";
import { type ExpositionFormat, expositionLimits, parseExposition, parseSeries } from "./parse-exposition.ts";

function samples(body: string, format: ExpositionFormat = "prometheus") {
  const parsed = parseExposition(body, format);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value.samples;
}

function problem(body: string, format: ExpositionFormat = "prometheus"): string {
  const parsed = parseExposition(body, format);
  return parsed.ok ? "accepted" : parsed.error;
}

test("parseExposition: text format with comments, timestamps, special values and odd spacing", () => {
  const body =
    '# HELP a Help \\\\ text\n# TYPE a counter\na 1\n\na{b="c"}2 1700000000123\n a { b = "}" , c="\\"" } +Inf\r\nn NaN\nm -inf';
  expect(samples(body)).toEqual([
    { text: "a", value: 1 },
    { text: 'a{b="c"}', value: 2, timestampMs: 1_700_000_000_123 },
    { text: 'a { b = "}" , c="\\"" }', value: Number.POSITIVE_INFINITY },
    { text: "n", value: Number.NaN },
    { text: "m", value: Number.NEGATIVE_INFINITY },
  ]);
  const parsed = parseExposition(body, "prometheus");
  expect(parsed.ok && parsed.value.metadata.get("a")).toEqual({ type: "counter", help: "Help \\ text", unit: "" });
});

test("parseExposition: OpenMetrics with exemplars, seconds and the end mark", () => {
  const body = '# TYPE a counter\n# UNIT a seconds\na_total{x="y"} 3 1.5 # {trace="1"} 0.5 1.4\n# EOF\n';
  expect(samples(body, "openmetrics")).toEqual([{ text: 'a_total{x="y"}', value: 3, timestampMs: 1500 }]);
  expect(problem("a 1\n", "openmetrics")).toBe('the text does not end with "# EOF"');
  expect(problem("# EOF\na 1\n", "openmetrics")).toBe('line 2 follows "# EOF"');
});

test.each([
  ["a", 'line 1 is not a sample: "a"'],
  ['a{b="c" 1', 'line 1 is not a sample: "a{b=\\"c\\" 1"'],
  ["a x", 'line 1 is not a sample: "a x"'],
  ["a 0x10", 'line 1 is not a sample: "a 0x10"'],
  ["ok 1\na 1 2 3", 'line 2 is not a sample: "a 1 2 3"'],
  [`a${"x".repeat(20_000)} 1`, "line 1 has 20003 characters, at most 16384 are allowed"],
])("parseExposition: refuses %#", (body, expected) => {
  expect(problem(body)).toBe(expected);
});

test("parseExposition: bounds the number of samples", () => {
  const limits = { ...expositionLimits, maxSampleCount: 2 };
  expect(parseExposition("a 1\nb 1\nc 1\n", "prometheus", limits)).toEqual({ ok: false, error: "more than 2 samples" });
});

test.each([
  ["a", '{__name__="a"}'],
  ['a{b="c",d="e\\"\\\\\\n"}', '{__name__="a", b="c", d="e\\"\\\\\\n"}'],
  ['a{ b="c" , }', '{__name__="a", b="c"}'],
  ['{"my.metric","a.b"="c"}', '{__name__="my.metric", a.b="c"}'],
  ['a{b=""}', '{__name__="a"}'],
  ['a{__proto__="x"}', '{__name__="a", __proto__="x"}'],
])("parseSeries: %s", (text, expected) => {
  const parsed = parseSeries(text);
  expect(parsed.ok ? formatLabels(parsed.value) : parsed.error).toBe(expected);
});

test.each([
  ["1a", "invalid metric name"],
  ['a{b="1",b="2"}', 'label "b" comes twice'],
  ["a{b}", 'label "b" has no value'],
  ['{b="c"}', "no metric name"],
  ['a{b="c" d="e"}', "cannot read the labels"],
  [`a{${Array.from({ length: 70 }, (_, i) => `l${i}="x"`).join(",")}}`, "more than 64 labels"],
])("parseSeries: refuses %s", (text, expected) => {
  expect(parseSeries(text)).toEqual({ ok: false, error: expect.stringContaining(expected) });
});

test("parseSeries: refuses hostile spacing in time in proportion to its length", () => {
  // With time in the square of the length this would take minutes, which the limit on a test does not allow.
  expect(parseSeries(`a{b${" ".repeat(1_000_000)}x}`).ok).toBe(false);
});
