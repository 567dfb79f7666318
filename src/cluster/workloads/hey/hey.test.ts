import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { generateLoad } from "./main.ts";
import { type LoadPlan, readLoadPlan } from "./options.ts";
import { formatCsv, formatReport, type LoadResult } from "./report.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function plan(argv: readonly string[], env: Record<string, string> = {}): LoadPlan {
  const read = readLoadPlan(argv, env);
  if (!read.ok) throw new Error(read.error);
  return read.value;
}

function load(argv: readonly string[], env: Record<string, string> = {}): Promise<LoadResult> {
  return generateLoad(plan(argv, env), new AbortController().signal);
}

test("generateLoad: sends the number asked for, over as many connections as workers", async () => {
  const seen: IncomingMessage[] = [];
  const host = await serve((request, response) => {
    seen.push(request);
    response.writeHead(seen.length % 4 === 0 ? 500 : 200).end("body");
  });
  const result = await load([
    "-n",
    "42",
    "-c",
    "4",
    "-m",
    "post",
    "-d",
    "hi",
    "-H",
    "X-A: 1",
    "-host",
    "shop",
    `http://${host}/a`,
  ]);
  expect(result.exchanges).toHaveLength(40);
  expect(new Set(seen.map(({ socket }) => socket.remotePort)).size).toBeLessThanOrEqual(4);
  expect(seen[0]).toMatchObject({
    method: "POST",
    url: "/a",
    headers: { host: "shop", "x-a": "1", "content-length": "2" },
  });
  const report = formatReport(result);
  expect(report).toMatch(/Status code distribution:\n {2}\[200\]\t30 responses\n {2}\[500\]\t10 responses/);
  expect(report).toMatch(/Total data:\t160 bytes\n {2}Size\/request:\t4 bytes/);
});

test("generateLoad: keeps to the rate of each worker and to the duration", async () => {
  const host = await serve((_request, response) => response.end());
  const result = await load(["-z", "500ms", "-q", "20", "-c", "2", `http://${host}/`]);
  expect(result.totalMs).toBeGreaterThanOrEqual(400);
  expect(result.exchanges.length).toBeGreaterThanOrEqual(2);
  expect(result.exchanges.length).toBeLessThanOrEqual(20);
});

test("generateLoad: an abort ends it with what was measured so far", async () => {
  const host = await serve((_request, response) => response.end());
  const stop = new AbortController();
  const running = generateLoad(plan(["-z", "1h", "-q", "50", "-c", "1", `http://${host}/`]), stop.signal);
  setTimeout(() => stop.abort(), 100);
  expect((await running).exchanges.length).toBeGreaterThan(0);
});

test("generateLoad: http_proxy is asked in absolute form", async () => {
  const seen: string[] = [];
  const proxy = await serve((request, response) => {
    seen.push(`${request.url} ${request.headers.host}`);
    response.end();
  });
  await load(["-n", "1", "-c", "1", "http://app.shop:9898/x"], { http_proxy: `http://${proxy}` });
  expect(seen).toEqual(["http://app.shop:9898/x app.shop:9898"]);
});

test("generateLoad: redirects are followed unless asked otherwise; what fails is counted by reason", async () => {
  const host = await serve((request, response) => {
    if (request.url === "/old") response.writeHead(302, { location: "/new" }).end();
    else if (request.url === "/cut") request.socket.destroy();
    else response.end();
  });
  const codes = async (...argv: string[]): Promise<unknown[]> =>
    (await load(["-n", "1", "-c", "1", ...argv])).exchanges.map(({ outcome }) => outcome);
  expect(await codes(`http://${host}/old`)).toMatchObject([{ status: 200 }]);
  expect(await codes("-disable-redirects", `http://${host}/old`)).toMatchObject([{ status: 302 }]);
  const failed = await load(["-n", "2", "-c", "1", `http://${host}/cut`]);
  expect(formatReport(failed)).toMatch(/Error distribution:\n {2}\[2\]\tGET "http:.*\/cut": socket hang up/);
});

test("generateLoad: a request that takes longer than -t is an error", async () => {
  const host = await serve(() => undefined);
  const result = await load(["-n", "1", "-c", "1", "-t", "1", `http://${host}/`]);
  expect(result.exchanges[0]?.outcome).toMatchObject({ error: expect.stringContaining("no answer within 1 s") });
});

test.each([
  [["-n", "1"], "give exactly one URL"],
  [["ftp://x"], "no http or https URL"],
  [["-n", "1", "-c", "2", "http://x/"], "-n cannot be less than -c"],
  [["-c", "0", "http://x/"], "-c must be from 1"],
  [["-H", "nonsense", "http://x/"], 'invalid header "nonsense"'],
  [["-D", "/no/such/file", "http://x/"], "cannot read the body"],
  [["-o", "xml", "http://x/"], 'invalid output type "xml"'],
])("readLoadPlan: %j is refused", (argv, message) => {
  const read = readLoadPlan(argv, {});
  expect(read.ok ? "" : read.error).toContain(message);
});

const EXCHANGE = { startedMs: 0, connectMs: 1, lookupMs: 0, writeMs: 1, waitMs: 2, readMs: 1 };

test("formatReport: the whole text", () => {
  const exchanges = [10, 20, 30, 40, 110].map((totalMs) => ({
    ...EXCHANGE,
    totalMs,
    outcome: { status: 200, byteCount: 10 },
  }));
  const text = formatReport({ exchanges, totalMs: 500, droppedCount: 0 });
  expect(text.split("\n").slice(0, 28)).toEqual([
    "",
    "Summary:",
    "  Total:\t0.5000 secs",
    "  Slowest:\t0.1100 secs",
    "  Fastest:\t0.0100 secs",
    "  Average:\t0.0420 secs",
    "  Requests/sec:\t10.0000",
    "  ",
    "  Total data:\t50 bytes",
    "  Size/request:\t10 bytes",
    "",
    "Response time histogram:",
    `  0.010 [1]\t|${"■".repeat(40)}`,
    `  0.020 [1]\t|${"■".repeat(40)}`,
    `  0.030 [1]\t|${"■".repeat(40)}`,
    `  0.040 [1]\t|${"■".repeat(40)}`,
    "  0.050 [0]\t|",
    "  0.060 [0]\t|",
    "  0.070 [0]\t|",
    "  0.080 [0]\t|",
    "  0.090 [0]\t|",
    "  0.100 [0]\t|",
    `  0.110 [1]\t|${"■".repeat(40)}`,
    "",
    "",
    "Latency distribution:",
    "  10% in 0.0100 secs",
    "  25% in 0.0200 secs",
  ]);
  expect(text).toContain("  DNS+dialup:\t0.0010 secs, 0.0010 secs, 0.0010 secs\n");
});

test("formatReport, formatCsv: nothing but errors, and lines by request", () => {
  const failed = { ...EXCHANGE, totalMs: 1, outcome: { error: "GET x: refused" } };
  const text = formatReport({ exchanges: [failed], totalMs: 100, droppedCount: 0 });
  expect(text).toContain("Error distribution:\n  [1]\tGET x: refused\n");
  expect(text).not.toContain("histogram");
  const done = { ...EXCHANGE, totalMs: 5, outcome: { status: 200, byteCount: 0 } };
  expect(formatCsv({ exchanges: [done, failed], totalMs: 100, droppedCount: 0 }).split("\n")[1]).toBe(
    "0.0050,0.0010,0.0000,0.0010,0.0020,0.0010,200,0.0000",
  );
});
