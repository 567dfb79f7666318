import { expect, test } from "vitest";
import type { KubeObject } from "#api";
import { canaryWith } from "../rehearsal-objects.ts";
import { pausePatch } from "./pauses.ts";
import { maySleep, scaledObjectTwin } from "./scaled-object.ts";
import { newTwin, type Twin, twinPatch } from "./twin.ts";

const owner = { apiVersion: "flagger.app/v1beta1", kind: "Canary", name: "podinfo", uid: "1", controller: true };
const source = {
  apiVersion: "keda.sh/v1alpha1",
  kind: "ScaledObject",
  metadata: {
    name: "podinfo-so",
    namespace: "test",
    labels: { team: "shop", "kustomize.toolkit.fluxcd.io/name": "x", "scaledobject.keda.sh/name": "podinfo-so" },
    annotations: {
      "scaledobject.keda.sh/transfer-hpa-ownership": "true",
      "autoscaling.keda.sh/paused-replicas": "0",
      "kubectl.kubernetes.io/last-applied-configuration": "{}",
      "serin.dev/floor": "{}",
      note: "mine",
    },
  },
  spec: {
    scaleTargetRef: { name: "podinfo", kind: "Deployment" },
    minReplicaCount: 1,
    maxReplicaCount: 4,
    initialCooldownPeriod: 7,
    advanced: { horizontalPodAutoscalerConfig: { name: "podinfo", behavior: {} }, restoreToOriginalReplicaCount: true },
    triggers: [
      { type: "prometheus", name: "load", metadata: { query: 'rate(http{app="podinfo"}[30s])', threshold: "5" } },
      {
        type: "prometheus",
        name: "other",
        metadata: { query: 'rate(http{app="podinfo-canary",all="my_podinfo2"}[30s])', ignoreNullValues: "true" },
      },
      { type: "cron", metadata: { timezone: "UTC" } },
    ],
  },
};

function twinOf(ref: object = {}, of: KubeObject = source, isReleasing = false): Twin {
  const autoscalerRef = { apiVersion: "keda.sh/v1alpha1", kind: "ScaledObject", name: "podinfo-so", ...ref } as const;
  const canary = canaryWith({ autoscalerRef });
  return scaledObjectTwin(of, { canary, target: "podinfo", primary: "podinfo-primary", owner, isReleasing });
}

const withSpec = (spec: object): KubeObject => ({ ...source, spec: { ...source.spec, ...spec } });

test("scaledObjectTwin: names, queries and HPA of the primary; pause, floor and foreign metadata are not copied (pinned 38)", () => {
  expect(newTwin(twinOf())).toEqual({
    apiVersion: "keda.sh/v1alpha1",
    kind: "ScaledObject",
    metadata: {
      name: "podinfo-so-primary",
      namespace: "test",
      labels: { team: "shop" },
      annotations: {
        "scaledobject.keda.sh/transfer-hpa-ownership": "true",
        "serin.dev/copied": '{"labels":["team"],"annotations":["scaledobject.keda.sh/transfer-hpa-ownership"]}',
      },
      ownerReferences: [owner],
    },
    spec: {
      ...source.spec,
      scaleTargetRef: { name: "podinfo-primary", kind: "Deployment" },
      advanced: { horizontalPodAutoscalerConfig: { name: "podinfo-primary", behavior: {} } },
      triggers: [
        {
          type: "prometheus",
          name: "load",
          metadata: { query: 'rate(http{app="podinfo-primary"}[30s])', threshold: "5", ignoreNullValues: "false" },
        },
        {
          type: "prometheus",
          name: "other",
          metadata: { query: 'rate(http{app="podinfo-primary",all="my_podinfo2"}[30s])', ignoreNullValues: "true" },
        },
        { type: "cron", metadata: { timezone: "UTC" } },
      ],
    },
  });
});

test("scaledObjectTwin: ownership of an HPA is transferred by its name only", () => {
  expect(twinOf({}, withSpec({ advanced: {} })).annotations).toEqual({});
});

test("scaledObjectTwin: bounds and queries of the Canary's own, by the trigger's name (pinned 38)", () => {
  const ref = {
    primaryScalerReplicas: { minReplicas: 2, maxReplicas: 20 },
    primaryScalerQueries: { load: "own", unknown: "none" },
  };
  const { spec } = twinOf(ref);
  expect(spec).toMatchObject({ minReplicaCount: 2, maxReplicaCount: 20 });
  expect(spec.triggers).toMatchObject([
    { metadata: { query: "own" } },
    { metadata: { query: source.spec.triggers[1]?.metadata.query } },
    { metadata: { timezone: "UTC" } },
  ]);
});

test("scaledObjectTwin: one that may sleep is awake while something is released", () => {
  const sleepy = withSpec({ minReplicaCount: 0, idleReplicaCount: 0 });
  expect(twinOf({}, sleepy).spec).toMatchObject({ minReplicaCount: 0, idleReplicaCount: 0 });
  const { spec } = twinOf({}, sleepy, true);
  expect(spec.minReplicaCount).toBe(1);
  expect(spec).not.toHaveProperty("idleReplicaCount");
  expect(twinOf({}, withSpec({ minReplicaCount: 3 }), true).spec.minReplicaCount).toBe(3);
});

test("twinPatch: a ScaledObject follows the source and keeps what others wrote", () => {
  const live = newTwin(twinOf());
  expect(twinPatch(live, twinOf())).toBeUndefined();
  const noted = { ...live, metadata: { ...live.metadata, annotations: { ...live.metadata.annotations, note: "own" } } };
  expect(twinPatch(noted, twinOf({}, withSpec({ maxReplicaCount: 9 })))).toEqual({ spec: { maxReplicaCount: 9 } });
});

test("twinPatch: an annotation that was copied goes with the source's, or with what it is about", () => {
  const live = newTwin(twinOf());
  const copied = { "serin.dev/copied": '{"labels":["team"],"annotations":[]}' };
  const transfer = { "scaledobject.keda.sh/transfer-hpa-ownership": null };
  const bare = { ...source, metadata: { ...source.metadata, annotations: {} } };
  expect(twinPatch(live, twinOf({}, bare))).toEqual({ metadata: { annotations: { ...transfer, ...copied } } });
});

test("pausePatch: touches its own annotations, and a pause of somebody else stays (pinned 38)", () => {
  const paused = "autoscaling.keda.sh/paused-replicas";
  const of = (annotations: Record<string, string>): KubeObject => ({ ...source, metadata: { name: "s", annotations } });
  const held = { isHeld: true, maySleep: false, canaryUid: "u" };
  const free = { ...held, isHeld: false };
  expect(pausePatch(of({}), held)).toEqual({ metadata: { annotations: { [paused]: "0" } } });
  expect(pausePatch(of({ [paused]: "0" }), held)).toBeUndefined();
  expect(pausePatch(of({ [paused]: "0" }), free)).toEqual({ metadata: { annotations: { [paused]: null } } });
  for (const theirs of [
    { [paused]: "3" },
    { "autoscaling.keda.sh/paused": "true" },
    { "autoscaling.keda.sh/paused": "" },
  ])
    for (const wish of [held, free]) expect(pausePatch(of(theirs), wish)).toBeUndefined();
  expect(pausePatch(of({ "autoscaling.keda.sh/paused": "false" }), held)).toBeDefined();
});

test("pausePatch: one that may sleep is awake for its own Canary; a person's wish stays, one of an earlier Canary is taken over", () => {
  const forced = "autoscaling.keda.sh/force-activation";
  const of = (annotations: Record<string, string>): KubeObject => ({ ...source, metadata: { name: "s", annotations } });
  const free = { isHeld: false, maySleep: true, canaryUid: "u" };
  const awake = { metadata: { annotations: { [forced]: "true", "serin.dev/awake": "u" } } };
  expect(pausePatch(of({}), free)).toEqual(awake);
  expect(pausePatch(of({ [forced]: "true", "serin.dev/awake": "u" }), free)).toBeUndefined();
  expect(pausePatch(of({ [forced]: "true" }), free)).toBeUndefined();
  expect(pausePatch(of({ [forced]: "true", "serin.dev/awake": "gone" }), free)).toEqual(awake);
  expect(pausePatch(of({}), { ...free, maySleep: false })).toBeUndefined();
});

test("scaledObjectTwin: triggers that are none come along as they are", () => {
  const triggers = [
    null,
    5,
    { type: 3 },
    { type: "prometheus", metadata: null },
    { type: "prometheus", metadata: "x" },
  ];
  expect(twinOf({}, withSpec({ triggers })).spec.triggers).toEqual(triggers);
  for (const broken of [undefined, "x", {}]) expect(() => twinOf({}, withSpec({ triggers: broken }))).not.toThrow();
  expect(() => twinOf({}, { ...source, spec: undefined })).not.toThrow();
});

test("maySleep: at a lower bound of 0, which is that of none stated, and at any with an idle count", () => {
  expect(maySleep(withSpec({ minReplicaCount: 0 }))).toBe(true);
  expect(maySleep(withSpec({ minReplicaCount: undefined }))).toBe(true);
  expect(maySleep(withSpec({ minReplicaCount: 2 }))).toBe(false);
  expect(maySleep(withSpec({ minReplicaCount: 2, idleReplicaCount: 0 }))).toBe(true);
});
