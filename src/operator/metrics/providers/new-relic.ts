import { err, isObject, ok, type Result } from "#base";
import type { MetricResult } from "#rollout";
import type { MetricSource } from "../metric-source.ts";
import { type HttpCall, parseJson, urlOf } from "./http-call.ts";
import { httpSource, type ProbeRequest } from "./http-source.ts";
import { measured, secretKey, severalSeries } from "./samples.ts";

const DEFAULT_ADDRESS = "https://insights-api.newrelic.com";
const PROBE_QUERY = "SELECT count(*) FROM Metric SINCE 60 seconds ago";

/**
 * New Relic's Insights query API. The query is NRQL without `SINCE`, which is added from the metric's interval.
 * Source: flagger-spec 5.4; New Relic documentation, "Insights query API".
 */
export function newRelicSource({ timeoutMs = 5000 } = {}): MetricSource {
  return httpSource({
    types: ["newrelic"],
    product: "New Relic",
    timeoutMs,
    plan(request) {
      const seconds = Math.floor(request.intervalMs / 1000);
      if (!(seconds > 0)) return err("the metric's interval is under a second; write one, such as interval: 1m");
      return call(request, `${request.query.trim()} SINCE ${seconds} seconds ago`);
    },
    planProbe: (request) => call(request, PROBE_QUERY),
    read,
  });
}

function call(request: ProbeRequest, nrql: string): Result<HttpCall, string> {
  const account = secretKey(request, "newrelic_account_id");
  if (!account.ok) return account;
  const key = secretKey(request, "newrelic_query_key");
  if (!key.ok) return key;
  const path = `/v1/accounts/${encodeURIComponent(account.value)}/query`;
  const url = urlOf(request.provider.address || DEFAULT_ADDRESS, path, { nrql });
  if (!url.ok) return url;
  return ok({ method: "GET", url: url.value, headers: { "x-query-key": key.value, accept: "application/json" } });
}

function read(text: string): MetricResult | undefined {
  const body = parseJson(text);
  if (!isObject(body)) return undefined;
  if (Array.isArray(body.facets)) return severalSeries(body.facets.length, "leave FACET out");
  if (!Array.isArray(body.results)) return undefined;
  if (body.results.length > 1) return severalSeries(body.results.length, "select one value");
  const [only]: unknown[] = body.results;
  if (only === undefined) return { kind: "empty" };
  if (!isObject(only)) return undefined;
  if ("result" in only) return measured(only.result);
  // count(*) and its like name their one number after themselves.
  const fields = Object.keys(only);
  const [field] = fields;
  if (field !== undefined && fields.length === 1) return measured(only[field]);
  return { kind: "error", message: `the result has the fields ${fields.join(", ")}; select one value` };
}
