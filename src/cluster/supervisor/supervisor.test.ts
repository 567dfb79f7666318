import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Clock, seededRandom, silentLog } from "#base";
import { isSameProcess } from "../data-directory/index.ts";
import { supervise } from "./supervisor.ts";

const clock: Clock = {
  nowMs: () => Date.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "serin-supervisor-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function startSleeper() {
  return supervise({
    name: "sleeper",
    command: process.execPath,
    args: ["-e", "console.log('up'); process.stdin.resume(); process.stdin.on('end', () => process.exit(0))"],
    env: process.env,
    logPath: join(root, "log"),
    pidPath: join(root, "pid"),
    clock,
    random: seededRandom(1),
    log: silentLog,
  });
}

test("supervise: starts a killed process again, and close ends it for good", async () => {
  const supervisor = startSleeper();
  const first = supervisor.pid();
  expect(first).toBeDefined();
  await vi.waitFor(() => expect(readFileSync(join(root, "log"), "utf8")).toBe("up\n"), 5000);
  process.kill(first ?? 0, "SIGKILL");
  await vi.waitFor(() => {
    expect(supervisor.pid()).toBeDefined();
    expect(supervisor.pid()).not.toBe(first);
  }, 5000);
  await vi.waitFor(() => expect(readFileSync(join(root, "log"), "utf8")).toBe("up\nup\n"), 5000);
  await supervisor.close();
  expect(supervisor.pid()).toBeUndefined();
});

test("supervise: ends what a killed supervisor left behind", async () => {
  const abandoned = startSleeper();
  await vi.waitFor(() => expect(readFileSync(join(root, "log"), "utf8")).toBe("up\n"), 5000);
  const left = JSON.parse(readFileSync(join(root, "pid"), "utf8"));
  const closing = abandoned.close;
  const successor = startSleeper();
  await vi.waitFor(() => expect(isSameProcess(left)).toBe(false), 5000);
  await closing();
  await successor.close();
});
