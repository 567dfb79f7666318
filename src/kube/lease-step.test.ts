import { expect, test } from "vitest";
import type { Lease } from "#api";
import { DEFAULT_LEASE_TIMINGS, formatMicroTime, type Instant, observeLease, planLease } from "./lease-step.ts";

const NOW = Date.parse("2026-01-01T00:00:00Z");

function lease(holderIdentity: string, extra: Lease["spec"] = {}): Lease {
  return {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { name: "l" },
    spec: {
      holderIdentity,
      leaseDurationSeconds: 15,
      renewTime: "x",
      acquireTime: "then",
      leaseTransitions: 3,
      ...extra,
    },
  };
}

const at = (wallMs: number, steadyMs = wallMs): Instant => ({ wallMs, steadyMs });

function plan(current: Lease | undefined, silentMs: number, silentSteadyMs = silentMs) {
  const observed = observeLease(undefined, current, at(NOW - silentMs, NOW - silentSteadyMs));
  return planLease({ lease: current, observed, identity: "me", timings: DEFAULT_LEASE_TIMINGS, now: at(NOW) });
}

test("planLease creates a missing lease with MicroTime strings", () => {
  expect(plan(undefined, 0)).toEqual({
    action: "create",
    spec: {
      holderIdentity: "me",
      leaseDurationSeconds: 12,
      acquireTime: "2026-01-01T00:00:00.000000Z",
      renewTime: "2026-01-01T00:00:00.000000Z",
      leaseTransitions: 0,
    },
  });
});

test("planLease waits for another holder until the record was still for its whole duration", () => {
  expect(plan(lease("other"), 14_999)).toEqual({ action: "wait", holder: "other" });
  expect(plan(lease("other"), 15_000)).toMatchObject({
    action: "update",
    spec: { holderIdentity: "me", leaseTransitions: 4 },
  });
});

test("planLease respects a running Flagger: its lease is good for its own 60 s", () => {
  const flagger = lease("flagger-7d9c_0e4b", { leaseDurationSeconds: 60 });
  expect(plan(flagger, 59_999)).toEqual({ action: "wait", holder: "flagger-7d9c_0e4b" });
  expect(plan(flagger, 60_000)).toMatchObject({ action: "update" });
});

test("planLease waits by the steady clock: a wall clock that was set neither frees a lease nor holds it", () => {
  expect(plan(lease("other"), 1_000_000, 14_999)).toMatchObject({ action: "wait" });
  expect(plan(lease("other"), -1_000_000, 15_000)).toMatchObject({ action: "update" });
});

test("planLease renews its own lease and keeps when it was acquired", () => {
  expect(plan(lease("me"), 0)).toMatchObject({ action: "update", spec: { acquireTime: "then", leaseTransitions: 3 } });
});

test("planLease takes a lease that was given back at once", () => {
  expect(plan(lease(""), 0)).toMatchObject({ action: "update", spec: { holderIdentity: "me", leaseTransitions: 4 } });
});

test("observeLease restarts its time with every change of the record, not with every read", () => {
  const first = observeLease(undefined, lease("other"), at(1000));
  expect(observeLease(first, lease("other"), at(2000))).toBe(first);
  expect(observeLease(first, lease("other", { renewTime: "y" }), at(2000)).since).toEqual(at(2000));
});

test("formatMicroTime has six digits", () => {
  expect(formatMicroTime(NOW + 5)).toBe("2026-01-01T00:00:00.005000Z");
});
