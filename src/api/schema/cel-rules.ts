import { deepEqual, isObject, messageOf, type Problem } from "#base";
import { Environment, type ParseResult } from "@marcbachmann/cel-js";
import { childPath, duplicateField, forbiddenField, invalidField, requiredField } from "../validation/field-problem.ts";
import { celValue } from "./cel-value.ts";
import type { Schema } from "./schema.ts";
import { matchesPattern } from "./validate-scalar.ts";

type Rule = NonNullable<Schema["x-kubernetes-validations"]>[number];

/** Tells whether the schema carries a CEL rule anywhere. */
export function hasRules(schema: Schema): boolean {
  let has = knownToHaveRules.get(schema);
  if (has === undefined) {
    has = (schema["x-kubernetes-validations"] ?? []).length > 0 || childSchemas(schema).some(hasRules);
    knownToHaveRules.set(schema, has);
  }
  return has;
}

/** What {@link hasRules} found, for as long as the schema lives: a walk over a large schema for each write is too dear. */
const knownToHaveRules = new WeakMap<Schema, boolean>();

function childSchemas(schema: Schema): readonly Schema[] {
  const rest = typeof schema.additionalProperties === "object" ? [schema.additionalProperties] : [];
  const items = schema.items === undefined ? [] : [schema.items];
  return [...Object.values(schema.properties ?? {}), ...rest, ...items];
}

/**
 * Evaluates the `x-kubernetes-validations` of the schema, at every level, against the value and what it was before.
 *
 * A rule that names `oldSelf` is a transition rule: it runs only when there is an old value, unless it is marked
 * `optionalOldSelf`. A rule that cannot be evaluated is a problem too, never silently passed.
 *
 * Source: apiextensions `schema/cel` `Validator.Validate`.
 */
export function ruleProblems(schema: Schema, value: unknown, old: unknown): Problem[] {
  return walk(schema, { value, old, path: "" });
}

interface Place {
  readonly value: unknown;
  readonly old: unknown;
  readonly path: string;
}

function walk(schema: Schema, place: Place): Problem[] {
  if (!hasRules(schema) || place.value === undefined || place.value === null) return [];
  const here = (schema["x-kubernetes-validations"] ?? []).flatMap((rule) => outcome(schema, rule, place));
  return [...here, ...inside(schema, place)];
}

function inside(schema: Schema, place: Place): Problem[] {
  const { value, old, path } = place;
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined) return [];
    return value.flatMap((item, i) =>
      walk(items, { value: item, old: oldItem(schema, old, item), path: `${path}[${i}]` }),
    );
  }
  if (!isObject(value)) return [];
  const before = isObject(old) ? old : {};
  const rest = typeof schema.additionalProperties === "object" ? schema.additionalProperties : undefined;
  return Object.entries(value).flatMap(([key, item]) => {
    const field =
      schema.properties !== undefined && Object.hasOwn(schema.properties, key) ? schema.properties[key] : rest;
    return field === undefined ? [] : walk(field, { value: item, old: before[key], path: childPath(path, key) });
  });
}

/** Items correlate between versions only in lists with map keys. */
function oldItem(schema: Schema, old: unknown, item: unknown): unknown {
  const keys = schema["x-kubernetes-list-map-keys"];
  if (schema["x-kubernetes-list-type"] !== "map" || keys === undefined || !Array.isArray(old) || !isObject(item)) {
    return undefined;
  }
  return old.find((candidate) => isObject(candidate) && keys.every((key) => deepEqual(candidate[key], item[key])));
}

function outcome(schema: Schema, rule: Rule, place: Place): readonly Problem[] {
  const compiled = compile(rule);
  if (!compiled.ok) return [invalidField(place.path, shownType(schema), compiled.message)];
  const isTransition = rule.optionalOldSelf !== true && compiled.usesOldSelf;
  if (isTransition && place.old === undefined) return [];
  const context = {
    self: celValue(schema, place.value),
    oldSelf: rule.optionalOldSelf === true ? optional(schema, place.old) : celValue(schema, place.old),
  };
  try {
    if (compiled.program(context) === true) return [];
  } catch (thrown) {
    const why = `rule evaluation error: ${firstLine(messageOf(thrown))} evaluating rule: ${rule.message ?? rule.rule}`;
    return [invalidField(place.path, shownType(schema), why)];
  }
  return [broken(schema, rule, { path: place.path, message: messageFor(rule, compiled.messageProgram, context) })];
}

/** `oldSelf` of an `optionalOldSelf` rule: a CEL optional, which the evaluator builds itself. */
function optional(schema: Schema, old: unknown): unknown {
  return old === undefined
    ? environment().evaluate("optional.none()")
    : environment().evaluate("optional.of(value)", { value: celValue(schema, old) });
}

function messageFor(rule: Rule, program: ParseResult | undefined, context: Record<string, unknown>): string {
  const fallback = rule.message ?? `failed rule: ${rule.rule.trim()}`;
  if (program === undefined) return fallback;
  try {
    const message: unknown = program(context);
    return typeof message === "string" && message.trim() !== "" && !message.includes("\n") ? message : fallback;
  } catch {
    // The rule's own outcome stands; only its text falls back, as the real server does.
    return fallback;
  }
}

function broken(schema: Schema, rule: Rule, found: { readonly path: string; readonly message: string }): Problem {
  const path = rule.fieldPath === undefined ? found.path : `${found.path}${rule.fieldPath}`.replace(/^\./, "");
  switch (rule.reason) {
    case "FieldValueRequired":
      return requiredField(path, found.message);
    case "FieldValueForbidden":
      return forbiddenField(path, found.message);
    case "FieldValueDuplicate":
      return duplicateField(path, schema.type ?? "");
    case undefined:
    default:
      return invalidField(path, shownType(schema), found.message);
  }
}

function shownType(schema: Schema): string {
  return JSON.stringify(schema.type ?? "");
}

type Compiled =
  | {
      readonly ok: true;
      readonly program: ParseResult;
      readonly messageProgram: ParseResult | undefined;
      readonly usesOldSelf: boolean;
    }
  | { readonly ok: false; readonly message: string };

/** Compiled rules live as long as the rule they belong to, so that a write does not parse again. */
const compiledRules = new WeakMap<Rule, Compiled>();

function compile(rule: Rule): Compiled {
  let compiled = compiledRules.get(rule);
  if (compiled === undefined) {
    compiled = compileNow(rule);
    compiledRules.set(rule, compiled);
  }
  return compiled;
}

function compileNow(rule: Rule): Compiled {
  try {
    const program = environment().parse(forEvaluator(rule.rule));
    const messageText = rule.messageExpression;
    const messageProgram = messageText === undefined ? undefined : environment().parse(forEvaluator(messageText));
    return { ok: true, program, messageProgram, usesOldSelf: /\boldSelf\b/.test(withoutTexts(rule.rule)) };
  } catch (thrown) {
    return { ok: false, message: `compilation failed: ${firstLine(messageOf(thrown))}` };
  }
}

/** Tells what is wrong with the text of a rule, or undefined when it can be compiled. */
export function ruleSyntaxError(rule: Rule): string | undefined {
  const compiled = compile(rule);
  return compiled.ok ? undefined : compiled.message;
}

const TEXT = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/.source;
const TEXT_OR_CALL = new RegExp(`${TEXT}|\\.matches\\s*\\(|\\bhas\\(([\\w.]+\\[\\d+\\](?:\\.\\w+)*)\\.(\\w+)\\)`, "g");

function withoutTexts(expression: string): string {
  return expression.replace(new RegExp(TEXT, "g"), '""');
}

/**
 * The rule in words that the evaluator knows. Its own `matches` runs on the platform's engine, where a pattern can take
 * exponential time; ours is RE2. Its `has` takes no index inside, as the Gateway API's rules have; an optional says the same.
 */
function forEvaluator(expression: string): string {
  return expression.replace(TEXT_OR_CALL, (found: string, list: string | undefined, field: string | undefined) => {
    if (list !== undefined && field !== undefined) return `${list}.?${field}.hasValue()`;
    return found.startsWith(".") ? ".matchesRe2(" : found;
  });
}

function firstLine(message: string): string {
  return message.split("\n", 1)[0] ?? message;
}

let shared: Environment | undefined;

/** The evaluator, made on first use: it holds functions only, no state between evaluations. */
function environment(): Environment {
  shared ??= new Environment({
    unlistedVariablesAreDyn: true,
    enableOptionalTypes: true,
    homogeneousAggregateLiterals: false,
    limits: { maxAstNodes: 10_000, maxDepth: 100, maxListElements: 1000, maxMapEntries: 1000, maxCallArguments: 32 },
  }).registerFunction("string.matchesRe2(string): bool", (text: string, pattern: string) =>
    matchesPattern(pattern, text),
  );
  return shared;
}
