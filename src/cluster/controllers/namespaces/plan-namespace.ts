import type { Condition, KubeObject, Namespace } from "#api";
import { formatTime } from "../shared/index.ts";

/** What is left of one kind in a namespace that is being emptied. */
export interface Remaining {
  /** `pods` or `canaries.flagger.app`. */
  readonly resource: string;
  readonly objects: readonly KubeObject[];
}

const FINALIZER = "kubernetes";

/** True for a namespace that this controller has to empty. */
export function isEmptying(namespace: Namespace): boolean {
  return namespace.metadata.deletionTimestamp !== undefined && (namespace.spec?.finalizers ?? []).includes(FINALIZER);
}

/** The namespace without the finalizer that stands for its contents. */
export function finalized(namespace: Namespace): Namespace {
  const finalizers = (namespace.spec?.finalizers ?? []).filter((finalizer) => finalizer !== FINALIZER);
  return { ...namespace, spec: { ...namespace.spec, finalizers } };
}

/** The five conditions of a namespace in deletion. Source: Kubernetes `namespace/deletion/status_condition_utils.go`. */
export function planConditions(
  before: readonly Condition[] | undefined,
  remaining: readonly Remaining[],
  nowMs: number,
): readonly Condition[] {
  const left = remaining.filter(({ objects }) => objects.length > 0);
  const finalizers = countFinalizers(left);
  const wanted: readonly Omit<Condition, "lastTransitionTime">[] = [
    settled("NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered", "All resources successfully discovered"),
    settled(
      "NamespaceDeletionGroupVersionParsingFailure",
      "ParsedGroupVersions",
      "All legacy kube types successfully parsed",
    ),
    settled(
      "NamespaceDeletionContentFailure",
      "ContentDeleted",
      "All content successfully deleted, may be waiting on finalization",
    ),
    left.length === 0
      ? settled("NamespaceContentRemaining", "ContentRemoved", "All content successfully removed")
      : {
          type: "NamespaceContentRemaining",
          status: "True",
          reason: "SomeResourcesRemain",
          message: `Some resources are remaining: ${left.map(({ resource, objects }) => `${resource} has ${objects.length} resource instances`).join(", ")}`,
        },
    finalizers.size === 0
      ? settled("NamespaceFinalizersRemaining", "ContentHasNoFinalizers", "All content-preserving finalizers finished")
      : {
          type: "NamespaceFinalizersRemaining",
          status: "True",
          reason: "SomeFinalizersRemain",
          message: `Some content in the namespace has finalizers remaining: ${[...finalizers].map(([name, count]) => `${name} in ${count} resource instances`).join(", ")}`,
        },
  ];
  return wanted.map((condition) => {
    const old = before?.find((one) => one.type === condition.type);
    const isSame =
      old?.status === condition.status && old.reason === condition.reason && old.message === condition.message;
    if (isSame) return old;
    const lastTransitionTime = old?.status === condition.status ? old.lastTransitionTime : undefined;
    return { ...condition, lastTransitionTime: lastTransitionTime ?? formatTime(nowMs) };
  });
}

function settled(type: string, reason: string, message: string): Omit<Condition, "lastTransitionTime"> {
  return { type, status: "False", reason, message };
}

function countFinalizers(remaining: readonly Remaining[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { objects } of remaining) {
    for (const object of objects) {
      for (const finalizer of object.metadata.finalizers ?? []) counts.set(finalizer, (counts.get(finalizer) ?? 0) + 1);
    }
  }
  return new Map([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}
