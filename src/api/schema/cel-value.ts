import { isObject, parseDuration } from "#base";
import { Duration } from "@marcbachmann/cel-js/evaluator";
import type { Schema } from "./schema.ts";

/**
 * Turns a JSON value into what a CEL rule sees: integers as 64-bit, date-times as timestamps, and only the fields that
 * the schema declares, under their escaped names.
 *
 * Source: Kubernetes "CEL in CustomResourceDefinitions", sections on types and field names.
 */
export function celValue(schema: Schema, value: unknown): unknown {
  if (typeof value === "number") return celNumber(schema, value);
  if (typeof value === "string") return celText(schema, value);
  if (Array.isArray(value)) return value.map((item) => celValue(schema.items ?? {}, item));
  if (!isObject(value)) return value ?? null;
  return celObject(schema, value);
}

function celNumber(schema: Schema, value: number): bigint | number {
  return schema.type === "number" || !Number.isInteger(value) ? value : BigInt(value);
}

function celText(schema: Schema, value: string): unknown {
  if (schema.format === "date-time") return new Date(value);
  if (schema.format !== "duration") return value;
  const parsed = parseDuration(value);
  if (!parsed.ok) return value;
  const seconds = Math.trunc(parsed.value / 1000);
  return new Duration(BigInt(seconds), Math.round((parsed.value - seconds * 1000) * 1e6));
}

function celObject(schema: Schema, value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  const { properties, additionalProperties: rest } = schema;
  for (const [key, item] of Object.entries(value)) {
    if (item === null || item === undefined) continue;
    const field = properties !== undefined && Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (field !== undefined) result[escapedName(key)] = celValue(field, item);
    else if (typeof rest === "object") result[key] = celValue(rest, item);
    else if (schema["x-kubernetes-preserve-unknown-fields"] === true || rest === true) result[key] = celValue({}, item);
    else if (key === "apiVersion" || key === "kind") result[key] = item;
  }
  return result;
}

const RESERVED = new Set(
  "true false null in as break const continue else for function if import let loop package namespace return var void while".split(
    " ",
  ),
);

/** Field names as rules write them: reserved words and characters outside of identifiers are escaped. */
function escapedName(name: string): string {
  if (RESERVED.has(name)) return `__${name}__`;
  return name
    .replaceAll("__", "__underscores__")
    .replaceAll(".", "__dot__")
    .replaceAll("-", "__dash__")
    .replaceAll("/", "__slash__");
}
