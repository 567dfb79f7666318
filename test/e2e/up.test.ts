import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { processesNaming, startSerin } from "./serin-process.ts";

/** `serin up`: what it says when it cannot start, and that it goes on after kill -9 with the state it had. */

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "serin-e2e-up-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function up(...args: string[]) {
  return startSerin(["up", "--data-dir", join(directory, "data"), "--gateway-port", "0", "--api-port", "0", ...args]);
}

test.each(["--gateway-port", "--api-port"])("serin up: a taken port is named (%s)", async (flag) => {
  const server = createServer();
  const port = await new Promise<number>((resolve) => {
    server.listen({ host: "127.0.0.1", port: 0 }, () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
  const serin = up(flag, String(port));
  expect(await serin.ended).toBe(1);
  expect(serin.stderr()).toContain(String(port));
  expect(serin.stderr()).toMatch(/port/);
  server.close();
  expect(processesNaming(directory)).toEqual([]);
});

test("serin up: a data directory that is held names its holder; another version is named", async () => {
  const first = up();
  await first.waitForOutput("ready");
  const second = up();
  expect(await second.ended).toBe(1);
  expect(second.stderr()).toContain(`process ${first.child.pid} holds it`);
  first.child.kill("SIGTERM");
  expect(await first.ended).toBe(0);
  writeFileSync(join(directory, "data", "version"), "99\n");
  const third = up();
  expect(await third.ended).toBe(1);
  expect(third.stderr()).toContain('version "99"');
  expect(processesNaming(directory)).toEqual([]);
});

test("serin up: Ctrl-C ends every process and gives the data directory back", async () => {
  const serin = up();
  await serin.waitForOutput("ready");
  serin.child.kill("SIGINT");
  expect(await serin.ended).toBe(0);
  expect(processesNaming(directory)).toEqual([]);
  const again = up();
  await again.waitForOutput("ready");
  again.child.kill("SIGINT");
  expect(await again.ended).toBe(0);
});
