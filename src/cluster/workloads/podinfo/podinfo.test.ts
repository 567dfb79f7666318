import { request } from "undici";
import { expect, test } from "vitest";
import { createLineLog } from "../line-log.ts";
import { podcliMain } from "../podcli/main.ts";
import { servePodinfo } from "./main.ts";
import { readSettings } from "./settings.ts";

const ENV = { SERIN_POD_IP: "127.0.0.1", SERIN_IMAGE_TAG: "6.4.0", HOSTNAME: "web-1" };

interface Running {
  readonly url: string;
  readonly metricsUrl: string;
  readonly lines: string[];
  readonly exitCode: Promise<number>;
  stop(): void;
}

/** Runs podinfo in this process on free ports, until `stop`. */
async function run(argv: readonly string[] = [], env: Record<string, string> = {}): Promise<Running> {
  const all = { ...ENV, ...env };
  const settings = readSettings(["--port=0", "--port-metrics=0", ...argv], all);
  if (!settings.ok) throw new Error(settings.error);
  const stop = new AbortController();
  const lines: string[] = [];
  let isUp = (): void => undefined;
  const up = new Promise<void>((resolve) => {
    isUp = resolve;
  });
  const log = createLineLog("info", (line) => {
    lines.push(line);
    if (line.includes("Starting HTTP Server")) isUp();
  });
  const exitCode = servePodinfo({ settings: settings.value, log, env: all, signal: stop.signal, lingerMs: 100 });
  await Promise.race([up, exitCode]);
  const started: unknown = JSON.parse(lines.find((line) => line.includes("Starting HTTP Server")) ?? "{}");
  const { addr, metrics } = started as { addr: string; metrics?: string };
  return {
    url: `http://${addr}`,
    metricsUrl: `http://${metrics ?? addr}`,
    lines,
    exitCode,
    stop: () => stop.abort(),
  };
}

async function get(
  url: string,
  options: Parameters<typeof request>[1] = {},
): Promise<{ status: number; text: string }> {
  const { statusCode, body } = await request(url, options);
  return { status: statusCode, text: await body.text() };
}

test("podinfo: answers as the version of its tag", async () => {
  const podinfo = await run(["--ui-color=#123456"], { PODINFO_UI_MESSAGE: "hello" });
  expect(JSON.parse((await get(`${podinfo.url}/`)).text)).toMatchObject({
    hostname: "web-1",
    version: "6.4.0",
    color: "#123456",
    message: "hello",
  });
  expect(JSON.parse((await get(`${podinfo.url}/version`)).text)).toEqual({ version: "6.4.0", commit: "unknown" });
  podinfo.stop();
  expect(await podinfo.exitCode).toBe(0);
});

test("podinfo: status, delay, echo, headers, unknown paths, and a body over the limit", async () => {
  const { url, stop, exitCode } = await run();
  expect(await get(`${url}/status/418`)).toMatchObject({ status: 418 });
  expect(await get(`${url}/status/999`)).toMatchObject({ status: 400 });
  expect(await get(`${url}/status/204`)).toEqual({ status: 204, text: "" });
  expect(JSON.parse((await get(`${url}/delay/0`)).text)).toEqual({ delay: 0 });
  expect(await get(`${url}/echo`, { method: "POST", body: "hi" })).toEqual({ status: 202, text: "hi" });
  expect((await get(`${url}/headers`, { headers: { "x-a": "1" } })).text).toContain('"x-a"');
  expect(await get(`${url}/no-such-path`)).toMatchObject({ status: 404 });
  expect(await get(`${url}/echo`, { method: "POST", body: "x".repeat(2_000_000) })).toMatchObject({ status: 413 });
  stop();
  expect(await exitCode).toBe(0);
});

test("podinfo: echo with backends answers what they answer, and fails when one does", async () => {
  const backend = await run();
  const front = await run([`--backend-url=${backend.url}/echo`, `--backend-url=${backend.url}/status/200`]);
  const answer = await get(`${front.url}/echo`, { method: "POST", body: "hi" });
  expect(answer.status).toBe(202);
  expect(JSON.parse(answer.text)).toEqual(["hi", expect.stringContaining("200")]);
  const broken = await run([`--backend-url=${backend.url}/status/503`]);
  expect(await get(`${broken.url}/echo`, { method: "POST", body: "hi" })).toMatchObject({ status: 500 });
  for (const podinfo of [backend, front, broken]) podinfo.stop();
  expect(await Promise.all([backend.exitCode, front.exitCode, broken.exitCode])).toEqual([0, 0, 0]);
});

test("podinfo: counts requests with podinfo's names and labels", async () => {
  const { url, stop, exitCode } = await run();
  await get(`${url}/status/503`);
  await get(`${url}/`);
  const { text } = await get(`${url}/metrics`);
  expect(text).toContain('http_requests_total{status="503"} 1');
  expect(text).toContain(
    'http_request_duration_seconds_bucket{le="+Inf",method="GET",path="status_code",status="503"} 1',
  );
  expect(text).toContain('http_request_duration_seconds_count{method="GET",path="root",status="200"} 1');
  stop();
  await exitCode;
});

test("podinfo: the error fault hits its share of ordinary requests, probes and scrapes never", async () => {
  const { url, stop, exitCode } = await run([], { PODINFO_FAULT: "errors=50%" });
  const codes: number[] = [];
  for (let count = 0; count < 10; count++) codes.push((await get(`${url}/version`)).status);
  expect(codes.filter((code) => code === 500)).toHaveLength(5);
  for (let count = 0; count < 4; count++) {
    expect((await get(`${url}/healthz`)).status).toBe(200);
    expect((await get(`${url}/metrics`)).status).toBe(200);
  }
  stop();
  await exitCode;
});

test("podinfo: the latency fault slows ordinary requests down", async () => {
  const { url, stop, exitCode } = await run([], { PODINFO_FAULT: "latency=120ms" });
  const begunMs = performance.now();
  await get(`${url}/version`);
  expect(performance.now() - begunMs).toBeGreaterThanOrEqual(119);
  stop();
  await exitCode;
});

test("podinfo: the latency fault spares the probes", async () => {
  const { url, stop, exitCode } = await run([], { PODINFO_FAULT: "latency=10m" });
  expect((await get(`${url}/readyz`)).status).toBe(200);
  expect((await get(`${url}/healthz`)).status).toBe(200);
  stop();
  await exitCode;
});

test("podinfo: a limited capacity makes requests wait, refuses what may not, and spares the probes", async () => {
  const env = { PODINFO_CAPACITY: "concurrency=1,time=100ms,queue=1" };
  const { url, stop, exitCode } = await run([], env);
  const begunMs = performance.now();
  const answers = await Promise.all([1, 2, 3].map(() => get(`${url}/`)));
  expect(performance.now() - begunMs).toBeGreaterThanOrEqual(199);
  expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 200, 503]);
  const refused = answers.find(({ status }) => status === 503);
  expect(JSON.parse(refused?.text ?? "{}")).toMatchObject({ version: "6.4.0" });
  const busy = get(`${url}/`);
  expect((await get(`${url}/readyz`)).status).toBe(200);
  expect((await busy).status).toBe(200);
  stop();
  expect(await exitCode).toBe(0);
});

test("podinfo: a pod that takes its time to start is not ready before, and then is", async () => {
  const { url, stop, exitCode } = await run([], { PODINFO_CAPACITY: "start=200ms" });
  expect((await get(`${url}/readyz`)).status).toBe(503);
  await expect.poll(async () => (await get(`${url}/readyz`)).status, { timeout: 5000 }).toBe(200);
  stop();
  expect(await exitCode).toBe(0);
});

test("podinfo: readiness can be switched, and /panic ends it with 255", async () => {
  const { url, exitCode } = await run(["--unready"]);
  expect((await get(`${url}/readyz`)).status).toBe(503);
  await get(`${url}/readyz/enable`, { method: "POST" });
  expect((await get(`${url}/readyz`)).status).toBe(200);
  await get(`${url}/readyz/disable`, { method: "POST" });
  expect((await get(`${url}/readyz`)).status).toBe(503);
  await expect(get(`${url}/panic`)).rejects.toThrow(/closed|socket/);
  expect(await exitCode).toBe(255);
});

test("podinfo: on SIGTERM it turns unready, still serves, finishes what is in flight and ends", async () => {
  const { url, stop, exitCode } = await run([], { PODINFO_FAULT: "latency=300ms" });
  const inFlight = get(`${url}/version`);
  await get(`${url}/healthz`);
  stop();
  await new Promise((resolve) => setImmediate(resolve));
  expect((await get(`${url}/readyz`)).status).toBe(503);
  expect((await inFlight).status).toBe(200);
  expect(await exitCode).toBe(0);
});

test("podinfo: a port that is taken is named", async () => {
  const first = await run();
  const { port } = new URL(first.url);
  await expect(run([`--port=${port}`])).rejects.toThrow(`Cannot listen on 127.0.0.1:${port}`);
  first.stop();
  await first.exitCode;
});

test("readSettings: variables, flags over them, and what is wrong with them", () => {
  const read = (argv: readonly string[], env: Record<string, string> = {}): string => {
    const settings = readSettings(argv, { ...ENV, ...env });
    return settings.ok ? settings.value.flags["ui-color"] : settings.error;
  };
  expect(read([], { PODINFO_UI_COLOR: "red" })).toBe("red");
  expect(read(["--ui-color=blue"], { PODINFO_UI_COLOR: "red" })).toBe("blue");
  expect(read([], { PODINFO_FAULT: "nonsense" })).toContain('PODINFO_FAULT: invalid fault "nonsense"');
  expect(read([], { PODINFO_CAPACITY: "lots" })).toContain('PODINFO_CAPACITY: invalid capacity "lots"');
  expect(read(["--port=70000"])).toBe('flag "--port" must be a port from 0 to 65535');
  expect(read(["--level=loud"])).toContain('received "loud"');
  expect(read(["--random-delay-min=9"])).toContain("--random-delay-min");
});

test("podcli: checks over HTTP and TCP, with exit codes as its callers expect", async () => {
  const { url, stop, exitCode } = await run();
  const { port } = new URL(url);
  const podcli = (...argv: string[]): Promise<number> => podcliMain(argv, ENV, new AbortController().signal);
  expect(await podcli("check", "http", `localhost:${port}/healthz`)).toBe(0);
  expect(await podcli("check", "http", `${url}/status/503`, "--retry", "1", "--delay=1ms")).toBe(1);
  expect(await podcli("check", "http", `${url}/echo`, "--body", "x", "--method=POST")).toBe(0);
  expect(await podcli("check", "tcp", `localhost:${port}`)).toBe(0);
  expect(await podcli("check", "tcp", "127.0.0.1:1")).toBe(1);
  expect(await podcli("check", "tcp", "127.0.0.1")).toBe(2);
  expect(await podcli("check", "http")).toBe(2);
  expect(await podcli("nonsense")).toBe(2);
  stop();
  await exitCode;
});
