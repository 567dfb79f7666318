import {
  atomic,
  bool,
  int64,
  listOf,
  mapListOf,
  mapOf,
  mergedBy,
  mergedSet,
  setOf,
  struct,
  text,
  time,
} from "./build.ts";
import { anyObject, described, oneOf } from "./build.ts";
import type { Schema } from "./schema.ts";

/** Types that every kind shares. Source: apimachinery `meta/v1`. */

const META = "io.k8s.apimachinery.pkg.apis.meta.v1.";

const ownerReference = atomic(
  struct(
    `${META}OwnerReference`,
    { apiVersion: text, kind: text, name: text, uid: text, controller: bool, blockOwnerDeletion: bool },
    ["apiVersion", "kind", "name", "uid"],
  ),
);

const managedFieldsEntry = struct(`${META}ManagedFieldsEntry`, {
  manager: text,
  operation: text,
  apiVersion: text,
  time,
  fieldsType: text,
  fieldsV1: { ...anyObject, "x-serin-definition": `${META}FieldsV1` },
  subresource: text,
});

/** `metadata` of every object. */
export const objectMeta: Schema = struct(`${META}ObjectMeta`, {
  name: described("Name of the object, unique for its kind within the namespace. It cannot be changed.", text),
  generateName: described("Prefix from which the server makes a unique name when none is given.", text),
  namespace: described("Namespace of the object; empty for kinds that live in none.", text),
  selfLink: text,
  uid: described("Identity of this very object, set by the server.", text),
  resourceVersion: described("Version of the object, for optimistic writes and watches. Opaque to clients.", text),
  generation: described("Counts the changes of the desired state, set by the server.", int64),
  creationTimestamp: described("When the server created the object.", time),
  deletionTimestamp: described("When the object will go or went into deletion, set by the server.", time),
  deletionGracePeriodSeconds: int64,
  labels: described("Names and values to select objects by.", mapOf(text)),
  annotations: described("Names and values for tools; not for selection.", mapOf(text)),
  ownerReferences: described(
    "Objects that this one depends on; it is collected when they are gone.",
    mergedBy("uid", mapListOf(["uid"], ownerReference)),
  ),
  finalizers: described("Names that must be removed before the object is deleted.", mergedSet(setOf(text))),
  managedFields: described("Who owns which field, for server-side apply.", listOf(managedFieldsEntry)),
});

const labelSelectorRequirement = struct(
  `${META}LabelSelectorRequirement`,
  { key: text, operator: oneOf("In", "NotIn", "Exists", "DoesNotExist"), values: listOf(text) },
  ["key", "operator"],
);

/** Selects objects by labels: every pair and every expression must hold. */
export const labelSelector: Schema = atomic(
  struct(`${META}LabelSelector`, { matchLabels: mapOf(text), matchExpressions: listOf(labelSelectorRequirement) }),
);

/** The condition type that newer kinds share. */
export const condition: Schema = struct(
  `${META}Condition`,
  {
    type: text,
    status: oneOf("True", "False", "Unknown"),
    observedGeneration: int64,
    lastTransitionTime: time,
    reason: text,
    message: text,
  },
  ["type", "status"],
);

/** `apiVersion`, `kind` and `metadata`, in front of a kind's own fields. */
export const objectFields: Readonly<Record<string, Schema>> = {
  apiVersion: described("Version of the schema in which the object is written: group/version.", text),
  kind: described("Name of the kind of object, in CamelCase.", text),
  metadata: described("Standard data of every object.", objectMeta),
};
