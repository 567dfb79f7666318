import { expect, test } from "vitest";
import {
  commandsOf,
  decideScene,
  messagesOf,
  pausedMetadata,
  routedWeight,
  type Scene,
  stuck,
  terminating,
  unready,
} from "./scene.ts";

const revert = { revertOnDeletion: true };
const idle = { desiredCount: 0, ...unready };
const plain = { name: "web", namespace: "shop", uid: "1" };
const kinds = (scene: Scene) => decideScene(scene).commands.map(({ kind }) => kind);

test("finalizer: is added with revertOnDeletion and removed when it is switched off (pinned 24)", () => {
  expect(kinds({ spec: revert, target: idle })[0]).toBe("add-finalizer");
  expect(
    kinds({ spec: revert, target: idle, metadata: { ...plain, finalizers: ["finalizer.flagger.app"] } }),
  ).not.toContain("add-finalizer");
  expect(kinds({ target: idle, metadata: { ...plain, finalizers: ["finalizer.flagger.app"] } })[0]).toBe(
    "remove-finalizer",
  );
  expect(kinds({ target: idle, metadata: { ...plain, finalizers: ["a.b/c"] } })).not.toContain("remove-finalizer");
});

test("deleting: without revertOnDeletion the finalizer goes and nothing is restored", () => {
  expect(kinds({ metadata: terminating })).toEqual(["remove-finalizer"]);
  expect(kinds({ metadata: { ...terminating, finalizers: [] } })).toEqual([]);
});

test("terminate: the target gets the primary's size, and no traffic before it is ready", () => {
  const decision = decideScene({ metadata: terminating, spec: revert, target: idle, primary: { desiredCount: 4 } });
  expect(decision).toMatchObject({ label: "terminate", status: { phase: "Terminating" } });
  expect(decision.commands).toEqual([
    { kind: "event", type: "Normal", message: "Terminating canary web.shop", isStanding: false },
    { kind: "scale-target", replicaCount: 4 },
  ]);
});

test("terminate: traffic of a release goes back to the primary first, and stays where only the canary can serve", () => {
  const scene: Scene = { metadata: terminating, spec: revert, status: { phase: "Progressing", canaryWeight: 30 } };
  expect(routedWeight(decideScene(scene))).toBe(0);
  expect(routedWeight(decideScene({ ...scene, primary: unready }))).toBeUndefined();
});

test("terminate: goes on where the process died, whatever was carried out", () => {
  const scene: Scene = {
    metadata: terminating,
    spec: revert,
    target: { desiredCount: 4, ...unready },
    primary: { desiredCount: 4 },
  };
  expect(decideScene(scene).label).toBe("terminate");
  expect(kinds({ ...scene, status: { phase: "Terminating" } })).not.toContain("scale-target");
});

test("terminate-wait: an autoscaler that finds another size is left alone, a target at zero is not", () => {
  const scene: Scene = {
    metadata: terminating,
    spec: revert,
    status: { phase: "Terminating" },
    primary: { desiredCount: 4 },
  };
  expect(kinds({ ...scene, target: { desiredCount: 2, availableCount: 1 } })).not.toContain("scale-target");
  expect(kinds({ ...scene, target: idle })).toContain("scale-target");
});

test("terminate-done: Service and routes first, then the Canary goes", () => {
  const decision = decideScene({ metadata: terminating, spec: revert, status: { phase: "Terminating" } });
  expect(decision.commands.map(({ kind }) => kind)).toEqual([
    "restore-apex",
    "restore-routes",
    "event",
    "remove-finalizer",
  ]);
  expect(messagesOf(decision)).toEqual(["Terminated canary web.shop"]);
  // The status of an object that is gone cannot be written.
  expect(decision.status).toEqual(expect.objectContaining({ phase: "Terminating" }));
  expect(decision.explanation.fromPhase).toBe("Terminating");
});

test("terminate-stuck: users stay with the primary, and it is said (pinned 24)", () => {
  const scene: Scene = { metadata: terminating, spec: revert, status: { phase: "Terminating" }, target: stuck };
  const decision = decideScene(scene);
  expect(decision.label).toBe("terminate-stuck");
  expect(messagesOf(decision)[0]).toContain("users stay with the primary: canary not ready during finalizing");
  expect(commandsOf(decision, "restore-apex")).toEqual([]);
  const slow: Scene = {
    ...scene,
    target: unready,
    status: { phase: "Terminating", lastTransitionTime: "2026-01-01T11:00:00Z" },
  };
  expect(decideScene(slow).label).toBe("terminate-stuck");
});

test("terminate-target-gone: a namespace that goes as a whole is not held up", () => {
  expect(kinds({ metadata: terminating, spec: revert, target: "missing" })).toEqual(["event", "remove-finalizer"]);
});

test.each<[string, Scene]>([
  ["is suspended", { spec: { ...revert, suspend: true } }],
  ["has a spec that cannot be executed", { spec: revert, analysis: { stepWeight: 1.5 } }],
  ["is paused", { spec: revert, metadata: { ...terminating, annotations: pausedMetadata.annotations ?? {} } }],
])("deletion: is carried out though the Canary %s", (_, scene) => {
  expect(decideScene({ metadata: terminating, status: { phase: "Terminating" }, ...scene }).label).toBe(
    "terminate-done",
  );
});

test("deletion: a core Service is ready at once and never scaled", () => {
  const scene: Scene = {
    metadata: terminating,
    spec: { ...revert, targetRef: { apiVersion: "v1", kind: "Service", name: "web" } },
    target: { kind: "Service", desiredCount: 1 },
    primary: { desiredCount: 3 },
  };
  expect(kinds(scene)).toEqual(["event"]);
  expect(decideScene({ ...scene, status: { phase: "Terminating" } }).label).toBe("terminate-done");
});
