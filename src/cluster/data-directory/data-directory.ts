import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Failure, isObject } from "#base";
import { identifyProcess, isSameProcess, type ProcessIdentity } from "./process-identity.ts";

/** Layout version of a data directory; raised when an older Serin could not read it, or the other way round. */
const DATA_VERSION = "1";

/** The opened, locked home of one embedded cluster. */
export interface DataDirectory {
  /** Absolute path. */
  readonly path: string;
  /** Path of an entry inside. */
  file(...parts: string[]): string;
  /** Gives the lock back. */
  release(): void;
}

/**
 * Opens a data directory, creating it when it is missing, and locks it against other processes.
 *
 * The lock is a file with the holder's pid and start time, so one that a killed process left behind is taken over.
 *
 * @throws Failure `DataDirectoryHeld`, `DataDirectoryVersion` or `DataDirectoryUnusable`; each message names the directory.
 */
export function openDataDirectory(path: string): DataDirectory {
  const root = resolve(path);
  try {
    mkdirSync(root, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new Failure(`Cannot create the data directory "${root}"`, { code: "DataDirectoryUnusable", cause });
  }
  takeLock(root);
  try {
    checkVersion(root);
  } catch (thrown) {
    releaseLock(root);
    throw thrown;
  }
  return {
    path: root,
    file: (...parts) => join(root, ...parts),
    release: () => releaseLock(root),
  };
}

function takeLock(root: string): void {
  const path = join(root, "lock");
  // Two tries: the second one follows the removal of a lock whose holder is gone.
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      writeFileSync(path, JSON.stringify(identifyProcess(process.pid)), { flag: "wx", mode: 0o600 });
      return;
    } catch (cause) {
      if (codeOf(cause) !== "EEXIST")
        throw new Failure(`Cannot write to the data directory "${root}"`, { code: "DataDirectoryUnusable", cause });
    }
    const holder = readHolder(path);
    if (holder !== undefined && isSameProcess(holder)) throw heldBy(root, holder.pid);
    removeAbandoned(root);
  }
  throw heldBy(root, undefined);
}

/**
 * Removes a lock whose holder is gone. It is moved aside first and looked at again: another process may have taken it over
 * in between, and its fresh lock must go back to where it was.
 */
function removeAbandoned(root: string): void {
  const path = join(root, "lock");
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return;
    throw new Failure(`Cannot write to the data directory "${root}"`, { code: "DataDirectoryUnusable", cause });
  }
  const holder = readHolder(aside);
  if (holder === undefined || !isSameProcess(holder)) {
    rmSync(aside, { force: true });
    return;
  }
  renameSync(aside, path);
  throw heldBy(root, holder.pid);
}

/** Gives the lock back, unless it is no longer ours. */
function releaseLock(root: string): void {
  const path = join(root, "lock");
  const holder = readHolder(path);
  if (holder === undefined || holder.pid === process.pid) rmSync(path, { force: true });
}

function heldBy(root: string, pid: number | undefined): Failure {
  const holder = pid === undefined ? "another process" : `process ${pid}`;
  return new Failure(
    `Cannot use the data directory "${root}": ${holder} holds it; stop that process or choose another --data-dir`,
    {
      code: "DataDirectoryHeld",
    },
  );
}

function readHolder(path: string): ProcessIdentity | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (!isObject(value) || typeof value.pid !== "number" || typeof value.startTicks !== "number") return undefined;
    return { pid: value.pid, startTicks: value.startTicks };
  } catch {
    // Unreadable or torn: its writer died in the middle of it.
    return undefined;
  }
}

function checkVersion(root: string): void {
  const path = join(root, "version");
  const found = readVersion(path);
  // Empty: the first start was killed between creating the file and filling it.
  if (found === undefined || found === "") {
    try {
      writeFileSync(path, `${DATA_VERSION}\n`, { mode: 0o600 });
    } catch (cause) {
      throw new Failure(`Cannot write "${path}"`, { code: "DataDirectoryUnusable", cause });
    }
    return;
  }
  if (found !== DATA_VERSION) {
    throw new Failure(
      `Cannot use the data directory "${root}": it has version "${found}", this Serin reads version "${DATA_VERSION}"; ` +
        "run the Serin that wrote it, or choose another --data-dir",
      { code: "DataDirectoryVersion" },
    );
  }
}

function readVersion(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return undefined;
    throw new Failure(`Cannot read "${path}"`, { code: "DataDirectoryUnusable", cause });
  }
}

function codeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && "code" in thrown ? String(thrown.code) : undefined;
}
