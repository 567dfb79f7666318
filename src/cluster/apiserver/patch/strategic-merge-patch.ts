import type { Schema } from "#api";
import { deepCopy, isObject, type Result } from "#base";
import { attempt } from "./attempt.ts";
import { childSchema } from "./child-schema.ts";
import { formatGo } from "./go-format.ts";
import { checkUntrusted, malformed, type PatchProblem, PatchRefusal } from "./patch-problem.ts";
import {
  applyRetainKeys,
  DELETE_FROM_LIST,
  ORDER_OF_LIST,
  PATCH_MARKER,
  withoutDirectives,
} from "./strategic-directives.ts";
import { mergeLists, orderElements } from "./strategic-list.ts";
import { checkDecodable } from "./strategic-types.ts";

export interface StrategicMergeOptions {
  readonly schema: Schema;
  readonly document: unknown;
  readonly patch: unknown;
}

type Fields = Record<string, unknown>;

/**
 * Applies a strategic merge patch: as a merge patch, but lists whose schema names a merge key merge element by element, and
 * directives in the patch delete, replace and order. The document is not changed.
 *
 * The result is also checked against the types of the schema, since a real server reports those under the field `patch`.
 *
 * Source: apimachinery `strategicpatch`; the directives are described in sig-api-machinery/strategic-merge-patch.md.
 */
export function applyStrategicMergePatch(options: StrategicMergeOptions): Result<unknown, PatchProblem> {
  return attempt(() => {
    const { schema, document, patch } = options;
    if (!isObject(patch) || !isObject(document)) throw new PatchRefusal(malformed("invalid JSON document"));
    checkUntrusted(patch);
    const merged = mergeMaps(deepCopy(document), deepCopy(patch), schema);
    checkDecodable({ schema, merged, patch });
    return merged;
  });
}

/** Merges a patch into an object; both belong to the caller and are changed. */
function mergeMaps(target: Fields, patch: Fields, schema: Schema | undefined): Fields {
  const marker = patch[PATCH_MARKER];
  if (marker !== undefined) return applyMarker(marker, target, { patch, schema });
  applyRetainKeys(target, patch);
  const orders = takeOrders(patch);
  const before = { ...target };
  for (const [key, value] of Object.entries(patch)) mergeField(target, { key, value, schema });
  for (const [key, order] of orders) {
    const list = target[key];
    if (!Array.isArray(list)) continue;
    const had = before[key];
    target[key] = orderElements(list, {
      order,
      before: Array.isArray(had) ? had : [],
      schema: childSchema(schema, key),
    });
  }
  return target;
}

function applyMarker(marker: unknown, target: Fields, rest: { patch: Fields; schema: Schema | undefined }): Fields {
  const { [PATCH_MARKER]: _, ...patch } = rest.patch;
  if (marker === "replace") return withoutDirectives(patch) as Fields;
  if (marker === "delete") return {};
  if (marker === "merge") return mergeMaps(target, patch, rest.schema);
  throw new PatchRefusal(malformed(`unknown patch type: ${formatGo(marker)} in map: ${formatGo(rest.patch)}`));
}

interface FieldPatch {
  readonly key: string;
  readonly value: unknown;
  readonly schema: Schema | undefined;
}

function mergeField(target: Fields, { key, value, schema }: FieldPatch): void {
  if (key.startsWith(DELETE_FROM_LIST)) return deleteFromList(target, key.slice(DELETE_FROM_LIST.length), value);
  const current = Object.hasOwn(target, key) ? target[key] : undefined;
  const child = childSchema(schema, key);
  if (value === null) delete target[key];
  else if (isObject(value) && isObject(current) && !replaces(child)) target[key] = mergeMaps(current, value, child);
  else if (Array.isArray(value) && Array.isArray(current)) {
    target[key] = mergeLists(current, value, { schema: child, mergeMaps });
  } else target[key] = withoutDirectives(value);
}

function replaces(schema: Schema | undefined): boolean {
  return (schema?.["x-kubernetes-patch-strategy"] ?? "").split(",").includes("replace");
}

function deleteFromList(target: Fields, key: string, values: unknown): void {
  if (!Array.isArray(values)) throw new PatchRefusal(malformed("invalid patch format of primitive list"));
  const list = target[key];
  const deleted = new Set<unknown>(values);
  if (Array.isArray(list)) target[key] = list.filter((item) => !deleted.has(item));
}

/** Takes the `$setElementOrder/…` directives out of a patch, by the field they order. */
function takeOrders(patch: Fields): Map<string, readonly unknown[]> {
  const orders = new Map<string, readonly unknown[]>();
  for (const key of Object.keys(patch)) {
    if (!key.startsWith(ORDER_OF_LIST)) continue;
    const order = patch[key];
    if (!Array.isArray(order)) throw new PatchRefusal(malformed("invalid patch format of setElementOrder list"));
    orders.set(key.slice(ORDER_OF_LIST.length), order);
    delete patch[key];
  }
  return orders;
}
