import type { KubeObject, ObjectMeta } from "#api";
import { isObject } from "#base";
import type { StoredObject, Transaction } from "../../store/index.ts";
import { byKind, byResource, type Endpoint, type Served, serve } from "../registry/endpoint.ts";
import type { DeleteOptions, Propagation } from "../request/delete-options.ts";
import { unstored } from "../respond/answer.ts";
import { conflict, forbidden } from "../status/status-error.ts";
import { hasGeneration } from "./generation.ts";
import { isFinallyDeleted } from "./replace-object.ts";
import { secondsIso } from "./write-scope.ts";

export interface DeleteScope {
  readonly endpoint: Endpoint;
  readonly options: DeleteOptions;
  readonly nowMs: number;
}

export interface Deleted {
  /** False while finalizers or a pod's time to stop hold the object. */
  readonly isGone: boolean;
  readonly served: Served;
}

/** Holds a custom resource definition until its objects are gone. Source: apiextensions `CustomResourceCleanupFinalizer`. */
export const CRD_CLEANUP = "customresourcecleanup.apiextensions.k8s.io";
const FOREGROUND = "foregroundDeletion";
const ORPHAN = "orphan";
const DEFAULT_GRACE_SECONDS = 30;
/** Namespaces that every cluster needs. */
const LASTING_NAMESPACES = new Set(["default", "kube-system", "kube-public"]);

/**
 * Deletes an object inside a transaction, or marks it as being deleted while something holds it: finalizers, dependents
 * that go first, or a pod that has to stop.
 *
 * @throws StatusError 409 when a precondition does not hold, 403 for a namespace that must stay.
 */
export function deleteObject(scope: DeleteScope, transaction: Transaction, stored: StoredObject): Deleted {
  const { endpoint, options } = scope;
  const old = stored.object;
  checkPreconditions(endpoint, options, old);
  if (endpoint.collection === "/namespaces" && LASTING_NAMESPACES.has(stored.name)) {
    throw forbidden(byResource(endpoint, stored.name), "this namespace may not be deleted");
  }
  const marked = markDeleted(scope, old);
  if (isFinallyDeleted(marked)) {
    if (!options.isDryRun) transaction.delete(stored);
    return { isGone: true, served: unstored(endpoint.toServed(marked)) };
  }
  if (options.isDryRun) return { isGone: false, served: unstored(endpoint.toServed(marked)) };
  return {
    isGone: false,
    served: marked === old ? serve(endpoint, stored) : serve(endpoint, transaction.put(stored, marked)),
  };
}

function checkPreconditions(endpoint: Endpoint, { preconditions }: DeleteOptions, { metadata }: KubeObject): void {
  const named = byKind(endpoint, metadata.name ?? "");
  const { uid, resourceVersion } = preconditions;
  if (uid !== undefined && uid !== metadata.uid) {
    const finding = `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid ?? ""}). `;
    throw conflict(named, `${finding}The object might have been deleted and then recreated`);
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    const record = `the ResourceVersion in record (${metadata.resourceVersion ?? ""})`;
    throw conflict(
      named,
      `the ResourceVersion in the precondition (${resourceVersion}) does not match ${record}. The object might have been modified`,
    );
  }
}

/** The object as it is while being deleted; the object itself when this deletion adds nothing to an earlier one. */
function markDeleted({ endpoint, options, nowMs }: DeleteScope, old: KubeObject): KubeObject {
  const finalizers = finalizersFor(endpoint, old.metadata, options.propagation);
  const grace = graceSeconds(endpoint, old, options);
  const wasMarked = old.metadata.deletionTimestamp !== undefined;
  const isShorter = grace < (old.metadata.deletionGracePeriodSeconds ?? 0);
  const sameFinalizers = finalizers.join() === (old.metadata.finalizers ?? []).join();
  if (wasMarked && !isShorter && sameFinalizers) return old;
  const { finalizers: _finalizers, ...rest } = old.metadata;
  const metadata: ObjectMeta = {
    ...rest,
    ...(finalizers.length > 0 ? { finalizers } : {}),
    ...(wasMarked && !isShorter
      ? {}
      : { deletionTimestamp: secondsIso(nowMs + grace * 1000), deletionGracePeriodSeconds: grace }),
    ...(hasGeneration(endpoint) && !wasMarked ? { generation: (old.metadata.generation ?? 0) + 1 } : {}),
  };
  if (endpoint.collection !== "/namespaces") return { ...old, metadata };
  const { deletionGracePeriodSeconds: _grace, ...namespaceMetadata } = metadata;
  return {
    ...old,
    metadata: namespaceMetadata,
    status: { ...(isObject(old.status) ? old.status : {}), phase: "Terminating" },
  };
}

/** Source: apiserver `registry.deletionFinalizersForGarbageCollection`. */
function finalizersFor(
  endpoint: Endpoint,
  metadata: ObjectMeta,
  propagation: Propagation | undefined,
): readonly string[] {
  const had = metadata.finalizers ?? [];
  const asked =
    propagation === undefined ? had : had.filter((finalizer) => finalizer !== FOREGROUND && finalizer !== ORPHAN);
  const added: string[] = [];
  if (propagation === "Foreground") added.push(FOREGROUND);
  if (propagation === "Orphan") added.push(ORPHAN);
  const isFirst = metadata.deletionTimestamp === undefined;
  if (isFirst && endpoint.kind.resource.kind === "CustomResourceDefinition" && !had.includes(CRD_CLEANUP))
    added.push(CRD_CLEANUP);
  return [...asked, ...added];
}

/** Only pods get time to stop, and only those that run. Source: `podStrategy.CheckGracefulDelete`. */
function graceSeconds(endpoint: Endpoint, { spec, status, metadata }: KubeObject, options: DeleteOptions): number {
  if (endpoint.collection !== "/pods" || !isObject(spec)) return 0;
  const phase = isObject(status) ? status["phase"] : undefined;
  if ((spec["nodeName"] ?? "") === "" || phase === "Succeeded" || phase === "Failed") return 0;
  const own = spec["terminationGracePeriodSeconds"];
  const asked = options.gracePeriodSeconds ?? metadata.deletionGracePeriodSeconds;
  return asked ?? (typeof own === "number" ? own : DEFAULT_GRACE_SECONDS);
}
