import { isObject } from "#base";
import { canonicalQuantity } from "../quantity-text.ts";
import { mapFields, mapItems } from "../schema/map-fields.ts";
import type { Schema } from "../schema/schema.ts";

const QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity";

/**
 * Does to a built-in object what decoding it into Go structs and encoding it again does: nulls go away, quantities take
 * their canonical form, a null in a map of texts becomes the empty text.
 */
export function normalizeBuiltin(schema: Schema, value: unknown): unknown {
  if (schema["x-serin-definition"] === QUANTITY) {
    return typeof value === "string" || typeof value === "number" ? canonicalQuantity(value) : value;
  }
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? value : mapItems(value, (item) => normalizeBuiltin(items, item));
  }
  if (!isObject(value)) return value;
  const rest = typeof schema.additionalProperties === "object" ? schema.additionalProperties : undefined;
  return mapFields(value, (item, key) => {
    const field =
      schema.properties !== undefined && Object.hasOwn(schema.properties, key) ? schema.properties[key] : rest;
    if (field === undefined) return item;
    if (item === null) return field === rest && rest?.type === "string" ? "" : undefined;
    return normalizeBuiltin(field, item);
  });
}
