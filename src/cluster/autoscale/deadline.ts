import { type Clock, Failure } from "#base";

/**
 * Runs something that takes a signal, for at most so long. When the time is over, or the outer signal aborts, its signal aborts
 * and the call rejects at once, whether it listens or not.
 *
 * @throws Failure `TriggerTimeout` or `Aborted`
 */
export async function withDeadline<T>(
  options: { readonly clock: Clock; readonly timeoutMs: number; readonly signal: AbortSignal; readonly what: string },
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { clock, timeoutMs, signal, what } = options;
  const inner = new AbortController();
  let fail: (failure: Failure) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => {
    fail = (failure) => {
      reject(failure);
      inner.abort(failure);
    };
  });
  const abort = (): void => fail(new Failure(`${what} was given up`, { code: "Aborted", retryable: true }));
  const cancel = clock.after(timeoutMs, () =>
    fail(new Failure(`${what} took longer than ${timeoutMs / 1000} s`, { code: "TriggerTimeout", retryable: true })),
  );
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([failed, run(inner.signal)]);
  } finally {
    cancel();
    signal.removeEventListener("abort", abort);
  }
}
