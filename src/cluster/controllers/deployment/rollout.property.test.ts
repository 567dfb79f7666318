import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Deployment } from "#api";
import { seededRandom } from "#base";
import { isPodReady } from "../shared/index.ts";
import { isComplete } from "./conditions.ts";
import { availableCount, createRolloutModel, currentSizes, type RolloutModel } from "./rollout-model.ts";

function deployment(spec: Partial<Deployment["spec"]>): Deployment {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace: "shop" },
    spec: { selector: { matchLabels: { app: "web" } }, template: template("v1"), ...spec },
  };
}

function template(image: string): Deployment["spec"]["template"] {
  return { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image }] } };
}

type Action =
  | { readonly type: "deployment" | "refresh" | "refreshOne" | "ready" | "kill" }
  | { readonly type: "replicaSet"; readonly index: number }
  | { readonly type: "scale"; readonly replicas: number }
  | { readonly type: "image"; readonly image: string };

const actions = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom<Action>({ type: "deployment" }, { type: "refresh" }, { type: "refreshOne" }),
  },
  { weight: 4, arbitrary: fc.nat(5).map((index): Action => ({ type: "replicaSet", index })) },
  { weight: 4, arbitrary: fc.constant<Action>({ type: "ready" }) },
  { weight: 1, arbitrary: fc.constant<Action>({ type: "kill" }) },
  { weight: 1, arbitrary: fc.nat(12).map((replicas): Action => ({ type: "scale", replicas })) },
  { weight: 1, arbitrary: fc.constantFrom("v1", "v2", "v3").map((image): Action => ({ type: "image", image })) },
);
const steps = fc.oneof(fc.nat(4), fc.constantFrom("0%", "25%", "50%", "100%"));

function apply(model: RolloutModel, action: Action, random: ReturnType<typeof seededRandom>): void {
  switch (action.type) {
    case "deployment":
      return model.reconcileDeployment();
    case "replicaSet":
      return model.reconcileReplicaSet(action.index);
    case "refresh":
      return model.refresh();
    case "refreshOne":
      return model.refreshOne(random);
    case "ready":
      model.makeReady(random);
      return;
    case "kill":
      // What the dead pod's ReplicaSet says of it is corrected before anybody decides on it: no planner can know earlier.
      model.kill(random);
      return settle(model);
    case "scale":
      model.edit((before) => ({ ...before, spec: { ...before.spec, replicas: action.replicas } }));
      // The bounds are those of the new size from the moment on that it has been applied.
      return unchecked(model, () => {
        settle(model);
        model.reconcileDeployment();
        settle(model);
      });
    case "image":
      return model.edit((before) => ({ ...before, spec: { ...before.spec, template: template(action.image) } }));
  }
}

function settle(model: RolloutModel): void {
  model.refresh();
  for (let index = 0; index < 8; index++) model.reconcileReplicaSet(index);
  model.refresh();
}

function unchecked(model: RolloutModel, run: () => void): void {
  const check = model.onPodWrite;
  model.onPodWrite = undefined;
  run();
  model.onPodWrite = check;
}

test("planDeployment: no pod is created beyond desired + surge, and none available is deleted below desired - unavailable", () => {
  const input = fc.record({
    replicas: fc.integer({ min: 1, max: 10 }),
    maxSurge: steps,
    maxUnavailable: steps,
    sequence: fc.array(actions, { minLength: 5, maxLength: 120 }),
    seed: fc.integer(),
  });
  fc.assert(
    fc.property(input, ({ replicas, maxSurge, maxUnavailable, sequence, seed }) => {
      const random = seededRandom(seed);
      const strategy = { type: "RollingUpdate" as const, rollingUpdate: { maxSurge, maxUnavailable } };
      const model = createRolloutModel(deployment({ replicas, strategy }));
      model.onPodWrite = ({ verb, pod }) => {
        const { desired, maxSurge: surge, maxUnavailable: unavailable } = currentSizes(model);
        const pods = model.activePods();
        if (verb === "create") expect(pods.length + 1).toBeLessThanOrEqual(desired + surge);
        else if (isPodReady(pod)) expect(availableCount(pods) - 1).toBeGreaterThanOrEqual(desired - unavailable);
      };
      for (const action of sequence) {
        model.nowMs += 1000;
        apply(model, action, random);
      }
      expectCompletion(model, random);
    }),
    { numRuns: 300 },
  );
});

function expectCompletion(model: RolloutModel, random: ReturnType<typeof seededRandom>): void {
  for (let round = 0; round < 80; round++) {
    model.nowMs += 1000;
    while (model.makeReady(random)) continue;
    settle(model);
    model.reconcileDeployment();
  }
  const done = model.deployment();
  expect(isComplete(done, done.status ?? {})).toBe(true);
  const image = done.spec.template.spec.containers[0]?.image;
  const pods = model.activePods();
  expect(pods).toHaveLength(currentSizes(model).desired);
  expect(pods.every((pod) => pod.spec.containers[0]?.image === image)).toBe(true);
  if (pods.length > 0) {
    expect(done.status?.conditions).toContainEqual(
      expect.objectContaining({ type: "Progressing", reason: "NewReplicaSetAvailable" }),
    );
  }
}
