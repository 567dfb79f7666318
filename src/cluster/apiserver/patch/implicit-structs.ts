import { isObject } from "#base";

/**
 * Objects inside built-in kinds that always exist, because Go holds them as structs and not behind pointers. Nobody is recorded as
 * having added them: a new Deployment gives its creator `f:spec.f:replicas`, and not `f:spec` itself.
 *
 * A path that ends in `[]` is a list that is always written, empty when there is nothing in it.
 *
 * Source: the Go types of k8s.io/api, as far as a struct is reachable from the root without passing a pointer, map or list.
 */
const structsOf: Readonly<Record<string, readonly string[]>> = {
  "v1 Namespace": ["spec", "status"],
  "v1 Node": ["spec", "status", "status.daemonEndpoints", "status.daemonEndpoints.kubeletEndpoint", "status.nodeInfo"],
  "v1 Pod": ["spec", "spec.containers[]", "status"],
  "v1 Service": ["spec", "status", "status.loadBalancer"],
  "v1 Event": ["involvedObject", "source"],
  "v1 PersistentVolumeClaim": ["spec", "spec.resources", "status"],
  "v1 ResourceQuota": ["spec", "status"],
  "v1 LimitRange": ["spec"],
  "v1 ReplicationController": ["spec", "status"],
  "apps/v1 Deployment": [
    "spec",
    "spec.strategy",
    "spec.template",
    "spec.template.metadata",
    "spec.template.spec.containers[]",
    "status",
  ],
  "apps/v1 ReplicaSet": [
    "spec",
    "spec.template",
    "spec.template.metadata",
    "spec.template.spec.containers[]",
    "status",
  ],
  "apps/v1 DaemonSet": [
    "spec",
    "spec.updateStrategy",
    "spec.template",
    "spec.template.metadata",
    "spec.template.spec.containers[]",
    "status",
  ],
  "apps/v1 StatefulSet": [
    "spec",
    "spec.updateStrategy",
    "spec.template",
    "spec.template.metadata",
    "spec.template.spec.containers[]",
    "status",
  ],
  "batch/v1 Job": ["spec", "spec.template", "spec.template.metadata", "spec.template.spec.containers[]", "status"],
  "batch/v1 CronJob": [
    "spec",
    "spec.jobTemplate",
    "spec.jobTemplate.metadata",
    "spec.jobTemplate.spec",
    "spec.jobTemplate.spec.template",
    "spec.jobTemplate.spec.template.metadata",
    "spec.jobTemplate.spec.template.spec.containers[]",
    "status",
  ],
  "autoscaling/v1 HorizontalPodAutoscaler": ["spec", "spec.scaleTargetRef", "status"],
  "autoscaling/v2 HorizontalPodAutoscaler": ["spec", "spec.scaleTargetRef", "status"],
  "autoscaling/v1 Scale": ["spec", "status"],
  "coordination.k8s.io/v1 Lease": ["spec"],
  "events.k8s.io/v1 Event": ["regarding"],
  "networking.k8s.io/v1 Ingress": ["spec", "status", "status.loadBalancer"],
  "networking.k8s.io/v1 NetworkPolicy": ["spec", "spec.podSelector"],
  "networking.k8s.io/v1 IngressClass": ["spec"],
  "policy/v1 PodDisruptionBudget": ["spec", "status"],
  "rbac.authorization.k8s.io/v1 RoleBinding": ["roleRef"],
  "rbac.authorization.k8s.io/v1 ClusterRoleBinding": ["roleRef"],
  "apiextensions.k8s.io/v1 CustomResourceDefinition": ["spec", "spec.names", "status", "status.acceptedNames"],
};

/** Returns the object with the structs that its kind always has, empty where they were missing, so that comparing finds them on both sides. */
export function withImplicitStructs(kind: { apiVersion: string; kind: string }, object: unknown): unknown {
  const paths = structsOf[`${kind.apiVersion} ${kind.kind}`] ?? [];
  return paths.reduce<unknown>((whole, path) => withStruct(whole, path.split(".")), object ?? {});
}

function withStruct(value: unknown, [name, ...rest]: readonly string[]): unknown {
  if (name === undefined) return value ?? {};
  const parent = isObject(value) ? value : {};
  if (!name.endsWith("[]")) return { ...parent, [name]: withStruct(parent[name], rest) };
  const list = name.slice(0, -"[]".length);
  return { ...parent, [list]: parent[list] ?? [] };
}
