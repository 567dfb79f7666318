import type { ApiContext } from "./api-context.ts";
import { type ApiData, ApiError, errorAnswer, type HttpAnswer, successAnswer, textAnswer } from "./envelope.ts";
import { answerFormatQuery, answerQuery, answerQueryRange } from "./query-endpoints.ts";
import { selfMetrics } from "./self-metrics.ts";
import { answerLabels, answerLabelValues, answerMetadata, answerSeries } from "./series-endpoints.ts";
import {
  answerAlerts,
  answerBuildInfo,
  answerExemplars,
  answerRules,
  answerRuntimeInfo,
  answerTargets,
  answerTsdb,
} from "./status-endpoints.ts";

type Endpoint = (context: ApiContext, params: URLSearchParams) => ApiData;

/** The endpoints under `/api/v1/` with a fixed path. */
const endpoints: ReadonlyMap<string, Endpoint> = new Map<string, Endpoint>([
  ["query", answerQuery],
  ["query_range", answerQueryRange],
  ["format_query", answerFormatQuery],
  ["query_exemplars", answerExemplars],
  ["series", answerSeries],
  ["labels", answerLabels],
  ["metadata", answerMetadata],
  ["targets", answerTargets],
  ["rules", answerRules],
  ["alerts", answerAlerts],
  ["status/buildinfo", answerBuildInfo],
  ["status/runtimeinfo", answerRuntimeInfo],
  ["status/tsdb", answerTsdb],
]);

/** Answers a request whose form fields and query parameters are put together in `params`. Never throws for bad input. */
export function route(context: ApiContext, path: string, params: URLSearchParams): HttpAnswer {
  switch (path) {
    case "/-/healthy":
      return textAnswer(200, "The metrics store is healthy.\n");
    case "/-/ready":
      return textAnswer(200, "The metrics store is ready.\n");
    case "/metrics":
      return {
        ...textAnswer(200, `${selfMetrics(context)}${context.moreOwnMetrics?.() ?? ""}`),
        contentType: "text/plain; version=0.0.4; charset=utf-8",
      };
  }
  if (!path.startsWith("/api/v1/")) return textAnswer(404, "404 page not found\n");
  try {
    return answerApi(context, path.slice("/api/v1/".length), params);
  } catch (thrown) {
    if (thrown instanceof ApiError) return errorAnswer(thrown);
    throw thrown;
  }
}

function answerApi(context: ApiContext, path: string, params: URLSearchParams): HttpAnswer {
  const endpoint = endpoints.get(path);
  if (endpoint !== undefined) return successAnswer(endpoint(context, params));
  const name = /^label\/([^/]+)\/values$/.exec(path)?.[1];
  if (name === undefined) return textAnswer(404, "404 page not found\n");
  return successAnswer(answerLabelValues(context, params, { name: decodeName(name) }));
}

/** A malformed percent-encoding is the caller's mistake, not ours. */
function decodeName(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ApiError("bad_data", `invalid label name: ${JSON.stringify(text)}`);
  }
}
