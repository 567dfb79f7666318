import { spawn } from "node:child_process";
import { LIFELINE_VARIABLE } from "../run-program.ts";

/** How a task's process ended. */
export interface ProcessOutcome {
  readonly isSuccess: boolean;
  /** Both outputs, in the order of arrival, as far as the limit goes. */
  readonly output: string;
  /** `exit status N`, `signal: NAME`, or why it could not be started; empty after a success. */
  readonly problem: string;
}

const OUTPUT_BYTES_MAX = 1024 * 1024;
const KILL_AFTER_MS = 2000;
/** Tasks get a lifeline of their own, so that our programs among them end even when the load tester is killed. */
const LIFELINE_FD = 3;

/** The groups that run now; when this process exits, for whatever reason but kill -9, they go with it. */
export interface ProcessGroups {
  add(leaderPid: number | undefined): void;
  delete(leaderPid: number | undefined): void;
  close(): void;
}

export function createProcessGroups(): ProcessGroups {
  const leaders = new Set<number | undefined>();
  const endAll = (): void => {
    for (const pid of leaders) signalGroup(pid, "SIGKILL");
  };
  process.once("exit", endAll);
  return {
    add: (pid) => leaders.add(pid),
    delete: (pid) => leaders.delete(pid),
    close: () => process.off("exit", endAll),
  };
}

/** Runs a program in a process group of its own; the group is ended when the signal aborts. Never rejects. */
export function runProcess(
  words: readonly [string, ...string[]],
  options: {
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly signal: AbortSignal;
    readonly groups: ProcessGroups;
  },
): Promise<ProcessOutcome> {
  const [program, ...args] = words;
  const { env, groups, signal } = options;
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      env: { ...env, [LIFELINE_VARIABLE]: String(LIFELINE_FD) },
      detached: true,
      stdio: ["ignore", "pipe", "pipe", "pipe"],
    });
    child.stdio[LIFELINE_FD]?.on("error", () => undefined);
    groups.add(child.pid);
    const output: Buffer[] = [];
    let byteCount = 0;
    const collect = (chunk: Buffer): void => {
      if (byteCount < OUTPUT_BYTES_MAX) output.push(chunk.subarray(0, OUTPUT_BYTES_MAX - byteCount));
      byteCount += chunk.length;
    };
    child.stdout?.on("data", collect);
    child.stderr?.on("data", collect);
    let killTimer: NodeJS.Timeout | undefined;
    const stop = (): void => {
      signalGroup(child.pid, "SIGTERM");
      killTimer = setTimeout(() => signalGroup(child.pid, "SIGKILL"), KILL_AFTER_MS);
    };
    const finish = (problem: string): void => {
      clearTimeout(killTimer);
      groups.delete(child.pid);
      signal.removeEventListener("abort", stop);
      resolve({ isSuccess: problem === "", output: Buffer.concat(output).toString("utf8"), problem });
    };
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    child.once("error", (cause) => finish(describeStartError(program, cause)));
    // What the first process left behind would hold the outputs open; it goes with it.
    child.once("exit", () => signalGroup(child.pid, "SIGKILL"));
    child.once("close", (code, killedBy) =>
      finish(killedBy !== null ? `signal: ${killedBy}` : code === 0 ? "" : `exit status ${code}`),
    );
  });
}

function describeStartError(program: string, cause: Error): string {
  const isMissing = "code" in cause && cause.code === "ENOENT";
  return isMissing ? `"${program}" is not installed on this machine` : cause.message;
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The group has ended already.
  }
}
