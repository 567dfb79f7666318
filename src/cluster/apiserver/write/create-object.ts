import { randomBytes, randomUUID } from "node:crypto";
import type { KubeObject, ObjectMeta } from "#api";
import { isObject } from "#base";
import type { Transaction } from "../../store/index.ts";
import { byResource, pathOf, type Served, serve } from "../registry/endpoint.ts";
import { unstored } from "../respond/answer.ts";
import { alreadyExists, badRequest, forbidden, notFound } from "../status/status-error.ts";
import { finishObject } from "./finish-object.ts";
import { hasGeneration } from "./generation.ts";
import type { WriteScope } from "./write-scope.ts";

/** Letters and digits that cannot spell a word or be mistaken for each other. Source: apimachinery `util/rand`. */
const SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789";
const SUFFIX_LENGTH = 5;
/** Longest prefix that leaves room for the suffix. Source: apiserver `names.SimpleNameGenerator`. */
const PREFIX_LENGTH_MAX = 58;
const NAME_ATTEMPT_COUNT = 8;

export interface CreateInput {
  readonly object: KubeObject;
  readonly isApply: boolean;
}

/**
 * Creates an object inside a transaction.
 *
 * @throws StatusError 409 when it exists, 404 or 403 when its namespace is missing or being deleted, 422 for broken rules.
 */
export function createObject(scope: WriteScope, transaction: Transaction, input: CreateInput): Served {
  const { endpoint, namespace } = scope;
  const requested = input.object;
  const name = requested.metadata.name ?? generatedName(scope, transaction, requested.metadata);
  if (requested.metadata.resourceVersion !== undefined && requested.metadata.resourceVersion !== "") {
    throw badRequest("resourceVersion should not be set on objects to be created");
  }
  if (endpoint.kind.resource.namespaced) checkNamespace(scope, transaction, name);
  const object = { ...withoutStatus(scope, requested), metadata: newMetadata(scope, requested.metadata, name) };
  const finished = finishObject(scope, transaction, { next: object, old: undefined, isApply: input.isApply });
  const existing = transaction.get(pathOf(endpoint, namespace, name));
  if (existing !== undefined) {
    const prefix = existing.object.metadata.deletionTimestamp === undefined ? "" : "object is being deleted: ";
    throw alreadyExists(byResource(endpoint, name), prefix);
  }
  if (scope.options.isDryRun) return unstored(finished);
  return serve(endpoint, transaction.put(pathOf(endpoint, namespace, name), endpoint.toStored(finished)));
}

/** A new object has no status of its own, but for nodes, which report themselves. */
function withoutStatus({ endpoint }: WriteScope, object: KubeObject): KubeObject {
  if (!endpoint.kind.hasStatus || endpoint.collection === "/nodes") return object;
  const { status: _status, ...rest } = object;
  // The rest of a KubeObject without its optional status is one still.
  return rest as KubeObject;
}

function newMetadata(scope: WriteScope, asked: ObjectMeta, name: string): ObjectMeta {
  const {
    deletionTimestamp: _deletionTimestamp,
    deletionGracePeriodSeconds: _deletionGracePeriodSeconds,
    resourceVersion: _resourceVersion,
    generation: _generation,
    ...kept
  } = asked;
  return {
    ...kept,
    name,
    ...(scope.endpoint.kind.resource.namespaced ? { namespace: scope.namespace } : {}),
    uid: randomUUID(),
    creationTimestamp: scope.nowIso,
    ...(hasGeneration(scope.endpoint) ? { generation: 1 } : {}),
  };
}

function generatedName(scope: WriteScope, transaction: Transaction, metadata: ObjectMeta): string {
  const prefix = metadata.generateName ?? "";
  // Without either name the rules of metadata refuse the object.
  if (prefix === "") return "";
  for (let attempt = 0; attempt < NAME_ATTEMPT_COUNT; attempt++) {
    const name = prefix.slice(0, PREFIX_LENGTH_MAX) + randomSuffix();
    if (transaction.get(pathOf(scope.endpoint, scope.namespace, name)) === undefined) return name;
  }
  throw alreadyExists(byResource(scope.endpoint, prefix));
}

function randomSuffix(): string {
  return [...randomBytes(SUFFIX_LENGTH)].map((byte) => SUFFIX_ALPHABET[byte % SUFFIX_ALPHABET.length]).join("");
}

/** Source: apiserver admission plugin `NamespaceLifecycle`. */
function checkNamespace({ endpoint, namespace }: WriteScope, transaction: Transaction, name: string): void {
  const stored = transaction.get({ collection: "/namespaces", namespace: "", name: namespace });
  if (stored === undefined) throw notFound({ group: "", kind: "namespaces", name: namespace });
  const { status, metadata } = stored.object;
  const isTerminating =
    metadata.deletionTimestamp !== undefined || (isObject(status) && status["phase"] === "Terminating");
  if (!isTerminating) return;
  const cause = {
    reason: "NamespaceTerminating",
    message: `namespace ${namespace} is being terminated`,
    field: "metadata.namespace",
  };
  const finding = `unable to create new content in namespace ${namespace} because it is being terminated`;
  throw forbidden(byResource(endpoint, name), finding, [cause]);
}
