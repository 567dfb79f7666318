import type { Lease } from "#api";
import { assert, type Clock, type Log, messageOf, type Random } from "#base";
import { ApiFailure, type KubeClient } from "./client.ts";
import { createLeaseRecord, type LeaseRecord } from "./lease-record.ts";
import {
  DEFAULT_LEASE_TIMINGS,
  type Instant,
  type LeaseObservation,
  type LeaseTimings,
  longestBetween,
  observeLease,
  planLease,
  releasedSpec,
} from "./lease-step.ts";
import { sleep } from "./sleep.ts";

const MAX_RELEASE_ATTEMPTS = 3;

export interface LeaseElectorOptions {
  readonly client: KubeClient;
  readonly name: string;
  readonly namespace: string;
  /** Names this process among all that may lead, such as its pod's name and uid. */
  readonly identity: string;
  readonly clock: Clock;
  /** A clock that nobody can set, in milliseconds; `clock` alone when absent. */
  readonly steadyNowMs?: () => number;
  readonly random: Random;
  readonly log: Log;
  readonly timings?: LeaseTimings;
}

/** Lets one process of several work at a time. */
export interface LeaseElector {
  /** True while this process may start to write. Counts time itself, so a process that slept does not think that it leads. */
  readonly isLeader: boolean;
  /** Milliseconds in which a write that starts now has to end: before another can hold the lease. 0 for who does not lead. */
  readonly writeTimeMs: number;
  /**
   * Waits to lead, calls `lead`, and returns when it has returned: after the abort, of its own, or because the lease was lost,
   * which aborts the signal that `lead` gets. The lease is held until then, and given back unless it was lost.
   *
   * Returns whether it ended without a loss.
   */
  run(signal: AbortSignal, lead: (signal: AbortSignal) => Promise<void>): Promise<boolean>;
}

/**
 * Makes an elector over a Lease object.
 *
 * Never two leaders: leadership ends on our own clock at the *start* of the last renewal that succeeded plus the renew
 * deadline, and others wait the longer lease duration from when they saw that renewal.
 */
export function createLeaseElector(options: LeaseElectorOptions): LeaseElector {
  const timings = options.timings ?? DEFAULT_LEASE_TIMINGS;
  assert(timings.renewDeadlineMs < timings.leaseDurationMs, "the renew deadline is shorter than the lease duration");
  assert(timings.retryPeriodMs < timings.renewDeadlineMs, "the retry period is shorter than the renew deadline");
  const { clock, log } = options;
  // Half the deadline for a request leaves time for a second one.
  const record = createLeaseRecord(options, timings.renewDeadlineMs / 2);
  let renewed: Instant | undefined;
  let observed: LeaseObservation | undefined;

  const now = (): Instant => ({ wallMs: clock.nowMs(), steadyMs: options.steadyNowMs?.() ?? clock.nowMs() });
  const leftMs = (ofMs: number): number =>
    renewed === undefined ? 0 : Math.max(0, ofMs - longestBetween(renewed, now()));
  const isLeader = (): boolean => leftMs(timings.renewDeadlineMs) > 0;

  /** One try to take or to renew; when the lease is ours, returns the time from which it counts. */
  async function tryOnce(): Promise<Instant | undefined> {
    const started = now();
    try {
      const lease = await record.read();
      observed = observeLease(observed, lease, now());
      const plan = planLease({ lease, observed, identity: options.identity, timings, now: now() });
      if (plan.action === "wait") return undefined;
      await record.write(lease, plan.spec);
      return started;
    } catch (thrown) {
      if (isConflict(thrown)) log.debug("lease was written by another", { lease: options.name });
      else log.warn("lease could not be renewed", { lease: options.name, error: messageOf(thrown) });
      return undefined;
    }
  }

  /** Up to a fifth longer, so that waiting processes do not ask in step. Source: client-go JitterFactor 1.2. */
  function pause(periodMs: number, signal: AbortSignal): Promise<void> {
    return sleep(clock, periodMs * (1 + 0.2 * options.random.next()), signal);
  }

  async function acquire(signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      renewed = await unlessAborted(signal, tryOnce());
      // An answer that took longer than the renew deadline came too late to lead on.
      if (isLeader()) return !signal.aborted;
      await pause(timings.candidatePeriodMs, signal);
    }
    return false;
  }

  /** Renews until told to stop or time is up; the deadline is a timer of its own, as a request may hang. */
  async function keep(stop: AbortController, onLost: () => void): Promise<void> {
    let cancelDeadline = (): void => undefined;
    const armDeadline = (): void => {
      cancelDeadline();
      cancelDeadline = clock.after(Math.ceil(leftMs(timings.renewDeadlineMs)), () => {
        // Timers count whole milliseconds and may be a moment early.
        if (isLeader()) return armDeadline();
        log.error("lease lost: no renewal succeeded in time", { lease: options.name });
        onLost();
        stop.abort();
      });
    };
    armDeadline();
    while (!stop.signal.aborted) {
      await pause(timings.retryPeriodMs, stop.signal);
      if (stop.signal.aborted) break;
      const since = await unlessAborted(stop.signal, tryOnce());
      if (since === undefined || stop.signal.aborted) continue;
      renewed = since;
      armDeadline();
    }
    cancelDeadline();
  }

  async function leadOnce(signal: AbortSignal, lead: (signal: AbortSignal) => Promise<void>): Promise<boolean> {
    const reign = new AbortController();
    const end = (): void => reign.abort();
    if (signal.aborted) end();
    signal.addEventListener("abort", end, { once: true });
    const keepStop = new AbortController();
    let isLost = false;
    const keeping = keep(keepStop, () => {
      isLost = true;
      end();
    });
    try {
      await lead(reign.signal);
    } finally {
      signal.removeEventListener("abort", end);
      keepStop.abort();
      await keeping;
      const wasHeld = isLeader();
      renewed = undefined;
      if (wasHeld) await release(record, options);
    }
    return !isLost;
  }

  return {
    get isLeader() {
      return isLeader();
    },
    get writeTimeMs() {
      // Half of the margin is kept back for clocks of different speeds.
      return isLeader() ? leftMs((timings.leaseDurationMs + timings.renewDeadlineMs) / 2) : 0;
    },
    async run(signal, lead) {
      if (!(await acquire(signal))) return true;
      log.info("leading", { lease: options.name, identity: options.identity });
      return leadOnce(signal, lead);
    },
  };
}

/** The promise's value, or undefined once the signal aborts: a request that hangs must not hold up the end. */
function unlessAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const abort = (): void => resolve(undefined);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

async function release(record: LeaseRecord, options: LeaseElectorOptions): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      const lease: Lease | undefined = await record.read();
      if (lease?.spec?.holderIdentity !== options.identity) return;
      await record.write(lease, releasedSpec(lease.spec, options.clock.nowMs()));
      options.log.info("lease given back", { lease: options.name });
      return;
    } catch (thrown) {
      // A renewal that was under way when the reign ended may still have come in between.
      const mayRetry = isConflict(thrown) && attempt < MAX_RELEASE_ATTEMPTS;
      if (mayRetry) continue;
      // Not given back, it runs out.
      options.log.warn("lease could not be given back", { lease: options.name, error: messageOf(thrown) });
      return;
    }
  }
}

function isConflict(thrown: unknown): boolean {
  return thrown instanceof ApiFailure && thrown.httpStatus === 409;
}
