import { isObject, ok, type Result } from "#base";
import type { MetricResult } from "#rollout";
import type { MetricSource } from "../metric-source.ts";
import { complaintIn, type HttpCall, parseJson, urlOf } from "./http-call.ts";
import { httpSource, type ProbeRequest } from "./http-source.ts";
import { measured, secretKey, severalSeries, windowOf } from "./samples.ts";

const DEFAULT_ADDRESS = "https://api.datadoghq.com";

/**
 * Datadog's query API. Of the one series that a query may give, the oldest point of the window of ten intervals counts, as
 * in Flagger. Source: flagger-spec 5.4; Datadog API reference, "Query timeseries points" and "Validate API key".
 */
export function datadogSource({ timeoutMs = 5000 } = {}): MetricSource {
  return httpSource({
    types: ["datadog"],
    product: "Datadog",
    timeoutMs,
    plan(request) {
      const window = windowOf(request);
      if (!window.ok) return window;
      const from = String(Math.floor(window.value.fromMs / 1000));
      const to = String(Math.floor(window.value.toMs / 1000));
      return call(request, "/api/v1/query", { query: request.query.trim(), from, to });
    },
    planProbe: (request) => call(request, "/api/v1/validate", {}),
    read,
  });
}

function call(request: ProbeRequest, path: string, query: Readonly<Record<string, string>>): Result<HttpCall, string> {
  const apiKey = secretKey(request, "datadog_api_key");
  if (!apiKey.ok) return apiKey;
  const applicationKey = secretKey(request, "datadog_application_key");
  if (!applicationKey.ok) return applicationKey;
  const url = urlOf(request.provider.address || DEFAULT_ADDRESS, path, query);
  if (!url.ok) return url;
  const headers = { "dd-api-key": apiKey.value, "dd-application-key": applicationKey.value };
  return ok({ method: "GET", url: url.value, headers });
}

function read(text: string): MetricResult | undefined {
  const body = parseJson(text);
  if (!isObject(body)) return undefined;
  // A query that cannot be run is answered 200 with this.
  if (body.status === "error")
    return { kind: "error", message: `Datadog refused the query: ${complaintIn(text) ?? "no reason given"}` };
  const { series } = body;
  if (!Array.isArray(series)) return undefined;
  if (series.length > 1)
    return severalSeries(series.length, "aggregate them to one, for instance with sum:… and no by {…}");
  const [only]: unknown[] = series;
  const points: unknown[] = isObject(only) && Array.isArray(only.pointlist) ? only.pointlist : [];
  // Datadog fills gaps with null.
  const values = points.map((point) => (Array.isArray(point) ? point[1] : undefined));
  return measured(values.find((value) => value !== null && value !== undefined));
}
