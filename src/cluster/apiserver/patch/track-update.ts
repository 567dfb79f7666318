import type { KubeObject, Schema } from "#api";
import { compareObjects, type FieldChanges } from "./fields/compare-objects.ts";
import { difference, emptySet, isEmptySet, union } from "./fields/field-set.ts";
import { withImplicitStructs } from "./implicit-structs.ts";
import {
  asksForReset,
  decodeManagers,
  encodeManagers,
  keyOfManager,
  type ManagerId,
  type Managers,
  ownable,
  withManagedFields,
} from "./managed-fields.ts";
import { capManagers, settleManagers } from "./settle-managers.ts";

/** What both kinds of write need to know to keep the books of ownership. */
export interface WriteContext {
  readonly schema: Schema;
  /** The field manager of the request. */
  readonly manager: string;
  /** Time of the request; entries carry it in whole seconds. */
  readonly nowIso: string;
  readonly apiVersion: string;
  /** Absent for the main resource. */
  readonly subresource?: string;
  /** False for a kind without a status subresource, whose status is written like any other field. Default true. */
  readonly hasStatus?: boolean;
}

export interface TrackUpdateOptions extends WriteContext {
  /** The object before the write; undefined when the write creates it. */
  readonly live: KubeObject | undefined;
  /** The object that will be stored. */
  readonly updated: KubeObject;
}

/**
 * Returns the updated object with the managed fields that a create, update or patch by `manager` leaves: the manager owns what it
 * changed, others lose what changed or went, and a write that changes nothing changes no entry.
 *
 * Managed fields in `updated` count as the client's wish: a list with one empty entry forgets all ownership, a valid list replaces
 * it (on the main resource), an empty or malformed one is ignored.
 *
 * Source: apimachinery `managedfields.FieldManager.Update`.
 */
export function trackUpdate(options: TrackUpdateOptions): KubeObject {
  const { live, updated } = options;
  const managers = managersToStartFrom(options);
  // Ownership that was given up for an object is not picked up again before someone applies it.
  if (live !== undefined && managers.size === 0) return withManagedFields(updated, []);
  const changes = ownableChanges(options, live, updated);
  const writer: ManagerId = {
    manager: options.manager,
    operation: "Update",
    apiVersion: options.apiVersion,
    subresource: options.subresource ?? "",
  };
  const settled = recordWriter(settleManagers(managers, changes, keyOfManager(writer)).managers, {
    writer,
    changes,
    nowIso: options.nowIso,
  });
  return withManagedFields(updated, encodeManagers(capManagers(settled)));
}

function managersToStartFrom({ live, updated, subresource }: TrackUpdateOptions): Managers {
  const known = decodeManagers(live?.metadata.managedFields) ?? new Map();
  if (subresource !== undefined) return known;
  const wished = updated.metadata.managedFields;
  if (asksForReset(wished)) return new Map();
  const managers = decodeManagers(wished);
  return managers === undefined || managers.size === 0 ? known : managers;
}

/** What changed between two states of an object, as far as fields of it can be owned through this endpoint. */
export function ownableChanges(context: WriteContext, before: KubeObject | undefined, after: KubeObject): FieldChanges {
  const kind = { apiVersion: context.apiVersion, kind: after.kind };
  const changes = compareObjects(context.schema, withImplicitStructs(kind, before), withImplicitStructs(kind, after));
  const notWritten = fieldsNotWritten(context);
  return {
    added: ownable(changes.added, notWritten),
    modified: ownable(changes.modified, notWritten),
    removed: ownable(changes.removed, []),
  };
}

/** The main resource leaves status alone, and the status subresource leaves spec alone, so neither takes ownership there. */
export function fieldsNotWritten({ subresource, hasStatus = true }: WriteContext): readonly string[] {
  if (subresource === "status") return ["spec"];
  return subresource === undefined && hasStatus ? ["status"] : [];
}

interface Write {
  readonly writer: ManagerId;
  readonly changes: FieldChanges;
  readonly nowIso: string;
}

function recordWriter(managers: Managers, { writer, changes, nowIso }: Write): Managers {
  const key = keyOfManager(writer);
  const taken = union(changes.modified, changes.added);
  const previous = managers.get(key);
  const kept = difference(previous?.fields ?? emptySet, changes.removed);
  const fields = union(kept, taken);
  const recorded = new Map(managers);
  recorded.delete(key);
  if (isEmptySet(fields)) return recorded;
  const time = isEmptySet(taken) ? previous?.time : wholeSeconds(nowIso);
  recorded.set(key, { ...writer, fields, time });
  return recorded;
}

/** Managed fields carry times without fractions of a second. Source: apimachinery `metav1.Time`. */
export function wholeSeconds(iso: string): string {
  return iso.replace(/\.\d+(?=Z|[+-])/, "");
}
