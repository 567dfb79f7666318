import { expect, test } from "vitest";
import type { KubeObject } from "../meta.ts";
import { applyDefaults } from "../schema/apply-defaults.ts";
import { pruneUnknown } from "../schema/prune-unknown.ts";
import { validateSchema } from "../schema/validate-schema.ts";
import { kindsFromCrd } from "./kinds-from-crd.ts";
import { validateCrd } from "./validate-crd.ts";

const widgetSpec = {
  type: "object",
  required: ["size"],
  properties: {
    size: { type: "integer", minimum: 1, maximum: 10, description: "how big" },
    color: { type: "string", enum: ["red", "green"], default: "red" },
    replicas: { type: "integer", default: 1 },
    port: { "x-kubernetes-int-or-string": true },
    raw: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
    when: { type: "string", format: "date-time" },
    tags: { type: "array", items: { type: "string" }, "x-kubernetes-list-type": "set" },
    items: {
      type: "array",
      items: {
        type: "object",
        required: ["name"],
        properties: { name: { type: "string" }, value: { type: "string" } },
      },
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["name"],
    },
  },
  "x-kubernetes-validations": [
    { rule: "self.size <= 8 || self.color == 'red'", message: "big widgets must be red" },
    { rule: "self.size >= oldSelf.size", message: "size may not shrink" },
  ],
};

const crd = (change: object = {}): KubeObject => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "widgets.g.example.com" },
  spec: {
    group: "g.example.com",
    scope: "Namespaced",
    names: { plural: "widgets", kind: "Widget", shortNames: ["wd"] },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        subresources: {
          status: {},
          scale: { specReplicasPath: ".spec.replicas", statusReplicasPath: ".status.replicas" },
        },
        schema: {
          openAPIV3Schema: {
            type: "object",
            required: ["spec"],
            properties: { spec: widgetSpec, status: { type: "object" } },
          },
        },
      },
    ],
    ...change,
  },
});

function widgetKind() {
  const kinds = kindsFromCrd(crd());
  if (!kinds.ok) throw new Error(JSON.stringify(kinds.error));
  return kinds.value[0]!;
}

const leftOut =
  '<nil>: Invalid value: "null": some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';

test("kindsFromCrd: names, subresources and columns of each served version", () => {
  expect(widgetKind()).toMatchObject({
    resource: { group: "g.example.com", version: "v1", kind: "Widget", plural: "widgets", namespaced: true },
    singular: "widget",
    listKind: "WidgetList",
    shortNames: ["wd"],
    hasStatus: true,
    scale: { specReplicasPath: ".spec.replicas" },
    columns: [{ name: "Age" }],
    origin: "crd",
  });
});

test.each([
  [{ size: "x" }, ['spec.size: Invalid value: "string": spec.size in body must be of type integer: "string"', leftOut]],
  [{ size: 1, color: "blue" }, ['spec.color: Unsupported value: "blue": supported values: "red", "green"', leftOut]],
  [
    { size: 1, port: true },
    ['spec.port: Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean"', leftOut],
  ],
  [
    { size: 1, when: "nope" },
    ['spec.when: Invalid value: "nope": spec.when in body must be of type date-time: "nope"', leftOut],
  ],
  [
    { size: 1, raw: "notobject" },
    ['spec.raw: Invalid value: "string": spec.raw in body must be of type object: "string"', leftOut],
  ],
  [{ size: 30 }, ["spec.size: Invalid value: 30: spec.size in body should be less than or equal to 10"]],
  [{ size: 0 }, ["spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1"]],
  [{}, ["spec.size: Required value", leftOut]],
  [undefined, ["spec: Required value", leftOut]],
  [{ size: 9, color: "green" }, ['spec: Invalid value: "object": big widgets must be red']],
  [{ size: 1, tags: ["a", "a"] }, ['spec.tags[1]: Duplicate value: "a"']],
  [
    { size: 1, items: [{ name: "a" }, { name: "a" }] },
    ['spec.items[1]: Duplicate value: map[string]interface {}{"name":"a"}'],
  ],
  [
    { size: 8, color: "green", tags: ["a", "b"], items: [{ name: "a" }], port: "http", when: "2026-01-01T00:00:00Z" },
    [],
  ],
])("validateSchema: %j is told in the server's words", (spec, expected) => {
  const { schema } = widgetKind();
  const object = {
    apiVersion: "g.example.com/v1",
    kind: "Widget",
    metadata: { name: "d" },
    ...(spec === undefined ? {} : { spec }),
  };
  const problems = validateSchema(schema, applyDefaults(schema, object));
  expect(problems.map(({ path, message }) => `${path}: ${message}`)).toEqual(expected);
});

test("validateSchema: a transition rule holds on update only", () => {
  const { schema } = widgetKind();
  expect(validateSchema(schema, { spec: { size: 2, color: "red" } })).toEqual([]);
  expect(validateSchema(schema, { spec: { size: 2, color: "red" } }, { old: { spec: { size: 2 } } })).toEqual([]);
  expect(validateSchema(schema, { spec: { size: 2, color: "red" } }, { old: { spec: { size: 3 } } })).toMatchObject([
    { path: "spec", code: "FieldValueInvalid", message: 'Invalid value: "object": size may not shrink' },
  ]);
});

test("pruneUnknown, applyDefaults: custom resources keep what they preserve and get what is missing", () => {
  const { schema } = widgetKind();
  const pruned = pruneUnknown(schema, {
    spec: { size: 1, raw: { a: { b: 1 } }, nope: 1 },
    metadata: { name: "x", lables: {} },
    y: 2,
  });
  expect(pruned.unknown).toEqual(["spec.nope", "metadata.lables", "y"]);
  expect(applyDefaults(schema, pruned.value)).toEqual({
    spec: { size: 1, raw: { a: { b: 1 } }, color: "red", replicas: 1 },
    metadata: { name: "x" },
  });
});

const version = (schema: object) => ({
  versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: schema } }],
});
const at = "spec.validation.openAPIV3Schema";
test.each([
  [
    { versions: [{ name: "v1", served: true, storage: true }] },
    "spec.versions[0].schema.openAPIV3Schema: Required value: schemas are required",
  ],
  [
    version({ type: "object", properties: { spec: { properties: { a: { type: "string" } } } } }),
    `${at}.properties[spec].type: Required value: must not be empty for specified object fields`,
  ],
  [
    version({
      type: "object",
      properties: { spec: { type: "object", properties: { a: { type: "integer", default: "x" } } } },
    }),
    `${at}.properties[spec].properties[a].default: Invalid value: "string":  in body must be of type integer: "string"`,
  ],
  [
    version({ type: "object", properties: { l: { type: "array" } } }),
    `${at}.properties[l].items: Required value: must be specified`,
  ],
  [version({ type: "string" }), `${at}.type: Invalid value: "string": must be object at the root`],
  [
    version({
      type: "object",
      properties: {
        x: { type: "object", additionalProperties: { type: "string" }, properties: { a: { type: "string" } } },
      },
    }),
    `${at}.properties[x].additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive`,
  ],
  [{ scope: "Bogus" }, 'spec.scope: Unsupported value: "Bogus": supported values: "Cluster", "Namespaced"'],
  [
    { preserveUnknownFields: true },
    "spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead",
  ],
])("validateCrd: tells what is wrong (%#)", (change, expected) => {
  expect(validateCrd(crd(change)).map(({ path, message }) => `${path}: ${message}`)).toEqual([expected]);
});

test("validateCrd: names", () => {
  const label =
    "may have mixed case, but should otherwise match: a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
  const named = crd({ names: { plural: "widgets", kind: "gadget!", singular: "gadget" } });
  expect(validateCrd(named).map(({ path, message }) => `${path}: ${message}`)).toEqual([
    `spec.names.kind: Invalid value: "gadget!": ${label}`,
    `spec.names.listKind: Invalid value: "gadget!List": ${label}`,
  ]);
  expect(validateCrd({ ...crd(), metadata: { name: "wrong.name" } })).toMatchObject([
    { path: "metadata.name", message: 'Invalid value: "wrong.name": must be spec.names.plural+"."+spec.group' },
  ]);
});
