import type { Lease } from "#api";

/**
 * Who may lead, as pure decisions over what was seen of a Lease.
 *
 * Source: client-go `tools/leaderelection`. Clocks of different machines are never compared: a lease is free when its
 * record has not changed for a whole lease duration *of our own clock*.
 */

export interface LeaseTimings {
  /** How long others wait for a silent leader. */
  readonly leaseDurationMs: number;
  /**
   * How long a leader goes on without a renewal that succeeded. What is left of the lease then is the margin for writes under
   * way and for clocks that run at different speeds.
   */
  readonly renewDeadlineMs: number;
  /** Between two renewals. */
  readonly retryPeriodMs: number;
  /** Between two looks of those who wait. */
  readonly candidatePeriodMs: number;
}

/**
 * A leader that crashes is replaced within 12 s and two looks, one that ends in order within one look, at the price of one
 * small read a second for each process that waits. A third of the lease is margin: clocks may differ in speed by a fifth.
 * Flagger's are 60 s, 15 s, 5 s and 5 s.
 */
export const DEFAULT_LEASE_TIMINGS: LeaseTimings = {
  leaseDurationMs: 12_000,
  renewDeadlineMs: 8000,
  retryPeriodMs: 2000,
  candidatePeriodMs: 1000,
};

/**
 * A moment on two clocks: the wall clock can be set, and the steady one may stand still while the machine sleeps. Whoever
 * leads believes the one that ran further; whoever waits believes the steady one, which never runs ahead.
 */
export interface Instant {
  readonly wallMs: number;
  readonly steadyMs: number;
}

/** Milliseconds that may have passed, for who must not act too late. */
export function longestBetween(from: Instant, to: Instant): number {
  return Math.max(to.wallMs - from.wallMs, to.steadyMs - from.steadyMs);
}

/** The record as last seen, and when it was first seen so on our own clocks. */
export interface LeaseObservation {
  readonly record: string;
  readonly since: Instant;
}

/** What an elector does with the lease that it just read. */
export type LeasePlan =
  | { readonly action: "create" | "update"; readonly spec: NonNullable<Lease["spec"]> }
  /** Somebody else holds it. */
  | { readonly action: "wait"; readonly holder: string };

/** Notes a lease; the time is kept while its record stays the same. */
export function observeLease(
  before: LeaseObservation | undefined,
  lease: Lease | undefined,
  now: Instant,
): LeaseObservation {
  const { holderIdentity, renewTime, acquireTime, leaseTransitions } = lease?.spec ?? {};
  const record = JSON.stringify([holderIdentity, renewTime, acquireTime, leaseTransitions]);
  return before?.record === record ? before : { record, since: now };
}

/** Decides what to write, given the lease as read and since when it looks like this. */
export function planLease(input: {
  readonly lease: Lease | undefined;
  readonly observed: LeaseObservation;
  readonly identity: string;
  readonly timings: LeaseTimings;
  readonly now: Instant;
}): LeasePlan {
  const { lease, identity, timings, now } = input;
  const spec = lease?.spec;
  const holder = spec?.holderIdentity ?? "";
  const isOurs = holder === identity;
  // The holder's own duration counts, so that a leader started with longer timings is not robbed.
  const durationMs = (spec?.leaseDurationSeconds ?? timings.leaseDurationMs / 1000) * 1000;
  if (!isOurs && holder !== "" && now.steadyMs - input.observed.since.steadyMs < durationMs)
    return { action: "wait", holder };
  const renewTime = formatMicroTime(now.wallMs);
  return {
    action: lease === undefined ? "create" : "update",
    spec: {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(timings.leaseDurationMs / 1000),
      acquireTime: isOurs ? (spec?.acquireTime ?? renewTime) : renewTime,
      renewTime,
      leaseTransitions: (spec?.leaseTransitions ?? 0) + (isOurs || lease === undefined ? 0 : 1),
    },
  };
}

/** The spec that gives a lease back, so that the next leader need not wait. Source: client-go `release`. */
export function releasedSpec(spec: NonNullable<Lease["spec"]>, nowMs: number): NonNullable<Lease["spec"]> {
  return { ...spec, holderIdentity: "", leaseDurationSeconds: 1, renewTime: formatMicroTime(nowMs) };
}

/** Writes a MicroTime: six digits after the second, which Kubernetes requires of a Lease. */
export function formatMicroTime(atMs: number): string {
  return new Date(atMs).toISOString().replace("Z", "000Z");
}
