import type { Schema } from "#api";
import { isObject } from "#base";
import { childSchema } from "./child-schema.ts";
import { formatGo } from "./go-format.ts";
import { PatchRefusal } from "./patch-problem.ts";

/**
 * Refuses a merged object whose values are not of the schema's types, in the words of the converter that a real server uses
 * after a strategic merge.
 *
 * Source: apimachinery `runtime.DefaultUnstructuredConverter`.
 */
export function checkDecodable(input: { schema: Schema; merged: unknown; patch: unknown }): void {
  const fault = typeFault(input.schema, input.merged);
  if (fault === undefined) return;
  throw new PatchRefusal({
    path: "patch",
    code: "FieldValueInvalid",
    message: `Invalid value: ${JSON.stringify(formatGo(input.patch))}: ${fault}`,
  });
}

function typeFault(schema: Schema | undefined, value: unknown): string | undefined {
  if (schema === undefined || value === null || schema["x-kubernetes-int-or-string"] === true) return undefined;
  switch (schema.type) {
    case "string":
      return typeof value === "string" ? undefined : scalarFault(value, "string");
    case "boolean":
      return typeof value === "boolean" ? undefined : scalarFault(value, "bool");
    case "integer":
      return Number.isInteger(value) ? undefined : scalarFault(value, schema.format === "int64" ? "int64" : "int32");
    case "number":
      return typeof value === "number" ? undefined : scalarFault(value, "float64");
    case "array":
      if (!Array.isArray(value)) return `cannot restore slice from ${goKind(value)}`;
      return firstFault(value.map((item) => typeFault(schema.items, item)));
    case "object":
      return objectFault(schema, value);
    case undefined:
    default:
      return undefined;
  }
}

function objectFault(schema: Schema, value: unknown): string | undefined {
  if (!isObject(value)) {
    return schema.properties === undefined
      ? `cannot restore map from ${goKind(value)}`
      : `cannot restore struct from: ${goKind(value)}`;
  }
  return firstFault(Object.keys(value).map((key) => typeFault(childSchema(schema, key), value[key])));
}

function firstFault(faults: readonly (string | undefined)[]): string | undefined {
  return faults.find((fault) => fault !== undefined);
}

/** Go converts between numbers and from an integer to a string, and the converter refuses that; other pairs it does not know at all. */
function scalarFault(value: unknown, wanted: string): string {
  const kind = goKind(value);
  const isNumber = kind === "int64" || kind === "float64";
  const wantsNumber = wanted !== "string" && wanted !== "bool";
  if ((kind === "int64" && wanted === "string") || (isNumber && wantsNumber))
    return `cannot convert ${kind} to ${wanted}`;
  return `unrecognized type: ${wanted}`;
}

function goKind(value: unknown): string {
  if (Array.isArray(value)) return "slice";
  if (isObject(value)) return "map";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return Number.isInteger(value) ? "int64" : "float64";
  return "string";
}
