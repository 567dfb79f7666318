import { expect, test } from "vitest";
import type { CanaryPhase, CanaryStatus } from "#api";
import { completeStatus, isForeignHash, withPromoted } from "./status.ts";

const NOW_MS = Date.parse("2026-01-01T12:00:00Z");
const promoted = (phase: CanaryPhase, before: Partial<CanaryStatus> = {}, nowMs = NOW_MS) =>
  withPromoted({ ...completeStatus(before), phase }, { kind: "Deployment", nowMs }).conditions?.[0];

/** Source: flagger-spec 1.5; scripts wait for the condition and show its message. */
test.each<[CanaryPhase, string, string]>([
  ["Initializing", "Unknown", "New Deployment detected, starting initialization."],
  ["Initialized", "True", "Deployment initialization completed."],
  ["Waiting", "Unknown", "Waiting for approval."],
  ["Progressing", "Unknown", "New revision detected, progressing canary analysis."],
  ["WaitingPromotion", "Unknown", "Waiting for approval."],
  ["Promoting", "Unknown", "Canary analysis completed, starting primary rolling update."],
  ["Finalising", "Unknown", "Canary analysis completed, routing all traffic to primary."],
  ["Succeeded", "True", "Canary analysis completed successfully, promotion finished."],
  ["Failed", "False", "Canary analysis failed, Deployment scaled to zero."],
  ["Terminating", "Unknown", "New Deployment detected, starting initialization."],
])("withPromoted: in %s it is %s with Flagger's words", (phase, status, message) => {
  expect(promoted(phase)).toMatchObject({ type: "Promoted", status, reason: phase, message });
});

test("withPromoted: nothing changes while status and reason stay, and the transition is kept while the status stays", () => {
  const first = promoted("Progressing");
  const conditions = first === undefined ? [] : [first];
  expect(promoted("Progressing", { conditions }, NOW_MS + 5000)).toEqual(first);
  expect(promoted("Promoting", { conditions }, NOW_MS + 5000)).toMatchObject({
    lastUpdateTime: "2026-01-01T12:00:05.000Z",
    lastTransitionTime: "2026-01-01T12:00:00.000Z",
  });
});

test("completeStatus: what Flagger leaves out or writes out of range is filled in", () => {
  expect(completeStatus(undefined)).toEqual({ phase: "", failedChecks: 0, canaryWeight: 0, iterations: 0 });
  expect(completeStatus({ phase: "WaitingPromotion", canaryWeight: 130, iterations: -1 })).toMatchObject({
    canaryWeight: 100,
    iterations: -1,
  });
});

test("isForeignHash: tells Flagger's hashes from ours", () => {
  expect(isForeignHash("5f6b7c8d4")).toBe(true);
  for (const hash of ["s0123456789abcdef", "", undefined]) expect(isForeignHash(hash)).toBe(false);
});
