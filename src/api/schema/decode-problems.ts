import { isObject, parseQuantity, type Problem } from "#base";
import { childPath } from "../validation/field-problem.ts";
import { jsonTypeOf } from "./json-type.ts";
import { hasFormat } from "./formats.ts";
import type { Schema } from "./schema.ts";

/**
 * Finds the first value of a built-in object that has the wrong type, with the text with which Go's decoder refuses it:
 * `json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32`.
 *
 * The API server answers 400 with `<Kind> in version "<version>" cannot be handled as a <Kind>: <message>`. At most one
 * problem is returned, as decoding stops there. A null is never wrong: it means absent.
 *
 * Of a custom resource only the metadata is looked at.
 *
 * Source: Go `encoding/json` `UnmarshalTypeError`, and the decoders of Quantity, IntOrString and Time.
 */
export function decodeProblems(schema: Schema, value: unknown): Problem[] {
  const found =
    schema["x-serin-definition"] === undefined ? decodeMetadata(schema, value) : decode(schema, value, atRoot(schema));
  return found === undefined ? [] : [found];
}

interface Place {
  readonly path: string;
  /** The path as Go tells it: without indices and map keys. */
  readonly goPath: string;
  /** The innermost struct. */
  readonly struct: string;
}

function atRoot(schema: Schema): Place {
  return { path: "", goPath: "", struct: shortName(schema) };
}

/** Of a custom resource only the metadata is decoded into a Go struct; the rest is checked by its schema. */
function decodeMetadata(schema: Schema, value: unknown): Problem | undefined {
  const metadata = schema.properties?.metadata;
  if (metadata === undefined || !isObject(value)) return undefined;
  return decode(metadata, value.metadata, { path: "metadata", goPath: "metadata", struct: "ObjectMeta" });
}

const INTSTR = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";
const QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity";

function decode(schema: Schema, value: unknown, place: Place): Problem | undefined {
  if (value === null || value === undefined) return undefined;
  const definition = schema["x-serin-definition"];
  if (definition === QUANTITY) return decodeQuantity(value, place);
  if (definition === INTSTR) return decodeIntOrString(value, place);
  if (schema.type === undefined) return undefined;
  if (!isOfType(schema, value)) return mismatch(schema, value, place);
  if (Array.isArray(value)) return decodeItems(schema, value, place);
  if (isObject(value)) return decodeFields(schema, value, place);
  if (typeof value === "string") return decodeText(schema, value, place);
  return undefined;
}

function isOfType(schema: Schema, value: unknown): boolean {
  const actual = jsonTypeOf(value);
  if (schema.type === "integer") {
    if (actual !== "integer") return false;
    return schema.format !== "int32" || Math.abs(Number(value)) <= 2 ** 31;
  }
  return actual === schema.type || (schema.type === "number" && actual === "integer");
}

function decodeItems(schema: Schema, list: readonly unknown[], place: Place): Problem | undefined {
  const items = schema.items ?? {};
  for (const [index, item] of list.entries()) {
    const found = decode(items, item, { ...place, path: `${place.path}[${index}]` });
    if (found !== undefined) return found;
  }
  return undefined;
}

function decodeFields(schema: Schema, value: Readonly<Record<string, unknown>>, place: Place): Problem | undefined {
  const { properties, additionalProperties } = schema;
  const struct = properties === undefined ? place.struct : shortName(schema);
  for (const [key, item] of Object.entries(value)) {
    const path = childPath(place.path, key);
    const field = properties !== undefined && Object.hasOwn(properties, key) ? properties[key] : undefined;
    const found =
      field !== undefined
        ? decode(field, item, { path, goPath: childPath(place.goPath, key), struct })
        : typeof additionalProperties === "object"
          ? decode(additionalProperties, item, { ...place, path })
          : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

function decodeText(schema: Schema, value: string, place: Place): Problem | undefined {
  if (schema.format === "byte" && !hasFormat("byte", value)) {
    return refuse(place, "illegal base64 data at input byte 0");
  }
  if (schema.format !== "date-time" || hasFormat("date-time", value)) return undefined;
  const shown = JSON.stringify(value);
  return refuse(place, `parsing time ${shown} as "2006-01-02T15:04:05Z07:00": cannot parse ${shown} as "2006"`);
}

function decodeQuantity(value: unknown, place: Place): Problem | undefined {
  const isRight = (typeof value === "string" || typeof value === "number") && parseQuantity(value).ok;
  if (isRight) return undefined;
  return refuse(place, "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
}

function decodeIntOrString(value: unknown, place: Place): Problem | undefined {
  const actual = jsonTypeOf(value);
  if (actual === "string" || actual === "integer") return undefined;
  return refuse(place, `json: cannot unmarshal ${goTypeName(value)} into Go value of type int32`);
}

function mismatch(schema: Schema, value: unknown, place: Place): Problem {
  const into = place.goPath === "" ? "Go value" : `Go struct field ${place.struct}.${place.goPath}`;
  return refuse(place, `json: cannot unmarshal ${goTypeName(value)} into ${into} of type ${goType(schema)}`);
}

function refuse(place: Place, message: string): Problem {
  return { path: place.path, code: "FieldValueTypeInvalid", message };
}

function goTypeName(value: unknown): string {
  switch (jsonTypeOf(value)) {
    case "boolean":
      return "bool";
    case "number":
      return `number ${String(value)}`;
    case "integer":
      return "number";
    case "array":
      return "array";
    case "object":
      return "object";
    case "null":
      return "null";
    case "string":
      return "string";
  }
}

function goType(schema: Schema): string {
  const definition = schema["x-serin-definition"];
  if (definition !== undefined) return `v1.${shortName(schema)}`;
  switch (schema.type) {
    case "integer":
      return schema.format ?? "int64";
    case "boolean":
      return "bool";
    case "array":
      return `[]${goType(schema.items ?? {})}`;
    case "object":
      return typeof schema.additionalProperties === "object"
        ? `map[string]${goType(schema.additionalProperties)}`
        : "struct";
    case "string":
      return schema.format === "byte" ? "[]uint8" : "string";
    case "number":
      return "float64";
    case undefined:
    default:
      return "interface {}";
  }
}

function shortName(schema: Schema): string {
  return schema["x-serin-definition"]?.split(".").at(-1) ?? "";
}
