import { isObject } from "#base";
import type { KindDefinition } from "../kind.ts";
import type { KubeObject } from "../meta.ts";
import {
  anyObject,
  atomic,
  bool,
  int32,
  int64,
  intOrString,
  listOf,
  mapOf,
  mergeListOf,
  oneOf,
  struct,
  text,
  time,
} from "../schema/build.ts";
import { condition, labelSelector } from "../schema/meta-schema.ts";
import type { Schema } from "../schema/schema.ts";
import { type BuiltinGroup, builtinKind } from "./builtin-kind.ts";
import { withInitialStatus } from "./core.ts";
import { asStructs, type Fields } from "./struct-fields.ts";

/** Kinds of policy, access control, scheduling and API registration. Source: Kubernetes types and defaults of these groups. */

const policyGroup: BuiltinGroup = { group: "policy", version: "v1", definitions: "io.k8s.api.policy.v1" };

const disruptionBudgetKind = {
  kind: "PodDisruptionBudget",
  shortNames: ["pdb"],
  fields: {
    spec: struct("io.k8s.api.policy.v1.PodDisruptionBudgetSpec", {
      minAvailable: intOrString,
      selector: { ...labelSelector, "x-kubernetes-patch-strategy": "replace" },
      maxUnavailable: intOrString,
      unhealthyPodEvictionPolicy: oneOf("AlwaysAllow", "IfHealthyBudget"),
    }),
    status: struct("io.k8s.api.policy.v1.PodDisruptionBudgetStatus", {
      observedGeneration: int64,
      disruptedPods: mapOf(time),
      disruptionsAllowed: int32,
      currentHealthy: int32,
      desiredHealthy: int32,
      expectedPods: int32,
      conditions: mergeListOf("type", condition),
    }),
  },
  complete: withInitialStatus({ currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 }),
};

const rbacGroup: BuiltinGroup = {
  group: "rbac.authorization.k8s.io",
  version: "v1",
  definitions: "io.k8s.api.rbac.v1",
};
const rbac = (name: string): string => `${rbacGroup.definitions}.${name}`;

const rules = listOf(
  struct(
    rbac("PolicyRule"),
    {
      verbs: listOf(text),
      apiGroups: listOf(text),
      resources: listOf(text),
      resourceNames: listOf(text),
      nonResourceURLs: listOf(text),
    },
    ["verbs"],
  ),
);
const subjects = listOf(
  atomic(struct(rbac("Subject"), { kind: text, apiGroup: text, name: text, namespace: text }, ["kind", "name"])),
);
const roleRef: Schema = atomic(
  struct(rbac("RoleRef"), { apiGroup: text, kind: oneOf("ClusterRole", "Role"), name: text }, ["kind", "name"]),
);

const roleKind = { kind: "Role", fields: { rules } };
const clusterRoleKind = {
  kind: "ClusterRole",
  isClusterScoped: true,
  fields: { rules, aggregationRule: struct(rbac("AggregationRule"), { clusterRoleSelectors: listOf(labelSelector) }) },
};
const binding = { fields: { subjects, roleRef }, required: ["roleRef"], complete: completeBinding };
const roleBindingKind = { kind: "RoleBinding", ...binding };
const clusterRoleBindingKind = { kind: "ClusterRoleBinding", isClusterScoped: true, ...binding };

/** Source: `SetDefaults_RoleBinding`, `SetDefaults_Subject`: users and groups belong to the group of access control. */
function completeBinding(object: KubeObject): KubeObject {
  const apiGroup = rbacGroup.group;
  const ref = isObject(object.roleRef)
    ? { roleRef: { ...object.roleRef, apiGroup: object.roleRef.apiGroup || apiGroup } }
    : {};
  if (!Array.isArray(object.subjects)) return { ...object, ...ref };
  return { ...object, ...ref, subjects: asStructs(object.subjects).map(completeSubject) };
}

function completeSubject(subject: Fields): Fields {
  const isNamed = subject.kind === "User" || subject.kind === "Group";
  const hasGroup = typeof subject.apiGroup === "string" && subject.apiGroup !== "";
  return isNamed && !hasGroup ? { ...subject, apiGroup: rbacGroup.group } : subject;
}

const schedulingGroup: BuiltinGroup = {
  group: "scheduling.k8s.io",
  version: "v1",
  definitions: "io.k8s.api.scheduling.v1",
};
const priorityClassKind = {
  kind: "PriorityClass",
  plural: "priorityclasses",
  isClusterScoped: true,
  shortNames: ["pc"],
  fields: {
    value: int32,
    globalDefault: bool,
    description: text,
    preemptionPolicy: oneOf("Never", "PreemptLowerPriority"),
  },
  complete: (object: KubeObject): KubeObject => ({
    ...object,
    preemptionPolicy: object.preemptionPolicy ?? "PreemptLowerPriority",
  }),
};

const admissionGroup: BuiltinGroup = {
  group: "admissionregistration.k8s.io",
  version: "v1",
  definitions: "io.k8s.api.admissionregistration.v1",
};
const webhookFields = (name: string) => ({
  webhooks: mergeListOf("name", {
    ...struct(`${admissionGroup.definitions}.${name}`, { name: text }, ["name"]),
    "x-kubernetes-preserve-unknown-fields": true,
  }),
});
const validatingKind = {
  kind: "ValidatingWebhookConfiguration",
  isClusterScoped: true,
  fields: webhookFields("ValidatingWebhook"),
};
const mutatingKind = {
  kind: "MutatingWebhookConfiguration",
  isClusterScoped: true,
  fields: webhookFields("MutatingWebhook"),
};

const registrationGroup: BuiltinGroup = {
  group: "apiregistration.k8s.io",
  version: "v1",
  definitions: "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1",
};
const apiServiceKind = {
  kind: "APIService",
  isClusterScoped: true,
  categories: ["api-extensions"],
  fields: {
    spec: struct(`${registrationGroup.definitions}.APIServiceSpec`, {
      service: struct(`${registrationGroup.definitions}.ServiceReference`, {
        namespace: text,
        name: text,
        port: int32,
      }),
      group: text,
      version: text,
      insecureSkipTLSVerify: bool,
      caBundle: text,
      groupPriorityMinimum: int32,
      versionPriority: int32,
    }),
    status: struct(`${registrationGroup.definitions}.APIServiceStatus`, {
      conditions: mergeListOf(
        "type",
        struct(`${registrationGroup.definitions}.APIServiceCondition`, {
          type: text,
          status: text,
          lastTransitionTime: time,
          reason: text,
          message: text,
        }),
      ),
    }),
  },
  complete: withInitialStatus({}),
};

const storageGroup: BuiltinGroup = { group: "storage.k8s.io", version: "v1", definitions: "io.k8s.api.storage.v1" };
const storageClassKind = {
  kind: "StorageClass",
  plural: "storageclasses",
  isClusterScoped: true,
  shortNames: ["sc"],
  fields: {
    provisioner: text,
    parameters: mapOf(text),
    reclaimPolicy: text,
    mountOptions: listOf(text),
    allowVolumeExpansion: bool,
    volumeBindingMode: text,
    allowedTopologies: listOf(anyObject),
  },
};

/** Kinds of `policy`, `rbac.authorization.k8s.io`, `scheduling.k8s.io`, admission and API registration, `storage.k8s.io`. */
export const policyKinds: readonly KindDefinition[] = [
  builtinKind(policyGroup, disruptionBudgetKind),
  ...[clusterRoleBindingKind, clusterRoleKind, roleBindingKind, roleKind].map((kind) => builtinKind(rbacGroup, kind)),
  builtinKind(schedulingGroup, priorityClassKind),
  ...[validatingKind, mutatingKind].map((kind) => builtinKind(admissionGroup, kind)),
  builtinKind(registrationGroup, apiServiceKind),
  builtinKind(storageGroup, storageClassKind),
];
