import type { KubeObject, Schema } from "#api";
import { err, isObject, ok, type Result } from "#base";
import { attempt } from "./attempt.ts";
import { type Conflict, conflictsOf } from "./conflicts.ts";
import { difference, emptySet, type FieldSet, intersection, isEmptySet, union } from "./fields/field-set.ts";
import { fieldSetOf } from "./fields/field-set-of.ts";
import { mergeApplied } from "./fields/merge-applied.ts";
import { withNamedFields } from "./fields/name-fields.ts";
import { removeFields } from "./fields/remove-fields.ts";
import { formatGo } from "./go-format.ts";
import { KUBECTL, lastAppliedFields, renewLastApplied } from "./last-applied.ts";
import {
  decodeManagers,
  encodeManagers,
  keyOfManager,
  type Manager,
  type ManagerId,
  type Managers,
  ownable,
  withManagedFields,
} from "./managed-fields.ts";
import { checkUntrusted, malformed, type PatchProblem, PatchRefusal } from "./patch-problem.ts";
import { capManagers, settleManagers } from "./settle-managers.ts";
import { fieldsNotWritten, ownableChanges, type WriteContext, wholeSeconds } from "./track-update.ts";
import { typedErrors } from "./typed-errors.ts";

export interface ServerSideApplyOptions extends WriteContext {
  /** The object before the apply; undefined when the apply creates it. */
  readonly live: KubeObject | undefined;
  /** The configuration in the request, decoded and not yet checked. */
  readonly applied: unknown;
  /** Takes conflicting fields from their managers. */
  readonly force: boolean;
}

/** Why an apply did not happen: fields of other managers, or a configuration that is no object of this kind. */
export type ApplyRefusal =
  | { readonly kind: "conflicts"; readonly conflicts: readonly Conflict[] }
  | { readonly kind: "problem"; readonly problem: PatchProblem };

/** Manager that is recorded for what an object held before its first apply, when nobody was. */
const BEFORE_FIRST_APPLY = "before-first-apply";

/**
 * Applies a configuration: the manager then owns exactly the fields in it. Fields it owned before and left out now are removed
 * unless another manager owns them. Changing a field of another manager is a conflict, unless `force` takes it over; setting it to
 * the value it has shares it.
 *
 * The result is not yet defaulted or validated. An apply that changes nothing keeps its entry's time.
 *
 * Source: structured-merge-diff `merge.Updater.Apply` and apimachinery `managedfields.FieldManager.Apply`.
 */
export function serverSideApply(options: ServerSideApplyOptions): Result<KubeObject, ApplyRefusal> {
  const decoded = attempt(() => decodeApplied(options));
  if (!decoded.ok) return err({ kind: "problem", problem: decoded.error });
  const applied = decoded.value;
  const outcome = applyOnto({ ...options, applied, managers: managersBefore(options) });
  const conflicts = conflictsOf(refusedFields(options, outcome.lost));
  if (conflicts.length > 0) return err({ kind: "conflicts", conflicts });
  const owned = withManagedFields(outcome.object, encodeManagers(capManagers(outcome.managers)));
  return ok(options.manager === KUBECTL ? renewLastApplied(owned, applied) : owned);
}

function decodeApplied({ applied, schema, live, apiVersion }: ServerSideApplyOptions): KubeObject {
  checkUntrusted(applied);
  if (!isObject(applied) || !isObject(applied["metadata"])) {
    throw new PatchRefusal(malformed("the applied configuration must be an object with apiVersion, kind and metadata"));
  }
  const metadata = applied["metadata"];
  if (metadata["managedFields"] !== undefined && metadata["managedFields"] !== null) {
    throw new PatchRefusal(malformed("metadata.managedFields must be nil"));
  }
  const version = applied["apiVersion"];
  if (version !== apiVersion) {
    const said = `Specified patch version: ${formatGo(version)}, expected: ${apiVersion}`;
    throw new PatchRefusal(malformed(`Incorrect version specified in apply patch. ${said}`));
  }
  const errors = typedErrors(schema, applied);
  if (errors.length > 0) throw new PatchRefusal(malformed(untyped({ applied, metadata, live, errors })));
  return applied as KubeObject;
}

interface Untyped {
  readonly applied: Record<string, unknown>;
  readonly metadata: Record<string, unknown>;
  readonly live: KubeObject | undefined;
  readonly errors: readonly string[];
}

function untyped({ applied, metadata, live, errors }: Untyped): string {
  const name = `${formatGo(metadata["namespace"] ?? live?.metadata.namespace ?? "")}/${formatGo(metadata["name"])}`;
  const what = `${name}; ${formatGo(applied["apiVersion"])}, Kind=${formatGo(applied["kind"])}`;
  const list = errors.length === 1 ? errors[0] : `errors:\n${errors.map((error) => `  ${error}`).join("\n")}`;
  return `failed to create typed patch object (${what}): ${list}`;
}

/** The managers recorded on the live object. An object that nobody is recorded for gets one who owns all of it. */
function managersBefore(options: ServerSideApplyOptions): Managers {
  const { live } = options;
  const managers = decodeManagers(live?.metadata.managedFields) ?? new Map<string, Manager>();
  if (live === undefined || managers.size > 0) return managers;
  const changes = ownableChanges(options, undefined, live);
  const id: ManagerId = {
    manager: BEFORE_FIRST_APPLY,
    operation: "Update",
    apiVersion: live.apiVersion,
    subresource: "",
  };
  if (isEmptySet(changes.added)) return managers;
  return new Map([[keyOfManager(id), { ...id, fields: changes.added, time: wholeSeconds(options.nowIso) }]]);
}

interface ApplyInput extends ServerSideApplyOptions {
  readonly applied: KubeObject;
  readonly managers: Managers;
}

interface ApplyOutcome {
  readonly object: KubeObject;
  readonly managers: Managers;
  readonly lost: ReadonlyMap<Manager, FieldSet>;
}

function applyOnto(input: ApplyInput): ApplyOutcome {
  const { schema, live, applied, managers } = input;
  const id: ManagerId = {
    manager: input.manager,
    operation: "Apply",
    apiVersion: input.apiVersion,
    subresource: input.subresource ?? "",
  };
  const key = keyOfManager(id);
  const previous = managers.get(key);
  const fields = ownable(fieldSetOf(schema, applied), fieldsNotWritten(input));
  const applier: Manager = { ...id, fields, time: previous?.time ?? wholeSeconds(input.nowIso) };
  const claimed = new Map(managers).set(key, applier);
  const merged = mergeApplied(schema, live ?? {}, applied);
  const pruned = prune({ schema, merged, last: previous?.fields ?? emptySet, managers: claimed }) as KubeObject;
  const changes = ownableChanges(input, live, pruned);
  const settled = settleManagers(claimed, changes, key);
  const isChanged = [changes.added, changes.modified, changes.removed].some((set) => !isEmptySet(set));
  const after = new Map(settled.managers);
  if (isChanged) after.set(key, { ...applier, time: wholeSeconds(input.nowIso) });
  return { object: pruned, managers: after, lost: settled.lost };
}

interface Prune {
  readonly schema: Schema;
  readonly merged: unknown;
  /** What the manager applied the last time. */
  readonly last: FieldSet;
  /** All managers, the applying one with what it applies now. */
  readonly managers: Managers;
}

/**
 * Removes what the manager owned through its last configuration and no manager owns now. In three steps, since a set says which
 * paths to remove but a parent takes its children along: remove all of the last configuration, bring back what someone owns, and of
 * the rest bring back what was never in the last configuration.
 */
function prune({ schema, merged, last, managers }: Prune): unknown {
  if (isEmptySet(last)) return merged;
  const named = (fields: FieldSet): FieldSet => withNamedFields(schema, fields);
  const setOf = (value: unknown): FieldSet => named(fieldSetOf(schema, value ?? {}));
  const lastNamed = named(last);
  const before = setOf(merged);
  const owned = named([...managers.values()].map((manager) => manager.fields).reduce(union, emptySet));
  const bare = setOf(removeFields(schema, merged, lastNamed));
  const kept = setOf(removeFields(schema, merged, difference(before, union(bare, owned))));
  return removeFields(schema, merged, intersection(difference(before, kept), lastNamed)) ?? {};
}

/** The fields whose loss is a conflict: none with force, and for kubectl not those that its client-side apply had set. */
function refusedFields(
  options: ServerSideApplyOptions,
  lost: ReadonlyMap<Manager, FieldSet>,
): ReadonlyMap<Manager, FieldSet> {
  if (options.force) return new Map();
  if (options.manager !== KUBECTL) return lost;
  const allowed = lastAppliedFields(options.schema, options.live);
  return new Map(
    [...lost].flatMap(([manager, fields]): [Manager, FieldSet][] => {
      const refused = difference(fields, allowed);
      return isEmptySet(refused) ? [] : [[manager, refused]];
    }),
  );
}
