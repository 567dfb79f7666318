import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLog } from "#base";
import { createVirtualClock, type VirtualClock } from "#testing";
import { type Metrics, type ScrapeTarget, startMetrics, staticTarget } from "./index.ts";

let root = "";
let exporter: Server;
let exposed = "";
let target: ScrapeTarget;
let clock: VirtualClock;
let scrapesServed = 0;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "serin-metrics-"));
  clock = createVirtualClock();
  scrapesServed = 0;
  exporter = createServer((request, response) => {
    if (request.url !== "/metrics") {
      response.writeHead(404).end();
      return;
    }
    response.end(exposed, () => {
      scrapesServed++;
    });
  });
  await new Promise<void>((resolve) => exporter.listen(0, "127.0.0.1", resolve));
  target = staticTarget("app", `http://127.0.0.1:${(exporter.address() as AddressInfo).port}/metrics`, { pod: "a" });
});

afterEach(async () => {
  exporter.closeAllConnections();
  await new Promise((resolve) => exporter.close(resolve));
  rmSync(root, { recursive: true, force: true });
});

async function start(targets: () => readonly ScrapeTarget[] = () => [target]): Promise<Metrics> {
  return startMetrics({
    directory: join(root, "metrics"),
    address: "127.0.0.1",
    port: 0,
    targets,
    scrapeIntervalMs: 5000,
    clock,
    log: silentLog,
    signal: new AbortController().signal,
  });
}

/** Waits until the store has taken in a scrape of the current moment. */
async function scraped(metrics: Metrics): Promise<void> {
  const nowMs = clock.nowMs();
  await expect
    .poll(() => metrics.targets.every((t) => t.lastScrapeMs === nowMs && t.health !== "unknown"), POLL)
    .toBe(true);
}
const POLL = { interval: 5, timeout: 5000 };

async function step(metrics: Metrics, text: string): Promise<void> {
  exposed = text;
  await clock.advance(5000);
  await scraped(metrics);
}

interface Envelope {
  readonly status: string;
  readonly data: { readonly result: readonly { readonly metric: object; readonly value: readonly [number, string] }[] };
  readonly errorType?: string;
  readonly error?: string;
  readonly warnings?: readonly string[];
}

async function get(metrics: Metrics, path: string): Promise<{ readonly status: number; readonly body: Envelope }> {
  const response = await fetch(metrics.url + path);
  return { status: response.status, body: (await response.json()) as Envelope };
}

const query = (metrics: Metrics, text: string) => get(metrics, `/api/v1/query?query=${encodeURIComponent(text)}`);

test("startMetrics: a scraped counter's rate is answered over HTTP with the labels of its target", async () => {
  exposed = 'requests_total{code="200"} 10\n';
  const metrics = await start();
  await scraped(metrics);
  for (const value of [20, 30, 40]) await step(metrics, `requests_total{code="200"} ${value}\n`);
  const { status, body } = await query(metrics, "sum by (pod, code) (rate(requests_total[20s]))");
  expect(status).toBe(200);
  expect(body.data.result).toEqual([{ metric: { code: "200", pod: "a" }, value: [clock.nowMs() / 1000, "2"] }]);
  const up = await query(metrics, 'up{job="app"}');
  expect(up.body.data.result[0]?.value[1]).toBe("1");
  await metrics.close();
});

test("startMetrics: series and targets that disappear go stale at once", async () => {
  exposed = "a 1\nb 2\n";
  let targets: readonly ScrapeTarget[] = [target];
  const metrics = await start(() => targets);
  await scraped(metrics);
  await step(metrics, "a 1\n");
  expect((await query(metrics, "b")).body.data.result).toEqual([]);
  expect((await query(metrics, "a")).body.data.result).toHaveLength(1);
  targets = [];
  await clock.advance(5000);
  expect((await query(metrics, '{__name__=~"a|up"}')).body.data.result).toEqual([]);
  await metrics.close();
});

test("startMetrics: a failing scrape sets up to 0 and marks what was there as stale", async () => {
  exposed = "a 1\n";
  const metrics = await start();
  await scraped(metrics);
  await step(metrics, "this is not a metric line {\n");
  expect((await query(metrics, "up")).body.data.result[0]?.value[1]).toBe("0");
  expect((await query(metrics, "a")).body.data.result).toEqual([]);
  expect(metrics.targets[0]?.lastError).toContain("line 1 is not a sample");
  await metrics.close();
});

test("startMetrics: a new store on the same directory goes on with the samples of the old one", async () => {
  exposed = "requests_total 100\n";
  const first = await start();
  await scraped(first);
  await step(first, "requests_total 150\n");
  // The group of writes is due after a moment; the first store is then left as a killed process would leave it.
  await clock.advance(1000);
  const abandoned = first;
  exposed = "requests_total 200\n";
  await clock.advance(3000);
  const second = await start();
  await scraped(second);
  const { body } = await query(second, "increase(requests_total[15s])");
  expect(Number(body.data.result[0]?.value[1])).toBeGreaterThan(95);
  await second.close();
  await abandoned.close();
});

test("startMetrics: what an earlier process scraped is stale until it is scraped again", async () => {
  exposed = "gone 1\nstays_total 5\n";
  const first = await start();
  await scraped(first);
  await first.close();
  exposed = "stays_total 7\n";
  await clock.advance(2000);
  const second = await start();
  await scraped(second);
  expect((await query(second, "gone")).body.data.result).toEqual([]);
  expect((await query(second, "stays_total")).body.data.result[0]?.value[1]).toBe("7");
  expect((await query(second, "count_over_time(gone[1m])")).body.data.result[0]?.value[1]).toBe("1");
  await second.close();
});

test("startMetrics: errors have Prometheus' status, type and text", async () => {
  const metrics = await start(() => []);
  const cases = [
    [
      "/api/v1/query?query=sum(",
      400,
      "bad_data",
      'invalid parameter "query": 1:5: parse error: unclosed left parenthesis',
    ],
    [
      "/api/v1/query?query=up&time=x",
      400,
      "bad_data",
      'invalid parameter "time": Invalid time value for \'time\': cannot parse "x" to a valid timestamp',
    ],
    ["/api/v1/query_range?query=up&start=0&end=10&step=0", 400, "bad_data", 'invalid parameter "step"'],
    ["/api/v1/query_range?query=up&start=0&end=20000&step=1", 400, "bad_data", "11,000 points"],
    [
      "/api/v1/query?query=vector(1)%2Bon()group_left()vector(1)%2Blabel_replace(vector(1),%22a%22,%22%22,%22%22,%22(%22)",
      422,
      "execution",
      "invalid regular expression",
    ],
    ["/api/v1/series", 400, "bad_data", "no match[] parameter provided"],
  ] as const;
  for (const [path, status, errorType, error] of cases) {
    const answer = await get(metrics, path);
    expect([answer.status, answer.body.errorType, answer.body.error]).toEqual([
      status,
      errorType,
      expect.stringContaining(error),
    ]);
  }
  await metrics.close();
});

test("startMetrics: POST forms, labels, series, label values and metadata", async () => {
  exposed = '# TYPE a gauge\n# HELP a Some a.\na{x="1"} 1\na{x="2"} 2\n';
  const metrics = await start();
  await scraped(metrics);
  const form = await fetch(`${metrics.url}/api/v1/query`, {
    method: "POST",
    body: new URLSearchParams({ query: "count(a)" }),
  });
  expect(((await form.json()) as Envelope).data.result[0]?.value[1]).toBe("2");
  const data = async (path: string): Promise<unknown> => (await get(metrics, path)).body.data;
  expect(await data("/api/v1/label/x/values")).toEqual(["1", "2"]);
  expect(await data("/api/v1/labels?match[]=a")).toEqual(["__name__", "instance", "job", "pod", "x"]);
  expect(await data('/api/v1/series?match[]=a{x="1"}')).toMatchObject([{ __name__: "a", x: "1", pod: "a" }]);
  expect(await data("/api/v1/metadata?metric=a")).toEqual({ a: [{ type: "gauge", unit: "", help: "Some a." }] });
  const limited = await get(metrics, "/api/v1/query?query=a&limit=1");
  expect(limited.body.data.result).toHaveLength(1);
  expect(limited.body.warnings).toEqual(["results truncated due to limit"]);
  await metrics.close();
});

test("startMetrics: a port in use is named, and nothing stays behind", async () => {
  const { port } = exporter.address() as AddressInfo;
  const options = { directory: join(root, "m"), address: "127.0.0.1", port, targets: () => [], clock, log: silentLog };
  await expect(startMetrics({ ...options, signal: new AbortController().signal })).rejects.toThrow(`127.0.0.1:${port}`);
});

test("startMetrics: an abort ends it", async () => {
  const abort = new AbortController();
  const options = {
    directory: join(root, "m"),
    address: "127.0.0.1",
    port: 0,
    targets: () => [],
    clock,
    log: silentLog,
  };
  const metrics = await startMetrics({ ...options, signal: abort.signal });
  abort.abort();
  await metrics.close();
  await expect(fetch(`${metrics.url}/-/healthy`)).rejects.toThrow("fetch failed");
  expect(scrapesServed).toBe(0);
});
