import type { Problem, Result } from "#base";
import {
  evaluateInstant,
  type EvaluationOptions,
  evaluateRange,
  type Expr,
  parsePromql,
  printPromql,
  type QueryResult,
} from "#promql";
import type { ApiContext } from "./api-context.ts";
import { type ApiData, ApiError } from "./envelope.ts";
import { durationParameter, invalid, limitParameter, timeParameter } from "./parameters.ts";
import { queryJson } from "./query-json.ts";

const MAX_TIMEOUT_MS = 120_000;
const MAX_POINT_COUNT = 11_000;
/** One process answers everybody, so a query gets less than Prometheus' 50 million. */
const MAX_SAMPLE_COUNT = 20_000_000;

/** `/api/v1/query`. @throws ApiError */
export function answerQuery(context: ApiContext, params: URLSearchParams): ApiData {
  const limit = limitParameter(params);
  const timeMs = timeParameter(params, "time", context.clock.nowMs());
  const options = evaluationOptions(context, params);
  const expr = queryParameter(params);
  return resultData(evaluateInstant(expr, context.store, { ...options, timeMs }), limit);
}

/** `/api/v1/query_range`. @throws ApiError */
export function answerQueryRange(context: ApiContext, params: URLSearchParams): ApiData {
  const limit = limitParameter(params);
  const startMs = timeParameter(params, "start", undefined);
  const endMs = timeParameter(params, "end", undefined);
  if (endMs < startMs) throw invalid("end", "end timestamp must not be before start time");
  const stepMs = durationParameter(params, "step");
  if (stepMs === undefined) throw invalid("step", 'cannot parse "" to a valid duration');
  if (stepMs < 1) {
    throw invalid("step", "zero or negative query resolution step widths are not accepted. Try a positive integer");
  }
  if ((endMs - startMs) / stepMs > MAX_POINT_COUNT) {
    throw new ApiError(
      "bad_data",
      "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
    );
  }
  const options = { ...evaluationOptions(context, params), maxStepCount: MAX_POINT_COUNT + 1 };
  const expr = queryParameter(params);
  return resultData(evaluateRange(expr, context.store, { ...options, startMs, endMs, stepMs }), limit);
}

/** `/api/v1/format_query`. @throws ApiError */
export function answerFormatQuery(_: ApiContext, params: URLSearchParams): ApiData {
  return { json: JSON.stringify(printPromql(queryParameter(params))) };
}

function queryParameter(params: URLSearchParams): Expr {
  const expr = parsePromql(params.get("query") ?? "");
  if (!expr.ok) throw invalid("query", expr.error.message);
  return expr.value;
}

function evaluationOptions({ clock }: ApiContext, params: URLSearchParams): EvaluationOptions {
  const timeoutMs = Math.min(durationParameter(params, "timeout") ?? MAX_TIMEOUT_MS, MAX_TIMEOUT_MS);
  const deadlineMs = clock.nowMs() + timeoutMs;
  const lookbackMs = durationParameter(params, "lookback_delta");
  return {
    ...(lookbackMs === undefined || lookbackMs <= 0 ? {} : { lookbackMs }),
    maxSampleCount: MAX_SAMPLE_COUNT,
    interrupted: () => (clock.nowMs() > deadlineMs ? "query timed out in expression evaluation" : undefined),
  };
}

function resultData(result: Result<QueryResult, Problem>, limit: number): ApiData {
  if (!result.ok) {
    const { code, message } = result.error;
    if (code === "promql-interrupted") throw new ApiError("timeout", message);
    throw new ApiError(code === "promql-invalid-parameter" ? "bad_data" : "execution", message);
  }
  const { value, warnings, infos } = result.value;
  const { json, isTruncated } = queryJson(value, limit);
  return { json, infos, warnings: isTruncated ? [...warnings, TRUNCATED] : warnings };
}

/** The warning of an answer that was cut to the limit asked for. */
export const TRUNCATED = "results truncated due to limit";
