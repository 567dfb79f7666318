import type { Schema } from "#api";
import { isObject } from "#base";
import { formatPath } from "./fields/field-path.ts";
import { elementOf, fieldOf, shapeOf } from "./fields/shape.ts";
import { formatGo } from "./go-format.ts";

/** More findings than this help nobody. */
const ERRORS_MAX = 50;

/**
 * Finds what keeps a value from being read as its schema's type: fields that are not declared, values of another type, list entries
 * without their keys or with the same keys twice.
 *
 * Source: structured-merge-diff `typed.AsTyped` and its messages.
 */
export function typedErrors(schema: Schema | undefined, value: unknown): readonly string[] {
  const errors: string[] = [];
  visit(schema, value, { path: [], report: (path, message) => errors.push(`${formatPath(path)}: ${message}`), errors });
  return errors;
}

interface Visit {
  readonly path: readonly string[];
  readonly report: (path: readonly string[], message: string) => void;
  readonly errors: readonly string[];
}

function visit(schema: Schema | undefined, value: unknown, at: Visit): void {
  if (schema === undefined || value === null || at.errors.length >= ERRORS_MAX) return;
  const wanted = wantedType(schema);
  if (wanted !== undefined && !wanted.accepts(value)) {
    at.report(at.path, `expected ${wanted.name}, got &value.valueUnstructured{Value:${goLiteral(value)}}`);
    return;
  }
  if (isObject(value)) visitFields(schema, value, at);
  if (Array.isArray(value)) visitEntries(schema, value, at);
}

function wantedType(schema: Schema): { name: string; accepts: (value: unknown) => boolean } | undefined {
  if (schema["x-kubernetes-int-or-string"] === true) return undefined;
  switch (schema.type) {
    case "string":
      return { name: "string", accepts: (value) => typeof value === "string" };
    case "boolean":
      return { name: "boolean", accepts: (value) => typeof value === "boolean" };
    case "integer":
    case "number":
      return { name: "numeric (int or float)", accepts: (value) => typeof value === "number" };
    case "array":
      return { name: "list", accepts: Array.isArray };
    case "object":
      return { name: "map", accepts: isObject };
    case undefined:
    default:
      return undefined;
  }
}

function visitFields(schema: Schema, value: Record<string, unknown>, at: Visit): void {
  const isOpen =
    schema.properties === undefined ||
    schema.additionalProperties !== undefined ||
    schema["x-kubernetes-preserve-unknown-fields"] === true;
  for (const name of Object.keys(value)) {
    const path = [...at.path, `f:${name}`];
    const field = fieldOf(schema, name);
    if (field.schema === undefined && !isOpen) at.report(path, "field not declared in schema");
    else visit(field.schema, value[name], { ...at, path });
  }
}

function visitEntries(schema: Schema, value: readonly unknown[], at: Visit): void {
  const shape = shapeOf(schema, value);
  const seen = new Set<string>();
  value.forEach((entry, index) => {
    const element = shape.kind === "list" ? elementOf(shape, entry) : `i:${index}`;
    if (element === undefined) at.report(at.path, `element ${index}: ${missingKey(schema, entry)}`);
    else if (seen.has(element)) at.report(at.path, `duplicate entries for key ${formatPath([element])}`);
    else visit(schema.items, entry, { ...at, path: [...at.path, element] });
    if (element !== undefined) seen.add(element);
  });
}

function missingKey(schema: Schema, entry: unknown): string {
  const keys = schema["x-kubernetes-list-map-keys"] ?? [schema["x-kubernetes-patch-merge-key"] ?? ""];
  const missing = isObject(entry) ? keys.find((key) => entry[key] === undefined) : undefined;
  if (missing === undefined) return "associative list without keys has an element that's a map type";
  return `associative list with keys has an element that omits key field ${JSON.stringify(missing)} (and doesn't have default value)`;
}

function goLiteral(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value)) return `[]interface {}{${value.map(goLiteral).join(", ")}}`;
  if (isObject(value)) {
    const pairs = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}:${goLiteral(item)}`);
    return `map[string]interface {}{${pairs.join(", ")}}`;
  }
  return formatGo(value);
}
