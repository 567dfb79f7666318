import { request } from "undici";
import { Failure, isObject } from "#base";
import type { WorkloadRates } from "./snapshot.ts";

/** Where the rates are read, and of what. */
export interface RateSource {
  /** Base URL of a Prometheus API. */
  readonly metricsUrl: string;
  readonly namespace: string;
  /** Regular expression over workload names. */
  readonly workloads: string;
  readonly windowSeconds: number;
}

const TIMEOUT_MS = 2000;
const BODY_BYTES_MAX = 1024 * 1024;

/** Reads request rate, success share and p99 of each workload over the last seconds. */
export async function readRates(source: RateSource): Promise<Map<string, WorkloadRates>> {
  const labels = `reporter="destination",destination_workload_namespace="${source.namespace}",destination_workload=~"${source.workloads}"`;
  const window = `[${source.windowSeconds}s]`;
  const total = `sum by (destination_workload) (rate(istio_requests_total{${labels}}${window}))`;
  const good = `sum by (destination_workload) (rate(istio_requests_total{${labels},response_code!~"5.*"}${window}))`;
  const p99 = `histogram_quantile(0.99, sum by (le, destination_workload) (rate(istio_request_duration_milliseconds_bucket{${labels}}${window})))`;
  const [totals, goods, p99s] = await Promise.all(
    [total, good, p99].map((query) => queryByWorkload(source.metricsUrl, query)),
  );
  const rates = new Map<string, WorkloadRates>();
  for (const [workload, rate] of totals ?? []) {
    if (!(rate > 0)) continue;
    const p99Ms = p99s?.get(workload);
    rates.set(workload, {
      requestsPerSecond: rate,
      successPercent: ((goods?.get(workload) ?? 0) / rate) * 100,
      p99Ms: p99Ms === undefined || Number.isNaN(p99Ms) ? undefined : p99Ms,
    });
  }
  return rates;
}

async function queryByWorkload(metricsUrl: string, query: string): Promise<Map<string, number>> {
  const url = `${metricsUrl}/api/v1/query?query=${encodeURIComponent(query)}`;
  const response = await request(url, { headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS });
  const text = await readBounded(response.body);
  if (response.statusCode !== 200) return new Map();
  const value: unknown = JSON.parse(text);
  const data: unknown = isObject(value) ? value.data : undefined;
  const result: unknown = isObject(data) ? data.result : undefined;
  const byWorkload = new Map<string, number>();
  for (const series of Array.isArray(result) ? result : []) {
    if (!isObject(series) || !isObject(series.metric) || !Array.isArray(series.value)) continue;
    byWorkload.set(String(series.metric.destination_workload), Number(series.value[1]));
  }
  return byWorkload;
}

/** @throws Failure `ResponseTooLarge`; the rest of the answer is not read. */
async function readBounded(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let byteCount = 0;
  for await (const chunk of body) {
    byteCount += chunk.length;
    if (byteCount > BODY_BYTES_MAX) {
      throw new Failure(`Cannot read rates: the answer is larger than ${BODY_BYTES_MAX} bytes`, {
        code: "ResponseTooLarge",
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
