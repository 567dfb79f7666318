import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLog } from "#base";
import { createLabels } from "#promql";
import { createVirtualClock } from "#testing";
import { parseExposition } from "../exposition/parse-exposition.ts";
import { createSampleStore } from "../storage/index.ts";
import { type ApiServer, startApiServer } from "./server.ts";

let server: ApiServer;
const clock = createVirtualClock(100_000);

beforeEach(async () => {
  const store = createSampleStore({ maxSeriesCount: 10 });
  for (const pod of ["a", "b"]) {
    const series = store.series(
      createLabels([
        ["__name__", "m"],
        ["pod", pod],
        ["__proto__", "x"],
      ]),
    );
    if (series === undefined) throw new Error("the store is full");
    for (let i = 0; i <= 10; i++) store.append(series, i * 10_000, i / 3);
  }
  const scraper = { targets: [], metadata: new Map() };
  const moreOwnMetrics = () => 'keda_scaled_object_paused{namespace="shop",scaledObject="web"} 1\n';
  const fixed = { scrapeIntervalMs: 10_000, retentionMs: 1e6, version: "1.2.3", startedMs: 0 };
  const context = { store, scraper, clock, ...fixed, moreOwnMetrics };
  server = await startApiServer({ context, address: "127.0.0.1", port: 0, log: silentLog });
});
afterEach(() => server.close());

async function text(path: string, init?: RequestInit): Promise<string> {
  const response = await fetch(server.url + path, init);
  return `${response.status} ${await response.text()}`;
}

test("startApiServer: exact bodies of instant and range queries", async () => {
  expect(await text("/api/v1/query?query=m%7Bpod=%22a%22%7D&time=20.5")).toBe(
    '200 {"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"m","__proto__":"x","pod":"a"},"value":[20.5,"0.6666666666666666"]}]}}',
  );
  expect(await text("/api/v1/query_range?query=sum(m)&start=0&end=20&step=10s")).toBe(
    '200 {"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[0,"0"],[10,"0.6666666666666666"],[20,"1.3333333333333333"]]}]}}',
  );
  expect(await text("/api/v1/query?query=1e-7")).toBe(
    '200 {"status":"success","data":{"resultType":"scalar","result":[100,"0.0000001"]}}',
  );
  expect(await text("/api/v1/query?query=vector(1e-7)")).toContain('"value":[100,"1e-07"]');
  expect(await text("/api/v1/query?query=%22x%22")).toContain('"resultType":"string","result":[100,"x"]');
  expect(await text("/api/v1/query?query=m%5B20s%5D&time=20")).toContain(
    '"values":[[10,"0.3333333333333333"],[20,"0.6666666666666666"]]',
  );
});

test("startApiServer: warnings and infos are in the envelope", async () => {
  expect(JSON.parse((await text("/api/v1/query?query=quantile(2,rate(m[1m]))")).slice(4))).toMatchObject({
    status: "success",
    warnings: ["PromQL warning: quantile value should be between 0 and 1, got 2 (1:10)"],
    infos: [expect.stringContaining("metric might not be a counter")],
  });
});

test("startApiServer: a query that takes too long, and one that reads too much", async () => {
  expect(await text("/api/v1/query?query=m&timeout=-1")).toBe(
    '503 {"status":"error","errorType":"timeout","error":"query timed out in expression evaluation"}',
  );
  expect(await text("/api/v1/query?query=count_over_time(vector(1)%5B1y:1ms%5D)")).toContain(
    '"errorType":"execution","error":"query processing would load too many samples',
  );
});

test("startApiServer: methods, unknown paths, probes and large forms", async () => {
  expect(await text("/-/healthy")).toBe("200 The metrics store is healthy.\n");
  expect(await text("/-/ready", { method: "HEAD" })).toBe("200 ");
  expect(await text("/api/v1/query", { method: "DELETE" })).toBe("405 Method Not Allowed\n");
  expect(await text("/nothing")).toBe("404 404 page not found\n");
  expect(await text("/api/v1/nothing")).toBe("404 404 page not found\n");
  expect(await text("/api/v1/label/%E0/values")).toContain('400 {"status":"error","errorType":"bad_data"');
  const body = new URLSearchParams({ query: "m", padding: "x".repeat(2_000_000) });
  expect(await text("/api/v1/query", { method: "POST", body })).toContain("the form is larger than 1048576 bytes");
  expect(await text("/api/v1/status/buildinfo")).toContain('"version":"1.2.3"');
});

test("startApiServer: its own metrics can be scraped", async () => {
  const parsed = parseExposition((await text("/metrics")).slice(4), "prometheus");
  expect(parsed.ok && parsed.value.samples).toContainEqual({ text: "prometheus_tsdb_head_series", value: 2 });
  const paused = 'keda_scaled_object_paused{namespace="shop",scaledObject="web"}';
  expect(parsed.ok && parsed.value.samples).toContainEqual({ text: paused, value: 1 });
});
