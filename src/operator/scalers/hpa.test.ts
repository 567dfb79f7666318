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
    metadata: {
      name: "web-hpa-primary",
      labels: { team: "shop" },
      annotations: { "serin.dev/copied": '{"labels":["team"],"annotations":[]}' },
      ownerReferences: [owner],
    },
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

const labelled = (labels: Record<string, string>) => ({ ...autoscaler, metadata: { name: "web-hpa", labels } });
const copiedKeys = (...labels: string[]) => ({ "serin.dev/copied": JSON.stringify({ labels, annotations: [] }) });

test("twinPatch: a label that the source drops goes from the twin, those of others stay", () => {
  const live = newTwin(twinOf({}, labelled({ team: "shop", tier: "a", zone: "eu" })));
  const theirs = { ...live, metadata: { ...live.metadata, labels: { ...live.metadata.labels, theirs: "1" } } };
  expect(twinPatch(theirs, twinOf({}, labelled({ team: "search", zone: "eu" })))).toEqual({
    metadata: { labels: { team: "search", tier: null }, annotations: copiedKeys("team", "zone") },
  });
  expect(twinPatch(theirs, twinOf({}, labelled({})))).toEqual({
    metadata: { labels: { team: null, tier: null, zone: null }, annotations: { "serin.dev/copied": null } },
  });
});

test("twinPatch: a label that somebody put there and the source gains and drops again is theirs", () => {
  const live = newTwin(twinOf({}, labelled({ team: "shop" })));
  const theirs = { ...live, metadata: { ...live.metadata, labels: { team: "shop", tier: "a" } } };
  expect(twinPatch(theirs, twinOf({}, labelled({ team: "shop", tier: "a" })))).toBeUndefined();
  expect(twinPatch(theirs, twinOf({}, labelled({ team: "shop" })))).toBeUndefined();
});

test.each([
  ["of an earlier version, without a record", {}],
  ["with a record that nobody can read", { "serin.dev/copied": "{" }],
])("twinPatch: a twin %s learns what it has from its source, and follows from then on", (_, annotations) => {
  const labels = { team: "shop", theirs: "1" };
  const live = { ...newTwin(twinOf()), metadata: { name: "web-hpa-primary", labels, annotations } };
  expect(twinPatch(live, twinOf())).toEqual({ metadata: { annotations: copiedKeys("team") } });
});

test("twinPatch: a record that names keys of others takes none of them away", () => {
  const record = JSON.stringify({ labels: ["scaledobject.keda.sh/name", 5], annotations: ["serin.dev/floor"] });
  const labels = { team: "shop", "scaledobject.keda.sh/name": "x" };
  const metadata = {
    name: "web-hpa-primary",
    labels,
    annotations: { "serin.dev/copied": record, "serin.dev/floor": "?" },
  };
  const patch = twinPatch({ ...newTwin(twinOf()), metadata }, twinOf());
  expect(patch).toEqual({ metadata: { annotations: { "serin.dev/copied": null } } });
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
