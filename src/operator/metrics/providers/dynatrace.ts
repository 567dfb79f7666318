import { isObject, ok, type Result } from "#base";
import type { MetricResult } from "#rollout";
import type { MetricSource } from "../metric-source.ts";
import { type HttpCall, parseJson, urlOf } from "./http-call.ts";
import { httpSource, type ProbeRequest } from "./http-source.ts";
import { measured, secretKey, severalSeries, windowOf } from "./samples.ts";

/**
 * Dynatrace's metrics API. The query is a metric selector, resolved to one value over ten intervals.
 * Source: flagger-spec 5.4; Dynatrace documentation, "Metrics API v2: GET data points".
 */
export function dynatraceSource({ timeoutMs = 5000 } = {}): MetricSource {
  return httpSource({
    types: ["dynatrace"],
    product: "Dynatrace",
    timeoutMs,
    plan(request) {
      const window = windowOf(request);
      if (!window.ok) return window;
      const from = String(Math.floor(window.value.fromMs));
      const to = String(Math.floor(window.value.toMs));
      const metricSelector = request.query.trim();
      return call(request, "/api/v2/metrics/query", { metricSelector, resolution: "Inf", from, to });
    },
    planProbe: (request) => call(request, "/api/v2/metrics", { pageSize: "1" }),
    read,
  });
}

function call(request: ProbeRequest, path: string, query: Readonly<Record<string, string>>): Result<HttpCall, string> {
  const token = secretKey(request, "dynatrace_token");
  if (!token.ok) return token;
  const url = urlOf(request.provider.address, path, query);
  if (!url.ok) return url;
  return ok({ method: "GET", url: url.value, headers: { authorization: `Api-Token ${token.value}` } });
}

function read(text: string): MetricResult | undefined {
  const body = parseJson(text);
  if (!isObject(body) || !Array.isArray(body.result)) return undefined;
  const series = body.result.flatMap((metric: unknown): unknown[] =>
    isObject(metric) && Array.isArray(metric.data) ? metric.data : [],
  );
  if (series.length > 1) return severalSeries(series.length, "merge the dimensions, for instance with :splitBy():sum");
  const [only] = series;
  const values: unknown[] = isObject(only) && Array.isArray(only.values) ? only.values : [];
  return measured(values[0]);
}
