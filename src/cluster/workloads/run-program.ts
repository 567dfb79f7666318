import { Socket } from "node:net";
import { messageOf } from "#base";

/** A program of ours: takes its arguments without the program's name, ends when the signal aborts, returns its exit code. */
export type Program = (argv: readonly string[], env: NodeJS.ProcessEnv, signal: AbortSignal) => Promise<number>;

/** Names the file descriptor whose other end the node runtime holds. */
export const LIFELINE_VARIABLE = "SERIN_LIFELINE_FD";

/**
 * Runs a program as this process: SIGTERM and SIGINT abort its signal, and the process exits with the code it returns.
 *
 * A process that the node runtime started also ends when the runtime is gone, however it died.
 */
export async function runProgram(program: Program): Promise<void> {
  const stop = new AbortController();
  process.once("SIGTERM", () => stop.abort());
  process.once("SIGINT", () => stop.abort());
  exitWithParent(process.env);
  try {
    process.exitCode = await program(process.argv.slice(2), process.env, stop.signal);
  } catch (thrown) {
    process.stderr.write(`${messageOf(thrown)}\n`);
    process.exitCode = 1;
  }
  // Without this a connection that a client keeps open would keep a finished program alive.
  process.exit();
}

/**
 * Exits when the lifeline closes, which the kernel does when its holder dies, kill -9 included.
 *
 * A pipe of its own rather than standard input: in `cat requests | hey …` the input belongs to the user.
 */
function exitWithParent(env: NodeJS.ProcessEnv): void {
  const fd = Number(env[LIFELINE_VARIABLE]);
  if (!Number.isInteger(fd) || fd < 3) return;
  try {
    const lifeline = new Socket({ fd, readable: true, writable: false });
    lifeline.on("error", () => process.exit(1));
    lifeline.on("close", () => process.exit(1));
    lifeline.resume();
    lifeline.unref();
  } catch {
    // The descriptor was closed on the way here (a shell between did it); then there is nothing to watch.
  }
}
