import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { type Clock, Failure, messageOf } from "#base";
import { LIFELINE_VARIABLE } from "../workloads/index.ts";
import type { ContainerLog } from "./container-log.ts";
import { containerMark, killStrays, recordProcess, signalGroup } from "./process-record.ts";

/** Program, variables and place of a process. */
export interface ProcessSpec {
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
}

export interface ContainerProcess {
  readonly pid: number;
  /** The exit code, 128 + N after signal N; resolves when the whole group is gone and its output is in the log. */
  readonly exited: Promise<number>;
  /** Signals the whole process group. */
  signal(signal: NodeJS.Signals): void;
}

export interface StartOptions {
  readonly spec: ProcessSpec;
  readonly log: ContainerLog;
  readonly clock: Clock;
  /** Where the process is recorded before it counts as started. */
  readonly podDirectory: string;
  readonly container: string;
  /** Gives the process a pipe that closes when this process dies, and tells it by a variable. */
  readonly hasLifeline: boolean;
}

const LIFELINE_FD = 3;
/** How long output is awaited after the group was killed: a process that left the group may hold the pipe. */
const OUTPUT_GRACE_MS = 500;

/**
 * Starts a container's process in a session and group of its own.
 *
 * @throws Failure `StartError` when the program cannot be executed; the message is the kernel's reason, as runc puts it.
 */
export async function startContainerProcess(options: StartOptions): Promise<ContainerProcess> {
  const { spec, hasLifeline } = options;
  const [program, ...args] = spec.words;
  if (program === undefined)
    throw new Failure("no command specified: the image has none; set the container's command", { code: "StartError" });
  const env = hasLifeline ? { ...spec.env, [LIFELINE_VARIABLE]: String(LIFELINE_FD) } : spec.env;
  const child = spawn(program, args, {
    cwd: spec.workingDirectory,
    env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe", ...(hasLifeline ? (["pipe"] as const) : [])],
  });
  const { pid } = child;
  if (pid === undefined) throw startError(program, await failureOf(child));
  recordProcess(options.podDirectory, options.container, pid);
  // Later errors of a running child (a signal that could not be sent) are seen where they are caused.
  child.on("error", () => undefined);
  if (child.stdout !== null) options.log.attach(child.stdout, "stdout");
  if (child.stderr !== null) options.log.attach(child.stderr, "stderr");
  child.stdio[LIFELINE_FD]?.on("error", () => undefined);
  return {
    pid,
    exited: watchExit(child, pid, options),
    signal: (signal) => signalGroup(pid, signal),
  };
}

async function failureOf(child: ChildProcess): Promise<unknown> {
  const [cause] = (await once(child, "error").catch((thrown: unknown) => [thrown])) as [unknown];
  return cause;
}

function startError(program: string, cause: unknown): Failure {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  const reason =
    code === "ENOENT"
      ? program.includes("/")
        ? "no such file or directory"
        : "executable file not found in $PATH"
      : code === "EACCES"
        ? "permission denied"
        : messageOf(cause);
  return new Failure(`exec: "${program}": ${reason}`, { code: "StartError", cause });
}

function watchExit(child: ChildProcess, pid: number, options: StartOptions): Promise<number> {
  const { clock, log } = options;
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => {
      // A container ends with its first process: what that one left behind goes with it.
      signalGroup(pid, "SIGKILL");
      killStrays(containerMark(options.podDirectory, options.container));
      const exitCode = signal === null ? (code ?? 0) : 128 + (constants.signals[signal] ?? 0);
      let isDone = false;
      const finish = (): void => {
        if (isDone) return;
        isDone = true;
        cancel();
        for (const stream of child.stdio) stream?.destroy();
        log.close().then(
          () => resolve(exitCode),
          () => resolve(exitCode),
        );
      };
      const cancel = clock.after(OUTPUT_GRACE_MS, finish);
      child.once("close", finish);
    });
  });
}
