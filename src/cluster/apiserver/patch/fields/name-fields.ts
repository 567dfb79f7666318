import type { Schema } from "#api";
import { type FieldSet, fieldSet } from "./field-set.ts";
import { fieldOf, shapeOf } from "./shape.ts";

/**
 * Adds the path of every field that the schema names and that the set holds children of, so that a struct whose last field is
 * given up can go with it.
 *
 * Source: structured-merge-diff `fieldpath.Set.EnsureNamedFieldsAreMembers`.
 */
export function withNamedFields(schema: Schema | undefined, set: FieldSet): FieldSet {
  const shape = shapeOf(schema, {});
  const branches = [...set.children].map(([element, child]) => {
    if (shape.kind === "list") return [element, withNamedFields(shape.items, child)] as const;
    const field = fieldOf(schema, element.slice(2));
    const below = withNamedFields(field.schema, child);
    return [element, { ...below, isMember: below.isMember || (field.isNamed && below.children.size > 0) }] as const;
  });
  return fieldSet(set.isMember, branches);
}
