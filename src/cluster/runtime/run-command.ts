import { spawn } from "node:child_process";
import { type Clock, messageOf } from "#base";
import type { ProcessSpec } from "./container-process.ts";
import { signalGroup } from "./process-record.ts";

const OUTPUT_BYTES_MAX = 10 * 1024;
const OUTPUT_GRACE_MS = 200;
/** 128 + SIGKILL. */
const KILLED_CODE = 137;

/** How a command inside a container ended. */
export interface CommandOutcome {
  /** Undefined when it was ended for time or by the caller. */
  readonly exitCode: number | undefined;
  /** The first 10 KiB of both outputs. */
  readonly output: string;
}

/** Runs a command beside a container's process, with its variables and place, and ends its whole group at the limit. */
export function runCommand(
  spec: ProcessSpec,
  options: { readonly timeoutMs: number; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<CommandOutcome> {
  const [program, ...args] = spec.words;
  if (program === undefined) return Promise.resolve({ exitCode: 126, output: "no command given" });
  return new Promise((resolve) => {
    const { clock, signal, timeoutMs } = options;
    const child = spawn(program, args, {
      cwd: spec.workingDirectory,
      env: spec.env,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const output: Buffer[] = [];
    let byteCount = 0;
    const collect = (chunk: Buffer): void => {
      if (byteCount < OUTPUT_BYTES_MAX) output.push(chunk.subarray(0, OUTPUT_BYTES_MAX - byteCount));
      byteCount += chunk.length;
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    let isDone = false;
    const finish = (exitCode: number | undefined, text?: string): void => {
      if (isDone) return;
      isDone = true;
      cancel();
      signal.removeEventListener("abort", end);
      if (child.pid !== undefined) signalGroup(child.pid, "SIGKILL");
      child.stdout.destroy();
      child.stderr.destroy();
      resolve({ exitCode, output: text ?? Buffer.concat(output).toString("utf8") });
    };
    const end = (): void => finish(undefined);
    let cancel = clock.after(timeoutMs, end);
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
    child.once("error", (cause) => finish(126, messageOf(cause)));
    // "close" comes when the outputs have ended too, for which a grandchild that keeps them open is not waited.
    child.once("close", (code) => finish(code ?? KILLED_CODE));
    child.once("exit", (code) => {
      cancel();
      cancel = clock.after(OUTPUT_GRACE_MS, () => finish(code ?? KILLED_CODE));
    });
  });
}
