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
  /** How long a leader goes on without a renewal that succeeded; must be less than the lease duration. */
  readonly renewDeadlineMs: number;
  readonly retryPeriodMs: number;
}

/** Source: client-go and controller-runtime defaults 15 s, 10 s, 2 s. */
export const DEFAULT_LEASE_TIMINGS: LeaseTimings = {
  leaseDurationMs: 15_000,
  renewDeadlineMs: 10_000,
  retryPeriodMs: 2000,
};

/** The record as last seen, and when it was first seen so on our own clock. */
export interface LeaseObservation {
  readonly record: string;
  readonly sinceMs: number;
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
  nowMs: number,
): LeaseObservation {
  const { holderIdentity, renewTime, acquireTime, leaseTransitions } = lease?.spec ?? {};
  const record = JSON.stringify([holderIdentity, renewTime, acquireTime, leaseTransitions]);
  return before?.record === record ? before : { record, sinceMs: nowMs };
}

/** Decides what to write, given the lease as read and since when it looks like this. */
export function planLease(input: {
  readonly lease: Lease | undefined;
  readonly observed: LeaseObservation;
  readonly identity: string;
  readonly timings: LeaseTimings;
  readonly nowMs: number;
}): LeasePlan {
  const { lease, identity, timings, nowMs } = input;
  const spec = lease?.spec;
  const holder = spec?.holderIdentity ?? "";
  const isOurs = holder === identity;
  // The holder's own duration counts, so that a leader started with longer timings is not robbed.
  const durationMs = (spec?.leaseDurationSeconds ?? timings.leaseDurationMs / 1000) * 1000;
  if (!isOurs && holder !== "" && nowMs < input.observed.sinceMs + durationMs) return { action: "wait", holder };
  const renewTime = formatMicroTime(nowMs);
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
