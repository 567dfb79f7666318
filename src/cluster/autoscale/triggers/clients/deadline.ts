import { type Clock, Failure, formatDuration } from "#base";

export interface DeadlineOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Any of these ends the work early. */
  readonly signals?: readonly AbortSignal[];
  /** What is done, for the message; without it the caller adds it. */
  readonly action?: string;
}

/** The usual bound of one call. */
export function boundOf(
  { clock, timeoutMs }: Pick<DeadlineOptions, "clock" | "timeoutMs">,
  ...signals: readonly AbortSignal[]
): DeadlineOptions {
  return { clock, timeoutMs, signals };
}

/**
 * Runs work that must not take longer than a while, whatever its server does. The work gets a signal that is aborted when the
 * time is over or one of the given signals is; it frees what it holds then, and the result does not wait for that. What an
 * abandoned work comes to is dropped, never unhandled.
 *
 * @throws Failure `TriggerTimeout` when the time is over, `Aborted` when a signal ended it; else what the work throws.
 */
export async function withDeadline<T>(
  { clock, timeoutMs, signals = [], action }: DeadlineOptions,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const named = (text: string): string => (action === undefined ? text : `${action}: ${text}`);
  const ended = new AbortController();
  const over = new Promise<never>((_, reject) => {
    ended.signal.addEventListener("abort", () => reject(ended.signal.reason as Failure), { once: true });
  });
  const giveUp = (): void => ended.abort(new Failure(named("it was given up"), { code: "Aborted", retryable: true }));
  const cancel = clock.after(timeoutMs, () => {
    const message = named(`no answer within ${formatDuration(timeoutMs)}`);
    ended.abort(new Failure(message, { code: "TriggerTimeout", retryable: true }));
  });
  for (const signal of signals) signal.addEventListener("abort", giveUp, { once: true });
  if (signals.some((signal) => signal.aborted)) giveUp();
  try {
    // Work that was given up before it began must not open anything.
    return await Promise.race([over, ended.signal.aborted ? over : work(ended.signal)]);
  } finally {
    cancel();
    for (const signal of signals) signal.removeEventListener("abort", giveUp);
  }
}
