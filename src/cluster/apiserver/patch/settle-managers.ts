import type { FieldChanges } from "./fields/compare-objects.ts";
import { difference, emptySet, type FieldSet, intersection, isEmptySet, union } from "./fields/field-set.ts";
import { keyOfManager, type Manager, type Managers } from "./managed-fields.ts";

/** As many entries of updaters as an object keeps. Source: apimachinery `managedfields.DefaultMaxUpdateManagers`. */
const UPDATERS_MAX = 10;
const OLDEST_UPDATERS = "ancient-changes";

/**
 * What a write does to the owners of the fields it changes: who would lose a field (`lost`, by manager), and the managers after
 * they lost them and after removed fields lost their owners. The writer's own entry stays as it is.
 *
 * Source: structured-merge-diff `merge.Updater.update`.
 */
export function settleManagers(
  managers: Managers,
  changes: FieldChanges,
  writerKey: string,
): { readonly lost: ReadonlyMap<Manager, FieldSet>; readonly managers: Managers } {
  const written = union(changes.modified, changes.added);
  const lost = new Map<Manager, FieldSet>();
  const settled = new Map<string, Manager>();
  for (const [key, manager] of managers) {
    if (key === writerKey) {
      settled.set(key, manager);
      continue;
    }
    const taken = intersection(manager.fields, written);
    if (!isEmptySet(taken)) lost.set(manager, taken);
    const fields = difference(difference(manager.fields, taken), changes.removed);
    if (!isEmptySet(fields)) settled.set(key, { ...manager, fields });
  }
  return { lost, managers: settled };
}

/**
 * Bounds the entries of an object: beyond the limit the oldest updaters of a version become one entry.
 *
 * Source: apimachinery `managedfields.capManagersManager`.
 */
export function capManagers(managers: Managers): Managers {
  const updaters = [...managers].filter(([, manager]) => manager.operation === "Update");
  const excess = updaters.length - UPDATERS_MAX;
  if (excess <= 0) return managers;
  const oldestFirst = updaters.sort(([, a], [, b]) => ((a.time ?? "") < (b.time ?? "") ? -1 : 1));
  const capped = new Map(managers);
  // One more than the excess: the bucket that they go into is an entry too.
  for (const [key, manager] of oldestFirst.slice(0, excess + 1)) {
    capped.delete(key);
    const id = { ...manager, manager: OLDEST_UPDATERS, subresource: "" };
    const bucketKey = keyOfManager(id);
    const bucket = capped.get(bucketKey);
    const fields = union(bucket?.fields ?? emptySet, manager.fields);
    capped.set(bucketKey, { ...id, fields });
  }
  return capped;
}
