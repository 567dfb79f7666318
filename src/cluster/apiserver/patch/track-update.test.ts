import type { KubeObject, Schema } from "#api";
import { expect, test } from "vitest";
import { trackUpdate } from "./track-update.ts";

const text: Schema = { type: "string" };
const schema: Schema = {
  type: "object",
  properties: {
    apiVersion: text,
    kind: text,
    metadata: { type: "object" },
    data: { type: "object", additionalProperties: text },
    spec: { type: "object", properties: { replicas: { type: "integer" } } },
    status: { type: "object", properties: { replicas: { type: "integer" } } },
  },
};

interface Write {
  readonly manager?: string;
  readonly subresource?: string;
  readonly second?: number;
  readonly hasStatus?: boolean;
}

function write(live: KubeObject | undefined, updated: KubeObject, options: Write = {}): KubeObject {
  const { manager = "kubectl-create", second = 1, ...rest } = options;
  const nowIso = `2026-01-01T00:00:${String(second).padStart(2, "0")}.500Z`;
  return trackUpdate({ schema, live, updated, manager, nowIso, apiVersion: updated.apiVersion, ...rest });
}

function thing(fields: object, apiVersion = "v1"): KubeObject {
  return { apiVersion, kind: "ConfigMap", metadata: { name: "a", uid: "u", resourceVersion: "1" }, ...fields };
}

const entriesOf = (object: KubeObject) => object.metadata.managedFields ?? [];

test("a create gives the creator every field but those of the system", () => {
  const metadata = {
    name: "a",
    namespace: "n",
    uid: "u",
    resourceVersion: "1",
    generation: 1,
    creationTimestamp: "2026-01-01T00:00:00Z",
    labels: { l: "1" },
    finalizers: ["f"],
    ownerReferences: [{ apiVersion: "v1", kind: "K", name: "n", uid: "o" }],
  };
  expect(entriesOf(write(undefined, { ...thing({ data: { a: "1" } }), metadata }))).toEqual([
    {
      manager: "kubectl-create",
      operation: "Update",
      apiVersion: "v1",
      time: "2026-01-01T00:00:01Z",
      fieldsType: "FieldsV1",
      fieldsV1: {
        "f:data": { ".": {}, "f:a": {} },
        "f:metadata": {
          "f:finalizers": { ".": {}, 'v:"f"': {} },
          "f:labels": { ".": {}, "f:l": {} },
          "f:ownerReferences": { ".": {}, 'k:{"uid":"o"}': {} },
        },
      },
    },
  ]);
});

test("a later writer takes what it changes and leaves the rest", () => {
  const created = write(undefined, thing({ data: { a: "1", b: "1" } }));
  const edited = write(created, { ...created, data: { a: "2", b: "1" } }, { manager: "kubectl-edit", second: 2 });
  expect(entriesOf(edited).map((entry) => [entry.manager, entry.fieldsV1, entry.time])).toEqual([
    ["kubectl-create", { "f:data": { ".": {}, "f:b": {} } }, "2026-01-01T00:00:01Z"],
    ["kubectl-edit", { "f:data": { "f:a": {} } }, "2026-01-01T00:00:02Z"],
  ]);
});

test("a write that changes nothing leaves the entries as they are", () => {
  const created = write(undefined, thing({ data: { a: "1" } }));
  const repeated = write(
    created,
    { ...created, metadata: { ...created.metadata, resourceVersion: "9" } },
    { second: 9 },
  );
  expect(entriesOf(repeated)).toEqual(entriesOf(created));
});

test("removing a field removes its owners, and an entry without fields goes", () => {
  const created = write(undefined, thing({ data: { a: "1" } }));
  const added = write(created, { ...created, data: { a: "1", b: "1" } }, { manager: "other", second: 2 });
  const removed = write(added, { ...added, data: { a: "1" } }, { manager: "third", second: 3 });
  expect(entriesOf(removed).map((entry) => entry.manager)).toEqual(["kubectl-create"]);
});

test("a list with one empty entry forgets ownership, an empty or broken list does not", () => {
  const created = write(undefined, thing({ data: { a: "1" } }));
  const withEntries = (managedFields: unknown): KubeObject =>
    ({ ...created, metadata: { ...created.metadata, managedFields } }) as KubeObject;
  expect(entriesOf(write(created, withEntries([]), { second: 2 }))).toEqual(entriesOf(created));
  expect(entriesOf(write(created, withEntries([{ manager: 1 }]), { second: 2 }))).toEqual(entriesOf(created));
  const reset = write(created, withEntries([{}]), { second: 2 });
  expect(reset.metadata).not.toHaveProperty("managedFields");
  expect(entriesOf(write(reset, { ...reset, data: { a: "2" } }, { second: 3 }))).toEqual([]);
});

test("a client may rewrite the entries, as kubectl does when it moves from client-side to server-side apply", () => {
  const created = write(undefined, thing({ data: { a: "1" } }), { manager: "kubectl-client-side-apply" });
  const moved = entriesOf(created).map((entry) => ({ ...entry, manager: "kubectl", operation: "Apply" as const }));
  const updated = { ...created, metadata: { ...created.metadata, managedFields: moved } };
  expect(entriesOf(write(created, updated, { manager: "kubectl-patch", second: 2 }))).toEqual(moved);
  expect(entriesOf(write(created, updated, { manager: "kubectl-patch", subresource: "status" }))).toEqual(
    entriesOf(created),
  );
});

test("structs that a built-in kind always has are owned by nobody; those of a custom resource by who adds them", () => {
  const body = { spec: { replicas: 1 } };
  const builtin: KubeObject = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "d" }, ...body };
  const custom: KubeObject = { ...builtin, apiVersion: "example.com/v1" };
  expect(entriesOf(write(undefined, builtin))[0]?.fieldsV1).toEqual({ "f:spec": { "f:replicas": {} } });
  expect(entriesOf(write(undefined, custom))[0]?.fieldsV1).toEqual({ "f:spec": { ".": {}, "f:replicas": {} } });
});

test("the containers of a new workload are owned one by one, not as a list", () => {
  const containers: Schema = {
    type: "array",
    items: { type: "object", properties: { name: text } },
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name"],
  };
  const pod: KubeObject = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p" },
    spec: { containers: [{ name: "c" }] },
  };
  const podSchema: Schema = { type: "object", properties: { spec: { type: "object", properties: { containers } } } };
  const tracked = trackUpdate({
    schema: podSchema,
    live: undefined,
    updated: pod,
    manager: "m",
    nowIso: "",
    apiVersion: "v1",
  });
  expect(entriesOf(tracked)[0]?.fieldsV1).toEqual({
    "f:spec": { "f:containers": { 'k:{"name":"c"}': { ".": {}, "f:name": {} } } },
  });
});

test("status is owned through its subresource only, and spec not through that of status", () => {
  const live = write(undefined, thing({ spec: { replicas: 1 }, status: { replicas: 1 } }));
  expect(entriesOf(live)[0]?.fieldsV1).toEqual({ "f:spec": { ".": {}, "f:replicas": {} } });
  const updated = { ...live, spec: { replicas: 2 }, status: { replicas: 2 } };
  const status = write(live, updated, { manager: "controller", subresource: "status", second: 2 });
  expect(entriesOf(status)[1]).toMatchObject({ subresource: "status", fieldsV1: { "f:status": { "f:replicas": {} } } });
  const plain = write(undefined, thing({ status: { replicas: 1 } }), { hasStatus: false });
  expect(entriesOf(plain)[0]?.fieldsV1).toEqual({ "f:status": { ".": {}, "f:replicas": {} } });
});

test("an object keeps at most ten updaters; the oldest become one entry", () => {
  let live = write(undefined, thing({ data: { k0: "1" } }), { manager: "m0" });
  for (let i = 1; i <= 12; i += 1) {
    const data = { ...(live["data"] as object), [`k${i}`]: "1" };
    live = write(live, { ...live, data }, { manager: `m${i}`, second: i });
  }
  const managers = entriesOf(live).map((entry) => entry.manager);
  expect(managers).toHaveLength(10);
  expect(managers).toContain("ancient-changes");
  expect(managers).toContain("m12");
  const owned = entriesOf(live).flatMap((entry) =>
    Object.keys((entry.fieldsV1 as Record<string, object>)["f:data"] ?? {}),
  );
  expect(new Set(owned).size).toBe(14);
});

test("entries are sorted: appliers first, then by time, then by name", () => {
  const live = write(undefined, thing({ data: { a: "1" } }), { manager: "b", second: 3 });
  const entry = (manager: string, operation: string, time: string): object => ({
    manager,
    operation,
    apiVersion: "v1",
    time,
    fieldsType: "FieldsV1",
    fieldsV1: { "f:data": { "f:a": {} } },
  });
  const managedFields = [
    entry("u2", "Update", "2026-01-01T00:00:01Z"),
    entry("u1", "Update", "2026-01-01T00:00:01Z"),
    entry("u0", "Update", "2026-01-01T00:00:02Z"),
    entry("z", "Apply", "2026-01-01T00:00:09Z"),
  ];
  const updated = { ...live, metadata: { ...live.metadata, managedFields } } as KubeObject;
  expect(entriesOf(write(live, updated)).map((e) => e.manager)).toEqual(["z", "u1", "u2", "u0"]);
});
