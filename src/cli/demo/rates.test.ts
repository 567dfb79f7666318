import { createServer, type Server } from "node:http";
import { afterEach, expect, test } from "vitest";
import { readRates } from "./rates.ts";

let server: Server | undefined;
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
});

/** A Prometheus API that answers each query with the first text whose key is in it. */
async function serve(answers: Readonly<Record<string, string>>) {
  const started = createServer((request, response) => {
    const query = new URL(request.url ?? "", "http://x").searchParams.get("query") ?? "";
    const found = Object.entries(answers).find(([key]) => query.includes(key));
    response.writeHead(found === undefined ? 422 : 200).end(found?.[1]);
  });
  server = started;
  const port = await new Promise<number>((resolve) =>
    started.listen(0, "127.0.0.1", () => resolve((started.address() as { port: number }).port)),
  );
  return { metricsUrl: `http://127.0.0.1:${port}`, namespace: "shop", workloads: "web.*", windowSeconds: 5 };
}

function vector(...series: readonly (readonly [workload: string, value: string])[]): string {
  const result = series.map(([destination_workload, value]) => ({
    metric: { destination_workload },
    value: [0, value],
  }));
  return JSON.stringify({ status: "success", data: { resultType: "vector", result } });
}

test("readRates: joins the three queries by workload, and leaves out one without traffic", async () => {
  const source = await serve({
    histogram_quantile: vector(["web", "12.5"], ["web-primary", "NaN"]),
    "response_code!~": vector(["web", "15"]),
    istio_requests_total: vector(["web", "20"], ["web-primary", "4"], ["idle", "0"]),
  });
  expect([...(await readRates(source))]).toEqual([
    ["web", { requestsPerSecond: 20, successPercent: 75, p99Ms: 12.5 }],
    ["web-primary", { requestsPerSecond: 4, successPercent: 0, p99Ms: undefined }],
  ]);
});

test("readRates: a query that is refused is no rate", async () => {
  expect([...(await readRates(await serve({})))]).toEqual([]);
});

test("readRates: an answer without bounds is not read to its end", async () => {
  const source = await serve({ istio: `"${"x".repeat(2 * 1024 * 1024)}"` });
  await expect(readRates(source)).rejects.toMatchObject({ code: "ResponseTooLarge" });
});
