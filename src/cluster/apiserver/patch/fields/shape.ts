import { objectMetaSchema, type Schema } from "#api";
import { canonicalJson, isObject } from "#base";
import { childSchema } from "../child-schema.ts";

/**
 * How ownership sees a value: whole (`leaf`), by fields (`map`), or by entries (`list`).
 *
 * Source: structured-merge-diff schema `Atom`; the mapping from OpenAPI is kube-openapi `schemaconv`.
 */
export type Shape =
  | { readonly kind: "leaf" }
  | { readonly kind: "map"; readonly schema: Schema | undefined }
  | { readonly kind: "list"; readonly items: Schema | undefined; readonly keys: readonly string[] | "value" };

const leaf: Shape = { kind: "leaf" };

/** Decides the shape from the schema, and where the schema says nothing from a value: maps by fields, lists whole. */
export function shapeOf(schema: Schema | undefined, ...values: readonly unknown[]): Shape {
  const isList = schema?.type === "array" || (schema?.type === undefined && values.some(Array.isArray));
  if (isList) return listShape(schema);
  const isMap = schema?.type === "object" || (schema?.type === undefined && values.some(isObject));
  return isMap && schema?.["x-kubernetes-map-type"] !== "atomic" ? { kind: "map", schema } : leaf;
}

function listShape(schema: Schema | undefined): Shape {
  const items = schema?.items;
  const type = schema?.["x-kubernetes-list-type"];
  const mergeKey = schema?.["x-kubernetes-patch-merge-key"];
  if (type === "map") return { kind: "list", items, keys: schema?.["x-kubernetes-list-map-keys"] ?? [] };
  if (type === "set") return { kind: "list", items, keys: "value" };
  // Lists without a list type follow their strategic merge tags.
  const merges = (schema?.["x-kubernetes-patch-strategy"] ?? "").split(",").includes("merge");
  if (type !== undefined || !merges) return leaf;
  return { kind: "list", items, keys: mergeKey === undefined ? "value" : [mergeKey] };
}

/** The schema of a field of a map, and whether the schema names that field rather than allowing any key. */
export function fieldOf(schema: Schema | undefined, name: string): { schema: Schema | undefined; isNamed: boolean } {
  const child = childSchema(schema, name);
  if (name === "metadata" && child?.additionalProperties === undefined && child?.properties === undefined) {
    return { schema: objectMetaSchema, isNamed: true };
  }
  return { schema: child, isNamed: schema?.properties !== undefined && Object.hasOwn(schema.properties, name) };
}

/**
 * The path element of an entry of a list: its keys, a missing one taken from its schema's default, or the value itself.
 *
 * @returns undefined when the entry has no such key, so that it has no path.
 */
export function elementOf(list: Extract<Shape, { kind: "list" }>, entry: unknown): string | undefined {
  if (list.keys === "value") return isObject(entry) || Array.isArray(entry) ? undefined : `v:${JSON.stringify(entry)}`;
  if (!isObject(entry)) return undefined;
  const keys: Record<string, unknown> = {};
  for (const name of list.keys) {
    const value = entry[name] ?? list.items?.properties?.[name]?.default;
    if (value === undefined) return undefined;
    keys[name] = value;
  }
  return `k:${canonicalJson(keys)}`;
}

/** The entries of a list by their path elements, in order; of entries with equal elements the first counts. */
export function entriesOf(list: Extract<Shape, { kind: "list" }>, value: unknown): Map<string, unknown> {
  const entries = new Map<string, unknown>();
  if (!Array.isArray(value)) return entries;
  for (const entry of value) {
    const element = elementOf(list, entry);
    if (element !== undefined && !entries.has(element)) entries.set(element, entry);
  }
  return entries;
}
