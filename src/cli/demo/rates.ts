import { request } from "undici";
import { Failure, isObject } from "#base";
import type { WorkloadRates } from "./snapshot.ts";
import { type VerdictSeries, type VerdictSnapshot, verdictsOf } from "./verdict-snapshot.ts";

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
      // The two queries are not of the same moment.
      successPercent: Math.min(100, ((goods?.get(workload) ?? 0) / rate) * 100),
      p99Ms: p99Ms === undefined || Number.isNaN(p99Ms) ? undefined : p99Ms,
    });
  }
  return rates;
}

/** Reads where the evidence about a Canary's target stands, from the operator's own metrics. */
export async function readVerdicts(
  { metricsUrl, namespace }: RateSource,
  target: string,
): Promise<readonly VerdictSnapshot[]> {
  const names = "serin_verdict_(evidence|bound|goal|stop)";
  // The operator's pod has a namespace of its own; that of the Canary is the exported one where the scrape kept both.
  const series = await query(metricsUrl, `{__name__=~"${names}",name="${target}"}`);
  return verdictsOf(
    series
      .filter(({ labels }) => [labels.namespace, labels.exported_namespace].includes(namespace))
      .map(({ labels, value }): VerdictSeries => ({ name: labels.__name__ ?? "", metric: labels.metric ?? "", value })),
  );
}

async function queryByWorkload(metricsUrl: string, promql: string): Promise<Map<string, number>> {
  const series = await query(metricsUrl, promql);
  return new Map(series.map(({ labels, value }) => [labels.destination_workload ?? "", value]));
}

interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

async function query(metricsUrl: string, promql: string): Promise<readonly Series[]> {
  const url = `${metricsUrl}/api/v1/query?query=${encodeURIComponent(promql)}`;
  const response = await request(url, { headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS });
  const text = await readBounded(response.body);
  if (response.statusCode !== 200) return [];
  const value: unknown = JSON.parse(text);
  const data: unknown = isObject(value) ? value.data : undefined;
  const result: unknown = isObject(data) ? data.result : undefined;
  return (Array.isArray(result) ? result : []).flatMap((series: unknown) => {
    if (!isObject(series) || !isObject(series.metric) || !Array.isArray(series.value)) return [];
    const labels = Object.fromEntries(Object.entries(series.metric).map(([name, label]) => [name, String(label)]));
    return [{ labels, value: Number(series.value[1]) }];
  });
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
