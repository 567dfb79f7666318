import type { Schema } from "#api";

/** The schema of a field of an object: a declared property, else what the schema says of all other keys; undefined when it says nothing. */
export function childSchema(schema: Schema | undefined, key: string): Schema | undefined {
  const properties = schema?.properties;
  if (properties !== undefined && Object.hasOwn(properties, key)) return properties[key];
  const others = schema?.additionalProperties;
  return typeof others === "object" ? others : undefined;
}
