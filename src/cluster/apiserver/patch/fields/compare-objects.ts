import type { Schema } from "#api";
import { deepEqual, isObject } from "#base";
import { emptySet, type FieldSet, fieldSet, leafSet } from "./field-set.ts";
import { entriesOf, fieldOf, shapeOf } from "./shape.ts";

/** The fields in which two objects differ. */
export interface FieldChanges {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

const unchanged: FieldChanges = { added: emptySet, modified: emptySet, removed: emptySet };

/**
 * Compares two objects field by field. A map or list that appears or goes counts itself, besides what is in it. Null counts as absent.
 *
 * Source: structured-merge-diff `typed.Compare`.
 */
export function compareObjects(schema: Schema | undefined, before: unknown, after: unknown): FieldChanges {
  const old = before ?? undefined;
  const now = after ?? undefined;
  if (old === undefined && now === undefined) return unchanged;
  const shape = shapeOf(schema, old, now);
  if (shape.kind === "leaf" || (isEmpty(old) && isEmpty(now))) return compareLeaves(old, now);
  const children = shape.kind === "map" ? compareFields(shape.schema, old, now) : compareEntries(shape, old, now);
  return {
    added: fieldSet(old === undefined, branch(children, "added")),
    modified: fieldSet(false, branch(children, "modified")),
    removed: fieldSet(now === undefined, branch(children, "removed")),
  };
}

function compareLeaves(old: unknown, now: unknown): FieldChanges {
  if (old === undefined) return { ...unchanged, added: leafSet };
  if (now === undefined) return { ...unchanged, removed: leafSet };
  return deepEqual(old, now) ? unchanged : { ...unchanged, modified: leafSet };
}

type Children = readonly (readonly [string, FieldChanges])[];

function compareFields(schema: Schema | undefined, old: unknown, now: unknown): Children {
  const mine = isObject(old) ? old : {};
  const theirs = isObject(now) ? now : {};
  const names = new Set([...Object.keys(mine), ...Object.keys(theirs)]);
  return [...names].map((name) => {
    const child = fieldOf(schema, name).schema;
    return [`f:${name}`, compareObjects(child, own(mine, name), own(theirs, name))];
  });
}

function compareEntries(shape: Parameters<typeof entriesOf>[0], old: unknown, now: unknown): Children {
  const mine = entriesOf(shape, old);
  const theirs = entriesOf(shape, now);
  const elements = new Set([...mine.keys(), ...theirs.keys()]);
  return [...elements].map((element) => [element, compareObjects(shape.items, mine.get(element), theirs.get(element))]);
}

function branch(children: Children, of: keyof FieldChanges): readonly (readonly [string, FieldSet])[] {
  return children.map(([element, changes]) => [element, changes[of]]);
}

function own(object: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return value === undefined || (isObject(value) && Object.keys(value).length === 0);
}
