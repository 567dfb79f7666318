import { apiVersionOf, type Lease, resources } from "#api";
import { assert, type Clock, type Log, messageOf, type Random } from "#base";
import { ApiFailure, type KubeClient } from "./client.ts";
import {
  DEFAULT_LEASE_TIMINGS,
  type LeaseObservation,
  type LeaseTimings,
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
  readonly random: Random;
  readonly log: Log;
  readonly timings?: LeaseTimings;
}

/** Lets one process of several work at a time. */
export interface LeaseElector {
  /** True while this process may act. Counts time itself, so that a process that slept does not think that it leads. */
  readonly isLeader: boolean;
  /**
   * Waits to lead, calls `lead`, and returns when it has returned: after the abort, of its own, or because the lease was lost,
   * which aborts the signal that `lead` gets. The lease is given back unless it was lost.
   */
  run(signal: AbortSignal, lead: (signal: AbortSignal) => Promise<void>): Promise<void>;
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
  let renewedMs = Number.NEGATIVE_INFINITY;
  let observed: LeaseObservation | undefined;

  const isLeader = (): boolean => clock.nowMs() < renewedMs + timings.renewDeadlineMs;

  /** One try to take or to renew; when the lease is ours, returns the time from which it counts. */
  async function tryOnce(): Promise<number | undefined> {
    const startedMs = clock.nowMs();
    try {
      const lease = await readLease(options);
      observed = observeLease(observed, lease, clock.nowMs());
      const plan = planLease({ lease, observed, identity: options.identity, timings, nowMs: clock.nowMs() });
      if (plan.action === "wait") return undefined;
      await writeLease(options, lease, plan.spec);
      return startedMs;
    } catch (thrown) {
      if (isConflict(thrown)) log.debug("lease was written by another", { lease: options.name });
      else log.warn("lease could not be renewed", { lease: options.name, error: messageOf(thrown) });
      return undefined;
    }
  }

  function pause(signal: AbortSignal): Promise<void> {
    // Up to a fifth longer, so that waiting processes do not ask in step. Source: client-go JitterFactor 1.2.
    return sleep(clock, timings.retryPeriodMs * (1 + 0.2 * options.random.next()), signal);
  }

  async function acquire(signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      renewedMs = (await unlessAborted(signal, tryOnce())) ?? Number.NEGATIVE_INFINITY;
      // An answer that took longer than the renew deadline came too late to lead on.
      if (isLeader()) return !signal.aborted;
      await pause(signal);
    }
    return false;
  }

  /** Renews until the signal aborts or time is up; the deadline is a timer of its own, as a request may hang. */
  async function keep(reign: AbortController): Promise<void> {
    let cancelDeadline = (): void => undefined;
    const armDeadline = (): void => {
      cancelDeadline();
      cancelDeadline = clock.after(renewedMs + timings.renewDeadlineMs - clock.nowMs(), () => {
        log.error("lease lost: no renewal succeeded in time", { lease: options.name });
        reign.abort();
      });
    };
    armDeadline();
    while (!reign.signal.aborted) {
      await pause(reign.signal);
      if (reign.signal.aborted) break;
      const sinceMs = await unlessAborted(reign.signal, tryOnce());
      if (sinceMs === undefined || reign.signal.aborted) continue;
      renewedMs = sinceMs;
      armDeadline();
    }
    cancelDeadline();
  }

  return {
    get isLeader() {
      return isLeader();
    },
    async run(signal, lead) {
      if (!(await acquire(signal))) return;
      log.info("leading", { lease: options.name, identity: options.identity });
      const reign = new AbortController();
      const end = (): void => reign.abort();
      signal.addEventListener("abort", end, { once: true });
      const keeping = keep(reign);
      try {
        await lead(reign.signal);
      } finally {
        signal.removeEventListener("abort", end);
        reign.abort();
        await keeping;
        const wasHeld = isLeader();
        renewedMs = Number.NEGATIVE_INFINITY;
        if (wasHeld) await release(options);
      }
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

function readLease({ client, namespace, name }: LeaseElectorOptions): Promise<Lease | undefined> {
  return client.get<Lease>(resources.leases, { namespace, name });
}

async function writeLease(
  { client, namespace, name }: LeaseElectorOptions,
  lease: Lease | undefined,
  spec: NonNullable<Lease["spec"]>,
): Promise<void> {
  if (lease !== undefined) {
    await client.update<Lease>(resources.leases, { ...lease, spec });
    return;
  }
  await client.create<Lease>(resources.leases, {
    apiVersion: apiVersionOf(resources.leases),
    kind: resources.leases.kind,
    metadata: { name, namespace },
    spec,
  });
}

async function release(options: LeaseElectorOptions): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      const lease = await readLease(options);
      if (lease?.spec?.holderIdentity !== options.identity) return;
      await writeLease(options, lease, releasedSpec(lease.spec, options.clock.nowMs()));
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
