import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Agent, request } from "undici";
import { silentLog } from "#base";
import { systemClock } from "#kube";
import { createLabels, METRIC_NAME } from "#promql";
import { startApiServer } from "../../src/cluster/metrics/api/server.ts";
import { createSampleStore, type SampleStore } from "../../src/cluster/metrics/storage/index.ts";
import { aimed, type Figures, reported } from "./figures.ts";

const STEP_MS = 5000;
const SAMPLE_COUNT = 720;
const POD_COUNT = 25;
const BUCKET_BOUNDS =
  "0.5 1 5 10 25 50 100 250 500 1000 2500 5000 10000 30000 60000 300000 600000 1800000 3600000 +Inf".split(" ");
const METRIC = "istio_request_duration_milliseconds_bucket";
/** Aligned to the minute, an hour ago or so, as Prometheus takes no samples far from now into a running store. */
const END_MS = Math.floor(Date.now() / 60_000) * 60_000 - 60_000;
const START_MS = END_MS - (SAMPLE_COUNT - 1) * STEP_MS;

/**
 * Queries look between two samples: until its version 3, Prometheus counted a sample exactly at the start of a range in.
 */
const QUERY_END_MS = END_MS - STEP_MS / 2;
const QUERY_START_MS = START_MS + 60_000 - STEP_MS / 2;

const QUANTILE = `histogram_quantile(0.99, sum by (le) (rate(${METRIC}{reporter="destination"}[1m])))`;

interface Workload {
  readonly name: string;
  readonly path: string;
  /** Measured requests, after a tenth as many to warm up. */
  readonly count: number;
}

const seconds = (ms: number): string => String(ms / 1000);
const workloads: readonly Workload[] = [
  {
    name: "instantQuantile",
    count: 400,
    path: `/api/v1/query?query=${encodeURIComponent(QUANTILE)}&time=${seconds(QUERY_END_MS)}`,
  },
  {
    name: "instantRatio",
    count: 400,
    path: `/api/v1/query?time=${seconds(QUERY_END_MS)}&query=${encodeURIComponent(
      `sum(rate(${METRIC}{le="100",pod=~"pod-1.*"}[1m])) / sum(rate(${METRIC}{le="+Inf",pod=~"pod-1.*"}[1m])) * 100`,
    )}`,
  },
  {
    name: "rangeQuantile",
    count: 20,
    path: `/api/v1/query_range?query=${encodeURIComponent(QUANTILE)}&start=${seconds(QUERY_START_MS)}&end=${seconds(QUERY_END_MS)}&step=15`,
  },
];

/**
 * Queries over 500 series with an hour of samples each at 5 s, over HTTP on one connection: the latency quantile at one
 * moment, a success ratio at one moment, and the quantile over the hour at 15 s. When a `prometheus` is on PATH (or named by
 * SERIN_PROMETHEUS) with its `promtool`, it answers the same queries on the same samples in the same run.
 */
export async function benchPromql(): Promise<Figures> {
  const store = createSampleStore({ maxSeriesCount: 10_000 });
  const bytesBefore = usedBytes();
  fill(store);
  const bytes = usedBytes() - bytesBefore;
  const server = await startApiServer({
    context: {
      store,
      scraper: { targets: [], metadata: new Map() },
      clock: systemClock,
      scrapeIntervalMs: STEP_MS,
      retentionMs: 2 * SAMPLE_COUNT * STEP_MS,
      version: "0.0.0",
      startedMs: END_MS,
    },
    address: "127.0.0.1",
    port: 0,
    log: silentLog,
  });
  try {
    const ours = await measureAll(server.url);
    const peer = await withPrometheus(measureAll);
    if (peer === undefined) console.log("prometheus is not installed: no comparison");
    return {
      bytesPerSample: reported(bytes / (POD_COUNT * BUCKET_BOUNDS.length * SAMPLE_COUNT), "bytes"),
      ...figuresOf(ours, peer),
    };
  } finally {
    await server.close();
  }
}

/** Memory in use after a garbage collection. */
function usedBytes(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc()");
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

interface Measured {
  readonly perSecond: number;
  readonly p99Ms: number;
  readonly body: string;
}

function figuresOf(ours: ReadonlyMap<string, Measured>, peer: ReadonlyMap<string, Measured> | undefined): Figures {
  const figures: Record<string, Figures[string]> = {};
  for (const [name, { perSecond, p99Ms, body }] of ours) {
    figures[`${name}PerSecond`] = reported(perSecond, "queries/s");
    figures[`${name}P99`] = aimed(p99Ms, "ms", { atMost: name.startsWith("range") ? 500 : 50 });
    const other = peer?.get(name);
    if (other === undefined) continue;
    figures[`${name}ToPrometheus`] = aimed(perSecond / other.perSecond, "x", { atLeast: 0.5 });
    figures[`${name}SameAnswer`] = aimed(largestDifference(body, other.body) < 1e-9 ? 1 : 0, "1 = yes", { atLeast: 1 });
  }
  return figures;
}

/** Counters that grow at rates of their own, so that the histograms differ from pod to pod. */
function valueAt(pod: number, bucket: number, sample: number): number {
  return sample * (bucket + 1) * (3 + (pod % 7)) + ((sample * 31 + pod * 17) % (bucket + 2));
}

function fill(store: SampleStore): void {
  for (let pod = 0; pod < POD_COUNT; pod++) {
    BUCKET_BOUNDS.forEach((le, bucket) => {
      const labels = createLabels([
        [METRIC_NAME, METRIC],
        ["le", le],
        ["pod", `pod-${pod}`],
        ["reporter", "destination"],
      ]);
      const series = store.series(labels);
      if (series === undefined) throw new Error("the store is too small for the bench");
      for (let i = 0; i < SAMPLE_COUNT; i++) store.append(series, START_MS + i * STEP_MS, valueAt(pod, bucket, i));
    });
  }
}

async function measureAll(url: string): Promise<ReadonlyMap<string, Measured>> {
  const agent = new Agent({ connections: 1, pipelining: 1 });
  const results = new Map<string, Measured>();
  try {
    for (const workload of workloads) results.set(workload.name, await measure(agent, url, workload));
  } finally {
    await agent.close();
  }
  return results;
}

async function measure(dispatcher: Agent, url: string, { path, count }: Workload): Promise<Measured> {
  const ask = async (): Promise<string> => {
    const response = await request(url + path, { dispatcher });
    const body = await response.body.text();
    if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}: ${body.slice(0, 200)}`);
    return body;
  };
  let body = "";
  for (let i = 0; i < Math.max(3, count / 10); i++) body = await ask();
  const latenciesMs: number[] = [];
  const startedMs = performance.now();
  for (let i = 0; i < count; i++) {
    const askedMs = performance.now();
    await ask();
    latenciesMs.push(performance.now() - askedMs);
  }
  const elapsedMs = performance.now() - startedMs;
  latenciesMs.sort((a, b) => a - b);
  const p99Ms = latenciesMs[Math.ceil(latenciesMs.length * 0.99) - 1] ?? Number.NaN;
  return { perSecond: (count / elapsedMs) * 1000, p99Ms, body };
}

/** Largest relative difference between the sample values of two answers; infinite when they differ in shape. */
function largestDifference(a: string, b: string): number {
  const numbersOf = (body: string): number[] =>
    [...body.matchAll(/\[([\d.]+),"([^"]+)"\]/g)].flatMap(([, time, value]) => [Number(time), Number(value)]);
  const left = numbersOf(a);
  const right = numbersOf(b);
  if (left.length !== right.length || left.length === 0) return Number.POSITIVE_INFINITY;
  return left.reduce(
    (worst, value, i) => Math.max(worst, Math.abs(value - (right[i] ?? 0)) / Math.max(1e-12, Math.abs(value))),
    0,
  );
}

/** Runs a Prometheus on the same samples, when there is one. */
async function withPrometheus<T>(use: (url: string) => Promise<T>): Promise<T | undefined> {
  const binary = process.env["SERIN_PROMETHEUS"] ?? "prometheus";
  const promtool = binary.replace(/prometheus$/, "promtool");
  if (spawnSync(binary, ["--version"]).status !== 0 || spawnSync(promtool, ["--version"]).status !== 0)
    return undefined;
  const directory = mkdtempSync(join(tmpdir(), "serin-bench-promql-"));
  const port = await freePort();
  writeFileSync(join(directory, "samples.txt"), openMetrics());
  writeFileSync(join(directory, "prometheus.yml"), "scrape_configs: []\n");
  execFileSync(promtool, ["tsdb", "create-blocks-from", "openmetrics", "samples.txt", "data"], {
    cwd: directory,
    stdio: "ignore",
  });
  const args = ["--config.file=prometheus.yml", "--storage.tsdb.path=data", `--web.listen-address=127.0.0.1:${port}`];
  const child = spawn(binary, args, { cwd: directory, stdio: "ignore" });
  try {
    const url = `http://127.0.0.1:${port}`;
    await untilReady(url);
    return await use(url);
  } finally {
    child.kill("SIGKILL");
    await new Promise((resolve) =>
      child.exitCode === null && child.signalCode === null ? child.once("exit", resolve) : resolve(undefined),
    );
    rmSync(directory, { recursive: true, force: true });
  }
}

function openMetrics(): string {
  const lines = [`# TYPE ${METRIC.replace(/_bucket$/, "")} unknown`];
  for (let pod = 0; pod < POD_COUNT; pod++) {
    BUCKET_BOUNDS.forEach((le, bucket) => {
      for (let i = 0; i < SAMPLE_COUNT; i++) {
        const time = (START_MS + i * STEP_MS) / 1000;
        lines.push(`${METRIC}{le="${le}",pod="pod-${pod}",reporter="destination"} ${valueAt(pod, bucket, i)} ${time}`);
      }
    });
  }
  return `${lines.join("\n")}\n# EOF\n`;
}

async function untilReady(url: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const isReady = await request(`${url}/-/ready`).then(
      async ({ statusCode, body }) => {
        await body.dump();
        return statusCode === 200;
      },
      () => false,
    );
    if (isReady) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("Prometheus did not become ready within 10 s");
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return address.port;
}
