import { type Clock, formatDuration } from "#base";
import { unreadable } from "./client-failure.ts";

export interface DeadlineOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Ends the work early. */
  readonly signal: AbortSignal;
}

/**
 * Runs work that must not take longer than a while. Its signal is aborted when it took too long or was ended early, and
 * the result of an abandoned work is dropped, never unhandled.
 *
 * @throws Failure `TriggerUnreadable` when the time is over or the signal ended it; else what the work throws.
 */
export async function withDeadline<T>(work: (signal: AbortSignal) => Promise<T>, options: DeadlineOptions): Promise<T> {
  const { clock, timeoutMs, signal } = options;
  if (signal.aborted) throw unreadable("it was told to stop");
  const ended = new AbortController();
  let cancelTimer = (): void => undefined;
  let onAbort = (): void => undefined;
  const over = new Promise<never>((_, reject) => {
    const end = (reason: string): void => {
      reject(unreadable(reason));
      ended.abort();
    };
    cancelTimer = clock.after(timeoutMs, () => end(`no answer within ${formatDuration(timeoutMs)}`));
    onAbort = () => end("it was told to stop");
    signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    const running = work(ended.signal);
    running.catch(() => undefined);
    return await Promise.race([running, over]);
  } finally {
    cancelTimer();
    signal.removeEventListener("abort", onAbort);
  }
}
