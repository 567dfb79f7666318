import type { Schema } from "./schema.ts";

/** Requires exactly one of the fields. */
export function exactlyOne(names: readonly string[], schema: Schema): Schema {
  return { ...schema, oneOf: names.map(has) };
}

/** Allows at most one of the fields: the form that code generators give to a protobuf `oneof`. */
export function atMostOne(names: readonly string[], schema: Schema): Schema {
  return { ...schema, oneOf: atMostOneBranches(names) };
}

/** The branches of {@link atMostOne}, for a schema that holds two such choices. */
export function atMostOneBranches(names: readonly string[]): readonly Schema[] {
  return [{ not: { anyOf: names.map(has) } }, ...names.map(has)];
}

function has(name: string): Schema {
  return { required: [name] };
}

/** Adds a CEL rule with the message that it gives when it does not hold. */
export function ruled(rule: string, message: string, schema: Schema): Schema {
  return { ...schema, "x-kubernetes-validations": [...(schema["x-kubernetes-validations"] ?? []), { rule, message }] };
}
