import { deepCopy, isObject } from "#base";
import { mapFields, mapItems } from "./map-fields.ts";
import type { Schema } from "./schema.ts";

/**
 * Fills in the defaults that the schema states, at every level that is present in the value.
 *
 * A null in a field that is not nullable and has a default counts as absent. The value is not changed; parts without a
 * new default are shared with the result.
 *
 * Source: apiextensions `structural/defaulting` `Default`.
 */
export function applyDefaults(schema: Schema, value: unknown): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? value : mapItems(value, (item) => applyDefaults(items, item));
  }
  return isObject(value) ? withFieldDefaults(schema, value) : value;
}

function withFieldDefaults(schema: Schema, value: Readonly<Record<string, unknown>>): unknown {
  const properties = schema.properties ?? {};
  const rest = typeof schema.additionalProperties === "object" ? schema.additionalProperties : undefined;
  const filled = addMissing(properties, value);
  return mapFields(filled, (item, key) => {
    const field = Object.hasOwn(properties, key) ? properties[key] : rest;
    return field === undefined ? item : applyDefaults(field, item);
  });
}

function addMissing(
  properties: Readonly<Record<string, Schema>>,
  value: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  let filled: Record<string, unknown> | undefined;
  for (const [key, field] of Object.entries(properties)) {
    if (field.default === undefined) continue;
    const current = value[key];
    const isAbsent = current === undefined || (current === null && field.nullable !== true);
    if (!isAbsent) continue;
    filled ??= { ...value };
    filled[key] = deepCopy(field.default);
  }
  return filled ?? value;
}
