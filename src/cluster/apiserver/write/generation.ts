import type { KubeObject } from "#api";
import { deepEqual } from "#base";
import type { Endpoint } from "../registry/endpoint.ts";

/** Built-in kinds that count the changes of their specification. Source: `PrepareForCreate` of each kind's strategy. */
const COUNTED = new Set([
  "apps/Deployment",
  "apps/ReplicaSet",
  "apps/DaemonSet",
  "apps/StatefulSet",
  "batch/Job",
  "batch/CronJob",
  "policy/PodDisruptionBudget",
  "networking.k8s.io/Ingress",
  "networking.k8s.io/NetworkPolicy",
  "discovery.k8s.io/EndpointSlice",
  "apiextensions.k8s.io/CustomResourceDefinition",
]);

export function hasGeneration(endpoint: Endpoint): boolean {
  const { group, kind } = endpoint.kind.resource;
  return endpoint.kind.origin === "crd" || COUNTED.has(`${group}/${kind}`);
}

/** Tells whether a write to the main resource changes what `generation` counts: all but metadata and, where it is apart, status. */
export function changesGeneration(endpoint: Endpoint, old: KubeObject, next: KubeObject): boolean {
  if (!deepEqual(counted(endpoint, old), counted(endpoint, next))) return true;
  // A Deployment's annotations go to its ReplicaSets, so the controller has to see their changes.
  return (
    endpoint.kind.resource.kind === "Deployment" &&
    !deepEqual(old.metadata.annotations ?? {}, next.metadata.annotations ?? {})
  );
}

function counted(endpoint: Endpoint, object: KubeObject): Record<string, unknown> {
  const { apiVersion: _apiVersion, kind: _kind, metadata: _metadata, ...rest } = object;
  if (!endpoint.kind.hasStatus) return rest;
  const { status: _status, ...counted } = rest;
  return counted;
}
