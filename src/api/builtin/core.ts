import { deepEqual, isObject, type Problem } from "#base";
import type { KindDefinition } from "../kind.ts";
import type { KubeObject } from "../meta.ts";
import {
  anyObject,
  bool,
  bytes,
  described,
  int32,
  int64,
  listOf,
  mapOf,
  mergedSet,
  mergeListOf,
  microTime,
  oneOf,
  quantity,
  setOf,
  struct,
  text,
  time,
  withDefault,
} from "../schema/build.ts";
import { base64Of } from "../utf8.ts";
import { forbiddenField } from "../validation/field-problem.ts";
import { type BuiltinGroup, builtinKind } from "./builtin-kind.ts";
import { completePod, completeTemplateKind } from "./complete-pod.ts";
import { podUpdateProblems } from "./pod-rules.ts";
import { podSpec, podStatus, podTemplate } from "./pod-schema.ts";
import { asLabels } from "./struct-fields.ts";
import { claimSpec, core, localObjectReference, objectReference } from "./volume-schema.ts";

/** Kinds of the core group, but for the Service and its endpoints. Source: Kubernetes `core/v1`. */

export const coreGroup: BuiltinGroup = { group: "", version: "v1", definitions: "io.k8s.api.core.v1" };

/** The form of conditions that older kinds of this group use. */
const oldCondition = (name: string) =>
  struct(core(name), {
    type: text,
    status: text,
    lastHeartbeatTime: time,
    lastProbeTime: time,
    lastTransitionTime: time,
    reason: text,
    message: text,
  });

const namespaceKind = {
  kind: "Namespace",
  isClusterScoped: true,
  shortNames: ["ns"],
  fields: {
    spec: struct(core("NamespaceSpec"), { finalizers: listOf(text) }),
    status: struct(core("NamespaceStatus"), {
      phase: text,
      conditions: mergeListOf("type", oldCondition("NamespaceCondition")),
    }),
  },
  complete: completeNamespace,
};

function completeNamespace(namespace: KubeObject, old: KubeObject | undefined): KubeObject {
  const labels = { ...namespace.metadata.labels };
  if (namespace.metadata.name !== undefined) labels["kubernetes.io/metadata.name"] = namespace.metadata.name;
  const metadata = { ...namespace.metadata, labels };
  if (old !== undefined) return { ...namespace, metadata };
  const spec = isObject(namespace.spec) ? namespace.spec : {};
  const finalizers = Array.isArray(spec.finalizers) ? spec.finalizers : [];
  const all = finalizers.includes("kubernetes") ? finalizers : [...finalizers, "kubernetes"];
  return { ...namespace, metadata, spec: { ...spec, finalizers: all }, status: { phase: "Active" } };
}

const taint = struct(core("Taint"), { key: text, value: text, effect: text, timeAdded: time }, ["key", "effect"]);
const configSource = anyObject;

const nodeKind = {
  kind: "Node",
  isClusterScoped: true,
  shortNames: ["no"],
  fields: {
    spec: struct(core("NodeSpec"), {
      podCIDR: text,
      podCIDRs: mergedSet(setOf(text)),
      providerID: text,
      unschedulable: bool,
      taints: listOf(taint),
      configSource,
      externalID: text,
    }),
    status: struct(core("NodeStatus"), {
      capacity: mapOf(quantity),
      allocatable: mapOf(quantity),
      phase: text,
      conditions: mergeListOf("type", oldCondition("NodeCondition")),
      addresses: mergeListOf("type", struct(core("NodeAddress"), { type: text, address: text }, ["type", "address"])),
      daemonEndpoints: anyObject,
      nodeInfo: anyObject,
      images: listOf(struct(core("ContainerImage"), { names: listOf(text), sizeBytes: int64 })),
      volumesInUse: listOf(text),
      volumesAttached: listOf(anyObject),
      config: anyObject,
      runtimeHandlers: listOf(anyObject),
      features: anyObject,
    }),
  },
};

const podKind = {
  kind: "Pod",
  shortNames: ["po"],
  categories: ["all"],
  fields: { spec: podSpec, status: podStatus },
  required: ["spec"],
  complete: completePod,
  rules: (pod: KubeObject, old: KubeObject | undefined): readonly Problem[] =>
    isObject(pod.spec) && isObject(old?.spec) ? podUpdateProblems(pod.spec, old.spec) : [],
};

const configMapKind = {
  kind: "ConfigMap",
  shortNames: ["cm"],
  fields: {
    data: described("Values by key, as text.", mapOf(text)),
    binaryData: described("Values by key that are no text, in base64.", mapOf(bytes)),
    immutable: described("Once set, data cannot be changed any more.", bool),
  },
  rules: (now: KubeObject, old: KubeObject | undefined) => immutableData(now, old, ["data", "binaryData"]),
};

const secretKind = {
  kind: "Secret",
  fields: { data: mapOf(bytes), stringData: mapOf(text), type: withDefault("Opaque", text), immutable: bool },
  complete: mergeStringData,
  rules: (now: KubeObject, old: KubeObject | undefined): readonly Problem[] => [
    ...immutableData(now, old, ["data"]),
    ...(old !== undefined && old.type !== now.type
      ? [
          {
            path: "type",
            code: "FieldValueInvalid",
            message: `Invalid value: ${JSON.stringify(now.type)}: field is immutable`,
          },
        ]
      : []),
  ],
};

function immutableData(now: KubeObject, old: KubeObject | undefined, fields: readonly string[]): Problem[] {
  if (old?.immutable !== true) return [];
  const changed = [...fields, "immutable"].filter((field) => !deepEqual(now[field], old[field]));
  return changed.map((field) => forbiddenField(field, "field is immutable when `immutable` is set"));
}

/** `stringData` is written in plain text and kept in base64 in `data`, which it overrides. */
function mergeStringData(secret: KubeObject): KubeObject {
  const { stringData, ...rest } = secret;
  const plain = Object.entries(asLabels(stringData) ?? {});
  if (stringData === undefined) return secret;
  const encoded = Object.fromEntries(plain.map(([key, value]) => [key, base64Of(value)]));
  return {
    ...rest,
    apiVersion: secret.apiVersion,
    kind: secret.kind,
    metadata: secret.metadata,
    data: { ...asLabels(rest.data), ...encoded },
  };
}

const serviceAccountKind = {
  kind: "ServiceAccount",
  shortNames: ["sa"],
  fields: {
    secrets: mergeListOf("name", objectReference),
    imagePullSecrets: listOf(localObjectReference),
    automountServiceAccountToken: bool,
  },
};

const eventSource = struct(core("EventSource"), { component: text, host: text });

const eventKind = {
  kind: "Event",
  shortNames: ["ev"],
  fields: {
    involvedObject: objectReference,
    reason: text,
    message: text,
    source: withDefault({}, eventSource),
    firstTimestamp: { ...time, nullable: true },
    lastTimestamp: { ...time, nullable: true },
    count: int32,
    type: text,
    eventTime: { ...microTime, nullable: true },
    series: struct(core("EventSeries"), { count: int32, lastObservedTime: microTime }),
    action: text,
    related: objectReference,
    reportingComponent: withDefault("", text),
    reportingInstance: withDefault("", text),
  },
  required: ["involvedObject"],
};

const persistentVolumeClaimKind = {
  kind: "PersistentVolumeClaim",
  shortNames: ["pvc"],
  fields: {
    spec: claimSpec,
    status: struct(core("PersistentVolumeClaimStatus"), {
      phase: text,
      accessModes: listOf(text),
      capacity: mapOf(quantity),
      conditions: mergeListOf("type", oldCondition("PersistentVolumeClaimCondition")),
      allocatedResources: mapOf(quantity),
      allocatedResourceStatuses: mapOf(text),
      currentVolumeAttributesClassName: text,
      modifyVolumeStatus: anyObject,
    }),
  },
  complete: withInitialStatus({ phase: "Pending" }),
};

/** Sets the status that a new object of the kind starts with. */
export function withInitialStatus(status: Readonly<Record<string, unknown>>) {
  return (object: KubeObject, old: KubeObject | undefined): KubeObject =>
    old === undefined && object.status === undefined ? { ...object, status } : object;
}

const limitRangeKind = {
  kind: "LimitRange",
  shortNames: ["limits"],
  fields: {
    spec: struct(core("LimitRangeSpec"), {
      limits: listOf(
        struct(
          core("LimitRangeItem"),
          {
            type: text,
            max: mapOf(quantity),
            min: mapOf(quantity),
            default: mapOf(quantity),
            defaultRequest: mapOf(quantity),
            maxLimitRequestRatio: mapOf(quantity),
          },
          ["type"],
        ),
      ),
    }),
  },
};

const scopeSelector = struct(core("ScopeSelector"), {
  matchExpressions: listOf(
    struct(
      core("ScopedResourceSelectorRequirement"),
      { scopeName: text, operator: oneOf("In", "NotIn", "Exists", "DoesNotExist"), values: listOf(text) },
      ["scopeName", "operator"],
    ),
  ),
});

const resourceQuotaKind = {
  kind: "ResourceQuota",
  shortNames: ["quota"],
  fields: {
    spec: struct(core("ResourceQuotaSpec"), { hard: mapOf(quantity), scopes: listOf(text), scopeSelector }),
    status: struct(core("ResourceQuotaStatus"), { hard: mapOf(quantity), used: mapOf(quantity) }),
  },
  complete: withInitialStatus({}),
};

const podTemplateKind = {
  kind: "PodTemplate",
  fields: { template: podTemplate },
  complete: completeTemplateKind(["template"]),
};

const persistentVolumeKind = {
  kind: "PersistentVolume",
  isClusterScoped: true,
  shortNames: ["pv"],
  fields: { spec: anyObject, status: anyObject },
  complete: withInitialStatus({ phase: "Pending" }),
};

/** Core kinds without Service, Endpoints. */
export const coreKinds: readonly KindDefinition[] = [
  namespaceKind,
  nodeKind,
  podKind,
  podTemplateKind,
  configMapKind,
  secretKind,
  serviceAccountKind,
  eventKind,
  persistentVolumeClaimKind,
  persistentVolumeKind,
  limitRangeKind,
  resourceQuotaKind,
].map((kind) => builtinKind(coreGroup, kind));
