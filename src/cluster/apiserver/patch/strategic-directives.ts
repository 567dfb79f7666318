import { isObject } from "#base";
import { malformed, PatchRefusal } from "./patch-problem.ts";

/** Key of a directive on the map that holds it: `replace`, `delete` or `merge`. */
export const PATCH_MARKER = "$patch";
/** Key of a directive that lists the only keys to keep. */
export const RETAIN_KEYS = "$retainKeys";
/** Prefix of a directive that removes values from a list of scalars. */
export const DELETE_FROM_LIST = "$deleteFromPrimitiveList/";
/** Prefix of a directive that orders the elements of a list. */
export const ORDER_OF_LIST = "$setElementOrder/";

/** Applies `$retainKeys`: clears every key of the target that the directive does not name, and takes the directive out of the patch. */
export function applyRetainKeys(target: Record<string, unknown>, patch: Record<string, unknown>): void {
  const directive = patch[RETAIN_KEYS];
  if (directive === undefined) return;
  delete patch[RETAIN_KEYS];
  if (!Array.isArray(directive)) throw badRetainKeys();
  const kept = new Set<unknown>(directive);
  for (const [key, value] of Object.entries(patch)) {
    const isDirective = key.startsWith(DELETE_FROM_LIST) || key.startsWith(ORDER_OF_LIST);
    if (value !== null && !isDirective && !kept.has(key)) throw badRetainKeys();
  }
  for (const key of Object.keys(target)) if (!kept.has(key)) delete target[key];
}

function badRetainKeys(): PatchRefusal {
  return new PatchRefusal(malformed("invalid patch format of retainKeys"));
}

/** What a patch leaves behind where the object had nothing: its values without nulls and directives. */
export function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((item) => !isDeletion(item)).map(withoutDirectives);
  if (!isObject(value)) return value;
  const clean: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    if (item !== null && !isDirectiveKey(key)) clean[key] = withoutDirectives(item);
  }
  return clean;
}

/** `{$patch: delete, name: x}` deletes an element, and `{$patch: replace}` alone stands for no element at all. */
function isDeletion(item: unknown): boolean {
  return isObject(item) && (item[PATCH_MARKER] === "delete" || item[PATCH_MARKER] === "replace");
}

function isDirectiveKey(key: string): boolean {
  return (
    key === PATCH_MARKER || key === RETAIN_KEYS || key.startsWith(DELETE_FROM_LIST) || key.startsWith(ORDER_OF_LIST)
  );
}
