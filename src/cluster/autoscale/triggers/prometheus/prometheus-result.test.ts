import { expect, test } from "vitest";
import { valueOfAnswer } from "./prometheus-result.ts";

const vector = (...series: readonly unknown[]): string =>
  JSON.stringify({ status: "success", data: { resultType: "vector", result: series } });
const value = (text: unknown): unknown => ({ metric: { pod: "a" }, value: [1, text] });

/** The value, or the reason why there is none, when nulls are ignored and when they are not. */
function both(text: string): readonly (number | string)[] {
  return [true, false].map((isNullIgnored) => {
    const outcome = valueOfAnswer(text, isNullIgnored);
    return outcome.ok ? outcome.value : outcome.error;
  });
}

const several = "the query gives 2 series; aggregate them to one, for instance with sum(…)";
const scalar = "the query gives a scalar or a string; write vector(…) around it";
const pair = "the value of the series is no pair of time and number";

test.each<[string, string, number | string, number | string]>([
  ["a value", vector(value("57.5")), 57.5, 57.5],
  ["a negative value", vector(value("-3e2")), -300, -300],
  ["no series", vector(), 0, "the result is empty"],
  ["two series", vector(value("1"), value("2")), several, several],
  ["no value", vector({ metric: {} }), 0, "the series has no value"],
  ["an empty value", vector({ metric: {}, value: [] }), 0, "the series has no value"],
  ["a value without a number", vector({ metric: {}, value: [1] }), pair, pair],
  ["a matrix", vector({ metric: {}, values: [[1, "2"]] }), 0, "the series has no value"],
  ["NaN", vector(value("NaN")), 0, "the query gives NaN"],
  ["+Inf", vector(value("+Inf")), 0, "the query gives Infinity"],
  ["-Inf", vector(value("-Inf")), 0, "the query gives -Infinity"],
  ["null", vector(value(null)), -1, -1],
  ["a number instead of a text", vector(value(5)), ...same("the value of the series is no number")],
  ["a text that is no number", vector(value("0x10")), ...same("the value of the series is no number")],
  ["a scalar", '{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}', scalar, scalar],
  ["a string", '{"status":"success","data":{"resultType":"string","result":[1,"x"]}}', scalar, scalar],
  ["an error with status 200, whose status is not looked at", '{"status":"error"}', 0, "the result is empty"],
  ["a result of null", '{"data":{"result":null}}', 0, "the result is empty"],
  ["a result that is an object", '{"data":{"result":{}}}', ...same("the answer is not one of Prometheus")],
  ["a list", "[]", ...same("the answer is not one of Prometheus")],
  ["a page", "<html>", ...same("the answer is not JSON")],
])("valueOfAnswer: %s", (_, text, ignoring, strict) => {
  expect(both(text)).toEqual([ignoring, strict]);
});

function same(error: string): [string, string] {
  return [error, error];
}
