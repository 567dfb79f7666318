import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import {
  type BackoffPolicy,
  backoffMs,
  type Clock,
  isObject,
  type Log,
  type LogFields,
  messageOf,
  type Random,
} from "#base";
import { identifyProcess, isSameProcess, type ProcessIdentity } from "../data-directory/index.ts";

export interface SupervisorOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** File that takes stdout and stderr; moved to `.1` at a start when it has grown over 10 MB. */
  readonly logPath: string;
  /** File that records who runs, so that a later life of the supervisor can end what a killed one left behind. */
  readonly pidPath: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Keeps one child process running until it is closed. */
export interface Supervisor {
  /** The running child's pid; undefined between two lives. */
  pid(): number | undefined;
  /** Ends the child (SIGTERM, then SIGKILL after the grace period) and waits for it. */
  close(): Promise<void>;
}

const RESTART: BackoffPolicy = { initialMs: 50, factor: 2, maxMs: 5000, jitter: 0.2 };
/** A life longer than this is a good one: the next failure starts the back-off anew. */
const STABLE_AFTER_MS = 10_000;
const GRACE_MS = 5000;
const LOG_BYTES_MAX = 10 * 1024 * 1024;

/**
 * Starts a process and starts it again, with back-off, whenever it ends.
 *
 * The child gets a pipe as standard input that it never reads: when this process dies, however hard, the pipe closes
 * and the child knows that its parent is gone.
 */
export function supervise(options: SupervisorOptions): Supervisor {
  killLeftover(options.pidPath);
  let child: ChildProcess | undefined;
  let failures = 0;
  let isClosed = false;
  let cancelRestart = (): void => undefined;

  function start(): void {
    const startedMs = options.clock.nowMs();
    const next = launch(options);
    child = next;
    // "exit" does not come when the program could not be started at all.
    next.once("error", (cause) =>
      options.log.error("cannot start process", { name: options.name, error: cause.message }),
    );
    next.once("close", (code, signal) => {
      child = undefined;
      if (isClosed) return;
      if (options.clock.nowMs() - startedMs > STABLE_AFTER_MS) failures = 0;
      startLater("process ended, starting it again", { code, signal });
    });
  }

  function startLater(message: string, fields: LogFields): void {
    const delayMs = backoffMs(RESTART, failures++, options.random);
    options.log.warn(message, { name: options.name, ...fields, delayMs: Math.round(delayMs) });
    cancelRestart = options.clock.after(delayMs, restart);
  }

  /** In a timer nobody catches: a full disk or a lack of open files must not end this process too. */
  function restart(): void {
    try {
      start();
    } catch (thrown) {
      startLater("cannot start process, trying again", { error: messageOf(thrown) });
    }
  }

  start();
  return {
    pid: () => child?.pid,
    async close() {
      isClosed = true;
      cancelRestart();
      if (child !== undefined) await end(child, options.clock);
      rmSync(options.pidPath, { force: true });
    },
  };
}

function launch(options: SupervisorOptions): ChildProcess {
  rotate(options.logPath);
  const output = openSync(options.logPath, "a", 0o600);
  try {
    // A group of its own: Ctrl-C in the terminal is for us, and we end the child in its turn.
    const child = spawn(options.command, options.args, {
      env: options.env,
      stdio: ["pipe", output, output],
      detached: true,
    });
    // A child that dies while its pipe is open must not take us along.
    child.stdin?.on("error", () => undefined);
    const identity = child.pid === undefined ? undefined : identifyProcess(child.pid);
    if (identity !== undefined) writeFileSync(options.pidPath, JSON.stringify(identity), { mode: 0o600 });
    return child;
  } finally {
    closeSync(output);
  }
}

function rotate(path: string): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size > LOG_BYTES_MAX) renameSync(path, `${path}.1`);
}

function end(child: ChildProcess, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(GRACE_MS, () => child.kill("SIGKILL"));
    // Comes also when the child has exited already: it is only forgotten after its "close".
    child.once("close", () => {
      cancel();
      resolve();
    });
    child.kill("SIGTERM");
  });
}

function killLeftover(pidPath: string): void {
  const recorded = readIdentity(pidPath);
  if (recorded !== undefined && isSameProcess(recorded)) {
    try {
      process.kill(recorded.pid, "SIGKILL");
    } catch (thrown) {
      // Gone between the two lines: that is what we want.
      if (!(thrown instanceof Error && "code" in thrown && thrown.code === "ESRCH")) throw thrown;
    }
  }
  rmSync(pidPath, { force: true });
}

function readIdentity(path: string): ProcessIdentity | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (!isObject(value) || typeof value.pid !== "number" || typeof value.startTicks !== "number") return undefined;
    return { pid: value.pid, startTicks: value.startTicks };
  } catch {
    // Nothing was recorded, or its writer died in the middle of it: then there is no child to end.
    return undefined;
  }
}
