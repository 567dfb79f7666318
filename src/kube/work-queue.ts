import {
  type BackoffPolicy,
  backoffMs,
  Bug,
  type Clock,
  type Log,
  type LogFields,
  messageOf,
  type Random,
} from "#base";
import { ApiFailure } from "./client.ts";
import type { ReconcileOutcome, WorkQueue } from "./ports.ts";

const RETRY: BackoffPolicy = { initialMs: 20, factor: 2, maxMs: 30_000, jitter: 0.3 };
/** Failures in a row after which a lost race is worth a warning: below it, it is the normal price of a stale copy. */
const QUIET_RACE_COUNT = 5;
const RACES: ReadonlySet<string> = new Set(["Conflict", "NotFound", "AlreadyExists"]);

export interface WorkQueueOptions {
  /** Brings one key to its desired state. A rejection is retried with backoff. */
  readonly reconcile: (key: string) => Promise<ReconcileOutcome | void>;
  /** Keys in work at once. */
  readonly concurrency: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Ends the queue: nothing new starts, timers are cancelled; reconciles in work run to their end. */
  readonly signal: AbortSignal;
  /** Told of every failed reconcile, with how many failed in a row for the key. */
  /** Told when a key that was added with a delay is begun, by how many milliseconds that is later than asked. */
  readonly onDelayedStart?: (key: string, latenessMs: number) => void;
  /** How log lines name a key; `key` unless given. */
  readonly fieldsOf?: (key: string) => LogFields;
  readonly onError?: (key: string, thrown: unknown, failureCount: number) => void;
}

/**
 * Makes a queue of keys. A key waits once, however often it is added; a key added while in work is worked on again
 * afterwards, never beside itself. So at most one entry a key exists, which bounds the queue by the number of objects.
 */
export function createWorkQueue(options: WorkQueueOptions): WorkQueue {
  const { clock, signal } = options;
  const waiting = new Set<string>();
  const inWork = new Set<string>();
  const again = new Set<string>();
  const delayed = new Map<string, { readonly dueMs: number; readonly cancel: () => void }>();
  const failureCounts = new Map<string, number>();
  /** When delayed keys that wait were due. */
  const dueTimes = new Map<string, number>();
  let resolveStopped: () => void = () => undefined;
  const stopped = new Promise<void>((resolve) => {
    resolveStopped = resolve;
  });

  function add(key: string): void {
    if (signal.aborted) return;
    if (inWork.has(key)) again.add(key);
    else waiting.add(key);
    pump();
  }

  function addAfter(key: string, delayMs: number): void {
    if (signal.aborted) return;
    const dueMs = clock.nowMs() + delayMs;
    const planned = delayed.get(key);
    if (planned !== undefined && planned.dueMs <= dueMs) return;
    planned?.cancel();
    const cancel = clock.after(delayMs, () => {
      delayed.delete(key);
      if (!dueTimes.has(key)) dueTimes.set(key, dueMs);
      add(key);
    });
    delayed.set(key, { dueMs, cancel });
  }

  function pump(): void {
    for (const key of waiting) {
      if (signal.aborted || inWork.size >= options.concurrency) return;
      waiting.delete(key);
      inWork.add(key);
      void work(key);
    }
  }

  async function work(key: string): Promise<void> {
    try {
      // The turn between taking a key and working on it lets a burst of changes to one object end up in one reconcile.
      await Promise.resolve();
      const dueMs = dueTimes.get(key);
      dueTimes.delete(key);
      if (dueMs !== undefined) options.onDelayedStart?.(key, clock.nowMs() - dueMs);
      const outcome = await options.reconcile(key);
      failureCounts.delete(key);
      if (outcome?.requeueAfterMs !== undefined) addAfter(key, outcome.requeueAfterMs);
    } catch (thrown) {
      if (!signal.aborted) retryLater(key, thrown);
    } finally {
      inWork.delete(key);
      if (again.delete(key) && !signal.aborted) waiting.add(key);
      pump();
      if (signal.aborted && inWork.size === 0) resolveStopped();
    }
  }

  function retryLater(key: string, thrown: unknown): void {
    const failureCount = (failureCounts.get(key) ?? 0) + 1;
    failureCounts.set(key, failureCount);
    report(options, { key, thrown, failureCount });
    addAfter(key, backoffMs(RETRY, failureCount - 1, options.random));
  }

  function stop(): void {
    for (const { cancel } of delayed.values()) cancel();
    delayed.clear();
    waiting.clear();
    dueTimes.clear();
    again.clear();
    if (inWork.size === 0) resolveStopped();
  }

  if (signal.aborted) stop();
  else signal.addEventListener("abort", stop, { once: true });

  return {
    add,
    addAfter,
    get size() {
      return waiting.size + inWork.size;
    },
    stopped,
  };
}

function report(
  options: WorkQueueOptions,
  failed: { readonly key: string; readonly thrown: unknown; readonly failureCount: number },
): void {
  const { key, thrown, failureCount } = failed;
  const fields = { ...(options.fieldsOf?.(key) ?? { key }), failureCount, error: messageOf(thrown) };
  // A newer version, no object at all, or one already: the copy that the reconcile worked from is old.
  const isRace = thrown instanceof ApiFailure && RACES.has(thrown.code);
  if (thrown instanceof Bug) options.log.error("reconcile found a bug, will be retried", fields);
  else if (isRace && failureCount < QUIET_RACE_COUNT) options.log.debug("reconcile lost a race", fields);
  else options.log.warn("reconcile failed, will be retried", fields);
  try {
    options.onError?.(key, thrown, failureCount);
  } catch (handlerError) {
    options.log.error("error handler of the work queue failed", { key, error: messageOf(handlerError) });
  }
}
