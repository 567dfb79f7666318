import { deepEqual, type Problem } from "#base";
import { RE2JS } from "re2js";
import { invalidField, tooLongField, unsupportedField, wrongType } from "../validation/field-problem.ts";
import { hasFormat } from "./formats.ts";
import type { Schema } from "./schema.ts";

/** Checks enum, format, and the bounds of texts and numbers. The type has been checked already. */
export function scalarProblems(schema: Schema, value: unknown, path: string): Problem[] {
  const problems: Problem[] = [];
  if (schema.enum !== undefined && !schema.enum.some((item) => deepEqual(item, value))) {
    problems.push(unsupportedField(path, value, schema.enum));
  }
  if (typeof value === "string") problems.push(...textProblems(schema, value, path));
  if (typeof value === "number") problems.push(...numberProblems(schema, value, path));
  return problems;
}

function textProblems(schema: Schema, value: string, path: string): Problem[] {
  const problems: Problem[] = [];
  const shown = JSON.stringify(value);
  const lengthCount = Array.from(value).length;
  if (schema.maxLength !== undefined && lengthCount > schema.maxLength) {
    problems.push(tooLongField(path, schema.maxLength));
  }
  if (schema.minLength !== undefined && lengthCount < schema.minLength) {
    problems.push(invalidField(path, shown, `${path} in body should be at least ${schema.minLength} chars long`));
  }
  if (schema.pattern !== undefined && !matchesPattern(schema.pattern, value)) {
    problems.push(invalidField(path, shown, `${path} in body should match '${schema.pattern}'`));
  }
  if (schema.format !== undefined && !hasFormat(schema.format, value)) {
    problems.push(wrongType(path, shown, `${path} in body must be of type ${schema.format}: ${shown}`));
  }
  return problems;
}

/**
 * Compiled patterns, kept for the last few hundred that were used: compiling takes a hundred times as long as matching.
 * A cache of a pure function; nothing can tell whether it is there.
 */
const compiled = new Map<string, RE2JS>();
const COMPILED_MAX_COUNT = 512;

/** Tells whether the pattern, in RE2 syntax and not anchored, is found in the text. @throws when the pattern is not valid. */
export function matchesPattern(pattern: string, value: string): boolean {
  let program = compiled.get(pattern);
  if (program === undefined) {
    program = RE2JS.compile(pattern);
    if (compiled.size >= COMPILED_MAX_COUNT) compiled.clear();
    compiled.set(pattern, program);
  }
  return program.matcher(value).find();
}

function numberProblems(schema: Schema, value: number, path: string): Problem[] {
  const details: string[] = [];
  const { minimum, maximum, multipleOf } = schema;
  if (maximum !== undefined) {
    if (schema.exclusiveMaximum === true && value >= maximum) details.push(`should be less than ${maximum}`);
    if (schema.exclusiveMaximum !== true && value > maximum) details.push(`should be less than or equal to ${maximum}`);
  }
  if (minimum !== undefined) {
    if (schema.exclusiveMinimum === true && value <= minimum) details.push(`should be greater than ${minimum}`);
    if (schema.exclusiveMinimum !== true && value < minimum) {
      details.push(`should be greater than or equal to ${minimum}`);
    }
  }
  if (multipleOf !== undefined && multipleOf > 0 && !isMultiple(value, multipleOf)) {
    details.push(`should be a multiple of ${multipleOf}`);
  }
  return details.map((detail) => invalidField(path, String(value), `${path} in body ${detail}`));
}

function isMultiple(value: number, of: number): boolean {
  const quotient = value / of;
  return Math.abs(quotient - Math.round(quotient)) < 1e-9;
}
