import { expect, test } from "vitest";
import { autoscaler, canaryWith } from "../rehearsal-objects.ts";
import { newPrimaryScaler, type ScalerPlan, syncedPrimaryScaler } from "./hpa.ts";

const owner = { apiVersion: "flagger.app/v1beta1", kind: "Canary", name: "web", uid: "1", controller: true };

function planOf(override?: { minReplicas?: number; maxReplicas?: number }): ScalerPlan {
  const ref = { kind: "HorizontalPodAutoscaler", name: "web-hpa" };
  const autoscalerRef = override === undefined ? ref : { ...ref, primaryScalerReplicas: override };
  return { canary: canaryWith({ autoscalerRef }), source: autoscaler, primary: "web-primary", owner };
}

test("newPrimaryScaler: the same rules for the primary (pinned 37)", () => {
  expect(newPrimaryScaler(planOf())).toMatchObject({
    metadata: { name: "web-hpa-primary", labels: { team: "shop" }, ownerReferences: [owner] },
    spec: { ...autoscaler.spec, scaleTargetRef: { name: "web-primary", kind: "Deployment", apiVersion: "apps/v1" } },
  });
});

test("newPrimaryScaler: bounds of its own where the Canary states them (pinned 37)", () => {
  expect(newPrimaryScaler(planOf({ minReplicas: 5, maxReplicas: 50 })).spec).toMatchObject({
    minReplicas: 5,
    maxReplicas: 50,
  });
});

test("syncedPrimaryScaler: follows rules and labels, keeps labels of others (pinned 37)", () => {
  const live = newPrimaryScaler(planOf());
  expect(syncedPrimaryScaler(live, planOf())).toBeUndefined();
  const foreign = { ...live, metadata: { ...live.metadata, labels: { theirs: "1" } } };
  expect(syncedPrimaryScaler(foreign, planOf())?.metadata.labels).toEqual({ theirs: "1", team: "shop" });
  expect(syncedPrimaryScaler(live, planOf({ maxReplicas: 50 }))?.spec.maxReplicas).toBe(50);
});
