import type { Schema } from "#api";
import { isObject } from "#base";
import type { FieldSet } from "./field-set.ts";
import { elementOf, fieldOf, shapeOf } from "./shape.ts";

/**
 * Removes the fields of a set from a value. A map or list that loses all it had goes too; whole lists and maps (leaves) stay
 * unless the set holds their own path.
 *
 * Source: structured-merge-diff `typed.RemoveItems`; that emptied containers go is what encoding a Go object does.
 */
export function removeFields(schema: Schema | undefined, value: unknown, doomed: FieldSet): unknown {
  if (doomed.children.size === 0) return value;
  const shape = shapeOf(schema, value);
  if (shape.kind === "map" && isObject(value)) return removeFromMap(shape.schema, value, doomed);
  if (shape.kind !== "list" || !Array.isArray(value)) return value;
  const kept = value.flatMap((entry) => {
    const branch = doomed.children.get(elementOf(shape, entry) ?? "");
    if (branch === undefined) return [entry];
    return branch.isMember ? [] : [removeFields(shape.items, entry, branch) ?? {}];
  });
  return kept.length === 0 ? undefined : kept;
}

function removeFromMap(schema: Schema | undefined, value: Record<string, unknown>, doomed: FieldSet): unknown {
  const kept: Record<string, unknown> = {};
  for (const name of Object.keys(value)) {
    const branch = doomed.children.get(`f:${name}`);
    if (branch?.isMember === true) continue;
    const item = branch === undefined ? value[name] : removeFields(fieldOf(schema, name).schema, value[name], branch);
    if (item !== undefined) kept[name] = item;
  }
  return Object.keys(kept).length === 0 ? undefined : kept;
}
