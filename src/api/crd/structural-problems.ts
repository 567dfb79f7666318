import { isObject, type Problem } from "#base";
import { ruleSyntaxError } from "../schema/cel-rules.ts";
import { shapeProblems } from "../schema/validate-schema.ts";
import { matchesPattern } from "../schema/validate-scalar.ts";
import {
  childPath,
  forbiddenField,
  invalidField,
  requiredField,
  unsupportedField,
} from "../validation/field-problem.ts";
import { readSchema } from "./read-schema.ts";

type Document = Readonly<Record<string, unknown>>;

/** Deeper schemas than any real kind has; a bound, because the walk is recursive. */
const MAX_DEPTH = 100;

/**
 * Tells where a schema is not structural: each field needs a type, and what is said inside of `allOf`, `anyOf`, `oneOf` and
 * `not` may only narrow what stands outside.
 *
 * Source: Kubernetes "Specifying a structural schema"; apiextensions `structural.ValidateStructural` and
 * `validateCustomResourceDefinitionOpenAPISchema`.
 */
export function structuralProblems(schema: Document, path: string): Problem[] {
  const type = schema.type;
  if (type === undefined || type === "") return [requiredField(`${path}.type`, "must not be empty at the root")];
  if (type !== "object") return [invalidField(`${path}.type`, JSON.stringify(type), "must be object at the root")];
  return [...walk(schema, path, 0), ...metadataProblems(schema, path)];
}

const TYPES = ["array", "boolean", "integer", "number", "object", "string"];

function walk(schema: Document, path: string, depth: number): Problem[] {
  if (depth > MAX_DEPTH) return [invalidField(path, '"schema"', `must not be nested deeper than ${MAX_DEPTH} levels`)];
  return [
    ...ownProblems(schema, path),
    ...listProblems(schema, path),
    ...combinationProblems(schema, path),
    ...childProblems(schema, path, depth),
    ...defaultProblems(schema, path),
  ];
}

function ownProblems(schema: Document, path: string): Problem[] {
  const problems: Problem[] = [];
  if (typeof schema.type === "string" && !TYPES.includes(schema.type)) {
    problems.push(unsupportedField(`${path}.type`, schema.type, TYPES));
  }
  if (schema.$ref !== undefined) problems.push(forbiddenField(`${path}.$ref`, "$ref is not supported"));
  if (schema.uniqueItems === true) {
    const detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
    problems.push(forbiddenField(`${path}.uniqueItems`, detail));
  }
  if (schema.additionalProperties === false) {
    problems.push(forbiddenField(`${path}.additionalProperties`, "additionalProperties cannot be set to false"));
  }
  if (
    schema.additionalProperties !== undefined &&
    isObject(schema.properties) &&
    Object.keys(schema.properties).length > 0
  ) {
    const detail = "additionalProperties and properties are mutual exclusive";
    problems.push(forbiddenField(`${path}.additionalProperties`, detail));
  }
  return [...problems, ...patternProblems(schema, path), ...ruleProblems(schema, path)];
}

function patternProblems(schema: Document, path: string): Problem[] {
  if (typeof schema.pattern !== "string") return [];
  try {
    matchesPattern(schema.pattern, "");
    return [];
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    const detail = `must be a valid regular expression, but isn't: ${why}`;
    return [invalidField(`${path}.pattern`, JSON.stringify(schema.pattern), detail)];
  }
}

function ruleProblems(schema: Document, path: string): Problem[] {
  const rules = schema["x-kubernetes-validations"];
  if (!Array.isArray(rules)) return [];
  return rules.flatMap((rule: unknown, i) => {
    const at = `${path}.x-kubernetes-validations[${i}].rule`;
    if (!isObject(rule) || typeof rule.rule !== "string" || rule.rule.trim() === "") {
      return [requiredField(at, "rule is not specified")];
    }
    const error = ruleSyntaxError({ rule: rule.rule });
    return error === undefined ? [] : [invalidField(at, JSON.stringify(rule.rule), error)];
  });
}

function listProblems(schema: Document, path: string): Problem[] {
  const problems: Problem[] = [];
  const listType = schema["x-kubernetes-list-type"];
  const keys = schema["x-kubernetes-list-map-keys"];
  if (listType !== undefined && schema.type !== "array") {
    const shown = JSON.stringify(schema.type ?? "");
    problems.push(invalidField(`${path}.type`, shown, "must be array if x-kubernetes-list-type is specified"));
  }
  if (listType === "map" && (!Array.isArray(keys) || keys.length === 0)) {
    const detail = "must not be empty if x-kubernetes-list-type is map";
    problems.push(requiredField(`${path}.x-kubernetes-list-map-keys`, detail));
  }
  if (listType !== undefined && listType !== "atomic" && listType !== "set" && listType !== "map") {
    problems.push(unsupportedField(`${path}.x-kubernetes-list-type`, listType, ["atomic", "map", "set"]));
  }
  if (schema.type === "array" && !isObject(schema.items))
    problems.push(requiredField(`${path}.items`, "must be specified"));
  return problems;
}

/** Each field, list item and map value needs a type, unless it is marked as one of the two exceptions. */
function childProblems(schema: Document, path: string, depth: number): Problem[] {
  const child = (value: Document, at: string, kind: string) => [
    ...typeProblems(value, at, kind),
    ...walk(value, at, depth + 1),
  ];
  const problems: Problem[] = [];
  if (isObject(schema.properties)) {
    for (const [key, value] of Object.entries(schema.properties)) {
      if (isObject(value)) problems.push(...child(value, `${path}.properties[${key}]`, "object fields"));
    }
  }
  if (isObject(schema.items)) problems.push(...child(schema.items, `${path}.items`, "array items"));
  if (isObject(schema.additionalProperties)) {
    problems.push(...child(schema.additionalProperties, `${path}.additionalProperties`, "object fields"));
  }
  return problems;
}

function typeProblems(schema: Document, path: string, kind: string): Problem[] {
  const isException =
    schema["x-kubernetes-int-or-string"] === true || schema["x-kubernetes-preserve-unknown-fields"] === true;
  if (isException || (schema.type !== undefined && schema.type !== "")) return [];
  return [requiredField(`${path}.type`, `must not be empty for specified ${kind}`)];
}

const STRUCTURE_FIELDS = ["type", "default", "nullable", "additionalProperties", "title", "description"];

function combinationProblems(schema: Document, path: string): Problem[] {
  const problems: Problem[] = [];
  for (const name of ["allOf", "anyOf", "oneOf"]) {
    const branches = schema[name];
    if (!Array.isArray(branches)) continue;
    branches.forEach((branch: unknown, i) => {
      if (isObject(branch)) problems.push(...valueOnlyProblems(branch, `${path}.${name}[${i}]`, schema));
    });
  }
  if (isObject(schema.not)) problems.push(...valueOnlyProblems(schema.not, `${path}.not`, schema));
  return problems;
}

function valueOnlyProblems(branch: Document, path: string, outer: Document): Problem[] {
  const isIntOrString = outer["x-kubernetes-int-or-string"] === true;
  const forbidden = STRUCTURE_FIELDS.filter(
    (field) => branch[field] !== undefined && !(field === "type" && isIntOrString),
  ).map((field) => forbiddenField(childPath(path, field), "must be empty to be structural"));
  const inner = isObject(branch.properties) ? Object.entries(branch.properties) : [];
  return [
    ...forbidden,
    ...inner.flatMap(([key, value]) =>
      isObject(value) ? valueOnlyProblems(value, `${path}.properties[${key}]`, {}) : [],
    ),
  ];
}

function defaultProblems(schema: Document, path: string): Problem[] {
  if (schema.default === undefined || schema.default === null) return [];
  return shapeProblems(readSchema(schema), schema.default, "").map((found) => ({
    ...found,
    path: found.path === "" ? `${path}.default` : `${path}.default.${found.path}`,
  }));
}

/** The root may narrow the names of its objects and nothing else of their metadata. */
function metadataProblems(schema: Document, path: string): Problem[] {
  const metadata = isObject(schema.properties) ? schema.properties.metadata : undefined;
  if (!isObject(metadata)) return [];
  const at = `${path}.properties[metadata]`;
  const named = isObject(metadata.properties) ? Object.keys(metadata.properties) : [];
  const others = named.filter((name) => name !== "name" && name !== "generateName");
  if (metadata.type !== "object")
    return [invalidField(`${at}.type`, JSON.stringify(metadata.type ?? ""), "must be object")];
  if (others.length === 0) return [];
  const detail = "must not specify anything other than name and generateName, but metadata is implicitly specified";
  return [forbiddenField(at, detail)];
}
