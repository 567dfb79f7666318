import { expect, test } from "vitest";
import { judgeReadiness } from "./readiness.ts";
import { NOW_MS, workload } from "./scene.ts";

const rule = { readyPercent: 100, deadlineMs: 60_000, stepSinceMs: NOW_MS - 90_000, nowMs: NOW_MS };
const unavailable = (sinceMs: number) => ({
  availableCount: 0,
  available: { status: "False", reason: "MinimumReplicasUnavailable", lastUpdateMs: NOW_MS - sinceMs },
});

const progressed = (sinceMs: number) => ({
  status: "True",
  reason: "ReplicaSetUpdated",
  lastUpdateMs: NOW_MS - sinceMs,
});

test.each([
  ["all pods are there", {}, "ready", undefined],
  [
    "the controller has not seen the spec",
    { generation: 2 },
    "waiting",
    "observed deployment generation less than desired generation",
  ],
  [
    "the controller gave up",
    { progressing: { status: "False", reason: "ProgressDeadlineExceeded" } },
    "stuck",
    "exceeded its progress deadline",
  ],
  ["pods are not updated", { updatedCount: 1 }, "waiting", "1 out of 2 new replicas have been updated"],
  ["old pods remain", { replicaCount: 3 }, "waiting", "1 old replicas are pending termination"],
  [
    "pods are not available",
    { availableCount: 1 },
    "waiting",
    "1 of 2 (readyThreshold 100%) updated replicas are available",
  ],
  ["unavailable within the deadline", unavailable(59_000), "waiting", "0 of 2"],
  ["unavailable beyond the deadline", unavailable(61_000), "stuck", "longer than the progress deadline of 60s"],
  ["updating within the deadline", { updatedCount: 1, progressing: progressed(59_000) }, "waiting", "1 out of 2"],
  [
    "updating beyond the deadline, while old pods keep it available",
    { updatedCount: 1, progressing: progressed(61_000), available: { status: "True" } },
    "stuck",
    "without progress for longer than the progress deadline of 60s",
  ],
  ["scaled to zero", { desiredCount: 0 }, "waiting", "scaled to zero"],
] as const)("judgeReadiness: %s", (_, changes, kind, reason) => {
  const readiness = judgeReadiness(workload(changes), rule);
  expect(readiness.kind).toBe(kind);
  if (reason !== undefined) expect(readiness).toMatchObject({ reason: expect.stringContaining(reason) });
});

test("judgeReadiness: an update that rested before this step has the whole deadline from the step on", () => {
  const rested = workload({ updatedCount: 0, progressing: progressed(3_600_000) });
  expect(judgeReadiness(rested, { ...rule, stepSinceMs: NOW_MS - 1000 }).kind).toBe("waiting");
  expect(judgeReadiness(rested, rule).kind).toBe("stuck");
});

test("judgeReadiness: a pod that a Deployment may lack and still be available is not waited for for ever", () => {
  const short = workload({ desiredCount: 5, availableCount: 4, available: { status: "True" } });
  expect(judgeReadiness(short, rule).kind).toBe("waiting");
  expect(judgeReadiness(short, { ...rule, shortSinceMs: NOW_MS - 59_000 }).kind).toBe("waiting");
  expect(judgeReadiness(short, { ...rule, shortSinceMs: NOW_MS - 60_000 })).toMatchObject({
    kind: "stuck",
    reason: expect.stringContaining(
      "4 of 5 (readyThreshold 100%) updated replicas are available; short of pods for longer",
    ),
  });
});

test("judgeReadiness: pods that an autoscaler adds long after the update are no update that is late", () => {
  const added = { desiredCount: 5, updatedCount: 4, replicaCount: 4, available: { status: "True" } };
  const progressing = { ...progressed(3_600_000), reason: "NewReplicaSetAvailable" };
  expect(judgeReadiness(workload({ ...added, progressing }), rule).kind).toBe("waiting");
  expect(judgeReadiness(workload({ ...added, progressing: progressed(3_600_000) }), rule).kind).toBe("stuck");
});

test("judgeReadiness: the threshold is a share of the updated pods, and never none (pinned 30)", () => {
  const half = { ...rule, readyPercent: 50 };
  expect(judgeReadiness(workload({ desiredCount: 4, availableCount: 2 }), half).kind).toBe("ready");
  expect(judgeReadiness(workload({ desiredCount: 4, availableCount: 1 }), half).kind).toBe("waiting");
  expect(judgeReadiness(workload({ desiredCount: 1, availableCount: 0 }), half).kind).toBe("waiting");
});

test.each([
  ["all pods are there", {}, "ready", undefined],
  ["the controller has not seen the spec", { generation: 2 }, "waiting", "observed daemonset generation less than"],
  ["pods are not updated", { updatedCount: 1 }, "waiting", "1 out of 2 new pods have been scheduled"],
  [
    "pods are not available",
    { availableCount: 1 },
    "waiting",
    "1 of 2 (readyThreshold 100%) updated pods are available",
  ],
  ["no node is to have it", { desiredCount: 0 }, "waiting", "held off its nodes"],
] as const)("judgeReadiness of a DaemonSet: %s (pinned 31)", (_, changes, kind, reason) => {
  const { progressing: __, ...daemonSet } = workload({ ...changes, kind: "DaemonSet" as const });
  const readiness = judgeReadiness(daemonSet, { ...rule, stepSinceMs: NOW_MS - 59_000 });
  expect(readiness.kind).toBe(kind);
  if (reason !== undefined) expect(readiness).toMatchObject({ reason: expect.stringContaining(reason) });
});

test("judgeReadiness of a DaemonSet: the deadline runs from the step that waits (pinned 31)", () => {
  const late = workload({ kind: "DaemonSet" as const, updatedCount: 1 });
  expect(judgeReadiness(late, { ...rule, stepSinceMs: NOW_MS - 60_000 }).kind).toBe("stuck");
});

test("judgeReadiness of a core Service: always ready", () => {
  expect(judgeReadiness(workload({ kind: "Service" as const, availableCount: 0, generation: 2 }), rule).kind).toBe(
    "ready",
  );
});
