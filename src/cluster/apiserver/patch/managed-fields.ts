import type { KubeObject, ManagedFieldsEntry } from "#api";
import { isObject } from "#base";
import { differenceBelow, type FieldSet, isEmptySet, setOfFields, union } from "./fields/field-set.ts";
import { decodeFieldsV1, encodeFieldsV1 } from "./fields/fields-v1.ts";

/** Who wrote: an apply or an update, through the main resource or one of its subresources. */
export interface ManagerId {
  readonly manager: string;
  readonly operation: "Apply" | "Update";
  readonly apiVersion: string;
  readonly subresource: string;
}

/** A manager and the fields it owns. */
export interface Manager extends ManagerId {
  readonly fields: FieldSet;
  readonly time: string | undefined;
}

/** Managers by {@link keyOfManager}. */
export type Managers = ReadonlyMap<string, Manager>;

/** Two writes with the same key share an entry. An applier keeps its entry when it comes back with another version of the API. */
export function keyOfManager(id: ManagerId): string {
  const version = id.operation === "Apply" ? "" : id.apiVersion;
  return JSON.stringify([id.manager, id.operation, version, id.subresource]);
}

/** Reads the managers of an object; undefined when an entry is malformed. */
export function decodeManagers(entries: unknown): Managers | undefined {
  const managers = new Map<string, Manager>();
  if (entries === undefined || entries === null) return managers;
  if (!Array.isArray(entries)) return undefined;
  for (const entry of entries) {
    const manager = decodeManager(entry);
    if (manager === undefined) return undefined;
    const key = keyOfManager(manager);
    const known = managers.get(key);
    managers.set(key, known === undefined ? manager : { ...manager, fields: union(known.fields, manager.fields) });
  }
  return managers;
}

function decodeManager(entry: unknown): Manager | undefined {
  if (!isObject(entry)) return undefined;
  const { manager, operation, apiVersion, subresource, time, fieldsType, fieldsV1 } = entry;
  if (operation !== "Apply" && operation !== "Update") return undefined;
  if (typeof apiVersion !== "string" || apiVersion === "" || fieldsType !== "FieldsV1") return undefined;
  const fields = decodeFieldsV1(fieldsV1 ?? {});
  if (fields === undefined) return undefined;
  return {
    manager: typeof manager === "string" ? manager : "",
    operation,
    apiVersion,
    subresource: typeof subresource === "string" ? subresource : "",
    fields,
    time: typeof time === "string" ? time : undefined,
  };
}

/** Whether an object's `managedFields` ask to forget all ownership: a list with one empty entry. An empty list changes nothing. */
export function asksForReset(entries: unknown): boolean {
  if (!Array.isArray(entries) || entries.length !== 1) return false;
  const only: unknown = entries[0];
  return isObject(only) && Object.keys(only).length === 0;
}

/**
 * Writes managers as entries: appliers before updaters, older before newer, then by name.
 *
 * Source: apimachinery `managedfields.sortEncodedManagedFields`.
 */
export function encodeManagers(managers: Managers): ManagedFieldsEntry[] {
  return [...managers.values()]
    .filter((manager) => !isEmptySet(manager.fields))
    .sort(compareManagers)
    .map((manager) => ({
      manager: manager.manager,
      operation: manager.operation,
      apiVersion: manager.apiVersion,
      ...(manager.time === undefined ? {} : { time: manager.time }),
      fieldsType: "FieldsV1",
      fieldsV1: encodeFieldsV1(manager.fields),
      ...(manager.subresource === "" ? {} : { subresource: manager.subresource }),
    }));
}

function compareManagers(a: Manager, b: Manager): number {
  return (
    compareText(a.operation, b.operation) ||
    compareText(a.time ?? "", b.time ?? "") ||
    compareText(a.manager, b.manager) ||
    compareText(a.apiVersion, b.apiVersion) ||
    compareText(a.subresource, b.subresource)
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Fields of the system, which nobody owns. Source: apimachinery `managedfields.stripSet`. */
const systemFields: readonly (readonly string[])[] = [
  ["apiVersion"],
  ["kind"],
  ["metadata", "name"],
  ["metadata", "namespace"],
  ["metadata", "creationTimestamp"],
  ["metadata", "selfLink"],
  ["metadata", "uid"],
  ["metadata", "clusterName"],
  ["metadata", "generation"],
  ["metadata", "managedFields"],
  ["metadata", "resourceVersion"],
];

/** Takes away what no manager may own: the fields of the system, and those that this endpoint of the API does not write. */
export function ownable(fields: FieldSet, notWritten: readonly string[]): FieldSet {
  const kept = differenceBelow(fields, setOfFields(...systemFields, ...notWritten.map((name) => [name])));
  const metadata = kept.children.get("f:metadata");
  if (metadata?.isMember !== true) return kept;
  // `metadata` itself is always there; only its fields have owners.
  const children = new Map(kept.children);
  if (metadata.children.size === 0) children.delete("f:metadata");
  else children.set("f:metadata", { isMember: false, children: metadata.children });
  return { isMember: kept.isMember, children };
}

/** An object with other managed fields, or with none. */
export function withManagedFields(object: KubeObject, entries: readonly ManagedFieldsEntry[]): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata: entries.length === 0 ? metadata : { ...metadata, managedFields: entries } };
}
