import { expect, test } from "vitest";
import { queryValue, type Row } from "./query-value.ts";

test.each<[Row | undefined, number | string]>([
  [["5"], 5],
  [["-2"], -2],
  [["0.25"], 0.25],
  [["1e3"], 1000],
  [[" 7 "], 7],
  [["NaN"], Number.NaN],
  [["Infinity"], Number.POSITIVE_INFINITY],
  [["-Infinity"], Number.NEGATIVE_INFINITY],
  [undefined, "the query gives no row; let it always give one, for example with count(*)"],
  [[null], "the query gives NULL; give a number instead, for example with coalesce(…, 0)"],
  [["many"], 'the query gives "many", which is no number; select a numeric column'],
  [[""], 'the query gives "", which is no number; select a numeric column'],
  [["0x10"], 'the query gives "0x10", which is no number; select a numeric column'],
  [["t"], 'the query gives "t", which is no number; select a numeric column'],
  [["x".repeat(50)], `the query gives "${"x".repeat(40)}…", which is no number; select a numeric column`],
  [["5", "6"], "the query gives 2 columns; select the one number alone"],
  [[], "the query gives 0 columns; select the one number alone"],
])("queryValue: %j is %j", (row, expected) => {
  const value = queryValue(row);
  expect(value.ok ? value.value : value.error).toEqual(expected);
});
