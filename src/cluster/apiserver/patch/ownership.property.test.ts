import type { KubeObject, Schema } from "#api";
import { deepEqual } from "#base";
import fc from "fast-check";
import { expect, test } from "vitest";
import { fieldSetOf } from "./fields/field-set-of.ts";
import { difference, emptySet, type FieldSet, isEmptySet, pathsOf, union } from "./fields/field-set.ts";
import { decodeManagers, ownable } from "./managed-fields.ts";
import { serverSideApply } from "./server-side-apply.ts";
import { trackUpdate } from "./track-update.ts";

/** Random histories of applies and updates by three managers, and what must hold after each step. */

const text: Schema = { type: "string" };
const schema: Schema = {
  type: "object",
  properties: {
    apiVersion: text,
    kind: text,
    metadata: { type: "object" },
    data: { type: "object", additionalProperties: text },
    tags: { type: "array", items: text, "x-kubernetes-list-type": "set" },
    whole: { type: "array", items: text },
    entries: {
      type: "array",
      items: { type: "object", properties: { name: text, value: text } },
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["name"],
    },
  },
};

const value = fc.constantFrom("1", "2");
const name = fc.constantFrom("a", "b", "c");
const body = fc.record(
  {
    data: fc.dictionary(name, value, { minKeys: 1, maxKeys: 3 }),
    tags: fc.uniqueArray(name, { minLength: 1, maxLength: 3 }),
    whole: fc.array(value, { minLength: 1, maxLength: 2 }),
    entries: fc.uniqueArray(fc.record({ name, value }, { requiredKeys: ["name"] }), {
      minLength: 1,
      maxLength: 3,
      selector: (entry) => entry.name,
    }),
  },
  { requiredKeys: [] },
);
const step = fc.record({
  verb: fc.constantFrom("apply", "force", "update"),
  manager: fc.constantFrom("x", "y", "z"),
  body,
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function take(
  live: KubeObject | undefined,
  { verb, manager, body: fields }: Step,
  second: number,
): KubeObject | undefined {
  const object: KubeObject = { apiVersion: "v1", kind: "Thing", metadata: { name: "t" }, ...fields };
  const nowIso = new Date(second * 1000).toISOString();
  const context = { schema, live, manager, nowIso, apiVersion: "v1" };
  if (verb === "update") return trackUpdate({ ...context, updated: object });
  const result = serverSideApply({ ...context, applied: object, force: verb === "force" });
  return result.ok ? result.value : undefined;
}

function fieldsOf(object: KubeObject): FieldSet {
  return ownable(fieldSetOf(schema, object), []);
}

function ownedBy(object: KubeObject, manager?: string): FieldSet {
  const managers = [...(decodeManagers(object.metadata.managedFields)?.values() ?? [])];
  return managers
    .filter((entry) => manager === undefined || (entry.manager === manager && entry.operation === "Apply"))
    .map((entry) => entry.fields)
    .reduce(union, emptySet);
}

function holds(object: KubeObject, applied: KubeObject): boolean {
  const again = serverSideApply({
    schema,
    live: object,
    applied,
    manager: "checker",
    force: false,
    nowIso: "2026-01-01T00:00:00Z",
    apiVersion: "v1",
  });
  // A manager without a history that sets what is there already changes nothing.
  return again.ok && deepEqual({ ...again.value, metadata: {} }, { ...object, metadata: {} });
}

test("after each write: applied fields are there and owned, every field has an owner, a repeat changes nothing", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), (steps) => {
      let live: KubeObject | undefined;
      for (const [index, current] of steps.entries()) {
        const next = take(live, current, index + 1);
        expect(next !== undefined || current.verb === "apply").toBe(true);
        if (next === undefined) continue;
        live = next;
        const unowned = difference(fieldsOf(live), ownedBy(live));
        expect(pathsOf(unowned)).toEqual([]);
        if (current.verb === "update") continue;
        const applied: KubeObject = { apiVersion: "v1", kind: "Thing", metadata: { name: "t" }, ...current.body };
        expect(holds(live, applied)).toBe(true);
        expect(isEmptySet(difference(fieldsOf(applied), ownedBy(live, current.manager)))).toBe(true);
        expect(take(live, current, 99)).toEqual(live);
      }
    }),
    { seed: 4711, numRuns: 500 },
  );
});
