import {
  atomic,
  bool,
  int32,
  int64,
  listOf,
  mapListOf,
  mapOf,
  mergeListOf,
  mergedBy,
  oneOf,
  quantity,
  struct,
  text,
  time,
  withDefault,
  between,
  described,
} from "../schema/build.ts";
import { labelSelector, objectMeta } from "../schema/meta-schema.ts";
import type { Schema } from "../schema/schema.ts";
import {
  appArmorProfile,
  container,
  containerStatus,
  ephemeralContainer,
  resourceRequirements,
  seLinuxOptions,
  seccompProfile,
  windowsOptions,
} from "./container-schema.ts";
import { core, localObjectReference, volume } from "./volume-schema.ts";

/** The pod and its template. Source: Kubernetes `core/v1` types and `SetDefaults_PodSpec`. */

const nodeSelectorRequirement = struct(
  core("NodeSelectorRequirement"),
  { key: text, operator: oneOf("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"), values: listOf(text) },
  ["key", "operator"],
);
const nodeSelectorTerm = atomic(
  struct(core("NodeSelectorTerm"), {
    matchExpressions: listOf(nodeSelectorRequirement),
    matchFields: listOf(nodeSelectorRequirement),
  }),
);
export const nodeSelector: Schema = atomic(
  struct(core("NodeSelector"), { nodeSelectorTerms: listOf(nodeSelectorTerm) }, ["nodeSelectorTerms"]),
);

const podAffinityTerm = struct(
  core("PodAffinityTerm"),
  {
    labelSelector,
    namespaces: listOf(text),
    topologyKey: text,
    namespaceSelector: labelSelector,
    matchLabelKeys: listOf(text),
    mismatchLabelKeys: listOf(text),
  },
  ["topologyKey"],
);
const podAffinityFields = {
  requiredDuringSchedulingIgnoredDuringExecution: listOf(podAffinityTerm),
  preferredDuringSchedulingIgnoredDuringExecution: listOf(
    struct(core("WeightedPodAffinityTerm"), { weight: int32, podAffinityTerm }, ["weight", "podAffinityTerm"]),
  ),
};
const affinity = struct(core("Affinity"), {
  nodeAffinity: struct(core("NodeAffinity"), {
    requiredDuringSchedulingIgnoredDuringExecution: nodeSelector,
    preferredDuringSchedulingIgnoredDuringExecution: listOf(
      struct(core("PreferredSchedulingTerm"), { weight: int32, preference: nodeSelectorTerm }, [
        "weight",
        "preference",
      ]),
    ),
  }),
  podAffinity: struct(core("PodAffinity"), podAffinityFields),
  podAntiAffinity: struct(core("PodAntiAffinity"), podAffinityFields),
});

const toleration = struct(core("Toleration"), {
  key: text,
  operator: oneOf("Equal", "Exists"),
  value: text,
  effect: oneOf("NoSchedule", "PreferNoSchedule", "NoExecute"),
  tolerationSeconds: int64,
});

const topologySpreadConstraint = struct(
  core("TopologySpreadConstraint"),
  {
    maxSkew: between(1, undefined, int32),
    topologyKey: text,
    whenUnsatisfiable: oneOf("DoNotSchedule", "ScheduleAnyway"),
    labelSelector,
    minDomains: int32,
    nodeAffinityPolicy: oneOf("Honor", "Ignore"),
    nodeTaintsPolicy: oneOf("Honor", "Ignore"),
    matchLabelKeys: listOf(text),
  },
  ["maxSkew", "topologyKey", "whenUnsatisfiable"],
);

const podSecurityContext = struct(core("PodSecurityContext"), {
  seLinuxOptions,
  windowsOptions,
  runAsUser: between(0, undefined, int64),
  runAsGroup: between(0, undefined, int64),
  runAsNonRoot: bool,
  supplementalGroups: listOf(int64),
  supplementalGroupsPolicy: oneOf("Merge", "Strict"),
  fsGroup: between(0, undefined, int64),
  sysctls: listOf(struct(core("Sysctl"), { name: text, value: text }, ["name"])),
  fsGroupChangePolicy: oneOf("OnRootMismatch", "Always"),
  seccompProfile,
  appArmorProfile,
  seLinuxChangePolicy: oneOf("MountOption", "Recursive"),
});

const podDnsConfig = struct(core("PodDNSConfig"), {
  nameservers: listOf(text),
  searches: listOf(text),
  options: listOf(struct(core("PodDNSConfigOption"), { name: text, value: text })),
});

const hostAlias = struct(core("HostAlias"), { ip: text, hostnames: listOf(text) }, ["ip"]);
const podResourceClaim = struct(
  core("PodResourceClaim"),
  { name: text, resourceClaimName: text, resourceClaimTemplateName: text },
  ["name"],
);

const retainKeys = (list: Schema): Schema => ({ ...list, "x-kubernetes-patch-strategy": "merge,retainKeys" });

export const podSpec: Schema = struct(
  core("PodSpec"),
  {
    volumes: retainKeys(mergeListOf("name", volume)),
    initContainers: mergeListOf("name", container),
    containers: described("Containers of the pod; at least one.", mergeListOf("name", container)),
    ephemeralContainers: mergeListOf("name", ephemeralContainer),
    restartPolicy: withDefault("Always", oneOf("Always", "OnFailure", "Never")),
    terminationGracePeriodSeconds: withDefault(30, between(0, undefined, int64)),
    activeDeadlineSeconds: between(1, undefined, int64),
    dnsPolicy: withDefault("ClusterFirst", oneOf("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None")),
    nodeSelector: atomic(mapOf(text)),
    serviceAccountName: text,
    serviceAccount: text,
    automountServiceAccountToken: bool,
    nodeName: text,
    hostNetwork: bool,
    hostPID: bool,
    hostIPC: bool,
    shareProcessNamespace: bool,
    securityContext: withDefault({}, podSecurityContext),
    imagePullSecrets: mergeListOf("name", localObjectReference),
    hostname: text,
    subdomain: text,
    affinity,
    schedulerName: withDefault("default-scheduler", text),
    tolerations: listOf(toleration),
    hostAliases: mergeListOf("ip", hostAlias),
    priorityClassName: text,
    priority: int32,
    dnsConfig: podDnsConfig,
    readinessGates: listOf(struct(core("PodReadinessGate"), { conditionType: text }, ["conditionType"])),
    runtimeClassName: text,
    enableServiceLinks: bool,
    preemptionPolicy: oneOf("PreemptLowerPriority", "Never"),
    overhead: mapOf(quantity),
    topologySpreadConstraints: mergedBy(
      "topologyKey",
      mapListOf(["topologyKey", "whenUnsatisfiable"], topologySpreadConstraint),
    ),
    setHostnameAsFQDN: bool,
    os: struct(core("PodOS"), { name: oneOf("linux", "windows") }, ["name"]),
    hostUsers: bool,
    schedulingGates: mergeListOf("name", struct(core("PodSchedulingGate"), { name: text }, ["name"])),
    resourceClaims: retainKeys(mergeListOf("name", podResourceClaim)),
    resources: resourceRequirements,
    hostnameOverride: text,
  },
  ["containers"],
);

const podCondition = struct(core("PodCondition"), {
  type: text,
  observedGeneration: int64,
  status: text,
  lastProbeTime: time,
  lastTransitionTime: time,
  reason: text,
  message: text,
});

export const podStatus: Schema = struct(core("PodStatus"), {
  observedGeneration: int64,
  phase: text,
  conditions: mergeListOf("type", podCondition),
  message: text,
  reason: text,
  nominatedNodeName: text,
  hostIP: text,
  hostIPs: {
    ...listOf(struct(core("HostIP"), { ip: text })),
    "x-kubernetes-patch-strategy": "merge",
    "x-kubernetes-patch-merge-key": "ip",
  },
  podIP: text,
  podIPs: mergeListOf("ip", struct(core("PodIP"), { ip: text })),
  startTime: time,
  initContainerStatuses: listOf(containerStatus),
  containerStatuses: listOf(containerStatus),
  qosClass: text,
  ephemeralContainerStatuses: listOf(containerStatus),
  resize: text,
  resourceClaimStatuses: retainKeys(
    mergeListOf("name", struct(core("PodResourceClaimStatus"), { name: text, resourceClaimName: text })),
  ),
});

export const podTemplate: Schema = struct(core("PodTemplateSpec"), { metadata: objectMeta, spec: podSpec }, ["spec"]);
