import { pathsOf } from "./fields/field-set.ts";
import type { FieldSet } from "./fields/field-set.ts";
import { formatPath } from "./fields/field-path.ts";
import type { Manager } from "./managed-fields.ts";

/** A field that an apply would change although another manager owns it. */
export interface Conflict {
  readonly manager: string;
  readonly apiVersion: string;
  readonly subresource?: string;
  readonly operation: "Apply" | "Update";
  readonly time?: string;
  /** Path as conflicts show it: `.spec.replicas`. */
  readonly field: string;
}

/** Lists the conflicts of an apply, by manager and then by path. */
export function conflictsOf(lost: ReadonlyMap<Manager, FieldSet>): Conflict[] {
  const byName = [...lost].sort(([a], [b]) => (describeManager(a) < describeManager(b) ? -1 : 1));
  return byName.flatMap(([manager, fields]) =>
    pathsOf(fields).map((path) => ({
      manager: manager.manager,
      apiVersion: manager.apiVersion,
      operation: manager.operation,
      ...(manager.subresource === "" ? {} : { subresource: manager.subresource }),
      ...(manager.time === undefined ? {} : { time: manager.time }),
      field: formatPath(path),
    })),
  );
}

/** The text of one cause of a conflict: `conflict with "kubectl-create" using v1`. Source: apimachinery `managedfields.NewConflictError`. */
export function conflictCause(conflict: Conflict): string {
  return `conflict with ${describeManager(conflict)}`;
}

/** The message of the Status that reports the conflicts. Source: apimachinery `managedfields.getConflictMessage`. */
export function conflictMessage(conflicts: readonly Conflict[]): string {
  const [first, second] = conflicts;
  if (first !== undefined && second === undefined) {
    return `Apply failed with 1 conflict: ${conflictCause(first)}: ${first.field}`;
  }
  const byManager = new Map<string, string[]>();
  for (const conflict of conflicts) {
    const name = describeManager(conflict);
    byManager.set(name, [...(byManager.get(name) ?? []), conflict.field]);
  }
  const lines = [...byManager].flatMap(([name, fields]) => [`conflicts with ${name}:`, ...fields.map((f) => `- ${f}`)]);
  return `Apply failed with ${conflicts.length} conflicts: ${lines.join("\n")}`;
}

function describeManager(id: Pick<Conflict, "manager" | "operation" | "apiVersion" | "subresource">): string {
  const subresource =
    id.subresource === undefined || id.subresource === "" ? "" : ` with subresource "${id.subresource}"`;
  const version = id.operation === "Update" ? ` using ${id.apiVersion}` : "";
  return `${JSON.stringify(id.manager)}${subresource}${version}`;
}
