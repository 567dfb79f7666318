import { expect, test } from "vitest";
import { canaryWith } from "../rehearsal-objects.ts";
import {
  newPrimaryScaledObject,
  pausePatch,
  type ScaledObject,
  type ScaledObjectPlan,
  scaledObjectMinCount,
  syncedPrimaryScaledObject,
} from "./scaled-object.ts";

const owner = { apiVersion: "flagger.app/v1beta1", kind: "Canary", name: "podinfo", uid: "1", controller: true };
const source: ScaledObject = {
  apiVersion: "keda.sh/v1alpha1",
  kind: "ScaledObject",
  metadata: {
    name: "podinfo-so",
    namespace: "test",
    labels: { team: "shop", "kustomize.toolkit.fluxcd.io/name": "x" },
    annotations: {
      "scaledobject.keda.sh/transfer-hpa-ownership": "true",
      "autoscaling.keda.sh/paused-replicas": "0",
      "kubectl.kubernetes.io/last-applied-configuration": "{}",
    },
  },
  spec: {
    scaleTargetRef: { name: "podinfo", kind: "Deployment" },
    minReplicaCount: 1,
    maxReplicaCount: 4,
    initialCooldownPeriod: 7,
    advanced: { horizontalPodAutoscalerConfig: { name: "podinfo", behavior: {} } },
    triggers: [
      { type: "prometheus", name: "load", metadata: { query: 'rate(http{app="podinfo"}[30s])', threshold: "5" } },
      {
        type: "prometheus",
        name: "other",
        metadata: { query: 'rate(http{app="podinfo-canary",all="my_podinfo2"}[30s])' },
      },
      { type: "cron", metadata: { timezone: "UTC" } },
    ],
  },
};

function planOf(ref: object = {}): ScaledObjectPlan {
  const autoscalerRef = { apiVersion: "keda.sh/v1alpha1", kind: "ScaledObject", name: "podinfo-so", ...ref } as const;
  return { canary: canaryWith({ autoscalerRef }), source, target: "podinfo", primary: "podinfo-primary", owner };
}

test("newPrimaryScaledObject: names, queries and HPA of the primary; the pause is not copied (pinned 38)", () => {
  expect(newPrimaryScaledObject(planOf())).toEqual({
    apiVersion: "keda.sh/v1alpha1",
    kind: "ScaledObject",
    metadata: {
      name: "podinfo-so-primary",
      namespace: "test",
      labels: { team: "shop" },
      annotations: { "scaledobject.keda.sh/transfer-hpa-ownership": "true" },
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
          metadata: { query: 'rate(http{app="podinfo-primary"}[30s])', threshold: "5" },
        },
        {
          type: "prometheus",
          name: "other",
          metadata: { query: 'rate(http{app="podinfo-primary",all="my_podinfo2"}[30s])' },
        },
        { type: "cron", metadata: { timezone: "UTC" } },
      ],
    },
  });
});

test("newPrimaryScaledObject: bounds and queries of the Canary's own, by the trigger's name (pinned 38)", () => {
  const ref = {
    primaryScalerReplicas: { minReplicas: 2, maxReplicas: 20 },
    primaryScalerQueries: { load: "own", unknown: "none" },
  };
  const { spec } = newPrimaryScaledObject(planOf(ref));
  expect(spec).toMatchObject({ minReplicaCount: 2, maxReplicaCount: 20 });
  expect(spec.triggers?.map(({ metadata }) => metadata?.query)).toEqual([
    "own",
    source.spec.triggers?.[1]?.metadata?.query,
    undefined,
  ]);
});

test("syncedPrimaryScaledObject: follows the source and keeps what others wrote", () => {
  const live = newPrimaryScaledObject(planOf());
  expect(syncedPrimaryScaledObject(live, planOf())).toBeUndefined();
  const noted = {
    ...live,
    metadata: { ...live.metadata, annotations: { ...live.metadata.annotations, note: "mine" } },
  };
  const changed = { ...planOf(), source: { ...source, spec: { ...source.spec, maxReplicaCount: 9 } } };
  expect(syncedPrimaryScaledObject(noted, changed)).toMatchObject({
    metadata: { annotations: { note: "mine" } },
    spec: { maxReplicaCount: 9 },
  });
});

test("pausePatch: touches one annotation, and a pause of somebody else stays (pinned 38)", () => {
  const paused = "autoscaling.keda.sh/paused-replicas";
  const withPause = (count: string): ScaledObject => ({
    ...source,
    metadata: { name: "s", annotations: { [paused]: count } },
  });
  const running = { ...source, metadata: { name: "s" } };
  expect(pausePatch(running, true)).toEqual({ metadata: { annotations: { [paused]: "0" } } });
  expect(pausePatch(withPause("0"), true)).toBeUndefined();
  expect(pausePatch(withPause("0"), false)).toEqual({ metadata: { annotations: { [paused]: null } } });
  expect(pausePatch(withPause("3"), false)).toBeUndefined();
  expect(scaledObjectMinCount({ ...source, spec: { minReplicaCount: 0 } })).toBe(1);
});
