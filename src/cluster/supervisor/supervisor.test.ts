import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
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

test("supervise: a restart that the system refuses is tried again, and does not end the supervisor", async () => {
  const supervisor = startSleeper();
  const log = join(root, "log");
  await vi.waitFor(() => expect(readFileSync(log, "utf8")).toBe("up\n"), 5000);
  // A log that cannot be opened stands for a full disk or a lack of open files.
  rmSync(log);
  mkdirSync(log);
  process.kill(supervisor.pid() ?? 0, "SIGKILL");
  await vi.waitFor(() => expect(supervisor.pid()).toBeUndefined(), 5000);
  rmSync(log, { recursive: true });
  await vi.waitFor(() => expect(readFileSync(log, "utf8")).toBe("up\n"), 10_000);
  await supervisor.close();
});

test("supervise: a program that does not exist is tried again, and close ends the trying", async () => {
  const errors: string[] = [];
  const supervisor = supervise({
    name: "missing",
    command: join(root, "no-such-program"),
    args: [],
    env: {},
    logPath: join(root, "log"),
    pidPath: join(root, "pid"),
    clock,
    random: seededRandom(1),
    log: { ...silentLog, error: (message) => void errors.push(message) },
  });
  await vi.waitFor(() => expect(errors.length).toBeGreaterThanOrEqual(2), 5000);
  await supervisor.close();
  expect(supervisor.pid()).toBeUndefined();
});
