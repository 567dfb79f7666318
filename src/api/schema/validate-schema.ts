import { canonicalJson, isObject, type Problem } from "#base";
import { childPath, invalidField, requiredField, tooManyField, wrongType } from "../validation/field-problem.ts";
import { hasRules, ruleProblems } from "./cel-rules.ts";
import { jsonTypeOf } from "./json-type.ts";
import type { Schema } from "./schema.ts";
import { listTypeProblems } from "./validate-lists.ts";
import { scalarProblems } from "./validate-scalar.ts";

export interface ValidateOptions {
  /** The object before the change; absent when it is being created. Transition rules hold only against it. */
  readonly old?: unknown;
}

/**
 * Checks a custom resource against its schema: types and bounds, then repeats in sets and keyed lists, then CEL rules.
 *
 * The rules run only on an object that has the right shape; otherwise a last problem says that they were left out, as
 * the real server says. A built-in kind (its schema names a definition) has no problems here: its `KindDefinition.validate`
 * holds all its rules, in the real server's order and words.
 *
 * Source: apiextensions `customResourceStrategy.Validate`.
 */
export function validateSchema(schema: Schema, value: unknown, options: ValidateOptions = {}): Problem[] {
  if (schema["x-serin-definition"] !== undefined) return [];
  const problems = [...shapeProblems(schema, value, ""), ...listTypeProblems(schema, value, "")];
  if (!hasRules(schema)) return problems;
  return problems.some(blocksRules)
    ? [...problems, rulesLeftOut]
    : [...problems, ...ruleProblems(schema, value, options.old)];
}

const rulesLeftOut = invalidField(
  "<nil>",
  '"null"',
  "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
);

const BLOCKING = new Set([
  "FieldValueRequired",
  "FieldValueTooLong",
  "FieldValueTooMany",
  "FieldValueTypeInvalid",
  "FieldValueNotSupported",
]);

function blocksRules(problem: Problem): boolean {
  return BLOCKING.has(problem.code);
}

/**
 * Checks types, bounds and combinations; not the uniqueness in lists and not the CEL rules. A part with a built-in
 * definition, such as `metadata`, is left to decoding and to its own rules.
 */
export function shapeProblems(schema: Schema, value: unknown, path: string): Problem[] {
  if (schema["x-serin-definition"] !== undefined) return [];
  const mismatch = typeProblem(schema, value, path);
  if (mismatch !== undefined) return [mismatch];
  if (value === null || value === undefined) return [];
  const problems = scalarProblems(schema, value, path);
  if (Array.isArray(value)) problems.push(...listProblems(schema, value, path));
  else if (isObject(value)) problems.push(...objectProblems(schema, value, path));
  problems.push(...combinationProblems(schema, value, path));
  return problems;
}

function typeProblem(schema: Schema, value: unknown, path: string): Problem | undefined {
  const actual = jsonTypeOf(value);
  if (actual === "null" && (schema.nullable === true || schema.type === undefined)) return undefined;
  const allowed = schema["x-kubernetes-int-or-string"] === true ? ["integer", "string"] : typesOf(schema);
  if (allowed.length === 0 || allowed.includes(actual)) return undefined;
  if (actual === "integer" && allowed.includes("number")) return undefined;
  const shown = JSON.stringify(actual);
  return wrongType(path, shown, `${path} in body must be of type ${allowed.join(",")}: ${shown}`);
}

function typesOf(schema: Schema): readonly string[] {
  return schema.type === undefined ? [] : [schema.type];
}

function listProblems(schema: Schema, list: readonly unknown[], path: string): Problem[] {
  const problems: Problem[] = [];
  const { items, minItems, maxItems } = schema;
  if (maxItems !== undefined && list.length > maxItems) problems.push(tooManyField(path, list.length, maxItems));
  if (minItems !== undefined && list.length < minItems) {
    problems.push(invalidField(path, String(list.length), `${path} in body should have at least ${minItems} items`));
  }
  if (schema.uniqueItems === true && new Set(list.map((item) => canonicalJson(item))).size < list.length) {
    problems.push(invalidField(path, '""', `${path} in body shouldn't contain duplicates`));
  }
  if (items !== undefined) list.forEach((item, i) => problems.push(...shapeProblems(items, item, `${path}[${i}]`)));
  return problems;
}

function objectProblems(schema: Schema, value: Readonly<Record<string, unknown>>, path: string): Problem[] {
  const problems: Problem[] = [];
  const keys = Object.keys(value);
  const { minProperties, maxProperties, properties = {} } = schema;
  if (maxProperties !== undefined && keys.length > maxProperties) {
    problems.push(tooManyField(path, keys.length, maxProperties));
  }
  if (minProperties !== undefined && keys.length < minProperties) {
    const detail = `${path} in body should have at least ${minProperties} properties`;
    problems.push(invalidField(path, String(keys.length), detail));
  }
  const rest = typeof schema.additionalProperties === "object" ? schema.additionalProperties : undefined;
  for (const key of keys) {
    const field = Object.hasOwn(properties, key) ? properties[key] : rest;
    if (field !== undefined) problems.push(...shapeProblems(field, value[key], childPath(path, key)));
  }
  for (const key of schema.required ?? []) {
    if (!Object.hasOwn(value, key)) problems.push(requiredField(childPath(path, key)));
  }
  return problems;
}

function combinationProblems(schema: Schema, value: unknown, path: string): Problem[] {
  const problems: Problem[] = [];
  const { allOf = [], anyOf = [], oneOf = [], not } = schema;
  const combined = (rule: string) => invalidField("<nil>", '""', `"${path}" must ${rule}`);
  const inAll = allOf.flatMap((branch) => shapeProblems(branch, value, path));
  if (inAll.length > 0) problems.push(combined("validate all the schemas (allOf)"), ...inAll);
  if (anyOf.length > 0) {
    const outcomes = anyOf.map((branch) => shapeProblems(branch, value, path));
    if (!outcomes.some(isEmpty)) problems.push(combined("validate at least one schema (anyOf)"), ...fewest(outcomes));
  }
  if (oneOf.length > 0) {
    const outcomes = oneOf.map((branch) => shapeProblems(branch, value, path));
    const validCount = outcomes.filter(isEmpty).length;
    const rule = "validate one and only one schema (oneOf).";
    if (validCount === 0) problems.push(combined(`${rule} Found none valid`), ...fewest(outcomes));
    if (validCount > 1) problems.push(combined(`${rule} Found ${validCount} valid alternatives`));
  }
  if (not !== undefined && isEmpty(shapeProblems(not, value, path))) {
    problems.push(combined("not validate the schema (not)"));
  }
  return problems;
}

function isEmpty(problems: readonly Problem[]): boolean {
  return problems.length === 0;
}

/** The branch that comes nearest to the value tells best what to change. */
function fewest(outcomes: readonly (readonly Problem[])[]): readonly Problem[] {
  return outcomes.reduce((best, outcome) => (outcome.length < best.length ? outcome : best));
}
