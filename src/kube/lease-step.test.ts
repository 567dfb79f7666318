import { expect, test } from "vitest";
import type { Lease } from "#api";
import { DEFAULT_LEASE_TIMINGS, formatMicroTime, observeLease, planLease } from "./lease-step.ts";

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

function plan(current: Lease | undefined, silentMs: number) {
  const observed = observeLease(undefined, current, NOW - silentMs);
  return planLease({ lease: current, observed, identity: "me", timings: DEFAULT_LEASE_TIMINGS, nowMs: NOW });
}

test("planLease creates a missing lease with MicroTime strings", () => {
  expect(plan(undefined, 0)).toEqual({
    action: "create",
    spec: {
      holderIdentity: "me",
      leaseDurationSeconds: 15,
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
  expect(plan(lease("other", { leaseDurationSeconds: 60 }), 15_000)).toMatchObject({ action: "wait" });
});

test("planLease renews its own lease and keeps when it was acquired", () => {
  expect(plan(lease("me"), 0)).toMatchObject({ action: "update", spec: { acquireTime: "then", leaseTransitions: 3 } });
});

test("planLease takes a lease that was given back at once", () => {
  expect(plan(lease(""), 0)).toMatchObject({ action: "update", spec: { holderIdentity: "me", leaseTransitions: 4 } });
});

test("observeLease restarts its time with every change of the record, not with every read", () => {
  const first = observeLease(undefined, lease("other"), 1000);
  expect(observeLease(first, lease("other"), 2000)).toBe(first);
  expect(observeLease(first, lease("other", { renewTime: "y" }), 2000).sinceMs).toBe(2000);
});

test("formatMicroTime has six digits", () => {
  expect(formatMicroTime(NOW + 5)).toBe("2026-01-01T00:00:00.005000Z");
});
