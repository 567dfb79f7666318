import { afterEach, expect, test } from "vitest";
import { createVirtualClock } from "#testing";
import { type Answer, type ForeignServer, startForeignServer } from "../testing/foreign-server.ts";
import { probeTriggers, type TriggerProbe } from "../testing/probe-trigger.ts";
import { externalOf } from "../testing/trigger-fixture.ts";
import type { TriggerReading } from "../trigger.ts";

const clock = createVirtualClock();
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(answer: Answer, address?: string): Promise<ForeignServer> {
  const server = await startForeignServer(answer, address === undefined ? {} : { address });
  cleanups.push(() => server.close());
  return server;
}

const body =
  (text: string, headers: Record<string, string> = {}): Answer =>
  (_, response) =>
    response.writeHead(200, headers).end(text);

function probeWith(endpoints: readonly string[] = []): TriggerProbe {
  const asked = (namespace: string, service: string) => (namespace === "shop" && service === "api" ? endpoints : []);
  const probe = probeTriggers({ clock, endpoints: asked });
  cleanups.push(() => probe.close());
  return probe;
}

function read(
  url: string,
  metadata: Readonly<Record<string, string>> = {},
  auth: Readonly<Record<string, string>> = {},
): Promise<TriggerReading | string> {
  const whole = { url, valueLocation: "n", targetValue: "5", ...metadata };
  return probeWith().read("metrics-api", { metadata: whole, auth });
}

test.each([
  ["json", "n", '{"n":"1k"}', 1000],
  ["yaml", "a.0.n", "a:\n- n: 2.5\n", 2.5],
  ["xml", "a.n", "<a><n>7</n></a>", 7],
  ["prometheus", 'n{a="b"}', 'n{a="a"} 1\nn{a="b"} 2\n', 2],
])("metrics-api: reads %s at %s", async (format, valueLocation, text, value) => {
  const server = await serve(body(text));
  expect(await read(`${server.url}/stats`, { format, valueLocation })).toEqual({ values: [value], isActive: true });
});

test("metrics-api: is named for the location and active above the activation value", async () => {
  const server = await serve(body('{"n":3}'));
  const metadata = { url: server.url, valueLocation: "n", targetValue: "5" };
  const trigger = externalOf(await probeWith().build("metrics-api", { metadata }));
  expect(await trigger.metrics(new AbortController().signal)).toEqual([
    { name: "metric-api-n", target: 5, targetType: "AverageValue", isWhole: false },
  ]);
  await trigger.close();
  expect(await read(server.url, { activationTargetValue: "3" })).toEqual({ values: [3], isActive: false });
});

test.each<[Record<string, string>, Record<string, string>, string, Record<string, string>]>([
  [{ authMode: "apiKey" }, { apiKey: "k 1" }, "/s?a=1", { "x-api-key": "k 1" }],
  [{ authMode: "apiKey", keyParamName: "X-Own" }, { apiKey: "k1" }, "/s?a=1", { "x-own": "k1" }],
  [{ authMode: "apiKey", method: "query" }, { apiKey: "k 1" }, "/s?a=1&api_key=k+1", {}],
  [{ authModes: "apiKey" }, { apiKey: "k1", method: "query", keyParamName: "q" }, "/s?a=1&q=k1", {}],
  [{ authMode: "bearer" }, { token: "t1" }, "/s?a=1", { authorization: "Bearer t1" }],
  [{ authMode: "basic" }, { username: "u" }, "/s?a=1", { authorization: "Basic dTo=" }],
  [{ authMode: "oauth" }, {}, "/s?a=1", {}],
])("metrics-api: lets itself in with %j and %j", async (metadata, auth, path, expected) => {
  const server = await serve(body('{"n":3}'));
  expect(await read(`${server.url}/s?a=1`, metadata, auth)).toEqual({ values: [3], isActive: true });
  const [asked] = server.asked;
  const { host, connection, ...own } = asked?.headers ?? {};
  expect(host).toBeDefined();
  expect(connection).toBeDefined();
  expect([asked?.line, own]).toEqual([`GET ${path}`, expected]);
});

test("metrics-api: an answer that cannot be used says where and why, and nothing of a key", async () => {
  const teapot = await serve((_, response) => response.writeHead(418).end('{"n":3}'));
  expect(await read(`${teapot.url}/s?key=x`)).toBe(`${teapot.url}/s: api returned 418`);
  const created = await serve((_, response) => response.writeHead(201).end('{"n":3}'));
  expect(await read(created.url)).toBe(`${created.url}/: api returned 201`);
  const closed = await serve((_, response) => response.writeHead(403).end());
  expect(await read(closed.url, { authMode: "oauth" })).toBe(
    `${closed.url}/: api returned 403 (authModes oauth has no effect on a metrics-api trigger; use apiKey, basic or bearer)`,
  );
  const echo = await serve((request, response) => response.end(JSON.stringify({ n: request.headers["x-api-key"] })));
  expect(await read(echo.url, { authMode: "apiKey" }, { apiKey: "s3cret-key" })).toBe(
    `the answer of ${echo.url}/ cannot be used: valueLocation "n" must lead to a number or a quantity such as "1k", there is the text "***"`,
  );
  const silent = await serve(() => undefined);
  const reading = read(silent.url, { timeout: "40ms" });
  await expect.poll(() => silent.asked.length).toBe(1);
  await clock.advance(40);
  expect(await reading).toBe(`Cannot ask ${silent.url}: no answer within 40ms`);
});

test.each([
  ["average", 3],
  ["sum", 6],
  ["max", 5],
  ["min", 1],
])("metrics-api: %s of a Service's endpoints, without one that fails", async (aggregationType, expected) => {
  const servers = [
    await serve(body('{"n":1}'), "127.0.0.2"),
    await serve(body('{"n":5}'), "127.0.0.3"),
    await serve((_, response) => response.writeHead(500).end(), "127.0.0.4"),
  ];
  const probe = probeWith(servers.map(({ url }) => url.replace("http://", "")));
  const metadata = {
    url: "http://api.shop.svc.cluster.local/stats?x=1",
    valueLocation: "n",
    targetValue: "5",
    aggregateFromKubeServiceEndpoints: "true",
    aggregationType,
  };
  expect(await probe.read("metrics-api", { metadata })).toEqual({ values: [expected], isActive: true });
  expect(servers.map(({ asked }) => asked.map(({ line }) => line))).toEqual(
    Array.from({ length: 3 }, () => ["GET /stats?x=1"]),
  );
});

test("metrics-api: of endpoints with several ports, that of the URL is asked", async () => {
  const server = await serve(body('{"n":4}'));
  const probe = probeWith(["127.0.0.1:1", `127.0.0.1:${server.port}`]);
  const metadata = {
    url: `http://api.shop:${server.port}`,
    valueLocation: "n",
    targetValue: "5",
    aggregateFromKubeServiceEndpoints: "true",
  };
  expect(await probe.read("metrics-api", { metadata })).toEqual({ values: [4], isActive: true });
  expect(server.asked).toHaveLength(1);
});

test("metrics-api: no endpoint, or none that answers, is an error", async () => {
  const metadata = {
    url: "http://api.shop/stats",
    valueLocation: "n",
    targetValue: "5",
    aggregateFromKubeServiceEndpoints: "true",
  };
  expect(await probeWith().read("metrics-api", { metadata })).toBe('Service "api.shop" has no ready endpoint to ask');
  const server = await serve((_, response) => response.writeHead(500).end());
  const probe = probeWith([server.url.replace("http://", ""), `127.0.0.2:${server.port}`]);
  expect(await probe.read("metrics-api", { metadata })).toMatch(
    /^none of 2 endpoints gave a value; the first: (?:http:\S+\/stats: api returned 500|Cannot ask http:\S+: connect)/,
  );
});

test("metrics-api: asks no more than five endpoints at a time", async () => {
  let runningCount = 0;
  let mostCount = 0;
  const server = await serve((_, response) => {
    runningCount++;
    mostCount = Math.max(mostCount, runningCount);
    setImmediate(() => {
      runningCount--;
      response.end('{"n":1}');
    });
  });
  const probe = probeWith(Array.from({ length: 30 }, () => `127.0.0.1:${server.port}`));
  const metadata = {
    url: `http://api.shop:${server.port}`,
    valueLocation: "n",
    targetValue: "5",
    aggregateFromKubeServiceEndpoints: "true",
    aggregationType: "sum",
  };
  expect(await probe.read("metrics-api", { metadata })).toEqual({ values: [30], isActive: true });
  expect(mostCount).toBeLessThanOrEqual(5);
});
