import { canonicalJson, isObject, type Problem } from "#base";
import { childPath, duplicateField } from "../validation/field-problem.ts";
import type { Schema } from "./schema.ts";

/**
 * Finds repeated items of sets and of lists with map keys, anywhere in the value.
 *
 * Source: apiextensions `structural/listtype` `ValidateListSetsAndMaps`.
 */
export function listTypeProblems(schema: Schema, value: unknown, path: string): Problem[] {
  if (schema["x-serin-definition"] !== undefined) return [];
  if (Array.isArray(value)) {
    const { items } = schema;
    const inner = items === undefined ? [] : value.flatMap((item, i) => listTypeProblems(items, item, `${path}[${i}]`));
    return [...duplicates(schema, value, path), ...inner];
  }
  if (!isObject(value)) return [];
  const rest = typeof schema.additionalProperties === "object" ? schema.additionalProperties : undefined;
  return Object.entries(value).flatMap(([key, item]) => {
    const field =
      schema.properties !== undefined && Object.hasOwn(schema.properties, key) ? schema.properties[key] : rest;
    return field === undefined ? [] : listTypeProblems(field, item, childPath(path, key));
  });
}

function duplicates(schema: Schema, list: readonly unknown[], path: string): Problem[] {
  const type = schema["x-kubernetes-list-type"];
  if (type !== "set" && type !== "map") return [];
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  const seen = new Set<string>();
  return list.flatMap((item, index) => {
    const identity = type === "set" ? item : keyFields(schema, keys, item);
    const text = canonicalJson(identity ?? null);
    if (seen.has(text)) return [duplicateField(`${path}[${index}]`, identity)];
    seen.add(text);
    return [];
  });
}

function keyFields(schema: Schema, keys: readonly string[], item: unknown): unknown {
  if (!isObject(item)) return item;
  const fields = keys.map((key) => [key, item[key] ?? schema.items?.properties?.[key]?.default] as const);
  return Object.fromEntries(fields.filter(([, value]) => value !== undefined));
}
