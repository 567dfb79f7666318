import { backoffMs, type BackoffPolicy, type Clock } from "#base";
import type { StreamEnd } from "./scaler-client.ts";

/** Source: keda-hpa-spec 15.11: after 2 s, doubling to 60 s. */
const policy: BackoffPolicy = { initialMs: 2_000, factor: 2, maxMs: 60_000, jitter: 0 };
const noChance = { next: () => 0 };

export interface Listening {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Opens the stream; resolves when it has ended, and says whether the wait for the next begins anew. */
  open(): Promise<{ readonly end: StreamEnd; readonly isProgress: boolean }>;
  /** Told of each loss, with the time until the next try. */
  onLoss(end: StreamEnd, retryMs: number): void;
}

/** Keeps a stream open until the signal, or until the server says that it has none. */
export async function keepListening({ clock, signal, open, onLoss }: Listening): Promise<void> {
  let attempt = 0;
  while (!signal.aborted) {
    const { end, isProgress } = await open();
    if (signal.aborted || end === "not implemented") return;
    if (end === "ended" || isProgress) attempt = 0;
    const retryMs = backoffMs(policy, attempt, noChance);
    attempt += 1;
    onLoss(end, retryMs);
    await wait(clock, retryMs, signal);
  }
}

function wait(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      stopTimer();
      signal.removeEventListener("abort", end);
      resolve();
    };
    const stopTimer = clock.after(delayMs, end);
    signal.addEventListener("abort", end, { once: true });
  });
}
