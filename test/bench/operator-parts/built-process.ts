import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";

/** A running bundle of dist/, for benchmarks. */
export interface BuiltProcess {
  readonly pid: number;
  /** Resolves with the first line of standard output. */
  readonly firstLine: Promise<string>;
  stop(): Promise<void>;
}

/** Starts `dist/NAME.js`; what it says on standard error is kept for the message when it ends too early. */
export function startBuilt(name: string, args: readonly string[], nodeOptions: readonly string[] = []): BuiltProcess {
  const program = join(process.cwd(), "dist", `${name}.js`);
  const child: ChildProcess = spawn(process.execPath, [...nodeOptions, program, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stderr?.on("data", (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-4000)));
  const ended = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)));
  const firstLine = new Promise<string>((resolve, reject) => {
    child.stdout?.on("data", (chunk: Buffer) => {
      stdout = (stdout + chunk.toString()).slice(-4000);
      if (stdout.includes("\n")) resolve(stdout.split("\n")[0] ?? "");
    });
    void ended.then((code) => reject(new Error(`${name} ended with ${code}: ${stderr || stdout}`)));
  });
  // Not everybody waits for a line, and the end comes to everybody.
  firstLine.catch(() => undefined);
  return {
    pid: child.pid ?? 0,
    firstLine,
    async stop() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}
