import type { KubeObject, Schema } from "#api";
import { beforeEach, expect, test } from "vitest";
import { conflictMessage } from "./conflicts.ts";
import { serverSideApply } from "./server-side-apply.ts";
import { trackUpdate } from "./track-update.ts";

const text: Schema = { type: "string" };
const textMap: Schema = { type: "object", additionalProperties: text };
const metadata: Schema = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
const root = { apiVersion: text, kind: text, metadata };
const configMap: Schema = { type: "object", properties: { ...root, data: textMap } };
const container: Schema = {
  type: "object",
  properties: {
    name: text,
    image: text,
    args: { type: "array", items: text },
    ports: {
      type: "array",
      items: {
        type: "object",
        properties: { containerPort: { type: "integer" }, protocol: { type: "string", default: "TCP" } },
      },
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["containerPort", "protocol"],
    },
  },
};
const deployment: Schema = {
  type: "object",
  properties: {
    ...root,
    spec: {
      type: "object",
      properties: {
        replicas: { type: "integer" },
        minReadySeconds: { type: "integer" },
        selector: { type: "object", "x-kubernetes-map-type": "atomic", properties: { matchLabels: textMap } },
        tags: { type: "array", items: text, "x-kubernetes-list-type": "set" },
        strategy: { type: "object", properties: { type: text, rollingUpdate: textMap } },
        template: {
          type: "object",
          properties: {
            metadata,
            spec: {
              type: "object",
              properties: {
                containers: {
                  type: "array",
                  items: container,
                  "x-kubernetes-patch-strategy": "merge",
                  "x-kubernetes-patch-merge-key": "name",
                },
              },
            },
          },
        },
      },
    },
    status: { type: "object", properties: { replicas: { type: "integer" } } },
  },
};

let live: KubeObject | undefined;
let clock = 0;

beforeEach(() => {
  live = undefined;
  clock = 0;
});

function now(): string {
  clock += 1;
  return `2026-01-01T00:00:${String(clock).padStart(2, "0")}.123Z`;
}

/** Applies to `live` and returns the fields owned by each manager, or the refusal. */
function apply(manager: string, body: object, options: { schema?: Schema; force?: boolean } = {}): unknown {
  const { schema = configMap, force = false } = options;
  const applied = { apiVersion: "v1", kind: "Thing", metadata: { name: "a" }, ...body };
  const result = serverSideApply({
    schema,
    live,
    applied,
    manager,
    force,
    nowIso: now(),
    apiVersion: applied.apiVersion,
  });
  if (!result.ok) {
    return result.error.kind === "conflicts" ? conflictMessage(result.error.conflicts) : result.error.problem.message;
  }
  live = result.value;
  return owners();
}

function update(manager: string, change: (object: KubeObject) => KubeObject, schema = configMap): void {
  const before = live ?? { apiVersion: "v1", kind: "Thing", metadata: { name: "a" } };
  live = trackUpdate({ schema, live, updated: change(before), manager, nowIso: now(), apiVersion: "v1" });
}

function owners(): unknown {
  return Object.fromEntries((live?.metadata.managedFields ?? []).map((entry) => [entry.manager, entry.fieldsV1]));
}

const deploy = (spec: object, labels: object = {}): object => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "d", labels },
  spec,
});

test("serverSideApply follows the sequence of the conformance case ssa-conflict-force", () => {
  apply("x", { data: { k: "y" } });
  expect(apply("z", { data: { k: "q" } })).toBe('Apply failed with 1 conflict: conflict with "x": .data.k');
  expect(apply("z", { data: { k: "y" } })).toEqual({ x: { "f:data": { "f:k": {} } }, z: { "f:data": { "f:k": {} } } });
  expect(apply("z", { data: { k: "q", r: "s" } }, { force: true })).toEqual({
    z: { "f:data": { "f:k": {}, "f:r": {} } },
  });
  apply("z", { data: { k: "q" } });
  expect(live).toMatchObject({ data: { k: "q" } });
  apply("z", { data: {} });
  expect(live).not.toHaveProperty("data");
  expect(apply("x", { data: { t: "1" } })).toBe('Apply failed with 1 conflict: conflict with "z": .data');
});

test("serverSideApply merges lists by their keys, as in the conformance case ssa-deployment-lists", () => {
  const schema = deployment;
  const one = (image: string): object =>
    deploy(
      {
        replicas: 0,
        selector: { matchLabels: { app: "d" } },
        template: {
          metadata: { labels: { app: "d" } },
          spec: { containers: [{ name: "c", image, ports: [{ containerPort: 80 }] }] },
        },
      },
      { app: "d" },
    );
  const images = (): unknown => JSON.stringify(live?.spec).match(/"image":"[^"]*"/g);
  apply("one", one("c:1"), { schema });
  apply("two", deploy({ template: { spec: { containers: [{ name: "side", image: "s:1" }] } } }), { schema });
  apply("one", one("c:2"), { schema });
  expect(images()).toEqual(['"image":"c:2"', '"image":"s:1"']);
  expect(apply("two", deploy({ replicas: 3 }), { schema })).toBe(
    'Apply failed with 1 conflict: conflict with "one": .spec.replicas',
  );
  expect(apply("two", deploy({ minReadySeconds: 1 }), { schema })).toEqual({
    one: {
      "f:metadata": { "f:labels": { "f:app": {} } },
      "f:spec": {
        "f:replicas": {},
        "f:selector": {},
        "f:template": {
          "f:metadata": { "f:labels": { "f:app": {} } },
          "f:spec": {
            "f:containers": {
              'k:{"name":"c"}': {
                ".": {},
                "f:image": {},
                "f:name": {},
                "f:ports": { 'k:{"containerPort":80,"protocol":"TCP"}': { ".": {}, "f:containerPort": {} } },
              },
            },
          },
        },
      },
    },
    two: { "f:metadata": { "f:labels": {} }, "f:spec": { "f:minReadySeconds": {} } },
  });
  expect(images()).toEqual(['"image":"c:2"']);
});

test("a field stays while another manager owns it, and goes with its last owner", () => {
  apply("x", { data: { a: "1", b: "1" } });
  apply("y", { data: { b: "1" } });
  apply("x", { data: { a: "1" } });
  expect(live).toMatchObject({ data: { a: "1", b: "1" } });
  apply("y", {});
  expect(live?.["data"]).toEqual({ a: "1" });
});

test("fields nobody applied stay when a manager gives up its own beside them", () => {
  apply("x", { data: { a: "1" } });
  update("editor", (object) => ({ ...object, data: { a: "1", own: "2" } }));
  apply("x", {});
  expect(live?.["data"]).toEqual({ own: "2" });
});

test("an atomic map is one field, a set one field an entry", () => {
  const schema = deployment;
  apply("x", deploy({ selector: { matchLabels: { a: "1" } }, tags: ["p", "q"] }), { schema });
  expect(apply("y", deploy({ selector: { matchLabels: { b: "1" } } }), { schema })).toContain(".spec.selector");
  apply("y", deploy({ tags: ["q", "r"] }), { schema });
  expect(live?.spec).toMatchObject({ tags: ["p", "q", "r"] });
  apply("x", deploy({ tags: ["q"] }), { schema });
  expect(live?.spec).toMatchObject({ tags: ["q", "r"] });
});

test("several conflicts are listed by manager", () => {
  apply("x", { data: { a: "1", b: "1" } });
  update("kubectl-edit", (object) => ({ ...object, data: { a: "1", b: "1", c: "1" } }));
  expect(apply("y", { data: { a: "2", b: "2", c: "2" } })).toBe(
    'Apply failed with 3 conflicts: conflicts with "kubectl-edit" using v1:\n- .data.c\nconflicts with "x":\n- .data.a\n- .data.b',
  );
});

test("an apply that changes nothing keeps the object as it is, times included", () => {
  apply("x", { data: { a: "1" } });
  const before = live;
  apply("x", { data: { a: "1" } });
  expect(live).toEqual(before);
  expect(live?.metadata.managedFields?.[0]?.time).toBe("2026-01-01T00:00:01Z");
});

test("an object that nobody is recorded for gets an owner before its first apply", () => {
  live = { apiVersion: "v1", kind: "Thing", metadata: { name: "a", uid: "u" }, data: { a: "1" } };
  expect(apply("x", { data: { a: "2" } })).toBe(
    'Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.a',
  );
});

test("kubectl takes over what its client-side apply had set, and renews the annotation", () => {
  const annotation = "kubectl.kubernetes.io/last-applied-configuration";
  const config = JSON.stringify({ apiVersion: "v1", kind: "Thing", metadata: { name: "a" }, data: { a: "1" } });
  update("kubectl-client-side-apply", (object) => ({
    ...object,
    metadata: { ...object.metadata, annotations: { [annotation]: config } },
    data: { a: "1", b: "1" },
  }));
  expect(apply("kubectl", { data: { b: "2" } })).toContain(".data.b");
  apply("kubectl", { data: { a: "2" } });
  expect(live).toMatchObject({ data: { a: "2", b: "1" } });
  expect(JSON.parse(live?.metadata.annotations?.[annotation] ?? "")).toMatchObject({ data: { a: "2" } });
});

test("serverSideApply refuses configurations that are no object of the kind, and names the field", () => {
  const schema = deployment;
  const where = "failed to create typed patch object (/d; apps/v1, Kind=Deployment): ";
  const cases: readonly (readonly [object, string])[] = [
    [deploy({ nope: 1 }), `${where}.spec.nope: field not declared in schema`],
    [
      deploy({ replicas: "x" }),
      `${where}.spec.replicas: expected numeric (int or float), got &value.valueUnstructured{Value:"x"}`,
    ],
    [
      deploy({ template: { spec: { containers: [{ image: "x" }] } } }),
      `${where}.spec.template.spec.containers: element 0: associative list with keys has an element that omits key field "name" (and doesn't have default value)`,
    ],
    [
      deploy({ template: { spec: { containers: [{ name: "c" }, { name: "c" }] } } }),
      `${where}.spec.template.spec.containers: duplicate entries for key [name="c"]`,
    ],
    [{ ...deploy({}), metadata: { name: "d", managedFields: [{}] } }, "metadata.managedFields must be nil"],
    [JSON.parse('{"spec":{"__proto__":{}}}'), 'the key "__proto__" is not allowed in a patch'],
  ];
  for (const [body, message] of cases) expect(apply("x", body, { schema })).toBe(message);
  expect(live).toBeUndefined();
});

test("an apply through the main resource takes no ownership of status", () => {
  expect(apply("x", { ...deploy({ replicas: 1 }), status: { replicas: 9 } }, { schema: deployment })).toEqual({
    x: { "f:metadata": { "f:labels": {} }, "f:spec": { "f:replicas": {} } },
  });
});
