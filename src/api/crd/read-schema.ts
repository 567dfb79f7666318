import { isObject } from "#base";
import type { Schema } from "../schema/schema.ts";

type Reader = (value: unknown) => unknown;

const asNumber: Reader = (value) => (typeof value === "number" ? value : undefined);
const asText: Reader = (value) => (typeof value === "string" ? value : undefined);
const asFlag: Reader = (value) => (typeof value === "boolean" ? value : undefined);
const asList: Reader = (value) => (Array.isArray(value) ? value : undefined);
const asSchema: Reader = (value) => (isObject(value) ? readSchema(value) : undefined);
const asSchemas: Reader = (value) => (Array.isArray(value) ? value.filter(isObject).map(readSchema) : undefined);

/** How each field of `JSONSchemaProps` is read; anything else in the document is left out. */
const READERS: Readonly<Record<string, Reader>> = {
  type: asText,
  description: asText,
  properties: readProperties,
  additionalProperties: (value) => (typeof value === "boolean" ? value : asSchema(value)),
  items: asSchema,
  required: asList,
  default: (value) => value,
  nullable: asFlag,
  enum: asList,
  format: asText,
  pattern: asText,
  minimum: asNumber,
  maximum: asNumber,
  exclusiveMinimum: asFlag,
  exclusiveMaximum: asFlag,
  multipleOf: asNumber,
  minLength: asNumber,
  maxLength: asNumber,
  minItems: asNumber,
  maxItems: asNumber,
  uniqueItems: asFlag,
  minProperties: asNumber,
  maxProperties: asNumber,
  allOf: asSchemas,
  anyOf: asSchemas,
  oneOf: asSchemas,
  not: asSchema,
  "x-kubernetes-preserve-unknown-fields": asFlag,
  "x-kubernetes-embedded-resource": asFlag,
  "x-kubernetes-int-or-string": asFlag,
  "x-kubernetes-list-type": asText,
  "x-kubernetes-list-map-keys": asList,
  "x-kubernetes-map-type": asText,
  "x-kubernetes-validations": (value) => (Array.isArray(value) ? value.filter(isRule) : undefined),
};

/**
 * Reads an `openAPIV3Schema` of a CustomResourceDefinition. Fields of the wrong type are left out: {@link validateCrd}
 * has named them before a schema is put to use.
 */
export function readSchema(document: Readonly<Record<string, unknown>>): Schema {
  const schema: Record<string, unknown> = {};
  for (const [key, read] of Object.entries(READERS)) {
    if (!Object.hasOwn(document, key)) continue;
    const value = read(document[key]);
    if (value !== undefined && value !== null) schema[key] = value;
  }
  return schema as Schema;
}

function readProperties(value: unknown): Readonly<Record<string, Schema>> | undefined {
  if (!isObject(value)) return undefined;
  const entries = Object.entries(value).filter(([key, item]) => key !== "__proto__" && isObject(item));
  return Object.fromEntries(entries.map(([key, item]) => [key, isObject(item) ? readSchema(item) : {}]));
}

function isRule(value: unknown): boolean {
  return isObject(value) && typeof value.rule === "string";
}
