import type { ValueType } from "./ast.ts";

/** What a function takes and gives. The last argument type repeats when `variadic` is set. */
export interface FunctionSignature {
  readonly args: readonly ValueType[];
  /** How many of the trailing arguments may be left out. */
  readonly optionalCount: number;
  /** The last argument may be repeated any number of times, or left out. */
  readonly variadic: boolean;
  readonly returns: ValueType;
}

function signature(
  args: readonly ValueType[],
  returns: ValueType,
  rest: Partial<FunctionSignature> = {},
): FunctionSignature {
  return { args, returns, optionalCount: 0, variadic: false, ...rest };
}

const VECTOR_TO_VECTOR = (
  "abs absent acos acosh asin asinh atan atanh ceil cos cosh deg exp floor histogram_avg histogram_count " +
  "histogram_stddev histogram_stdvar histogram_sum ln log10 log2 rad sgn sin sinh sort sort_desc sqrt tan tanh timestamp"
).split(" ");
const MATRIX_TO_VECTOR = (
  "absent_over_time avg_over_time changes count_over_time delta deriv first_over_time idelta increase irate last_over_time " +
  "mad_over_time max_over_time min_over_time present_over_time rate resets stddev_over_time stdvar_over_time sum_over_time " +
  "ts_of_first_over_time ts_of_last_over_time ts_of_max_over_time ts_of_min_over_time"
).split(" ");
const OPTIONAL_VECTOR = "day_of_month day_of_week day_of_year days_in_month hour minute month year".split(" ");
const NULLARY_SCALAR = "end pi range start step time".split(" ");

/**
 * The functions of PromQL that concern float samples, and the `histogram_…` ones on classic buckets.
 *
 * Source: Prometheus documentation, "Query functions"; `promql/parser/functions.go`. Not here: `info`, `start_timestamp` (experimental).
 */
export const functionSignatures: ReadonlyMap<string, FunctionSignature> = new Map([
  ...VECTOR_TO_VECTOR.map((name) => [name, signature(["vector"], "vector")] as const),
  ...MATRIX_TO_VECTOR.map((name) => [name, signature(["matrix"], "vector")] as const),
  ...OPTIONAL_VECTOR.map((name) => [name, signature(["vector"], "vector", { optionalCount: 1 })] as const),
  ...NULLARY_SCALAR.map((name) => [name, signature([], "scalar")] as const),
  ["clamp", signature(["vector", "scalar", "scalar"], "vector")],
  ["clamp_max", signature(["vector", "scalar"], "vector")],
  ["clamp_min", signature(["vector", "scalar"], "vector")],
  ["double_exponential_smoothing", signature(["matrix", "scalar", "scalar"], "vector")],
  ["histogram_fraction", signature(["scalar", "scalar", "vector"], "vector")],
  ["histogram_quantile", signature(["scalar", "vector"], "vector")],
  ["histogram_quantiles", signature(["vector", "string", "scalar", "scalar"], "vector", { variadic: true })],
  ["label_join", signature(["vector", "string", "string", "string"], "vector", { variadic: true })],
  ["label_replace", signature(["vector", "string", "string", "string", "string"], "vector")],
  ["max_of", signature(["scalar", "scalar"], "scalar")],
  ["min_of", signature(["scalar", "scalar"], "scalar")],
  ["predict_linear", signature(["matrix", "scalar"], "vector")],
  ["quantile_over_time", signature(["scalar", "matrix"], "vector")],
  ["round", signature(["vector", "scalar"], "vector", { optionalCount: 1 })],
  ["scalar", signature(["vector"], "scalar")],
  ["sort_by_label", signature(["vector", "string"], "vector", { variadic: true })],
  ["sort_by_label_desc", signature(["vector", "string"], "vector", { variadic: true })],
  ["vector", signature(["scalar"], "vector")],
]);
