import { setMaxListeners } from "node:events";
import { Failure, type Log } from "#base";
import { createLog } from "../../src/cli/output/log.ts";

/** What a benchmark on the embedded cluster gets from outside. */
export interface LiveContext {
  readonly log: Log;
  /** Ctrl-C: the pods have process groups of their own, and would be left behind. */
  readonly signal: AbortSignal;
}

/** Runs a live benchmark so that Ctrl-C and SIGTERM end it by its signal, in order. */
export async function interruptible<T>(run: (context: LiveContext) => Promise<T>): Promise<T> {
  const log = createLog("error", process.stderr);
  if (!log.ok) throw new Error(log.error);
  const stop = new AbortController();
  // Every part of a cluster listens for the end; Node takes more than ten for a leak.
  setMaxListeners(0, stop.signal);
  const interrupt = (): void => stop.abort(new Failure("The benchmark was interrupted", { code: "Interrupted" }));
  const names = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of names) process.on(name, interrupt);
  try {
    return await run({ log: log.value, signal: stop.signal });
  } finally {
    for (const name of names) process.off(name, interrupt);
  }
}
