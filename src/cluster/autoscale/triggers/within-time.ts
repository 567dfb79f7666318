import type { Clock } from "#base";
import { triggerFailure } from "./trigger-failure.ts";

export interface TimeBound {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Any of these ends the call early. */
  readonly signals: readonly AbortSignal[];
}

/**
 * Runs one call that ends in time whatever its server does. The call gets a signal that is aborted when the time is up or
 * when one of the given signals is; it frees what it holds then, and the result does not wait for that.
 *
 * @throws Failure `TriggerUnreadable` when the time is up or somebody gave up, else what the call throws.
 */
export async function withinTime<T>(bound: TimeBound, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const ended = new AbortController();
  const aborted = new Promise<never>((_resolve, reject) => {
    ended.signal.addEventListener("abort", () => reject(ended.signal.reason as Error), { once: true });
  });
  const giveUp = () => ended.abort(triggerFailure("the call was given up"));
  const stopTimer = bound.clock.after(bound.timeoutMs, () =>
    ended.abort(triggerFailure(`no answer within ${bound.timeoutMs / 1000} s`)),
  );
  for (const signal of bound.signals) signal.addEventListener("abort", giveUp, { once: true });
  try {
    if (bound.signals.some((signal) => signal.aborted)) giveUp();
    // A call that was given up before it began must not open anything.
    return await Promise.race([aborted, ended.signal.aborted ? aborted : call(ended.signal)]);
  } finally {
    stopTimer();
    for (const signal of bound.signals) signal.removeEventListener("abort", giveUp);
  }
}
