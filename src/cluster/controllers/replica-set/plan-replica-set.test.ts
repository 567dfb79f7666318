import { expect, test } from "vitest";
import type { Pod, ReplicaSet } from "#api";
import { planReplicaSet, planReplicaSetStatus } from "./plan-replica-set.ts";
import { rankVictims } from "./rank-victims.ts";

const NOW = Date.parse("2026-01-01T01:00:00Z");
const ago = (seconds: number): string => new Date(NOW - seconds * 1000).toISOString();

function replicaSet(spec: Partial<ReplicaSet["spec"]> = {}, extra: Partial<ReplicaSet["metadata"]> = {}): ReplicaSet {
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: { name: "web-x", namespace: "shop", uid: "rs", generation: 3, ...extra },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: "web" } },
      template: { metadata: { labels: { app: "web" }, annotations: { a: "b" } }, spec: { containers: [] } },
      ...spec,
    },
  };
}

interface PodOptions {
  readonly node?: string;
  readonly phase?: "Pending" | "Running";
  readonly readyFor?: number;
  readonly cost?: string;
  readonly restarts?: number;
  readonly age?: number;
}

function pod(name: string, options: PodOptions = {}): Pod {
  const { node = "n", phase = "Running", readyFor, restarts = 0, age = 1000 } = options;
  const ready = { type: "Ready", status: "True", lastTransitionTime: ago(readyFor ?? 0) } as const;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      uid: name,
      labels: { app: "web" },
      creationTimestamp: ago(age),
      ...(options.cost === undefined
        ? {}
        : { annotations: { "controller.kubernetes.io/pod-deletion-cost": options.cost } }),
    },
    spec: { nodeName: node, containers: [] },
    status: {
      phase,
      ...(readyFor === undefined ? {} : { conditions: [ready] }),
      containerStatuses: [{ name: "c", image: "i", imageID: "", ready: true, restartCount: restarts }],
    },
  };
}

test("planReplicaSet creates what is missing, with the template's metadata and itself as controller", () => {
  const { createPods, deletePods } = planReplicaSet(replicaSet(), [pod("a")], NOW);
  expect(deletePods).toEqual([]);
  expect(createPods).toHaveLength(2);
  expect(createPods[0]?.metadata).toEqual({
    generateName: "web-x-",
    namespace: "shop",
    labels: { app: "web" },
    annotations: { a: "b" },
    ownerReferences: [
      {
        apiVersion: "apps/v1",
        kind: "ReplicaSet",
        name: "web-x",
        uid: "rs",
        controller: true,
        blockOwnerDeletion: true,
      },
    ],
  });
});

test("planReplicaSet deletes what is too much, and does nothing while it leaves", () => {
  const pods = [pod("ready", { readyFor: 100 }), pod("unready")];
  expect(planReplicaSet(replicaSet({ replicas: 1 }), pods, NOW).deletePods.map((one) => one.metadata.name)).toEqual([
    "unready",
  ]);
  const leaving = replicaSet({ replicas: 5 }, { deletionTimestamp: ago(0) });
  expect(planReplicaSet(leaving, pods, NOW)).toEqual({ createPods: [], deletePods: [] });
});

/** Each pair differs in one rule; the first of the pair must go first whatever the later rules say. */
test.each<[string, PodOptions, PodOptions]>([
  ["without a node", { node: "" }, { phase: "Pending" }],
  ["pending", { phase: "Pending", cost: "9" }, { cost: "1" }],
  ["not ready", { cost: "9" }, { readyFor: 10, cost: "1" }],
  ["lower deletion cost", { readyFor: 9000, cost: "-5" }, { readyFor: 10 }],
  ["ready for a shorter time", { readyFor: 10 }, { readyFor: 1000, restarts: 9 }],
  ["more restarts", { readyFor: 100, restarts: 3, age: 9000 }, { readyFor: 100, restarts: 1, age: 10 }],
  ["younger", { readyFor: 100, age: 10 }, { readyFor: 100, age: 5000 }],
])("rankVictims: %s goes first", (_, first, second) => {
  for (const pods of [
    [pod("x", first), pod("y", second)],
    [pod("y", second), pod("x", first)],
  ]) {
    expect(rankVictims(pods, NOW).map((one) => one.metadata.name)).toEqual(["x", "y"]);
  }
});

test("planReplicaSetStatus counts, waits for minReadySeconds, and is still when nothing changed", () => {
  const set = replicaSet({ minReadySeconds: 60 });
  const pods = [pod("old", { readyFor: 100 }), pod("new", { readyFor: 20 }), pod("unready")];
  const { status, requeueAfterMs } = planReplicaSetStatus(set, pods, { nowMs: NOW, failure: undefined });
  expect(status).toEqual({
    replicas: 3,
    fullyLabeledReplicas: 3,
    readyReplicas: 2,
    availableReplicas: 1,
    observedGeneration: 3,
  });
  expect(requeueAfterMs).toBe(40_000);
  const settled: ReplicaSet = { ...set, ...(status === undefined ? {} : { status }) };
  expect(planReplicaSetStatus(settled, pods, { nowMs: NOW, failure: undefined }).status).toBeUndefined();
});

test("planReplicaSetStatus tells of refused pods, and takes it back", () => {
  const failure = { verb: "create", message: "quota" } as const;
  const { status } = planReplicaSetStatus(replicaSet(), [], { nowMs: NOW, failure });
  expect(status?.conditions).toMatchObject([
    { type: "ReplicaFailure", status: "True", reason: "FailedCreate", message: "quota" },
  ]);
  const failed: ReplicaSet = { ...replicaSet(), ...(status === undefined ? {} : { status }) };
  expect(planReplicaSetStatus(failed, [], { nowMs: NOW, failure }).status).toBeUndefined();
  expect(planReplicaSetStatus(failed, [], { nowMs: NOW, failure: undefined }).status).toEqual({
    replicas: 0,
    observedGeneration: 3,
  });
});
