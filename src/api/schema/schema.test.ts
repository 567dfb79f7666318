import Ajv from "ajv";
import fc from "fast-check";
import { expect, test } from "vitest";
import { applyDefaults } from "./apply-defaults.ts";
import { hasFormat } from "./formats.ts";
import { pruneUnknown } from "./prune-unknown.ts";
import type { Schema } from "./schema.ts";
import { validateSchema } from "./validate-schema.ts";

const told = (schema: Schema, value: unknown, old?: unknown): string[] =>
  validateSchema(schema, value, old === undefined ? {} : { old }).map(({ path, message }) => `${path}: ${message}`);

const field = (schema: Schema): Schema => ({ type: "object", properties: { f: schema } });

test.each<[Schema, unknown, string[]]>([
  [{ type: "string", maxLength: 2 }, "abc", ["f: Too long: may not be more than 2 bytes"]],
  [{ type: "string", maxLength: 2 }, "😀😀", []],
  [{ type: "string", minLength: 2 }, "a", ['f: Invalid value: "a": f in body should be at least 2 chars long']],
  [{ type: "string", pattern: "^[a-z]+$" }, "A", ["f: Invalid value: \"A\": f in body should match '^[a-z]+$'"]],
  [{ type: "string", pattern: "b" }, "abc", []],
  [{ type: "number", multipleOf: 0.1 }, 0.3, []],
  [{ type: "number", multipleOf: 2 }, 3, ["f: Invalid value: 3: f in body should be a multiple of 2"]],
  [
    { type: "integer", minimum: 1, exclusiveMinimum: true },
    1,
    ["f: Invalid value: 1: f in body should be greater than 1"],
  ],
  [{ type: "integer" }, 1.5, ['f: Invalid value: "number": f in body must be of type integer: "number"']],
  [{ type: "number" }, 1, []],
  [{ type: "string" }, null, ['f: Invalid value: "null": f in body must be of type string: "null"']],
  [{ type: "string", nullable: true }, null, []],
  [
    { type: "array", items: { type: "string" }, maxItems: 1 },
    ["a", "b"],
    ["f: Too many: 2: must have at most 1 items"],
  ],
  [
    { type: "array", items: { type: "string" }, minItems: 1 },
    [],
    ["f: Invalid value: 0: f in body should have at least 1 items"],
  ],
  [
    { type: "array", items: { type: "integer" } },
    [1, "a"],
    ['f[1]: Invalid value: "string": f[1] in body must be of type integer: "string"'],
  ],
  [
    { type: "object", additionalProperties: { type: "integer" } },
    { k: true },
    ['f.k: Invalid value: "boolean": f.k in body must be of type integer: "boolean"'],
  ],
  [
    { type: "object", oneOf: [{ required: ["a"] }, { required: ["b"] }] },
    { a: 1, b: 1 },
    ['<nil>: Invalid value: "": "f" must validate one and only one schema (oneOf). Found 2 valid alternatives'],
  ],
  [
    { type: "object", oneOf: [{ required: ["a"] }, { required: ["b", "c"] }] },
    {},
    [
      '<nil>: Invalid value: "": "f" must validate one and only one schema (oneOf). Found none valid',
      "f.a: Required value",
    ],
  ],
  [
    { type: "object", not: { required: ["a"] } },
    { a: 1 },
    ['<nil>: Invalid value: "": "f" must not validate the schema (not)'],
  ],
])("validateSchema: %j with %j", (schema, value, expected) =>
  expect(told(field(schema), { f: value })).toEqual(expected),
);

test("validateSchema: a pattern that is slow elsewhere is not here", () => {
  const text = `${"a".repeat(50_000)}!`;
  expect(told(field({ type: "string", pattern: "^(a+)+$" }), { f: text })).toHaveLength(1);
});

const ruled = (rule: string, more: object = {}, schema: Schema = { type: "object" }): Schema =>
  field({ ...schema, "x-kubernetes-validations": [{ rule, ...more }] });

test.each<[string, Schema, unknown, unknown, string[]]>([
  ["a rule without message names itself", ruled("self.a == 1"), {}, undefined, ["no such key"]],
  [
    "a field that a language reserves",
    ruled(
      "self.__namespace__ == 'x'",
      { message: "m" },
      { type: "object", properties: { namespace: { type: "string" } } },
    ),
    { namespace: "y" },
    undefined,
    ['f: Invalid value: "object": m'],
  ],
  ["matches is RE2 and not anchored", ruled("self.matches('^(a+)+$')", {}, { type: "string" }), "aa", undefined, []],
  [
    "a message made of the value",
    ruled("self.size() < 2", { messageExpression: "'too long: ' + self" }, { type: "string" }),
    "abc",
    undefined,
    ['f: Invalid value: "string": too long: abc'],
  ],
  [
    "a reason and a path",
    ruled(
      "has(self.a)",
      { reason: "FieldValueRequired", fieldPath: ".a", message: "give a" },
      { type: "object", properties: { a: { type: "string" } } },
    ),
    {},
    undefined,
    ["f.a: Required value: give a"],
  ],
  [
    "a field of an item, told by index",
    ruled(
      "has(self.a[0].b.c) && !has(self.a[1].b) && self.d == 'has(x[0].y)'",
      { message: "m" },
      {
        type: "object",
        properties: {
          a: {
            type: "array",
            items: { type: "object", properties: { b: { type: "object", properties: { c: { type: "integer" } } } } },
          },
          d: { type: "string" },
        },
      },
    ),
    { a: [{ b: { c: 1 } }, {}], d: "has(x[0].y)" },
    undefined,
    [],
  ],
  [
    "times compare as times",
    ruled("self > timestamp('2026-01-01T00:00:00Z')", {}, { type: "string", format: "date-time" }),
    "2026-01-02T00:00:00Z",
    undefined,
    [],
  ],
  [
    "durations compare as durations",
    ruled("self >= duration('1s')", {}, { type: "string", format: "duration" }),
    "1500ms",
    undefined,
    [],
  ],
  [
    "an optional old value, on creation",
    ruled("!oldSelf.hasValue() || self == oldSelf.value()", { optionalOldSelf: true }, { type: "string" }),
    "a",
    undefined,
    [],
  ],
  [
    "an optional old value, on update",
    ruled(
      "!oldSelf.hasValue() || self == oldSelf.value()",
      { optionalOldSelf: true, message: "fixed" },
      { type: "string" },
    ),
    "a",
    "b",
    ['f: Invalid value: "string": fixed'],
  ],
  [
    "a text that speaks of oldSelf makes no transition rule",
    ruled("self != 'oldSelf'", { message: "m" }, { type: "string" }),
    "oldSelf",
    undefined,
    ['f: Invalid value: "string": m'],
  ],
])("rules: %s", (_title, schema, value, old, expected) => {
  const problems = told(schema, { f: value }, old === undefined ? undefined : { f: old });
  expect(problems).toHaveLength(expected.length);
  expected.forEach((part, i) => expect(problems[i]?.toLowerCase()).toContain(part.toLowerCase()));
});

test("rules: items of a list with keys are compared with what they were", () => {
  const item: Schema = {
    type: "object",
    properties: { name: { type: "string" }, v: { type: "integer" } },
    "x-kubernetes-validations": [{ rule: "self.v >= oldSelf.v", message: "may not fall" }],
  };
  const schema = field({
    type: "array",
    items: item,
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name"],
  });
  const now = {
    f: [
      { name: "new", v: 0 },
      { name: "a", v: 1 },
    ],
  };
  expect(told(schema, now, { f: [{ name: "a", v: 2 }] })).toEqual(['f[1]: Invalid value: "object": may not fall']);
});

const leaf: fc.Arbitrary<Schema> = fc.oneof(
  fc.constant<Schema>({ type: "boolean" }),
  fc.record({ type: fc.constant("integer" as const), minimum: fc.integer({ min: -3, max: 3 }) }),
  fc.record({
    type: fc.constant("string" as const),
    minLength: fc.integer({ min: 0, max: 3 }),
    maxLength: fc.integer({ min: 0, max: 6 }),
  }),
  fc.record({
    type: fc.constant("string" as const),
    enum: fc.uniqueArray(fc.constantFrom("a", "b", "c"), { minLength: 1 }),
  }),
);

const key = fc.constantFrom("a", "b", "c");
const anySchema: fc.Arbitrary<Schema> = fc.letrec<{ node: Schema }>((tie) => ({
  node: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaf,
    fc.record({ type: fc.constant("array" as const), items: tie("node"), maxItems: fc.integer({ min: 0, max: 3 }) }),
    fc.record({
      type: fc.constant("object" as const),
      properties: fc.dictionary(key, tie("node"), { noNullPrototype: true }),
      required: fc.uniqueArray(key, { maxLength: 2 }),
    }),
    fc.record({
      type: fc.constant("object" as const),
      additionalProperties: tie("node"),
      minProperties: fc.integer({ min: 0, max: 2 }),
    }),
  ),
})).node;

const anyValue = fc.letrec<{ node: unknown }>((tie) => ({
  node: fc.oneof(
    { depthSize: "small" },
    fc.boolean(),
    fc.integer({ min: -5, max: 5 }),
    fc.constantFrom("", "a", "b", "xyz", "longer text"),
    fc.array(tie("node"), { maxLength: 4 }),
    fc.dictionary(key, tie("node"), { noNullPrototype: true }),
  ),
})).node;

test("validateSchema: accepts what a JSON Schema validator accepts, and refuses what it refuses", () => {
  const ajv = new Ajv({ strict: false, validateFormats: false });
  fc.assert(
    fc.property(anySchema, anyValue, (schema, value) => {
      expect(validateSchema(schema, value).length === 0).toBe(ajv.validate(schema, value));
      ajv.removeSchema();
    }),
    { numRuns: 300 },
  );
});

test("pruneUnknown, applyDefaults: change nothing twice, and nothing that needs no change", () => {
  fc.assert(
    fc.property(anySchema, anyValue, (schema, value) => {
      const before = structuredClone(value);
      const once = pruneUnknown(schema, value);
      expect(value).toEqual(before);
      const twice = pruneUnknown(schema, once.value);
      expect(twice.unknown).toEqual([]);
      expect(twice.value).toBe(once.value);
      expect(applyDefaults(schema, once.value)).toBe(once.value);
    }),
  );
});

test("applyDefaults: parents first, nulls that may not be, copies that are apart", () => {
  const schema: Schema = {
    type: "object",
    properties: {
      box: { type: "object", default: {}, properties: { n: { type: "integer", default: 1 } } },
      gone: { type: "string", default: "x" },
      kept: { type: "string", default: "x", nullable: true },
      list: { type: "array", items: { type: "object", properties: { m: { type: "integer", default: 2 } } } },
    },
  };
  const result = applyDefaults(schema, { gone: null, kept: null, list: [{}, { m: 3 }] }) as { box: { n: number } };
  expect(result).toEqual({ box: { n: 1 }, gone: "x", kept: null, list: [{ m: 2 }, { m: 3 }] });
  result.box.n = 9;
  expect(schema.properties?.box?.default).toEqual({});
});

test("pruneUnknown: embedded resources keep their identity", () => {
  const schema = field({
    type: "object",
    "x-kubernetes-embedded-resource": true,
    properties: { spec: { type: "object" } },
  });
  const value = { f: { apiVersion: "v1", kind: "Pod", metadata: { name: "x", bad: 1 }, spec: { a: 1 }, other: 2 } };
  expect(pruneUnknown(schema, value)).toEqual({
    value: { f: { apiVersion: "v1", kind: "Pod", metadata: { name: "x" }, spec: {} } },
    unknown: ["f.metadata.bad", "f.spec.a", "f.other"],
  });
});

test.each([
  ["date-time", "2026-02-28T23:59:59.5+02:00", true],
  ["date-time", "2026-02-29T00:00:00Z", false],
  ["date-time", "2024-02-29 00:00:00", false],
  ["date", "2026-01-31", true],
  ["ipv4", "127.0.0.1", true],
  ["ipv4", "256.0.0.1", false],
  ["ipv6", "2001:db8::1", true],
  ["ipv6", "::ffff:1.2.3.4", true],
  ["ipv6", "1:2:3:4:5:6:7:8:9", false],
  ["ipv6", "1::2::3", false],
  ["cidr", "10.0.0.0/8", true],
  ["cidr", "10.0.0.0/33", false],
  ["byte", "YWI=", true],
  ["byte", "YWI", false],
  ["uuid", "6fa459ea-ee8a-3ca4-894e-db77e160355e", true],
  ["duration", "1h30m", true],
  ["duration", "1 fortnight", false],
  ["hostname", "a-b.example.com", true],
  ["hostname", "-a", false],
  ["nobody knows", "x", true],
])("hasFormat: %s %s is %s", (format, value, expected) => expect(hasFormat(format, value)).toBe(expected));
