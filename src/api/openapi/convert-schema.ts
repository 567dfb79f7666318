import type { Schema } from "../schema/schema.ts";

/** The dialect of a document: version 2 has no `oneOf`, no `nullable`, and puts what describes a reference beside it. */
export type Dialect = "v2" | "v3";

type Document = Readonly<Record<string, unknown>>;

const REFERENCE_ROOT: Readonly<Record<Dialect, string>> = { v2: "#/definitions/", v3: "#/components/schemas/" };

/** What stands where a type is used, not in the type: it stays beside a reference. */
const PLACE_FIELDS = ["description", "default", "x-kubernetes-patch-strategy", "x-kubernetes-patch-merge-key"] as const;

/** Extensions that every dialect publishes. */
const EXTENSIONS = [
  "x-kubernetes-list-type",
  "x-kubernetes-list-map-keys",
  "x-kubernetes-map-type",
  "x-kubernetes-patch-strategy",
  "x-kubernetes-patch-merge-key",
  "x-kubernetes-preserve-unknown-fields",
  "x-kubernetes-embedded-resource",
  "x-kubernetes-int-or-string",
  "x-kubernetes-validations",
] as const;

const BOUNDS = [
  "format",
  "pattern",
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "multipleOf",
  "minLength",
  "maxLength",
  "minItems",
  "maxItems",
  "minProperties",
  "maxProperties",
] as const;

/** Publishes a schema where it is used: a reference when it has a name, the schema itself otherwise. */
export function convertUse(schema: Schema, dialect: Dialect): Document {
  const name = schema["x-serin-definition"];
  if (name === undefined) return convertBody(schema, dialect);
  const reference = { $ref: `${REFERENCE_ROOT[dialect]}${name}` };
  const beside = pick(schema, PLACE_FIELDS);
  // Version 3 ignores what stands beside a reference; the reference goes into a list of one then.
  if (Object.keys(beside).length === 0) return reference;
  return dialect === "v2" ? { ...withoutDefault(beside), ...reference } : { allOf: [reference], ...beside };
}

/** Publishes what a name stands for. */
export function convertBody(schema: Schema, dialect: Dialect): Document {
  const special = convertSpecial(schema, dialect);
  if (special !== undefined) return special;
  const document: Record<string, unknown> = { ...pick(schema, ["description", "type", ...BOUNDS]) };
  if (schema.required !== undefined && schema.required.length > 0) document.required = schema.required;
  if (schema.enum !== undefined) document.enum = schema.enum;
  if (schema.properties !== undefined) document.properties = convertProperties(schema.properties, dialect);
  if (schema.items !== undefined) document.items = convertUse(schema.items, dialect);
  if (typeof schema.additionalProperties === "object") {
    document.additionalProperties = convertUse(schema.additionalProperties, dialect);
  }
  Object.assign(document, pick(schema, EXTENSIONS));
  return dialect === "v3" ? { ...document, ...convertCombinations(schema) } : document;
}

function convertProperties(properties: Readonly<Record<string, Schema>>, dialect: Dialect): Document {
  const sorted = Object.entries(properties).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.map(([key, field]) => [key, convertUse(field, dialect)]));
}

/** Combinations hold no names, so they are published as they are. */
function convertCombinations(schema: Schema): Document {
  return pick(schema, ["allOf", "anyOf", "oneOf", "not", "nullable", "default"]);
}

/** Types that are a text or a number in JSON and have their own form in each dialect. Source: apimachinery `OpenAPISchemaType`. */
function convertSpecial(schema: Schema, dialect: Dialect): Document | undefined {
  switch (schema["x-serin-definition"]) {
    case "io.k8s.apimachinery.pkg.util.intstr.IntOrString":
      return dialect === "v2"
        ? { type: "string", format: "int-or-string" }
        : { oneOf: [{ type: "integer" }, { type: "string" }], format: "int-or-string" };
    case "io.k8s.apimachinery.pkg.api.resource.Quantity":
      return dialect === "v2" ? { type: "string" } : { oneOf: [{ type: "string" }, { type: "number" }] };
    case undefined:
    default:
      return undefined;
  }
}

function pick(schema: Schema, keys: readonly (keyof Schema)[]): Document {
  return Object.fromEntries(keys.filter((key) => schema[key] !== undefined).map((key) => [key, schema[key]]));
}

function withoutDefault(document: Document): Document {
  return Object.fromEntries(Object.entries(document).filter(([key]) => key !== "default"));
}
