import { isObject } from "#base";
import { childPath } from "../validation/field-problem.ts";
import { mapFields, mapItems } from "./map-fields.ts";
import { objectFields } from "./meta-schema.ts";
import type { Schema } from "./schema.ts";

/** A value without the fields that its schema does not know, and the paths of those. */
export interface Pruned {
  readonly value: unknown;
  /** Paths as the API server's strict decoding errors write them: `spec.containers[0].foo`, in the order of the document. */
  readonly unknown: readonly string[];
}

/**
 * Removes every field that the schema does not name.
 *
 * Below `x-kubernetes-preserve-unknown-fields` unknown fields stay, but fields that are named there are still walked. An
 * embedded resource knows `apiVersion`, `kind` and `metadata` although its schema need not name them.
 *
 * Source: apiextensions `structural/pruning` `PruneWithOptions`.
 */
export function pruneUnknown(schema: Schema, value: unknown): Pruned {
  const unknown: string[] = [];
  return { value: prune(schema, value, { path: "", unknown }), unknown };
}

interface Walk {
  readonly path: string;
  readonly unknown: string[];
}

function prune(schema: Schema, value: unknown, walk: Walk): unknown {
  if (Array.isArray(value)) {
    const items = schema.items ?? {};
    return mapItems(value, (item, index) => prune(items, item, { ...walk, path: `${walk.path}[${index}]` }));
  }
  return isObject(value) ? pruneFields(schema, value, walk) : value;
}

function pruneFields(schema: Schema, value: Readonly<Record<string, unknown>>, walk: Walk): unknown {
  const properties = schema.properties ?? {};
  const keepsUnknown = keepsUnknownFields(schema);
  return mapFields(value, (item, key) => {
    const inner = { ...walk, path: childPath(walk.path, key) };
    if (Object.hasOwn(properties, key)) return prune(properties[key] ?? {}, item, inner);
    if (typeof schema.additionalProperties === "object") return prune(schema.additionalProperties, item, inner);
    const embedded = schema["x-kubernetes-embedded-resource"] === true ? objectFields[key] : undefined;
    if (embedded !== undefined) return prune(embedded, item, inner);
    if (keepsUnknown) return prune(anything, item, inner);
    walk.unknown.push(inner.path);
    return undefined;
  });
}

const anything: Schema = {
  "x-kubernetes-preserve-unknown-fields": true,
  items: { "x-kubernetes-preserve-unknown-fields": true },
};

function keepsUnknownFields(schema: Schema): boolean {
  return schema["x-kubernetes-preserve-unknown-fields"] === true || schema.additionalProperties === true;
}
