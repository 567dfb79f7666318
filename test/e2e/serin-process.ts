import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Path of the built program; tests and benchmarks run from the repository's root. */
export const SERIN = join(process.cwd(), "dist", "serin.js");

/** A running `serin` command. */
export interface SerinProcess {
  readonly child: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** Resolves when the text stands in stdout; rejects with all output when the process ends before. */
  waitForOutput(text: string | RegExp): Promise<void>;
  /** Exit status, or the name of the signal. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

/** Starts `serin` with arguments in its own process group; another built program when one is named. */
export function startSerin(
  args: readonly string[],
  { program = SERIN, cwd }: { readonly program?: string; readonly cwd?: string } = {},
): SerinProcess {
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
    ...(cwd === undefined ? {} : { cwd }),
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<number | NodeJS.Signals>((resolve) =>
    child.once("close", (code, signal) => resolve(signal ?? code ?? -1)),
  );
  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    ended,
    waitForOutput(text) {
      return new Promise((resolve, reject) => {
        const check = (): void => {
          if (typeof text === "string" ? stdout.includes(text) : text.test(stdout)) resolve();
        };
        child.stdout.on("data", check);
        void ended.then((status) =>
          reject(new Error(`serin ended with ${status} before ${String(text)}\n${stdout}\n${stderr}`)),
        );
        check();
      });
    },
  };
}

/** Command lines of the processes that name `text`, this one left out. Source: proc(5). */
export function processesNaming(text: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .flatMap((pid) => {
      try {
        const environment = readFileSync(`/proc/${pid}/environ`, "latin1");
        const command = readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ");
        return `${command} ${environment}`.includes(text) ? [`${pid} ${command}`] : [];
      } catch {
        // The process ended while it was looked at.
        return [];
      }
    });
}
