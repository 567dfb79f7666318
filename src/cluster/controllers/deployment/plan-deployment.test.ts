import { expect, test } from "vitest";
import type { Deployment, Pod, ReplicaSet } from "#api";
import type { Write } from "../shared/index.ts";
import { newestAnnotations, withSize } from "./annotations.ts";
import { pauseCondition } from "./conditions.ts";
import { hashTemplate, isSameTemplate } from "./hash-template.ts";
import { newReplicaSet } from "./new-replica-set.ts";
import { type DeploymentPlan, planDeployment } from "./plan-deployment.ts";
import { sizesOf } from "./sizes.ts";

const NOW = Date.parse("2026-01-01T00:10:00Z");
const at = (seconds: number): string => new Date(NOW + seconds * 1000).toISOString();

function template(image: string): Deployment["spec"]["template"] {
  return { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image }] } };
}

function deployment(spec: Partial<Deployment["spec"]> = {}, status?: Deployment["status"]): Deployment {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace: "shop", uid: "d", generation: 1 },
    spec: { replicas: 4, selector: { matchLabels: { app: "web" } }, template: template("v1"), ...spec },
    ...(status === undefined ? {} : { status }),
  };
}

/** A ReplicaSet of the deployment with an image, as if scaled when the deployment had this size. */
function replicaSet(
  of: Deployment,
  image: string,
  state: { replicas: number; available?: number; revision?: number; age?: number },
): ReplicaSet {
  const sizes = sizesOf(of);
  const { replicas, available = replicas, revision = 1, age = 100 } = state;
  const made = newReplicaSet({ ...of, spec: { ...of.spec, template: template(image) } }, { revision, replicas, sizes });
  return {
    ...made,
    metadata: { ...made.metadata, uid: `rs-${image}`, creationTimestamp: at(-age), generation: 1 },
    status: { replicas, readyReplicas: available, availableReplicas: available, observedGeneration: 1 },
  };
}

function plan(of: Deployment, replicaSets: readonly ReplicaSet[], pods: readonly Pod[] = []): DeploymentPlan {
  return planDeployment({ deployment: of, replicaSets, podsOf: () => pods, nowMs: NOW });
}

/** Sizes and events of a plan, short enough to compare. */
function summary(writes: readonly Write[]): string[] {
  return writes.map((write) => {
    if (write.verb === "event") return write.event.message.replace(/web-[a-z0-9]+/, "RS");
    if (write.verb === "delete") return `delete ${write.key.name === undefined ? "" : "RS"}`;
    if (write.verb === "patch") return "patch";
    const { kind, spec } = write.object as ReplicaSet;
    return kind === "ReplicaSet"
      ? `${write.verb} ${spec.template.spec.containers[0]?.image} ${spec.replicas}`
      : `status`;
  });
}

function statusOf(of: DeploymentPlan): Deployment | undefined {
  const write = of.writes.find((one) => one.verb === "update" && one.subresource === "status");
  return write?.verb === "update" ? (write.object as Deployment) : undefined;
}

function reasons(of: DeploymentPlan): string[] {
  return (statusOf(of)?.status?.conditions ?? []).map((one) => `${one.type} ${one.status} ${one.reason}`);
}

test.each([
  [10, "25%", "25%", { maxSurge: 3, maxUnavailable: 2 }],
  [1, "25%", "25%", { maxSurge: 1, maxUnavailable: 0 }],
  [3, 0, 0, { maxSurge: 0, maxUnavailable: 1 }],
  [2, 0, 5, { maxSurge: 0, maxUnavailable: 2 }],
  [0, "25%", "25%", { maxSurge: 0, maxUnavailable: 0 }],
])("sizesOf %i replicas, surge %s, unavailable %s", (replicas, maxSurge, maxUnavailable, expected) => {
  const strategy = { rollingUpdate: { maxSurge, maxUnavailable } };
  expect(sizesOf(deployment({ replicas, strategy }))).toEqual({ desired: replicas, ...expected });
});

test("planDeployment creates the first ReplicaSet at full size", () => {
  const first = plan(deployment(), []);
  expect(summary(first.writes)).toEqual(["create v1 4", "Scaled up replica set RS to 4", "status"]);
  expect(statusOf(first)?.metadata.annotations).toEqual({ "deployment.kubernetes.io/revision": "1" });
  expect(reasons(first)).toEqual([
    "Progressing True NewReplicaSetCreated",
    "Available False MinimumReplicasUnavailable",
  ]);
  const created = first.writes[0];
  const { metadata, spec } = (created?.verb === "create" ? created.object : {}) as ReplicaSet;
  const hash = metadata.labels?.["pod-template-hash"];
  expect(metadata.name).toBe(`web-${hash}`);
  expect(hash).toMatch(/^[bcdfghjklmnpqrstvwxz2-9]{10}$/);
  expect(spec.selector.matchLabels).toEqual({ app: "web", "pod-template-hash": hash });
  expect(metadata.annotations).toEqual({
    "deployment.kubernetes.io/revision": "1",
    "deployment.kubernetes.io/desired-replicas": "4",
    "deployment.kubernetes.io/max-replicas": "5",
  });
});

test("planDeployment rolls in steps: surge, shrink, grow", () => {
  const updated = deployment({ template: template("v2") });
  const old = replicaSet(updated, "v1", { replicas: 4 });
  expect(summary(plan(updated, [old]).writes)).toEqual(["create v2 1", "Scaled up replica set RS to 1", "status"]);
  const unready = replicaSet(updated, "v2", { replicas: 1, available: 0, revision: 2, age: 1 });
  expect(summary(plan(updated, [old, unready]).writes)).toEqual([
    "update v1 3",
    "Scaled down replica set RS to 3 from 4",
    "status",
  ]);
  const ready = replicaSet(updated, "v2", { replicas: 1, revision: 2, age: 1 });
  const shrunk = replicaSet(updated, "v1", { replicas: 3 });
  expect(summary(plan(updated, [shrunk, ready]).writes)).toEqual([
    "update v2 2",
    "Scaled up replica set RS to 2 from 1",
    "status",
  ]);
});

test("planDeployment gives up pods that do not serve before any that do", () => {
  const updated = deployment({ template: template("v3") });
  const bad = replicaSet(updated, "v2", { replicas: 1, available: 0, age: 50, revision: 2 });
  const good = replicaSet(updated, "v1", { replicas: 3 });
  const newest = replicaSet(updated, "v3", { replicas: 1, available: 0, age: 1, revision: 3 });
  expect(summary(plan(updated, [good, bad, newest]).writes)).toEqual([
    "update v2 0",
    "Scaled down replica set RS to 0 from 1",
    "status",
  ]);
});

test("planDeployment is still once everything is as it should be", () => {
  const of = deployment();
  const only = replicaSet(of, "v1", { replicas: 4 });
  const first = plan(of, [only]);
  const settled = statusOf(first);
  expect(reasons(first)).toContain("Progressing True NewReplicaSetAvailable");
  expect(settled === undefined ? undefined : plan(settled, [only]).writes).toEqual([]);
});

test("planDeployment spreads a resize in the middle of a rollout in proportion", () => {
  // The numbers of conformance case ctl-deployment-scale-proportional: 3 + 2 of 4 with one in surge, scaled to 8.
  const before = deployment({
    template: template("v2"),
    strategy: { rollingUpdate: { maxSurge: 2, maxUnavailable: 0 } },
  });
  const old = replicaSet(before, "v1", { replicas: 4 });
  const newest = replicaSet(before, "v2", { replicas: 2, available: 0, revision: 2, age: 1 });
  const resized = { ...before, spec: { ...before.spec, replicas: 8 } };
  const { writes } = plan(resized, [old, newest]);
  expect(summary(writes)).toEqual([
    "update v1 7",
    "Scaled up replica set RS to 7 from 4",
    "update v2 3",
    "Scaled up replica set RS to 3 from 2",
    "status",
  ]);
  const update = writes[0];
  expect(update?.verb === "update" ? update.object.metadata.annotations : {}).toMatchObject({
    "deployment.kubernetes.io/desired-replicas": "8",
    "deployment.kubernetes.io/max-replicas": "10",
  });
});

test("planDeployment only scales while paused", () => {
  const paused = deployment({ template: template("v2"), paused: true, replicas: 6 });
  const only = replicaSet({ ...paused, spec: { ...paused.spec, replicas: 4 } }, "v1", { replicas: 4 });
  const scaled = plan(paused, [only]);
  expect(summary(scaled.writes)).toEqual(["update v1 6", "Scaled up replica set RS to 6 from 4", "status"]);
  expect(reasons(scaled)).toContain("Progressing Unknown DeploymentPaused");
  expect(
    pauseCondition({ ...paused, spec: { ...paused.spec, paused: false }, status: statusOf(scaled)?.status ?? {} })
      ?.reason,
  ).toBe("DeploymentResumed");
});

test("planDeployment with Recreate waits for the last old pod, terminating ones too", () => {
  const updated = deployment({ template: template("v2"), strategy: { type: "Recreate" } });
  const old = replicaSet(updated, "v1", { replicas: 4 });
  expect(summary(plan(updated, [old]).writes)).toEqual([
    "update v1 0",
    "Scaled down replica set RS to 0 from 4",
    "status",
  ]);
  const empty = replicaSet(updated, "v1", { replicas: 0 });
  const leaving: Pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p", deletionTimestamp: at(0) },
    spec: { containers: [] },
    status: { phase: "Running" },
  };
  expect(summary(plan(updated, [empty], [leaving]).writes)).toEqual(["status"]);
  expect(summary(plan(updated, [empty]).writes)).toEqual(["create v2 4", "Scaled up replica set RS to 4", "status"]);
});

test("planDeployment exceeds its deadline only without progress, and looks again in time", () => {
  const condition = {
    type: "Progressing",
    status: "True",
    reason: "ReplicaSetUpdated",
    lastUpdateTime: at(-9),
  } as const;
  const status = {
    observedGeneration: 1,
    replicas: 4,
    updatedReplicas: 4,
    unavailableReplicas: 4,
    conditions: [condition],
  };
  const waiting = deployment({ progressDeadlineSeconds: 10 }, status);
  const stuck = replicaSet(waiting, "v1", { replicas: 4, available: 0 });
  const early = plan(waiting, [stuck]);
  expect(early.requeueAfterMs).toBe(2000);
  expect(reasons(early)).toContain("Progressing True ReplicaSetUpdated");
  const late = deployment({ progressDeadlineSeconds: 8 }, status);
  const exceeded = plan(late, [stuck]);
  expect(reasons(exceeded)).toContain("Progressing False ProgressDeadlineExceeded");
  expect(statusOf(exceeded)?.status?.conditions?.at(-1)?.message).toMatch(
    /^ReplicaSet "web-\S+" has timed out progressing\.$/,
  );
  const progressed = replicaSet(late, "v1", { replicas: 4, available: 1 });
  expect(reasons(plan(late, [progressed]))).toContain("Progressing True ReplicaSetUpdated");
});

test("planDeployment deletes the oldest empty ReplicaSets beyond the history limit", () => {
  const of = deployment({ template: template("v4"), revisionHistoryLimit: 1 });
  const sets = ["v1", "v2", "v3"].map((image, index) => replicaSet(of, image, { replicas: 0, revision: index + 1 }));
  const newest = replicaSet(of, "v4", { replicas: 4, revision: 4 });
  const complete = {
    ...of,
    status: { observedGeneration: 1, replicas: 4, updatedReplicas: 4, availableReplicas: 4, readyReplicas: 4 },
  };
  const { writes } = plan(complete, [...sets, newest]);
  const names = writes.flatMap((write) => (write.verb === "delete" ? [write.key.name] : []));
  expect(names).toEqual([sets[0]?.metadata.name, sets[1]?.metadata.name]);
});

test("newestAnnotations keep the revisions that a ReplicaSet had before", () => {
  const of = deployment();
  const annotated = {
    ...of,
    metadata: { ...of.metadata, annotations: { note: "x", "kubectl.kubernetes.io/last-applied-configuration": "{}" } },
  };
  const first = newestAnnotations(annotated, undefined, 1);
  expect(first).toEqual({ note: "x", "deployment.kubernetes.io/revision": "1" });
  const third = newestAnnotations(annotated, first, 3);
  expect(newestAnnotations(annotated, third, 5)).toEqual({
    note: "x",
    "deployment.kubernetes.io/revision": "5",
    "deployment.kubernetes.io/revision-history": "1,3",
  });
  expect(withSize(third, 2, 3)).toMatchObject({ "deployment.kubernetes.io/desired-replicas": "2" });
});

test("hashTemplate depends on the template and the collision count alone", () => {
  const ordered = { metadata: { labels: { b: "2", a: "1" } }, spec: { containers: [] } };
  const reordered = { spec: { containers: [] }, metadata: { labels: { a: "1", b: "2" } } };
  expect(hashTemplate(ordered, undefined)).toBe(hashTemplate(reordered, undefined));
  expect(hashTemplate(ordered, 1)).not.toBe(hashTemplate(ordered, undefined));
  expect(hashTemplate(template("v1"), undefined)).not.toBe(hashTemplate(template("v2"), undefined));
  const hashed = { ...ordered, metadata: { labels: { ...ordered.metadata.labels, "pod-template-hash": "x" } } };
  expect(isSameTemplate(ordered, hashed)).toBe(true);
});
