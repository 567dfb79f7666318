import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLog } from "#base";
import { createVirtualClock } from "#testing";
import { ContainerLog } from "./container-log.ts";
import { type ReadLogOptions, readLog } from "./read-log.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "serin-log-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const clock = createVirtualClock();

function openLog(run = 0): { log: ContainerLog; stdout: PassThrough } {
  const log = new ContainerLog({ directory, run, clock, log: silentLog });
  const stdout = new PassThrough();
  log.attach(stdout, "stdout");
  return { log, stdout };
}

async function writeAll(chunks: readonly string[], run = 0): Promise<void> {
  const { log, stdout } = openLog(run);
  for (const chunk of chunks) stdout.write(chunk);
  stdout.end();
  await new Promise((resolve) => stdout.once("close", resolve));
  await log.close();
}

async function read(query: Partial<ReadLogOptions["query"]> = {}, more: Partial<ReadLogOptions> = {}): Promise<string> {
  const chunks: Uint8Array[] = [];
  const options = { directory, run: 0, live: undefined, signal: new AbortController().signal };
  for await (const chunk of readLog({
    ...options,
    query: { follow: false, timestamps: false, ...query },
    ...more,
  })) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

test("ContainerLog: lines with time and stream, whatever the chunks; the last needs no newline", async () => {
  await writeAll(["one\ntw", "o\nthree"]);
  expect(readFileSync(join(directory, "0.log"), "utf8")).toBe(
    "2026-01-01T00:00:00.000000000Z stdout F one\n" +
      "2026-01-01T00:00:00.000000000Z stdout F two\n" +
      "2026-01-01T00:00:00.000000000Z stdout F three\n",
  );
  expect(await read()).toBe("one\ntwo\nthree\n");
});

test("readLog: a line longer than a part comes out in one piece", async () => {
  const long = "ä".repeat(30_000);
  await writeAll([`${long}\nend\n`]);
  expect(await read()).toBe(`${long}\nend\n`);
  expect((await read({ timestamps: true })).match(/2026-01-01T/g)).toHaveLength(2);
});

test("readLog: tail, bytes, time", async () => {
  await writeAll(["1\n2\n3\n4\n"]);
  expect(await read({ tailLines: 2 })).toBe("3\n4\n");
  expect(await read({ tailLines: 0 })).toBe("");
  expect(await read({ limitBytes: 3 })).toBe("1\n2");
  expect(await read({ sinceMs: clock.nowMs() })).toBe("1\n2\n3\n4\n");
  expect(await read({ sinceMs: clock.nowMs() + 1 })).toBe("");
});

test("ContainerLog: rotates at 10 MB, keeps three files, and they read as one", async () => {
  const line = `${"x".repeat(999)}\n`;
  const { log, stdout } = openLog();
  for (let block = 0; block < 45; block++) {
    stdout.write(line.repeat(1000));
    await new Promise((resolve) => setImmediate(resolve));
  }
  stdout.end("last\n");
  await new Promise((resolve) => stdout.once("close", resolve));
  await log.close();
  expect(existsSync(join(directory, "0.log.2"))).toBe(true);
  expect(existsSync(join(directory, "0.log.3"))).toBe(false);
  const text = await read();
  expect(text.length).toBeGreaterThan(20_000_000);
  expect(text.length).toBeLessThan(45_000_000);
  expect(text.endsWith("x\nlast\n")).toBe(true);
});

test("ContainerLog: the run before the current one is kept, older ones are not", async () => {
  for (const run of [0, 1, 2]) await writeAll([`run ${run}\n`], run);
  expect(existsSync(join(directory, "0.log"))).toBe(false);
  expect(await read({}, { run: 1 })).toBe("run 1\n");
  expect(await read({}, { run: 2 })).toBe("run 2\n");
});

test("readLog: follow gives what is added until the run ends", async () => {
  const { log, stdout } = openLog();
  stdout.write("before\n");
  const following = read({ follow: true, tailLines: 10 }, { live: log });
  await new Promise((resolve) => log.onGrown(() => resolve(undefined)));
  stdout.write("after\n");
  stdout.end("end");
  await new Promise((resolve) => stdout.once("close", resolve));
  await log.close();
  expect(await following).toBe("before\nafter\nend\n");
});

test("readLog: follow ends when the reader goes away", async () => {
  const { log, stdout } = openLog();
  stdout.write("one\n");
  const reader = new AbortController();
  const following = read({ follow: true }, { live: log, signal: reader.signal });
  await new Promise((resolve) => log.onGrown(() => resolve(undefined)));
  reader.abort();
  expect(["", "one\n"]).toContain(await following);
  stdout.destroy();
  await log.close();
});
