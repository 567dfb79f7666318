import { ok, type Result } from "#base";
import type { MetricResult } from "#rollout";
import type { MetricSource } from "../metric-source.ts";
import { parseCsv } from "./csv.ts";
import { type HttpCall, urlOf } from "./http-call.ts";
import { httpSource, type ProbeRequest } from "./http-source.ts";
import { measured, secretKey, severalSeries } from "./samples.ts";

/** Answered with what the token may see, so that it tests the login; needs no bucket of a certain name. */
const PROBE_QUERY = "buckets() |> limit(n: 1)";
const NUMBER_TYPES: readonly string[] = ["double", "long", "unsignedLong"];

/**
 * InfluxDB's Flux API. Of the one series that a query may give, the first record with a `_value` counts; no record at all is
 * empty, where Flagger takes 0. Source: flagger-spec 5.4; InfluxDB documentation, "Annotated CSV".
 */
export function influxSource({ timeoutMs = 15_000 } = {}): MetricSource {
  return httpSource({
    types: ["influxdb"],
    product: "InfluxDB",
    timeoutMs,
    plan: (request) => call(request, request.query),
    planProbe: (request) => call(request, PROBE_QUERY),
    read,
    readProbe: (text) => {
      const records = recordsOf(text);
      if (records === undefined) return undefined;
      return records.find((record) => record.kind === "failure") === undefined ? { kind: "empty" } : read(text);
    },
  });
}

function call(request: ProbeRequest, query: string): Result<HttpCall, string> {
  const url = urlOf(request.provider.address, "/api/v2/query");
  if (!url.ok) return url;
  const dialect = { header: true, delimiter: ",", annotations: ["datatype"] };
  const body = JSON.stringify({ query, type: "flux", dialect });
  const headers = { "content-type": "application/json", accept: "application/csv" };
  if (request.provider.secretRef === undefined) return ok({ method: "POST", url: url.value, headers, body });
  const token = secretKey(request, "token");
  if (!token.ok) return token;
  const org = secretKey(request, "org");
  if (!org.ok) return org;
  url.value.searchParams.set("org", org.value);
  return ok({ method: "POST", url: url.value, headers: { ...headers, authorization: `Token ${token.value}` }, body });
}

function read(text: string): MetricResult | undefined {
  const records = recordsOf(text);
  if (records === undefined) return undefined;
  const failure = records.find((record) => record.kind === "failure");
  if (failure !== undefined) return { kind: "error", message: `InfluxDB stopped the query: ${failure.message}` };
  const samples = records.filter((record) => record.kind === "record");
  const seriesCount = new Set(samples.map(({ series }) => series)).size;
  if (seriesCount > 1) return severalSeries(seriesCount, "merge them into one, for instance with group() |> sum()");
  if (samples.length === 0) return { kind: "empty" };
  if (samples.every(({ value }) => value === undefined))
    return { kind: "error", message: 'the records have no column "_value"; name the number so' };
  const sample = samples.find(({ value }) => value !== undefined && value !== "");
  if (sample === undefined) return { kind: "empty" };
  if (!NUMBER_TYPES.includes(sample.type))
    return { kind: "error", message: `the query gives a ${sample.type}; convert it with toFloat()` };
  return measured(numberOf(sample.value ?? ""));
}

type FluxRecord =
  | { readonly kind: "record"; readonly series: string; readonly type: string; readonly value: string | undefined }
  /** What went wrong after the answer had begun. */
  | { readonly kind: "failure"; readonly message: string };

/**
 * Reads annotated CSV: sections, each with a `#datatype` line, a line of names, and records. Undefined when it is none.
 */
function recordsOf(text: string): readonly FluxRecord[] | undefined {
  const rows = parseCsv(text);
  if (rows === undefined) return undefined;
  const records: FluxRecord[] = [];
  let types: readonly string[] = [];
  let names: readonly string[] | undefined;
  let sectionCount = 0;
  for (const row of rows) {
    const isAnnotation = row[0]?.startsWith("#") === true;
    if (row[0] === "#datatype") types = row;
    if (isAnnotation || (row.length === 1 && row[0] === "")) {
      names = undefined;
    } else if (names === undefined) {
      if (!row.includes("table") && !row.includes("error")) return undefined;
      names = row;
      sectionCount += 1;
    } else {
      records.push(recordOf(row, { names, types, section: sectionCount }));
    }
  }
  return records;
}

function recordOf(
  row: readonly string[],
  { names, types, section }: { names: readonly string[]; types: readonly string[]; section: number },
): FluxRecord {
  const at = (name: string): string | undefined => row[names.indexOf(name)];
  if (names.includes("error") && !names.includes("table")) return { kind: "failure", message: at("error") ?? "" };
  const series = `${section}/${at("result") ?? ""}/${at("table") ?? ""}`;
  return { kind: "record", series, type: types[names.indexOf("_value")] ?? "double", value: at("_value") };
}

function numberOf(text: string): number {
  if (text === "+Inf") return Number.POSITIVE_INFINITY;
  return text === "-Inf" ? Number.NEGATIVE_INFINITY : Number(text);
}
