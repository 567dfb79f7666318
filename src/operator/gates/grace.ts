import { setMaxListeners } from "node:events";
import type { Clock } from "#base";

/** How long what still waits may take when the operator ends. */
export interface Grace {
  /** Aborts when the time is over: whoever waits gives up. */
  readonly signal: AbortSignal;
  /** Resolves when nothing is left to wait for, at the latest soon after the time is over; `work` gives what is waited for next. */
  finish(work: () => Promise<unknown> | undefined): Promise<void>;
}

/**
 * Gives messages on the side a last stretch of time. Without it the end of the operator would either cut off the last
 * message, which is the one that people wait for, or hang on a receiver that does not answer.
 */
export function createGrace(clock: Clock, graceMs: number): Grace {
  const over = new AbortController();
  // One listener for each receiver that is being sent to; their number is bounded by the queues.
  setMaxListeners(0, over.signal);
  return {
    signal: over.signal,
    async finish(work) {
      const cancel = clock.after(graceMs, () => over.abort());
      for (let open = work(); open !== undefined; open = work()) await open;
      cancel();
    },
  };
}
