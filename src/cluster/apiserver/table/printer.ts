import type { KubeObject } from "#api";
import { formatAge, isObject } from "#base";

/** A value in a row of a Table. */
export type Cell = string | number | boolean | null;

/** A column of a Table. Source: apimachinery `metav1.TableColumnDefinition`. */
export interface Column {
  readonly name: string;
  readonly type: "string" | "integer" | "number" | "boolean" | "date";
  readonly format: string;
  readonly description: string;
  /** 0 for columns that are always shown, 1 for those of `-o wide`. */
  readonly priority: number;
}

/** How a kind is shown as rows. */
export interface Printer {
  readonly columns: readonly Column[];
  readonly cells: (object: KubeObject, nowMs: number) => readonly Cell[];
}

/** A column of text. */
export function text(name: string, description: string): Column {
  return { name, type: "string", format: "", description, priority: 0 };
}

/** A column of whole numbers. */
export function integer(name: string, description: string): Column {
  return { ...text(name, description), type: "integer" };
}

/** A column that only `-o wide` shows. */
export function wide(column: Column): Column {
  return { ...column, priority: 1 };
}

/** The first column of every kind; its format tells kubectl that the cell is the object's name. */
export const nameColumn: Column = { ...text("Name", "Name of the object."), format: "name" };

export const ageColumn: Column = text("Age", "Time since the object was created.");

/** What a real server shows for a value that is not there. */
export const NONE = "<none>";
export const UNSET = "<unset>";
export const UNKNOWN = "<unknown>";

/** The time since a timestamp, as kubectl shows ages; `<unknown>` when there is none. */
export function sinceTime(time: unknown, nowMs: number): string {
  const thenMs = typeof time === "string" ? Date.parse(time) : Number.NaN;
  return Number.isNaN(thenMs) ? UNKNOWN : formatAge(nowMs - thenMs);
}

/** The age of an object. */
export function ageOf(object: KubeObject, nowMs: number): string {
  return sinceTime(object.metadata.creationTimestamp, nowMs);
}

/** The name of an object; a list never fails for one that has none. */
export function nameOf(object: KubeObject): string {
  return object.metadata.name ?? "";
}

/** Reads a value below an object: `at(pod, "status", "phase")`. Stored objects may lack any field. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (parent, key) => (isObject(parent) && Object.hasOwn(parent, key) ? parent[key] : undefined),
    value,
  );
}

export function textAt(value: unknown, ...path: readonly string[]): string {
  const found = at(value, ...path);
  return typeof found === "string" ? found : typeof found === "number" ? String(found) : "";
}

export function numberAt(value: unknown, ...path: readonly string[]): number {
  const found = at(value, ...path);
  return typeof found === "number" ? found : 0;
}

export function listAt(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

export function mapAt(value: unknown, ...path: readonly string[]): Readonly<Record<string, unknown>> {
  const found = at(value, ...path);
  return isObject(found) ? found : {};
}

/** Whether a list of conditions has one of the type with the status. */
export function hasCondition(conditions: readonly unknown[], type: string, status = "True"): boolean {
  return conditions.some((condition) => textAt(condition, "type") === type && textAt(condition, "status") === status);
}

/** Writes labels as a selector: `app=web,tier=fe`; `<none>` when there are none. Source: apimachinery `labels.FormatLabels`. */
export function formatLabels(labels: Readonly<Record<string, unknown>>): string {
  const pairs = Object.keys(labels)
    .sort()
    .map((key) => `${key}=${String(labels[key])}`);
  return pairs.length === 0 ? NONE : pairs.join(",");
}

/** Joins what fits and counts the rest: `a,b,c + 2 more...`. */
export function joinUpTo(items: readonly string[], max: number, separator = ","): string {
  const shown = items.slice(0, max).join(separator);
  return items.length > max ? `${shown} + ${items.length - max} more...` : shown;
}
