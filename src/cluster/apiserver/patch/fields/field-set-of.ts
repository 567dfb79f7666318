import type { Schema } from "#api";
import { isObject } from "#base";
import { emptySet, type FieldSet, fieldSet, leafSet } from "./field-set.ts";
import { entriesOf, fieldOf, shapeOf } from "./shape.ts";

/**
 * The fields that an applied configuration claims: its leaves, the entries of its lists, and the keys of its maps.
 *
 * Source: structured-merge-diff `typed.ToFieldSet`.
 */
export function fieldSetOf(schema: Schema | undefined, value: unknown): FieldSet {
  const shape = shapeOf(schema, value);
  switch (shape.kind) {
    case "leaf":
      return leafSet;
    case "list": {
      const branches = [...entriesOf(shape, value)].map(
        ([element, entry]) => [element, { ...fieldSetOf(shape.items, entry), isMember: true }] as const,
      );
      return fieldSet(false, branches);
    }
    case "map":
      return mapFieldSet(shape.schema, value);
  }
}

function mapFieldSet(schema: Schema | undefined, value: unknown): FieldSet {
  if (!isObject(value)) return emptySet;
  const branches = Object.keys(value).map((name) => {
    const field = fieldOf(schema, name);
    const item = value[name];
    const below = item === null ? emptySet : fieldSetOf(field.schema, item);
    // A field that the schema names is owned through its children, unless it has none; a key of a map is owned itself.
    const isOwned = below.isMember || !field.isNamed || item === null || isEmptyMap(item);
    return [`f:${name}`, { ...below, isMember: isOwned }] as const;
  });
  return fieldSet(false, branches);
}

function isEmptyMap(value: unknown): boolean {
  return isObject(value) && Object.keys(value).length === 0;
}
