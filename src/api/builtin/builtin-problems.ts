import { isObject, type Problem } from "#base";
import { listTypeProblems } from "../schema/validate-lists.ts";
import type { Schema } from "../schema/schema.ts";
import { childPath, invalidField, requiredField, unsupportedField } from "../validation/field-problem.ts";
import { structRules } from "./struct-rules.ts";

/**
 * Checks a built-in object: required fields, supported values, bounds, and the rules of each struct, walking the fields
 * in the order of the schema, which is the order in which the real server reports them.
 *
 * Types have been checked before, by decoding. An empty text or list counts as missing where one is required.
 */
export function builtinProblems(schema: Schema, value: unknown, path = ""): Problem[] {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? [] : value.flatMap((item, i) => builtinProblems(items, item, `${path}[${i}]`));
  }
  if (isObject(value)) return [...objectProblems(schema, value, path), ...repeats(schema, value, path)];
  return leafProblems(schema, value, path);
}

function objectProblems(schema: Schema, value: Readonly<Record<string, unknown>>, path: string): Problem[] {
  const { properties = {}, additionalProperties, required = [] } = schema;
  const problems: Problem[] = [];
  for (const [key, field] of Object.entries(properties)) {
    if (path === "" && (key === "metadata" || key === "status")) continue;
    const item = value[key];
    const isMissing = isEmpty(item);
    if (isMissing && required.includes(key)) problems.push(requiredField(childPath(path, key)));
    else if (!isMissing) problems.push(...builtinProblems(field, item, childPath(path, key)));
  }
  if (typeof additionalProperties === "object") {
    for (const [key, item] of Object.entries(value)) {
      problems.push(...builtinProblems(additionalProperties, item, `${path}[${key}]`));
    }
  }
  const rule = schema["x-serin-definition"] === undefined ? undefined : structRules[schema["x-serin-definition"]];
  return rule === undefined ? problems : [...problems, ...rule(value, path)];
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0);
}

function leafProblems(schema: Schema, value: unknown, path: string): Problem[] {
  if (schema.enum !== undefined && !schema.enum.includes(value)) {
    return [unsupportedField(path, value, schema.enum.map(String).sort(byCodeUnit))];
  }
  if (typeof value !== "number") return [];
  const { minimum, maximum } = schema;
  if (minimum !== undefined && maximum !== undefined && (value < minimum || value > maximum)) {
    return [invalidField(path, String(value), `must be between ${minimum} and ${maximum}, inclusive`)];
  }
  if (minimum === undefined || value >= minimum) return [];
  const detail = minimum === 1 ? "must be greater than 0" : `must be greater than or equal to ${minimum}`;
  return [invalidField(path, String(value), detail)];
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Names that must be unique among the items of one list. Others may repeat on the real server, which only warns. */
const UNIQUE_LISTS = new Set(["containers", "initContainers", "volumes", "volumeMounts"]);

function repeats(schema: Schema, value: Readonly<Record<string, unknown>>, path: string): Problem[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, field]) => {
    const list = value[key];
    if (!UNIQUE_LISTS.has(key) || !Array.isArray(list)) return [];
    const name = field["x-kubernetes-list-map-keys"]?.[0] ?? "name";
    return listTypeProblems({ ...field, items: {} }, list, childPath(path, key)).map((found) => ({
      ...found,
      path: `${found.path}.${name}`,
      message: `Duplicate value: ${JSON.stringify(repeatedName(found.path, list, name))}`,
    }));
  });
}

function repeatedName(path: string, list: readonly unknown[], key: string): unknown {
  const item = list[Number(/\[(\d+)\]$/.exec(path)?.[1] ?? -1)];
  return isObject(item) ? item[key] : undefined;
}
