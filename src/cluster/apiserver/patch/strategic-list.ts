import type { Schema } from "#api";
import { canonicalJson, isObject } from "#base";
import { formatGo } from "./go-format.ts";
import { cannotApply, malformed, PatchRefusal } from "./patch-problem.ts";
import { PATCH_MARKER, withoutDirectives } from "./strategic-directives.ts";

type Fields = Record<string, unknown>;

interface MergeListOptions {
  /** Schema of the list. */
  readonly schema: Schema | undefined;
  /** How two elements with the same merge key become one; passed in since maps and lists merge each other. */
  readonly mergeMaps: (target: Fields, patch: Fields, schema: Schema | undefined) => Fields;
}

/** Merges two lists as the schema asks: element by element by merge key, as sets of scalars, or by replacing. */
export function mergeLists(
  target: readonly unknown[],
  patch: readonly unknown[],
  options: MergeListOptions,
): unknown[] {
  const strategies = (options.schema?.["x-kubernetes-patch-strategy"] ?? "").split(",");
  if (!strategies.includes("merge")) return withoutDirectives(patch) as unknown[];
  const elements = [...target, ...patch];
  if (elements.some(Array.isArray)) throw new PatchRefusal(cannotApply("lists of lists are not supported"));
  if (elements.every((element) => !isObject(element))) {
    return arrange({ merged: [...new Set(elements)], order: patch, before: target, keyOf: canonicalJson });
  }
  return mergeElements(target, patch, options);
}

function mergeElements(target: readonly unknown[], patch: readonly unknown[], options: MergeListOptions): unknown[] {
  const mergeKey = options.schema?.["x-kubernetes-patch-merge-key"];
  if (mergeKey === undefined) throw new PatchRefusal(cannotApply("cannot merge lists without merge key"));
  const keyOf = (element: unknown): string => keyOfElement(element, mergeKey);
  const { kept, additions } = applyElementDirectives(target, patch, keyOf);
  const merged = [...kept];
  const places = placesOf(merged, keyOf);
  for (const addition of additions) {
    const place = places.get(keyOf(addition));
    const existing = place === undefined ? undefined : merged[place];
    if (place !== undefined && isObject(existing)) {
      merged[place] = options.mergeMaps(existing, addition, options.schema?.items);
    } else {
      places.set(keyOf(addition), merged.length);
      merged.push(withoutDirectives(addition));
    }
  }
  return arrange({ merged, order: additions, before: kept, keyOf });
}

/** Where each key first stands in a list. */
function placesOf(list: readonly unknown[], keyOf: (element: unknown) => string): Map<string, number> {
  const places = new Map<string, number>();
  list.forEach((element, index) => {
    const key = keyOf(element);
    if (!places.has(key)) places.set(key, index);
  });
  return places;
}

/** The merge key's value as text, so that elements are found by a map and not by a scan. */
function keyOfElement(element: unknown, mergeKey: string): string {
  if (!isObject(element)) throw new PatchRefusal(cannotApply("the elements of a list are not all of one type"));
  const key = Object.hasOwn(element, mergeKey) ? element[mergeKey] : undefined;
  if (key !== undefined) return canonicalJson(key);
  throw new PatchRefusal(malformed(`map: ${formatGo(element)} does not contain declared merge key: ${mergeKey}`));
}

interface ElementChanges {
  readonly kept: readonly unknown[];
  readonly additions: readonly Fields[];
}

/** Carries out the elements that are directives: `{$patch: delete, KEY: x}` and `{$patch: replace}`. */
function applyElementDirectives(
  target: readonly unknown[],
  patch: readonly unknown[],
  keyOf: (element: unknown) => string,
): ElementChanges {
  const deleted = new Set<string>();
  const additions: Fields[] = [];
  let replacesAll = false;
  for (const element of patch) {
    if (!isObject(element)) throw new PatchRefusal(cannotApply("the elements of a list are not all of one type"));
    const marker = element[PATCH_MARKER];
    if (marker === undefined) additions.push(element);
    else if (marker === "replace") replacesAll = true;
    else if (marker === "delete") deleted.add(keyOf(element));
    else if (marker === "merge") {
      throw new PatchRefusal(malformed("merging lists cannot yet be specified in the patch"));
    } else throw new PatchRefusal(malformed(`unknown patch type: ${formatGo(marker)} in map: ${formatGo(element)}`));
  }
  return { kept: replacesAll ? [] : target.filter((item) => !deleted.has(keyOf(item))), additions };
}

interface Arrangement {
  readonly merged: readonly unknown[];
  /** The order that the patch asks for. */
  readonly order: readonly unknown[];
  /** The list before the patch. */
  readonly before: readonly unknown[];
  readonly keyOf: (element: unknown) => string;
}

/**
 * Orders a merged list: elements that the patch names stand in the patch's order, the others in the order they had, and the
 * two sequences are woven by the old positions where both are known. A new element therefore comes before elements that
 * the patch does not name.
 */
function arrange({ merged, order, before, keyOf }: Arrangement): unknown[] {
  const asked = placesOf(order, keyOf);
  const had = placesOf(before, keyOf);
  const askedPlace = (element: unknown): number => asked.get(keyOf(element)) ?? -1;
  const hadPlace = (element: unknown): number => had.get(keyOf(element)) ?? -1;
  const named = merged.filter((element) => asked.has(keyOf(element))).sort((a, b) => askedPlace(a) - askedPlace(b));
  const others = merged.filter((element) => !asked.has(keyOf(element)));
  const woven: unknown[] = [];
  let next = 0;
  for (const element of named) {
    const place = hadPlace(element);
    while (next < others.length && hadPlace(others[next]) < place) {
      woven.push(others[next]);
      next += 1;
    }
    woven.push(element);
  }
  return [...woven, ...others.slice(next)];
}

interface OrderOptions {
  /** The `$setElementOrder` directive: merge keys in objects, or scalars. */
  readonly order: readonly unknown[];
  readonly before: readonly unknown[];
  readonly schema: Schema | undefined;
}

/** Orders a list by a `$setElementOrder` directive; elements it does not name keep their order. */
export function orderElements(list: readonly unknown[], { order, before, schema }: OrderOptions): unknown[] {
  const mergeKey = schema?.["x-kubernetes-patch-merge-key"];
  const keyOf = (element: unknown): string =>
    mergeKey !== undefined && isObject(element) ? keyOfElement(element, mergeKey) : canonicalJson(element);
  return arrange({ merged: list, order, before, keyOf });
}
