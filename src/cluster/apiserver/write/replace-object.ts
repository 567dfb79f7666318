import type { KubeObject, ObjectMeta } from "#api";
import { deepEqual, isObject, type Problem } from "#base";
import type { StoredObject, Transaction } from "../../store/index.ts";
import { byKind, byResource, type Endpoint, type Served, serve } from "../registry/endpoint.ts";
import { unstored } from "../respond/answer.ts";
import { conflict, invalid, staleWrite } from "../status/status-error.ts";
import { finishObject } from "./finish-object.ts";
import { changesGeneration, hasGeneration } from "./generation.ts";
import type { WriteScope } from "./write-scope.ts";

export interface ReplaceInput {
  readonly stored: StoredObject;
  /** What the object should be, in the version of the request. */
  readonly next: KubeObject;
  readonly isApply: boolean;
}

/**
 * Replaces an object inside a transaction, or its status when the scope says so. A write that changes nothing is no
 * write; one that removes the last finalizer of an object that is being deleted removes the object.
 *
 * @throws StatusError 409 for a stale version or another uid, 422 for broken rules.
 */
export function replaceObject(
  scope: WriteScope,
  transaction: Transaction,
  { stored, next, isApply }: ReplaceInput,
): Served {
  const { endpoint } = scope;
  const shown = serve(endpoint, stored);
  const old = shown.object;
  checkPreconditions(endpoint, old, next);
  const merged =
    scope.subresource === "status" ? withStatusOf(endpoint, old, next) : withStatusKept(endpoint, old, next);
  const metadata = keptMetadata(old.metadata, merged.metadata);
  checkFinalizers(endpoint, old, metadata);
  const finished = finishObject(scope, transaction, { next: { ...merged, metadata }, old, isApply });
  const counted = withGeneration(scope, old, finished);
  if (isEqual(old, counted)) return shown;
  if (scope.options.isDryRun) return unstored(counted);
  if (isFinallyDeleted(counted)) {
    const removed = transaction.delete(stored);
    return removed === undefined
      ? shown
      : unstored({ ...counted, metadata: { ...counted.metadata, resourceVersion: String(removed.revision) } });
  }
  return serve(endpoint, transaction.put(stored, endpoint.toStored(counted)));
}

function checkPreconditions(endpoint: Endpoint, old: KubeObject, next: KubeObject): void {
  const { resourceVersion = "", uid = "" } = next.metadata;
  const name = old.metadata.name ?? "";
  if (uid !== "" && uid !== old.metadata.uid) {
    throw conflict(
      byResource(endpoint, name),
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid ?? ""}`,
    );
  }
  if (resourceVersion !== "" && resourceVersion !== old.metadata.resourceVersion)
    throw staleWrite(byResource(endpoint, name));
}

/** A write to the main resource leaves the status alone, where it is a resource of its own; and a namespace's finalizers. */
function withStatusKept(endpoint: Endpoint, old: KubeObject, next: KubeObject): KubeObject {
  const spec = endpoint.collection === "/namespaces" ? { spec: old.spec } : {};
  if (!endpoint.kind.hasStatus) return { ...next, ...spec };
  const { status: _status, ...rest } = next;
  return { ...rest, ...spec, ...(old.status === undefined ? {} : { status: old.status }) } as KubeObject;
}

/**
 * A write to the status leaves the rest alone. Of the metadata, custom resources take nothing; built-in kinds take
 * labels, annotations and finalizers, with the exceptions that their strategies make.
 *
 * Source: `PrepareForUpdate` of the status strategies.
 */
function withStatusOf(endpoint: Endpoint, old: KubeObject, next: KubeObject): KubeObject {
  const metadata =
    endpoint.kind.origin === "crd"
      ? { ...old.metadata, ...managedFieldsOf(next) }
      : builtinStatusMetadata(endpoint, old, next);
  const { status: _status, ...rest } = old;
  return { ...rest, metadata, ...(next.status === undefined ? {} : { status: next.status }) } as KubeObject;
}

function managedFieldsOf({ metadata }: KubeObject): ObjectMeta {
  return metadata.managedFields === undefined ? {} : { managedFields: metadata.managedFields };
}

function builtinStatusMetadata(endpoint: Endpoint, old: KubeObject, next: KubeObject): ObjectMeta {
  const { labels, ownerReferences } = old.metadata;
  if (endpoint.kind.resource.kind === "Deployment")
    return { ...next.metadata, ...(labels === undefined ? {} : { labels }) };
  if (endpoint.kind.resource.kind === "Pod")
    return { ...next.metadata, ...(ownerReferences === undefined ? {} : { ownerReferences }) };
  return next.metadata;
}

/** What only the server sets stays as it is, whatever the client sends. */
function keptMetadata(old: ObjectMeta, next: ObjectMeta): ObjectMeta {
  const {
    deletionTimestamp: _deletionTimestamp,
    deletionGracePeriodSeconds: _deletionGracePeriodSeconds,
    generation: _generation,
    ...rest
  } = next;
  const {
    name,
    namespace,
    uid,
    resourceVersion,
    creationTimestamp,
    generation,
    deletionTimestamp,
    deletionGracePeriodSeconds,
  } = old;
  return defined({
    ...rest,
    name,
    namespace,
    uid,
    resourceVersion,
    creationTimestamp,
    generation,
    deletionTimestamp,
    deletionGracePeriodSeconds,
  });
}

function defined(metadata: { readonly [K in keyof ObjectMeta]: ObjectMeta[K] | undefined }): ObjectMeta {
  return Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== undefined));
}

/** Source: apimachinery `validation.ValidateObjectMetaAccessorUpdate`. */
function checkFinalizers(endpoint: Endpoint, old: KubeObject, next: ObjectMeta): void {
  if (old.metadata.deletionTimestamp === undefined) return;
  const had = old.metadata.finalizers ?? [];
  const added = (next.finalizers ?? []).filter((finalizer) => !had.includes(finalizer));
  if (added.length === 0) return;
  const shown = `[]string{${added.map((finalizer) => JSON.stringify(finalizer)).join(", ")}}`;
  const message = `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers ${shown}`;
  const problem: Problem = { path: "metadata.finalizers", code: "FieldValueForbidden", message };
  throw invalid(byKind(endpoint, old.metadata.name ?? ""), [problem]);
}

function withGeneration(scope: WriteScope, old: KubeObject, next: KubeObject): KubeObject {
  if (!hasGeneration(scope.endpoint) || scope.subresource === "status" || !changesGeneration(scope.endpoint, old, next))
    return next;
  return { ...next, metadata: { ...next.metadata, generation: (old.metadata.generation ?? 0) + 1 } };
}

function isEqual(old: KubeObject, next: KubeObject): boolean {
  return (
    deepEqual(
      { ...old, metadata: { ...old.metadata, managedFields: [] } },
      { ...next, metadata: { ...next.metadata, managedFields: [] } },
    ) && deepEqual(old.metadata.managedFields ?? [], next.metadata.managedFields ?? [])
  );
}

/** Nothing holds the object any more: neither finalizers nor a pod's time to stop. */
export function isFinallyDeleted({ kind, metadata, spec }: KubeObject): boolean {
  if (metadata.deletionTimestamp === undefined || (metadata.finalizers ?? []).length > 0) return false;
  if (kind === "Namespace" && isObject(spec) && Array.isArray(spec["finalizers"]) && spec["finalizers"].length > 0)
    return false;
  return (metadata.deletionGracePeriodSeconds ?? 0) === 0;
}
