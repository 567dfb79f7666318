/** Names of JSON types as OpenAPI writes them. */
export type JsonTypeName = "null" | "boolean" | "integer" | "number" | "string" | "array" | "object";

/** Returns the type of a JSON value; a number without a fraction is an `integer`. */
export function jsonTypeOf(value: unknown): JsonTypeName {
  if (value === null || value === undefined) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "boolean";
  return "object";
}
