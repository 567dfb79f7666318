import { mkdtempSync, rmSync } from "node:fs";
import type { ServerOptions } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TLSSocket } from "node:tls";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLog } from "#base";
import { createVirtualClock } from "#testing";
import { ensurePki } from "../../../apiserver/index.ts";
import { startMetrics, staticTarget } from "../../../metrics/index.ts";
import { type Answer, type ForeignServer, startForeignServer } from "../testing/foreign-server.ts";
import { probeTriggers, type TriggerProbe } from "../testing/probe-trigger.ts";
import { externalOf } from "../testing/trigger-fixture.ts";
import type { TriggerReading } from "../trigger.ts";

const clock = createVirtualClock(Date.parse("2026-03-10T12:00:00.250Z"));
const ONE = '{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"12.5"]}]}}';
let probe: TriggerProbe;
const cleanups: (() => unknown)[] = [];

beforeEach(() => {
  probe = probeTriggers({ clock });
});

afterEach(async () => {
  await probe.close();
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(answer: Answer, tls?: ServerOptions): Promise<ForeignServer> {
  const server = await startForeignServer(answer, tls === undefined ? {} : { tls });
  cleanups.push(() => server.close());
  return server;
}

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), "serin-trigger-"));
  cleanups.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const one: Answer = (_, response) => response.end(ONE);

function read(
  server: { readonly url: string },
  metadata: Readonly<Record<string, string>> = {},
  auth: Readonly<Record<string, string>> = {},
): Promise<TriggerReading | string> {
  const whole = { serverAddress: server.url, query: 'sum(rate(http{a="b c"}[1m]))', threshold: "10", ...metadata };
  return probe.read("prometheus", { metadata: whole, auth });
}

/** Reads from a server that does not answer in time. */
async function outOfTime(server: ForeignServer, timeout: string): Promise<TriggerReading | string> {
  const reading = read(server, { timeout });
  await expect.poll(() => server.asked.length).toBe(1);
  await clock.advance(50);
  return reading;
}

test("prometheus: asks an instant query of now with its own parameters", async () => {
  const server = await serve(one);
  const more = {
    serverAddress: `${server.url}/tenant/?id=7`,
    namespace: "shop",
    queryParameters: "dedup=true,max_source_resolution=5 m",
    customHeaders: "X-Scope-OrgID=team,Authorization=mine",
  };
  expect(await read(server, more)).toEqual({ values: [12.5], isActive: true });
  const [asked] = server.asked;
  const url = new URL(asked?.line.slice(4) ?? "", server.url);
  expect([url.pathname, [...url.searchParams]]).toEqual([
    "/tenant/api/v1/query",
    [
      ["id", "7"],
      ["query", 'sum(rate(http{a="b c"}[1m]))'],
      ["namespace", "shop"],
      ["dedup", "true"],
      ["max_source_resolution", "5 m"],
      ["time", "2026-03-10T12:00:00Z"],
    ],
  ]);
  expect(asked?.headers).toMatchObject({ "x-scope-orgid": "team", authorization: "mine" });
});

test("prometheus: is active above the activation threshold, not at it", async () => {
  const server = await serve(one);
  expect(await read(server, { activationThreshold: "12.5" })).toEqual({ values: [12.5], isActive: false });
  expect(await read(server, { activationThreshold: "12.4" })).toEqual({ values: [12.5], isActive: true });
});

test("prometheus: has one metric with the threshold in thousandths", async () => {
  const metadata = { serverAddress: "http://p", query: "up", threshold: "2.5" };
  const trigger = externalOf(await probe.build("prometheus", { metadata, metricType: "Value" }));
  expect(await trigger.metrics(new AbortController().signal)).toEqual([
    { name: "prometheus", target: 2.5, targetType: "Value", isWhole: false },
  ]);
});

test.each<[string, Record<string, string>, Record<string, string>]>([
  ["bearer", { token: "t1" }, { authorization: "Bearer t1" }],
  ["bearer", { bearerToken: "t1" }, { authorization: "Bearer t1" }],
  ["basic", { username: "u", password: "p:w" }, { authorization: `Basic ${Buffer.from("u:p:w").toString("base64")}` }],
  ["custom", { customAuthHeader: "X-Key", customAuthValue: "k1" }, { "x-key": "k1" }],
  ["custom,bearer", { customAuthHeader: "X-Key", customAuthValue: "k1", token: "t1" }, { authorization: "Bearer t1" }],
  ["apiKey", { apiKey: "k1" }, {}],
])("prometheus: authModes %s", async (authModes, auth, expected) => {
  const server = await serve(one);
  // In the metadata or in the authentication, and under both of its names.
  expect(await read(server, { authModes }, auth)).toEqual({ values: [12.5], isActive: true });
  expect(await read(server, {}, { ...auth, authMode: authModes })).toEqual({ values: [12.5], isActive: true });
  for (const { headers } of server.asked) {
    const { host, connection, ...own } = headers;
    expect(host).toBeDefined();
    expect(connection).toBeDefined();
    expect(own).toEqual(expected);
  }
});

test("prometheus: what a server says of an error is shown without the secrets that it repeats", async () => {
  const server = await serve((request, response) => {
    response.writeHead(400);
    response.end(JSON.stringify({ status: "error", error: `bad query for ${request.headers.authorization ?? ""}` }));
  });
  expect(await read(server, { authModes: "bearer" }, { token: "t0p-s3cret" })).toBe(
    "prometheus query api returned error. status: 400 bad query for ***",
  );
  expect(await read({ url: server.url.replace("//", "//user:pa%3Ass@") })).toBe(
    "prometheus query api returned error. status: 400 bad query for Basic ***",
  );
});

test("prometheus: modes without effect are named when the server lets nobody in", async () => {
  const server = await serve((_, response) => response.writeHead(401).end());
  expect(await read(server, { authModes: "apiKey,oauth" }, { apiKey: "k" })).toBe(
    "prometheus query api returned error. status: 401 (authModes apiKey, oauth has no effect on a prometheus trigger; use bearer, basic or custom)",
  );
  expect(await read(server)).toBe("prometheus query api returned error. status: 401");
});

test("prometheus: follows redirections, but not with a key in a header", async () => {
  const server = await serve(one);
  const moved = await serve((request, response) =>
    response.writeHead(307, { location: `${server.url}${request.url ?? ""}` }).end(),
  );
  expect(await read(moved)).toEqual({ values: [12.5], isActive: true });
  expect(await read(moved, { customHeaders: "X-Key=k1" })).toBe("prometheus query api returned error. status: 307");
  expect(server.asked).toHaveLength(1);
});

test("prometheus: a server that never answers, answers too much or closes", async () => {
  const silent = await serve(() => undefined);
  expect(await outOfTime(silent, "50")).toBe(`Cannot ask ${silent.url}: no answer within 50ms`);
  const slow = await serve((_, response) => response.write("{"));
  expect(await outOfTime(slow, "50ms")).toBe(`Cannot ask ${slow.url}: no answer within 50ms`);
  const endless = await serve((_, response) => {
    const more = (): void => {
      while (!response.destroyed && response.write("x".repeat(65_536)));
      if (!response.destroyed) response.once("drain", more);
    };
    more();
  });
  expect(await read(endless)).toBe(`Cannot ask ${endless.url}: the answer is larger than 4194304 bytes`);
  const rude = await serve((request) => request.socket.destroy());
  expect(await read(rude)).toContain(`Cannot ask ${rude.url}: other side closed`);
});

test("prometheus: a read ends when it is told to", async () => {
  const silent = await serve(() => undefined);
  const metadata = { serverAddress: silent.url, query: "up", threshold: "1" };
  const trigger = externalOf(await probe.build("prometheus", { metadata }));
  const stop = new AbortController();
  const reading = trigger.metrics(stop.signal).then(([metric]) => {
    if (metric === undefined) throw new Error("no metric");
    return trigger.read(metric, stop.signal);
  });
  await expect.poll(() => silent.asked.length).toBe(1);
  stop.abort();
  await expect(reading).rejects.toMatchObject({ code: "TriggerUnreadable", retryable: true });
  await trigger.close();
});

test("prometheus: tls with an authority, a certificate of its own, or neither checked", async () => {
  const pki = await ensurePki(directory());
  const pair = { cert: pki.serverCertPem, key: pki.serverKeyPem };
  const certified: Answer = ({ socket }, response) => {
    const isKnown = socket instanceof TLSSocket && socket.getPeerX509Certificate() !== undefined;
    response.writeHead(isKnown ? 200 : 403).end(ONE);
  };
  const server = await serve(certified, { ...pair, requestCert: true, rejectUnauthorized: false });
  const good = { values: [12.5], isActive: true };
  expect(await read(server, { authModes: "tls" }, { ...pair, ca: pki.caPem })).toEqual(good);
  // Beside certificates of its own, unsafeSsl counts here; KEDA forgets it then.
  expect(await read(server, { authModes: "tls", unsafeSsl: "true" }, pair)).toEqual(good);
  expect(await read(server, { authModes: "tls" }, pair)).toContain("unable to verify the first certificate");
  expect(await read(server, { unsafeSsl: "true" })).toBe("prometheus query api returned error. status: 403");
  const open = await serve(one, pair);
  expect(await read(open, { unsafeSsl: "true" })).toEqual(good);
  expect(await read(open)).toContain("unable to verify the first certificate");
});

test("prometheus: a trigger with certificates of its own finds the cluster's Services by name", async () => {
  const pki = await ensurePki(directory());
  const server = await serve(one, { cert: pki.serverCertPem, key: pki.serverKeyPem });
  const named = probeTriggers({
    clock,
    resolve: (host, namespace) => (host === "prometheus" && namespace === "shop" ? "127.0.0.1" : host),
  });
  cleanups.push(() => named.close());
  const metadata = {
    serverAddress: `https://prometheus:${server.port}`,
    query: "up",
    threshold: "1",
    unsafeSsl: "true",
  };
  expect(await named.read("prometheus", { metadata })).toEqual({ values: [12.5], isActive: true });
});

test("prometheus: reads from the cluster's own metrics store", async () => {
  const exporter = await serve((_, response) => response.end('jobs{pod="a"} 3\njobs{pod="b"} 4\n'));
  const stop = new AbortController();
  const metrics = await startMetrics({
    directory: join(directory(), "metrics"),
    address: "127.0.0.1",
    port: 0,
    targets: () => [staticTarget("app", `${exporter.url}/metrics`)],
    scrapeIntervalMs: 5000,
    clock,
    log: silentLog,
    signal: stop.signal,
  });
  cleanups.push(() => metrics.close());
  await expect.poll(() => metrics.targets.map(({ health }) => health)).toEqual(["up"]);
  // Queries are of a whole second, and what was scraped later in the same one is not yet seen.
  await clock.advance(1000);
  expect(await read(metrics, { query: "sum(jobs)" })).toEqual({ values: [7], isActive: true });
  expect(await read(metrics, { query: "jobs" })).toBe(
    "prometheus query cannot be used: the query gives 2 series; aggregate them to one, for instance with sum(…)",
  );
  expect(await read(metrics, { query: "none" })).toEqual({ values: [0], isActive: false });
  expect(await read(metrics, { query: "none", ignoreNullValues: "false" })).toBe(
    "prometheus query cannot be used: the result is empty",
  );
  expect(await read(metrics, { query: "vector(0)/0" })).toEqual({ values: [0], isActive: false });
  expect(await read(metrics, { query: "5" })).toBe(
    "prometheus query cannot be used: the query gives a scalar or a string; write vector(…) around it",
  );
  expect(await read(metrics, { query: "sum(" })).toMatch(/^prometheus query api returned error. status: 400 \S/);
});
