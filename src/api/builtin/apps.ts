import { deepEqual, isObject, type Problem } from "#base";
import type { KindDefinition, ScalePaths } from "../kind.ts";
import type { KubeObject } from "../meta.ts";
import {
  anyJson,
  between,
  bool,
  described,
  int32,
  int64,
  intOrString,
  listOf,
  mergeListOf,
  oneOf,
  struct,
  text,
  time,
  withDefault,
} from "../schema/build.ts";
import { labelSelector } from "../schema/meta-schema.ts";
import type { Schema } from "../schema/schema.ts";
import { invalidField } from "../validation/field-problem.ts";
import { type BuiltinGroup, builtinKind } from "./builtin-kind.ts";
import { completeTemplateKind, updateAt } from "./complete-pod.ts";
import { podTemplate } from "./pod-schema.ts";
import { asLabelSelector, type Fields, goLabelSelector } from "./struct-fields.ts";
import { coreKinds, withInitialStatus } from "./core.ts";
import { claimSpec } from "./volume-schema.ts";

/** Kinds of `apps/v1`. Source: Kubernetes `apps/v1` types, defaults and validation. */

const appsGroup: BuiltinGroup = { group: "apps", version: "v1", definitions: "io.k8s.api.apps.v1" };
const apps = (name: string): string => `${appsGroup.definitions}.${name}`;
const count = between(0, undefined, int32);

/** Scale of the workload kinds. */
export const replicasScale: ScalePaths = {
  specReplicasPath: ".spec.replicas",
  statusReplicasPath: ".status.replicas",
  labelSelectorPath: ".spec.selector",
};

function workloadCondition(name: string, extra: Readonly<Record<string, Schema>> = {}): Schema {
  const fields = { type: text, status: text, ...extra, lastTransitionTime: time, reason: text, message: text };
  return mergeListOf("type", struct(apps(name), fields, ["type", "status"]));
}

const statusCounts = {
  observedGeneration: int64,
  replicas: int32,
  updatedReplicas: int32,
  readyReplicas: int32,
  availableReplicas: int32,
};

const retainKeys = (schema: Schema): Schema => ({ ...schema, "x-kubernetes-patch-strategy": "retainKeys" });

const deploymentKind = {
  kind: "Deployment",
  shortNames: ["deploy"],
  categories: ["all"],
  scale: replicasScale,
  required: ["spec"],
  fields: {
    spec: struct(
      apps("DeploymentSpec"),
      {
        replicas: described("Number of pods that shall run.", withDefault(1, count)),
        minReadySeconds: count,
        revisionHistoryLimit: described("Number of old ReplicaSets to keep.", withDefault(10, count)),
        selector: described("Pods that belong to the Deployment. It cannot be changed.", labelSelector),
        template: described("The pod to run.", podTemplate),
        strategy: described(
          "How pods of a new template replace the old ones.",
          retainKeys(
            struct(apps("DeploymentStrategy"), {
              type: withDefault("RollingUpdate", oneOf("Recreate", "RollingUpdate")),
              rollingUpdate: struct(apps("RollingUpdateDeployment"), {
                maxUnavailable: intOrString,
                maxSurge: intOrString,
              }),
            }),
          ),
        ),
        paused: bool,
        progressDeadlineSeconds: described(
          "Seconds after which a rollout without progress has failed.",
          withDefault(600, count),
        ),
      },
      ["selector", "template"],
    ),
    status: struct(apps("DeploymentStatus"), {
      ...statusCounts,
      unavailableReplicas: int32,
      terminatingReplicas: int32,
      collisionCount: int32,
      conditions: workloadCondition("DeploymentCondition", { lastUpdateTime: time }),
    }),
  },
  complete: (object: KubeObject, old: KubeObject | undefined): KubeObject =>
    started(updateAt(completeTemplateKind(["spec", "template"])(object), ["spec"], completeStrategy), old, {}),
  rules: immutableSelector,
};

/** Source: `SetDefaults_Deployment`: surge and unavailable are a quarter each, of a rolling update only. */
function completeStrategy(spec: Fields): Fields {
  const strategy: Fields = isObject(spec.strategy) ? spec.strategy : {};
  const type = strategy.type ?? "RollingUpdate";
  if (type !== "RollingUpdate") return { ...spec, strategy: { ...strategy, type } };
  const update = isObject(strategy.rollingUpdate) ? strategy.rollingUpdate : {};
  const rollingUpdate = { maxSurge: "25%", maxUnavailable: "25%", ...update };
  return { ...spec, strategy: { ...strategy, type, rollingUpdate } };
}

function started(object: KubeObject, old: KubeObject | undefined, status: Fields): KubeObject {
  return withInitialStatus(status)(object, old);
}

function immutableSelector(object: KubeObject, old: KubeObject | undefined): readonly Problem[] {
  const now = isObject(object.spec) ? object.spec.selector : undefined;
  const before = isObject(old?.spec) ? old.spec.selector : undefined;
  if (before === undefined || deepEqual(now, before)) return [];
  return [invalidField("spec.selector", goLabelSelector(asLabelSelector(now)), "field is immutable")];
}

const replicaSetKind = {
  kind: "ReplicaSet",
  shortNames: ["rs"],
  categories: ["all"],
  scale: replicasScale,
  required: ["spec"],
  fields: {
    spec: struct(
      apps("ReplicaSetSpec"),
      { replicas: withDefault(1, count), minReadySeconds: count, selector: labelSelector, template: podTemplate },
      ["selector"],
    ),
    status: struct(apps("ReplicaSetStatus"), {
      replicas: int32,
      fullyLabeledReplicas: int32,
      readyReplicas: int32,
      availableReplicas: int32,
      terminatingReplicas: int32,
      observedGeneration: int64,
      conditions: workloadCondition("ReplicaSetCondition"),
    }),
  },
  complete: (object: KubeObject, old: KubeObject | undefined): KubeObject =>
    started(completeTemplateKind(["spec", "template"])(object), old, { replicas: 0 }),
  rules: immutableSelector,
};

const daemonSetKind = {
  kind: "DaemonSet",
  shortNames: ["ds"],
  categories: ["all"],
  required: ["spec"],
  fields: {
    spec: struct(
      apps("DaemonSetSpec"),
      {
        selector: labelSelector,
        template: podTemplate,
        updateStrategy: struct(apps("DaemonSetUpdateStrategy"), {
          type: withDefault("RollingUpdate", oneOf("OnDelete", "RollingUpdate")),
          rollingUpdate: struct(apps("RollingUpdateDaemonSet"), { maxUnavailable: intOrString, maxSurge: intOrString }),
        }),
        minReadySeconds: count,
        revisionHistoryLimit: withDefault(10, count),
      },
      ["selector", "template"],
    ),
    status: struct(apps("DaemonSetStatus"), {
      currentNumberScheduled: int32,
      numberMisscheduled: int32,
      desiredNumberScheduled: int32,
      numberReady: int32,
      observedGeneration: int64,
      updatedNumberScheduled: int32,
      numberAvailable: int32,
      numberUnavailable: int32,
      collisionCount: int32,
      conditions: workloadCondition("DaemonSetCondition"),
    }),
  },
  complete: (object: KubeObject, old: KubeObject | undefined): KubeObject => {
    const zero = { currentNumberScheduled: 0, desiredNumberScheduled: 0, numberMisscheduled: 0, numberReady: 0 };
    return started(
      updateAt(completeTemplateKind(["spec", "template"])(object), ["spec"], completeDaemonUpdate),
      old,
      zero,
    );
  },
  rules: immutableSelector,
};

function completeDaemonUpdate(spec: Fields): Fields {
  const strategy: Fields = isObject(spec.updateStrategy) ? spec.updateStrategy : {};
  const type = strategy.type ?? "RollingUpdate";
  if (type !== "RollingUpdate") return { ...spec, updateStrategy: { ...strategy, type } };
  const update = isObject(strategy.rollingUpdate) ? strategy.rollingUpdate : {};
  return {
    ...spec,
    updateStrategy: { ...strategy, type, rollingUpdate: { maxSurge: 0, maxUnavailable: 1, ...update } },
  };
}

const claimSchema = coreKinds.find(({ resource }) => resource.kind === "PersistentVolumeClaim")?.schema ?? claimSpec;

const statefulSetKind = {
  kind: "StatefulSet",
  shortNames: ["sts"],
  categories: ["all"],
  scale: replicasScale,
  required: ["spec"],
  fields: {
    spec: struct(
      apps("StatefulSetSpec"),
      {
        replicas: withDefault(1, count),
        selector: labelSelector,
        template: podTemplate,
        volumeClaimTemplates: listOf(claimSchema),
        serviceName: text,
        podManagementPolicy: withDefault("OrderedReady", oneOf("OrderedReady", "Parallel")),
        updateStrategy: struct(apps("StatefulSetUpdateStrategy"), {
          type: withDefault("RollingUpdate", oneOf("OnDelete", "RollingUpdate")),
          rollingUpdate: struct(apps("RollingUpdateStatefulSetStrategy"), {
            partition: int32,
            maxUnavailable: intOrString,
          }),
        }),
        revisionHistoryLimit: withDefault(10, count),
        minReadySeconds: count,
        persistentVolumeClaimRetentionPolicy: withDefault(
          { whenDeleted: "Retain", whenScaled: "Retain" },
          struct(apps("StatefulSetPersistentVolumeClaimRetentionPolicy"), { whenDeleted: text, whenScaled: text }),
        ),
        ordinals: struct(apps("StatefulSetOrdinals"), { start: int32 }),
      },
      ["selector", "template"],
    ),
    status: struct(apps("StatefulSetStatus"), {
      ...statusCounts,
      currentReplicas: int32,
      currentRevision: text,
      updateRevision: text,
      collisionCount: int32,
      conditions: workloadCondition("StatefulSetCondition"),
    }),
  },
  complete: (object: KubeObject, old: KubeObject | undefined): KubeObject => {
    const zero = { replicas: 0, availableReplicas: 0 };
    return started(
      updateAt(completeTemplateKind(["spec", "template"])(object), ["spec"], completeStatefulUpdate),
      old,
      zero,
    );
  },
  rules: immutableSelector,
};

function completeStatefulUpdate(spec: Fields): Fields {
  const strategy: Fields = isObject(spec.updateStrategy) ? spec.updateStrategy : {};
  const type = strategy.type ?? "RollingUpdate";
  if (type !== "RollingUpdate") return { ...spec, updateStrategy: { ...strategy, type } };
  const update = isObject(strategy.rollingUpdate) ? strategy.rollingUpdate : {};
  return { ...spec, updateStrategy: { ...strategy, type, rollingUpdate: { partition: 0, ...update } } };
}

const controllerRevisionKind = {
  kind: "ControllerRevision",
  fields: { data: anyJson, revision: int64 },
  required: ["revision"],
};

/** Kinds of `apps/v1`. */
export const appsKinds: readonly KindDefinition[] = [
  controllerRevisionKind,
  daemonSetKind,
  deploymentKind,
  replicaSetKind,
  statefulSetKind,
].map((kind) => builtinKind(appsGroup, kind));
