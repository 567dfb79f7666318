import { isObject } from "#base";
import { emptySet, type FieldSet, fieldSet, isEmptySet, leafSet } from "./field-set.ts";

/** Key under which `fieldsV1` says that the path itself is owned, besides its children. */
const SELF = ".";

/**
 * Reads a `fieldsV1` tree; undefined when it is not one.
 *
 * Source: structured-merge-diff `fieldpath.Set.FromJSON`.
 */
export function decodeFieldsV1(fields: unknown): FieldSet | undefined {
  if (!isObject(fields)) return undefined;
  const children: (readonly [string, FieldSet])[] = [];
  for (const [element, below] of Object.entries(fields)) {
    if (element === SELF) continue;
    const child = decodeBranch(below);
    if (child === undefined || !isElement(element)) return undefined;
    children.push([element, child]);
  }
  return fieldSet(false, children);
}

function decodeBranch(fields: unknown): FieldSet | undefined {
  if (!isObject(fields)) return undefined;
  if (Object.keys(fields).length === 0) return leafSet;
  const below = decodeFieldsV1(fields);
  return below === undefined ? undefined : { isMember: Object.hasOwn(fields, SELF), children: below.children };
}

function isElement(text: string): boolean {
  if (text.startsWith("f:")) return true;
  if (text.startsWith("i:")) return /^i:\d+$/.test(text);
  return (text.startsWith("k:") || text.startsWith("v:")) && isJson(text.slice(2));
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    // The text comes from a client; that it is not JSON is the answer.
    return false;
  }
}

/** Writes a set as a `fieldsV1` tree, siblings in order. */
export function encodeFieldsV1(set: FieldSet): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const element of [...set.children.keys()].sort()) {
    fields[element] = encodeBranch(set.children.get(element) ?? emptySet);
  }
  return fields;
}

function encodeBranch(set: FieldSet): Record<string, unknown> {
  const below = encodeFieldsV1(set);
  const isLeaf = isEmptySet({ isMember: false, children: set.children });
  return set.isMember && !isLeaf ? { [SELF]: {}, ...below } : below;
}
