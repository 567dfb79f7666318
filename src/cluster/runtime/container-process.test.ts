import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLog } from "#base";
import { systemClock } from "#kube";
import { identifyProcess } from "../data-directory/index.ts";
import { ContainerLog } from "./container-log.ts";
import { type ContainerProcess, startContainerProcess } from "./container-process.ts";
import { containerMark, killLeftovers, MARK_VARIABLE, recordProcess } from "./process-record.ts";
import { startUsageSampler } from "./usage-sampler.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "serin-process-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function start(words: readonly string[], hasLifeline = false): Promise<ContainerProcess> {
  const podDirectory = join(root, "pods", "u1");
  const env = { PATH: process.env.PATH ?? "", [MARK_VARIABLE]: containerMark(podDirectory, "app") };
  return startContainerProcess({
    spec: { words, env, workingDirectory: root },
    log: new ContainerLog({ directory: join(root, "logs"), run: 0, clock: systemClock, log: silentLog }),
    clock: systemClock,
    podDirectory,
    container: "app",
    hasLifeline,
  });
}

const logText = (): string => readFileSync(join(root, "logs", "0.log"), "utf8");

/** Waits for something that another process does. */
async function until(isDone: () => boolean): Promise<boolean> {
  for (let round = 0; round < 500 && !isDone(); round++) await new Promise((resolve) => setTimeout(resolve, 10));
  return isDone();
}

function isGone(pid: number): boolean {
  return identifyProcess(pid) === undefined;
}

test("startContainerProcess: exit codes, both outputs in the log, a group of its own", async () => {
  const ended = await start(["sh", "-c", "echo out; echo err >&2; exit 7"]);
  expect(await ended.exited).toBe(7);
  expect(logText()).toMatch(/stdout F out\n/);
  expect(logText()).toMatch(/stderr F err\n/);
  const killed = await start(["sleep", "30"]);
  const record: unknown = JSON.parse(readFileSync(join(root, "pods", "u1", "processes", "app.json"), "utf8"));
  expect(record).toEqual(identifyProcess(killed.pid));
  killed.signal("SIGTERM");
  expect(await killed.exited).toBe(143);
});

test("startContainerProcess: a program that cannot be executed is a StartError with the reason", async () => {
  await expect(start(["no-such-program"])).rejects.toThrow(
    'exec: "no-such-program": executable file not found in $PATH',
  );
  await expect(start(["./missing"])).rejects.toThrow('exec: "./missing": no such file or directory');
  await expect(start([])).rejects.toThrow("no command specified");
});

test("startContainerProcess: what the first process leaves behind ends with it, even in a session of its own", async () => {
  const child = await start(["sh", "-c", "setsid sleep 30 & echo $!; sleep 0.2"]);
  await child.exited;
  const left = Number(/stdout F (\d+)/.exec(logText())?.[1]);
  expect(await until(() => isGone(left))).toBe(true);
});

test("startContainerProcess: the lifeline is open while this process lives, and nothing comes out of it", async () => {
  const child = await start(["sh", "-c", "test -S /proc/self/fd/3 && echo lifeline $SERIN_LIFELINE_FD"], true);
  expect(await child.exited).toBe(0);
  expect(logText()).toContain("lifeline 3");
});

test("killLeftovers: ends recorded groups and marked processes, and spares a process that only has the same pid", async () => {
  const pods = join(root, "pods");
  const env = { ...process.env, [MARK_VARIABLE]: containerMark(join(pods, "u1"), "app") };
  const marked = spawn("sleep", ["30"], { detached: true, stdio: "ignore", env });
  const recorded = spawn("sh", ["-c", "sleep 30 & wait"], { detached: true, stdio: "ignore" });
  const bystander = spawn("sleep", ["30"], { detached: true, stdio: "ignore" });
  const pidOf = ({ pid }: { pid?: number | undefined }): number => pid ?? 0;
  recordProcess(join(pods, "u1"), "app", pidOf(recorded));
  recordProcess(join(pods, "u2"), "app", pidOf(bystander));
  const path = join(pods, "u2", "processes", "app.json");
  writeFileSync(path, JSON.stringify({ pid: pidOf(bystander), startTicks: 1 }));
  expect(killLeftovers(pods)).toBe(2);
  expect(await until(() => isGone(pidOf(marked)) && isGone(pidOf(recorded)))).toBe(true);
  expect(isGone(pidOf(bystander))).toBe(false);
  bystander.kill("SIGKILL");
  expect(existsSync(path)).toBe(false);
});

test("startUsageSampler: measures a busy process and its children", async () => {
  const child = await start(["sh", "-c", "(while :; do :; done) & while :; do :; done"]);
  const sampler = startUsageSampler({ clock: systemClock, leaders: () => [child.pid] });
  expect(await until(() => (sampler.read(child.pid)?.cpuCores ?? 0) > 0.05)).toBe(true);
  const usage = sampler.read(child.pid);
  sampler.close();
  child.signal("SIGKILL");
  await child.exited;
  expect(usage?.memoryBytes).toBeGreaterThan(0);
  expect(usage?.cpuCores).toBeLessThan(2.5);
});
