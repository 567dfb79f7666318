import { afterAll, beforeAll, expect, test } from "vitest";
import type { Condition, KubeObject } from "#api";
import { startTestApiServer, type ApiReply, type TestApiServer } from "#testing";

let server: TestApiServer;
const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

beforeAll(async () => {
  server = await startTestApiServer();
});

afterAll(() => server.close());

const spec = {
  type: "object",
  required: ["size"],
  properties: { size: { type: "integer", minimum: 1 }, color: { type: "string", default: "red" } },
};

function definition(plural: string, kind: string, versions: readonly string[] = ["v1"]): object {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.example.com` },
    spec: {
      group: "example.com",
      scope: "Namespaced",
      names: { plural, kind },
      versions: versions.map((name, index) => ({
        name,
        served: true,
        storage: index === 0,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: { spec, status: { type: "object", properties: { n: { type: "integer" } } } },
          },
        },
      })),
    },
  };
}

function objects(plural: string, version = "v1"): string {
  return `/apis/example.com/${version}/namespaces/default/${plural}`;
}

async function define(plural: string, kind: string, versions?: readonly string[]): Promise<void> {
  const created = await server.call({ method: "POST", path: CRDS, body: definition(plural, kind, versions) });
  expect(created.code).toBe(201);
  await changeOf(plural, (crd) => conditionOf(crd, "NamesAccepted") !== undefined);
}

function conditionOf(crd: KubeObject | undefined, type: string): Condition | undefined {
  const { conditions = [] } = (crd?.status ?? {}) as { conditions?: readonly Condition[] };
  return conditions.find((condition) => condition.type === type);
}

/** Resolves when the definition, as the store has it, is as wanted. */
function changeOf(plural: string, isWanted: (crd: KubeObject | undefined) => boolean): Promise<void> {
  const path = {
    collection: "apiextensions.k8s.io/customresourcedefinitions",
    namespace: "",
    name: `${plural}.example.com`,
  };
  return new Promise((resolve) => {
    const check = (): boolean => isWanted(server.store.get(path)?.object);
    if (check()) return resolve();
    const stop = server.store.watch({
      collection: path.collection,
      afterRevision: server.store.revision,
      onChange: () => {
        if (!check()) return;
        stop();
        // The server hears of the same change; its turn comes first.
        setImmediate(resolve);
      },
    });
  });
}

function create(
  plural: string,
  name: string,
  fields: Record<string, unknown> = { spec: { size: 1 } },
): Promise<ApiReply> {
  const [version, kind] = ["example.com/v1", plural === "apples" ? "Apple" : plural === "pears" ? "Pear" : "Plum"];
  return server.call({
    method: "POST",
    path: objects(plural),
    body: { apiVersion: version, kind, metadata: { name }, ...fields },
  });
}

test("a definition serves its kind: defaults, pruning, validation, discovery, status apart from spec", async () => {
  await define("apples", "Apple");
  const created = await create("apples", "a", { spec: { size: 2, unknown: true }, status: { n: 1 } });
  expect(created.json).toMatchObject({ spec: { size: 2, color: "red" }, metadata: { generation: 1 } });
  expect(created.json).not.toHaveProperty("status");
  expect(created.json["spec"]).not.toHaveProperty("unknown");
  expect((await create("apples", "b", { spec: { size: 0 } })).json).toMatchObject({ code: 422, reason: "Invalid" });
  const headers = { "content-type": "application/merge-patch+json" };
  const body = { spec: { size: 9 }, status: { n: 3 } };
  const status = await server.call({ method: "PATCH", path: `${objects("apples")}/a/status`, body, headers });
  expect(status.json).toMatchObject({ spec: { size: 2 }, status: { n: 3 }, metadata: { generation: 1 } });
  const resources = (await server.call({ path: "/apis/example.com/v1" })).json["resources"] as { name: string }[];
  expect(resources.map(({ name }) => name)).toEqual(["apples", "apples/status"]);
});

test("a replacement of a custom resource must say which version it replaces", async () => {
  const { json } = await server.call({ path: `${objects("apples")}/a` });
  const { resourceVersion: _resourceVersion, ...metadata } = json["metadata"] as Record<string, unknown>;
  const reply = await server.call({ method: "PUT", path: `${objects("apples")}/a`, body: { ...json, metadata } });
  expect(reply.json).toMatchObject({ code: 422, message: expect.stringContaining("must be specified for an update") });
});

test("all served versions show one object, each under its own name", async () => {
  await define("pears", "Pear", ["v1", "v2"]);
  await create("pears", "p");
  const v2 = await server.call({ path: `${objects("pears", "v2")}/p` });
  expect(v2.json).toMatchObject({ apiVersion: "example.com/v2", kind: "Pear", spec: { color: "red" } });
  const list = await server.call({ path: objects("pears", "v2") });
  expect(list.json).toMatchObject({ apiVersion: "example.com/v2", items: [{ apiVersion: "example.com/v2" }] });
});

test("a default that a definition learns later shows on the objects there are", async () => {
  const path = `${CRDS}/pears.example.com`;
  const versions = (definition("pears", "Pear", ["v1", "v2"]) as { spec: { versions: unknown[] } }).spec.versions;
  const text = JSON.stringify(versions).replaceAll(
    '"color":{',
    '"taste":{"type":"string","default":"sweet"},"color":{',
  );
  const headers = { "content-type": "application/merge-patch+json" };
  const patched = await server.call({
    method: "PATCH",
    path,
    body: { spec: { versions: JSON.parse(text) as unknown } },
    headers,
  });
  expect(patched.code).toBe(200);
  await expect
    .poll(async () => (await server.call({ path: `${objects("pears")}/p` })).json["spec"])
    .toMatchObject({ taste: "sweet" });
});

test("a kind that another definition has is not served until it is free", async () => {
  const taken = await server.call({ method: "POST", path: CRDS, body: definition("apples2", "Apple") });
  expect(taken.code).toBe(201);
  await changeOf("apples2", (crd) => conditionOf(crd, "Established")?.status === "False");
  expect((await server.call({ path: objects("apples2") })).code).toBe(404);
  await server.call({ method: "DELETE", path: `${CRDS}/apples.example.com` });
  await changeOf("apples2", (crd) => conditionOf(crd, "Established")?.status === "True");
  await expect.poll(async () => (await server.call({ path: objects("apples2") })).code).toBe(200);
});

test("deleting a definition deletes its objects first, and waits for those that are held", async () => {
  await define("plums", "Plum");
  await create("plums", "free");
  await create("plums", "held", { metadata: { name: "held", finalizers: ["example.com/hold"] }, spec: { size: 1 } });
  const deleted = await server.call({ method: "DELETE", path: `${CRDS}/plums.example.com` });
  expect(deleted.json).toMatchObject({ metadata: { finalizers: ["customresourcecleanup.apiextensions.k8s.io"] } });
  await expect.poll(async () => (await server.call({ path: `${objects("plums")}/free` })).code).toBe(404);
  expect((await server.call({ path: `${objects("plums")}/held` })).json).toMatchObject({
    metadata: { deletionTimestamp: expect.any(String) },
  });
  const headers = { "content-type": "application/merge-patch+json" };
  await server.call({
    method: "PATCH",
    path: `${objects("plums")}/held`,
    body: { metadata: { finalizers: null } },
    headers,
  });
  await changeOf("plums", (crd) => crd === undefined);
  await expect.poll(async () => (await server.call({ path: objects("plums") })).code).toBe(404);
});

test("after a restart definitions are served at once, with their objects", async () => {
  await server.restart();
  expect((await server.call({ path: `${objects("pears")}/p` })).json).toMatchObject({ metadata: { name: "p" } });
});

test("openapi: the document of a group appears with its definition and changes its hash", async () => {
  const urls = async (): Promise<Record<string, { serverRelativeURL: string }>> =>
    (await server.call({ path: "/openapi/v3" })).json["paths"] as Record<string, { serverRelativeURL: string }>;
  const url = (await urls())["apis/example.com/v1"]?.serverRelativeURL ?? "";
  const document = await server.call({ path: url });
  expect(JSON.stringify(document.json["components"])).toContain("com.example.v1.Pear");
  await define("plums", "Plum");
  await expect.poll(async () => (await urls())["apis/example.com/v1"]?.serverRelativeURL).not.toBe(url);
});
