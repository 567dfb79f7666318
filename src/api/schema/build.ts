import type { Schema } from "./schema.ts";

/** The words in which the built-in kinds and our own custom resources are written. */

type Fields = Readonly<Record<string, Schema>>;

export const text: Schema = { type: "string" };
export const bool: Schema = { type: "boolean" };
export const int32: Schema = { type: "integer", format: "int32" };
export const int64: Schema = { type: "integer", format: "int64" };
export const integer: Schema = { type: "integer" };
export const number: Schema = { type: "number" };
/** Base64 in JSON, bytes in Go. */
export const bytes: Schema = { type: "string", format: "byte" };
/** RFC 3339 with whole seconds. */
export const time: Schema = {
  type: "string",
  format: "date-time",
  "x-serin-definition": "io.k8s.apimachinery.pkg.apis.meta.v1.Time",
};
/** RFC 3339 with microseconds. */
export const microTime: Schema = { ...time, "x-serin-definition": "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime" };
export const intOrString: Schema = {
  "x-kubernetes-int-or-string": true,
  "x-serin-definition": "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
};
export const quantity: Schema = {
  "x-kubernetes-int-or-string": true,
  "x-serin-definition": "io.k8s.apimachinery.pkg.api.resource.Quantity",
};
/** Any object; unknown fields stay. */
export const anyObject: Schema = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
/** Any JSON value at all. */
export const anyJson: Schema = { "x-kubernetes-preserve-unknown-fields": true };

/** A text that is one of the values, listed in errors in this order. */
export function oneOf(...values: readonly string[]): Schema {
  return { type: "string", enum: values };
}

/** A list that is replaced as a whole. */
export function listOf(items: Schema): Schema {
  return { type: "array", items, "x-kubernetes-list-type": "atomic" };
}

/** A list without repeats, merged item by item. */
export function setOf(items: Schema): Schema {
  return { type: "array", items, "x-kubernetes-list-type": "set" };
}

/** A list of structs told apart by the keys, for server-side apply; strategic merge replaces it. */
export function mapListOf(keys: readonly string[], items: Schema): Schema {
  return { type: "array", items, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": keys };
}

/** A list that both strategic merge and server-side apply merge by the key. */
export function mergeListOf(key: string, items: Schema): Schema {
  return mergedBy(key, mapListOf([key], items));
}

/** Adds strategic merge by the key to a list, whatever server-side apply does with it. */
export function mergedBy(key: string, list: Schema): Schema {
  return { ...list, "x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": key };
}

/** Adds strategic merge to a list of scalars. */
export function mergedSet(list: Schema): Schema {
  return { ...list, "x-kubernetes-patch-strategy": "merge" };
}

/** A map from text to the value. */
export function mapOf(value: Schema): Schema {
  return { type: "object", additionalProperties: value };
}

/** An object with these fields, nameless: for custom resources. */
export function object(properties: Fields, required: readonly string[] = []): Schema {
  return required.length === 0 ? { type: "object", properties } : { type: "object", properties, required };
}

/** A built-in struct; `definition` is its name in OpenAPI, such as `io.k8s.api.core.v1.Container`. */
export function struct(definition: string, properties: Fields, required: readonly string[] = []): Schema {
  return { ...object(properties, required), "x-serin-definition": definition };
}

/** A struct that is replaced as a whole by server-side apply. */
export function atomic(schema: Schema): Schema {
  return { ...schema, "x-kubernetes-map-type": "atomic" };
}

/** States the value that an absent field gets. */
export function withDefault(value: unknown, schema: Schema): Schema {
  return { ...schema, default: value };
}

/** Bounds a number, both ends included. */
export function between(minimum: number, maximum: number | undefined, schema: Schema): Schema {
  return maximum === undefined ? { ...schema, minimum } : { ...schema, minimum, maximum };
}

/** Adds what the field means. */
export function described(description: string, schema: Schema): Schema {
  return { ...schema, description };
}
