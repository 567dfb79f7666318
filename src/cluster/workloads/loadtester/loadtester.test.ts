import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { request } from "undici";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createLineLog } from "../line-log.ts";
import { createGates } from "./gates.ts";
import { createLoadtesterListener } from "./server.ts";
import { TaskRunner } from "./tasks.ts";

let server: Server;
let tasks: TaskRunner;
let url = "";
let root = "";
let ended: string[] = [];

async function start(options: { namespacePattern?: RegExp; timeoutMs?: number; path?: string } = {}): Promise<void> {
  const log = createLineLog("error", () => undefined);
  const onEnd = (type: string, isSuccess: boolean): void => void ended.push(`${type} ${isSuccess}`);
  const env = options.path === undefined ? process.env : { ...process.env, PATH: options.path };
  tasks = new TaskRunner({ timeoutMs: options.timeoutMs ?? 10_000, env, log, onEnd });
  const metrics = { contentType: "text/plain", text: () => Promise.resolve("m 1\n") };
  const { namespacePattern } = options;
  server = createServer(createLoadtesterListener({ gates: createGates(), tasks, log, namespacePattern, metrics }));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "serin-loadtester-"));
  ended = [];
});
afterEach(async () => {
  await tasks.close();
  server.close().closeAllConnections();
  rmSync(root, { recursive: true, force: true });
});

async function post(path: string, payload: unknown): Promise<{ status: number; text: string }> {
  const body = typeof payload === "string" ? payload : JSON.stringify(payload);
  const response = await request(`${url}${path}`, { method: "POST", body });
  return { status: response.statusCode, text: await response.body.text() };
}

const canary = (metadata?: Record<string, string>): unknown => ({
  name: "web",
  namespace: "shop",
  phase: "Progressing",
  checksum: "1",
  ...(metadata === undefined ? {} : { metadata }),
});

/** Waits until so many tasks have ended. */
async function untilEnded(count: number): Promise<void> {
  for (let round = 0; round < 500 && ended.length < count; round++)
    await new Promise((resolve) => setTimeout(resolve, 10));
  expect(ended.length).toBeGreaterThanOrEqual(count);
}

test("gates: closed by default, opened and closed by canary, rollback apart", async () => {
  await start();
  expect(await post("/gate/approve", "")).toEqual({ status: 200, text: "OK" });
  expect(await post("/gate/halt", "")).toEqual({ status: 403, text: "Forbidden" });
  expect(await post("/gate/check", canary())).toEqual({ status: 403, text: "Forbidden" });
  expect((await post("/gate/open", canary())).status).toBe(202);
  expect(await post("/gate/check", canary())).toEqual({ status: 200, text: "Approved" });
  expect((await post("/gate/check", { name: "other", namespace: "shop" })).status).toBe(403);
  expect((await post("/rollback/check", canary())).status).toBe(403);
  expect((await post("/rollback/open", canary())).status).toBe(202);
  expect((await post("/gate/close", canary())).status).toBe(202);
  expect((await post("/gate/check", canary())).status).toBe(403);
  expect(await post("/rollback/check", canary())).toEqual({ status: 200, text: "Approved" });
});

test("health and metrics are open to GET", async () => {
  await start({ namespacePattern: /^prod-/ });
  const read = async (path: string) => (await request(`${url}${path}`)).body.text();
  expect(await read("/healthz")).toBe("OK");
  expect(await read("/metrics")).toBe("m 1\n");
});

test("requests that are wrong: no JSON, no metadata, unknown type, no command, unknown path, a body over the limit", async () => {
  await start();
  expect((await post("/", "{")).status).toBe(400);
  expect((await post("/", "[]")).status).toBe(400);
  expect(await post("/", canary())).toEqual({ status: 400, text: "metadata not found in payload" });
  expect((await post("/", canary({ type: "nope", cmd: "x" }))).text).toContain('task type "nope" is not known');
  expect((await post("/", canary({ type: "bash" }))).status).toBe(400);
  expect((await post("/", { metadata: { cmd: 1 } })).text).toContain('metadata "cmd" must be a string');
  expect((await post("/nope", canary())).status).toBe(404);
  expect((await post("/gate/open", `"${"x".repeat(2_000_000)}"`)).status).toBe(413);
});

test("bash: waits; the output on request, the failure with its output (pinned 51)", async () => {
  await start();
  expect(await post("/", canary({ type: "bash", cmd: "echo hi" }))).toEqual({ status: 200, text: "" });
  const returned = await post("/", canary({ type: "bash", cmd: "echo hi", returnCmdOutput: "true" }));
  expect(returned).toEqual({ status: 200, text: "hi\n" });
  expect(await post("/", canary({ type: "bash", cmd: "echo no; exit 3" }))).toEqual({
    status: 500,
    text: "command echo no; exit 3 failed: no\n: exit status 3",
  });
  expect(ended).toEqual(["bash true", "bash true", "bash false"]);
});

test("cmd: does not wait, and the same task of the same canary runs once at a time (pinned 51)", async () => {
  await start();
  const path = join(root, "ran");
  const task = canary({ cmd: `echo x >> '${path}'; sleep 0.3` });
  expect(await post("/", task)).toEqual({ status: 202, text: "" });
  expect((await post("/", task)).status).toBe(202);
  await untilEnded(1);
  expect(readFileSync(path, "utf8")).toBe("x\n");
  await post("/", task);
  await untilEnded(2);
  expect(readFileSync(path, "utf8")).toBe("x\nx\n");
});

test("tasks end at the limit, with everything they started", async () => {
  await start({ timeoutMs: 100 });
  const answer = await post("/", canary({ type: "bash", cmd: "sleep 30 | sleep 30" }));
  expect(answer.status).toBe(500);
  expect(answer.text).toContain("ended after the limit of 100ms");
});

test("close: ends tasks that run", async () => {
  await start();
  await post("/", canary({ cmd: "sleep 30" }));
  expect(tasks.size).toBe(1);
  await tasks.close();
  expect(ended).toEqual(["cmd false"]);
});

test("helm and kubectl: run the program with its arguments, split on blanks, or say that it is missing", async () => {
  await start({ path: root });
  for (const [type, program] of [
    ["helm", "helm"],
    ["helmv3", "helm"],
    ["kubectl", "kubectl"],
  ] as const) {
    const file = join(root, program);
    const task = canary({ type, cmd: "test  'my release' -n shop", returnCmdOutput: "true" });
    rmSync(file, { force: true });
    const missing = await post("/", task);
    expect(missing.status).toBe(500);
    expect(missing.text).toContain(`"${program}" is not installed on this machine`);
    writeFileSync(file, `#!/bin/sh\nfor word in "$@"; do echo "<$word>"; done\n`, { mode: 0o755 });
    expect(await post("/", task)).toEqual({ status: 200, text: "<test>\n<'my>\n<release'>\n<-n>\n<shop>\n" });
  }
});

test("task types concord and ngrinder are refused with those that are known", async () => {
  await start();
  for (const type of ["concord", "ngrinder"]) {
    const answer = await post("/", canary({ type, cmd: "x", server: "http://s" }));
    expect(answer).toEqual({
      status: 400,
      text: `task type "${type}" is not known to the built-in load tester; use one of cmd, bash, helm, helmv3, kubectl`,
    });
  }
});

test("-namespace-regexp: payloads of other namespaces are refused, open paths are not", async () => {
  await start({ namespacePattern: /^prod-/ });
  expect((await post("/gate/open", canary())).status).toBe(403);
  expect((await post("/", canary({ cmd: "true" }))).status).toBe(403);
  expect((await post("/gate/approve", canary())).status).toBe(200);
  expect((await post("/gate/open", { name: "web", namespace: "prod-1" })).status).toBe(202);
});
