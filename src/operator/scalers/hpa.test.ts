import { expect, test } from "vitest";
import { autoscaler, canaryWith } from "../rehearsal-objects.ts";
import { hpaTwin } from "./hpa.ts";
import { newTwin, type Twin, twinPatch } from "./twin.ts";

const owner = { apiVersion: "flagger.app/v1beta1", kind: "Canary", name: "web", uid: "1", controller: true };

function twinOf(override?: { minReplicas?: number; maxReplicas?: number }, source = autoscaler): Twin {
  const ref = { kind: "HorizontalPodAutoscaler", name: "web-hpa" };
  const autoscalerRef = override === undefined ? ref : { ...ref, primaryScalerReplicas: override };
  const canary = canaryWith({ autoscalerRef });
  return hpaTwin(source, { canary, target: "web", primary: "web-primary", owner, isReleasing: false });
}

test("hpaTwin: the same rules for the primary (pinned 37)", () => {
  expect(newTwin(twinOf())).toEqual({
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { name: "web-hpa-primary", labels: { team: "shop" }, ownerReferences: [owner] },
    spec: { ...autoscaler.spec, scaleTargetRef: { name: "web-primary", kind: "Deployment", apiVersion: "apps/v1" } },
  });
});

test("hpaTwin: bounds of its own where the Canary states them (pinned 37)", () => {
  expect(twinOf({ minReplicas: 5, maxReplicas: 50 }).spec).toMatchObject({ minReplicas: 5, maxReplicas: 50 });
  // Bounds that cross would be refused.
  expect(twinOf({ maxReplicas: 2 }).spec).toMatchObject({ minReplicas: 2, maxReplicas: 2 });
});

test("twinPatch: an HPA follows rules and labels, keeps labels of others (pinned 37)", () => {
  const live = newTwin(twinOf());
  expect(twinPatch(live, twinOf())).toBeUndefined();
  const foreign = { ...live, metadata: { ...live.metadata, labels: { theirs: "1" } } };
  expect(twinPatch(foreign, twinOf())).toEqual({ metadata: { labels: { team: "shop" } } });
  expect(twinPatch(live, twinOf({ maxReplicas: 50 }))).toEqual({ spec: { maxReplicas: 50 } });
});

test("twinPatch: what the source no longer has goes from the twin too", () => {
  const behavior = { scaleDown: { stabilizationWindowSeconds: 60 }, scaleUp: { selectPolicy: "Max" as const } };
  const before = { ...autoscaler, spec: { ...autoscaler.spec, behavior } };
  const live = newTwin(twinOf({}, before));
  const { scaleDown } = behavior;
  const after = { ...autoscaler, spec: { ...autoscaler.spec, behavior: { scaleDown } } };
  expect(twinPatch(live, twinOf({}, after))).toEqual({ spec: { behavior: { scaleUp: null } } });
  expect(twinPatch(live, twinOf({}, autoscaler))).toEqual({ spec: { behavior: null } });
});
