import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDataDirectory } from "./data-directory.ts";
import { identifyProcess, isSameProcess } from "./process-identity.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "serin-data-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test("openDataDirectory: creates, locks, and gives the lock back", () => {
  const path = join(root, "new");
  const directory = openDataDirectory(path);
  expect(existsSync(directory.file("lock"))).toBe(true);
  expect(() => openDataDirectory(path)).toThrow(`process ${process.pid} holds it`);
  directory.release();
  openDataDirectory(path).release();
});

test("openDataDirectory: takes over the lock of a process that is gone, and a torn one", () => {
  const gone = spawnSync("true").pid;
  writeFileSync(join(root, "lock"), JSON.stringify({ pid: gone, startTicks: 1 }));
  expect(() => openDataDirectory(root).release()).not.toThrow();
  writeFileSync(join(root, "lock"), '{"pid":');
  expect(() => openDataDirectory(root).release()).not.toThrow();
});

test("openDataDirectory: a reused pid is not the holder", () => {
  writeFileSync(join(root, "lock"), JSON.stringify({ pid: process.pid, startTicks: 1 }));
  expect(() => openDataDirectory(root).release()).not.toThrow();
});

test("openDataDirectory: refuses another version, names both, and leaves no lock", () => {
  writeFileSync(join(root, "version"), "99\n");
  expect(() => openDataDirectory(root)).toThrow('it has version "99", this Serin reads version "1"');
  expect(existsSync(join(root, "lock"))).toBe(false);
});

test("openDataDirectory: release leaves a lock alone that another process has taken over", () => {
  const directory = openDataDirectory(root);
  const other = JSON.stringify({ pid: process.ppid, startTicks: 1 });
  writeFileSync(join(root, "lock"), other);
  directory.release();
  expect(readFileSync(join(root, "lock"), "utf8")).toBe(other);
});

test("openDataDirectory: a start that was killed while it wrote the version is no other version", () => {
  writeFileSync(join(root, "version"), "");
  openDataDirectory(root).release();
  expect(readFileSync(join(root, "version"), "utf8")).toBe("1\n");
  expect(readdirSync(root)).toEqual(["version"]);
});

test("openDataDirectory: a version that cannot be read is named, and leaves no lock", () => {
  mkdirSync(join(root, "version"));
  expect(() => openDataDirectory(root)).toThrow(`Cannot read "${join(root, "version")}"`);
  expect(existsSync(join(root, "lock"))).toBe(false);
});

test("openDataDirectory: a file in the way is named", () => {
  writeFileSync(join(root, "file"), "");
  expect(() => openDataDirectory(join(root, "file"))).toThrow(join(root, "file"));
});

test("identifyProcess: this process is itself, a process that ended is nobody", () => {
  const self = identifyProcess(process.pid);
  expect(self !== undefined && isSameProcess(self)).toBe(true);
  expect(identifyProcess(spawnSync("true").pid)).toBeUndefined();
});
