import { isObject, ok, type Result } from "#base";
import type { MetricResult } from "#rollout";
import type { MetricSource } from "../metric-source.ts";
import { basicAuth, type HttpCall, parseJson, urlOf } from "./http-call.ts";
import { httpSource, type ProbeRequest } from "./http-source.ts";
import { measured, secretKey, severalSeries } from "./samples.ts";

/** A target that no server has: it answers with no series. Source: flagger-spec 5.4. */
const PROBE_QUERY = "target=test";

/**
 * Graphite's render API. The query is the query string of its URL (`target=…&from=-5min`); the newest point that is not
 * null counts. Source: flagger-spec 5.4; Graphite documentation, "The Render URL API".
 */
export function graphiteSource({ timeoutMs = 5000 } = {}): MetricSource {
  return httpSource({
    types: ["graphite"],
    product: "Graphite",
    timeoutMs,
    plan: (request) => call(request, request.query),
    planProbe: (request) => call(request, PROBE_QUERY),
    read,
    readProbe: (text) => (Array.isArray(parseJson(text)) ? { kind: "empty" } : undefined),
  });
}

function call(request: ProbeRequest, query: string): Result<HttpCall, string> {
  const url = urlOf(request.provider.address, "/render");
  if (!url.ok) return url;
  // Templates break their query into lines; Graphite reads blanks as nothing.
  for (const [name, value] of new URLSearchParams(query.replace(/\s+/g, " ")))
    if (name.trim() !== "") url.value.searchParams.append(name.trim(), value.trim());
  url.value.searchParams.set("format", "json");
  if (request.provider.secretRef === undefined) return ok({ method: "GET", url: url.value, headers: {} });
  const username = secretKey(request, "username");
  if (!username.ok) return username;
  const password = secretKey(request, "password");
  if (!password.ok) return password;
  const authorization = basicAuth(username.value, password.value);
  return ok({ method: "GET", url: url.value, headers: { authorization } });
}

function read(text: string): MetricResult | undefined {
  const body = parseJson(text);
  if (!Array.isArray(body)) return undefined;
  if (body.length > 1) return severalSeries(body.length, "aggregate them to one, for instance with sumSeries(…)");
  const [only]: unknown[] = body;
  if (only === undefined) return { kind: "empty" };
  if (!isObject(only) || !Array.isArray(only.datapoints)) return undefined;
  const values = only.datapoints.map((point: unknown) => (Array.isArray(point) ? valueOf(point[0]) : undefined));
  return measured(values.findLast((value) => value !== null && value !== undefined && !Number.isNaN(value)));
}

/** Some servers write numbers as texts. */
function valueOf(value: unknown): unknown {
  return typeof value === "string" && value.trim() !== "" && !Number.isNaN(Number(value)) ? Number(value) : value;
}
