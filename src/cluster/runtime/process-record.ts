import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isObject } from "#base";
import { identifyProcess, isSameProcess, type ProcessIdentity } from "../data-directory/index.ts";

/**
 * Who runs, on disk: what a later life of the node needs to end what a killed one left behind.
 *
 * A record lies in `<pods>/<uid>/processes/<container>.json`.
 */
export function recordProcess(podDirectory: string, container: string, pid: number): void {
  const identity = identifyProcess(pid);
  if (identity === undefined) return;
  const directory = join(podDirectory, "processes");
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(join(directory, `${container}.json`), JSON.stringify(identity), { mode: 0o600 });
}

export function forgetProcess(podDirectory: string, container: string): void {
  rmSync(join(podDirectory, "processes", `${container}.json`), { force: true });
}

/**
 * Kills every process that pods of this directory left running; returns how many were found.
 *
 * First the recorded groups. Then, where /proc exists, every process whose environment names the directory: one that
 * was started in the instant before the kill and not yet recorded, or that left its group.
 */
export function killLeftovers(podsDirectory: string): number {
  let count = 0;
  for (const uid of readNames(podsDirectory)) {
    const processes = join(podsDirectory, uid, "processes");
    for (const name of readNames(processes)) {
      const identity = readIdentity(join(processes, name));
      if (identity !== undefined && isSameProcess(identity)) {
        count++;
        signalGroup(identity.pid, "SIGKILL");
      }
      rmSync(join(processes, name), { force: true });
    }
  }
  return count + killMarked(`${MARK_VARIABLE}=${podsDirectory}/`);
}

/** The variable that every process of a container inherits, as the mark of whose it is. */
export const MARK_VARIABLE = "SERIN_CONTAINER";

/** The mark's value: a path, so that all marks of a node begin with its pods directory. */
export function containerMark(podDirectory: string, container: string): string {
  return join(podDirectory, container);
}

/** Kills what is left of a container whose first process has ended: processes that moved to a group of their own. */
export function killStrays(mark: string): void {
  killMarked(`${MARK_VARIABLE}=${mark}\0`);
}

/** Signals a whole process group; one that has ended already is left alone. */
export function signalGroup(leaderPid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leaderPid, signal);
  } catch (thrown) {
    if (!(thrown instanceof Error && "code" in thrown && thrown.code === "ESRCH")) throw thrown;
  }
}

const SCANS_MAX = 3;

function killMarked(mark: string): number {
  let count = 0;
  // A process that forks while it is scanned may escape one scan, not all of them.
  for (let scan = 0; scan < SCANS_MAX; scan++) {
    const marked = readNames("/proc").filter((name) => /^\d+$/.test(name) && hasMark(name, mark));
    for (const name of marked) killOne(Number(name));
    count += scan === 0 ? marked.length : 0;
    if (marked.length === 0) break;
  }
  return count;
}

function hasMark(pid: string, mark: string): boolean {
  if (Number(pid) === process.pid) return false;
  try {
    return `\0${readFileSync(`/proc/${pid}/environ`, "latin1")}`.includes(`\0${mark}`);
  } catch {
    // Ended meanwhile, or of another user, and then not ours.
    return false;
  }
}

function killOne(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Ended between the scan and now.
  }
}

function readNames(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    // Not there: nothing has run yet.
    return [];
  }
}

function readIdentity(path: string): ProcessIdentity | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (!isObject(value) || typeof value.pid !== "number" || typeof value.startTicks !== "number") return undefined;
    return { pid: value.pid, startTicks: value.startTicks };
  } catch {
    // Torn: its writer died in the middle of it; the scan by mark finds the process.
    return undefined;
  }
}
