import { afterAll, beforeAll, expect, test } from "vitest";
import type { KubeObject } from "#api";
import { startTestApiServer, type ApiReply, type TestApiServer } from "#testing";

let server: TestApiServer;
const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";
const MERGE = { "content-type": "application/merge-patch+json" };

beforeAll(async () => {
  server = await startTestApiServer();
});

afterAll(() => server.close());

function create(name: string, fields: Record<string, unknown> = {}): Promise<ApiReply> {
  return server.call({ method: "POST", path: CONFIG_MAPS, body: { metadata: { name }, ...fields } });
}

function object(reply: ApiReply): KubeObject {
  return reply.json as KubeObject;
}

function patch(path: string, body: unknown, headers: Record<string, string> = MERGE): Promise<ApiReply> {
  return server.call({ method: "PATCH", path, body, headers });
}

test("create, get: complete the object and answer with what is stored", async () => {
  const created = await create("made", { data: { a: "1" } });
  expect(created.code).toBe(201);
  expect(object(created)).toMatchObject({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "made", namespace: "default" },
  });
  expect((await server.call({ path: `${CONFIG_MAPS}/made` })).json).toEqual(created.json);
  expect((await create("made")).json).toMatchObject({
    code: 409,
    reason: "AlreadyExists",
    message: 'configmaps "made" already exists',
  });
});

test("create: refuses a namespace that is missing, and one that differs from the URL", async () => {
  const path = "/api/v1/namespaces/none/configmaps";
  const missing = await server.call({ method: "POST", path, body: { metadata: { name: "a" } } });
  expect(missing.json).toMatchObject({ code: 404, message: 'namespaces "none" not found' });
  expect((await create("a", { metadata: { name: "a", namespace: "other" } })).json).toMatchObject({ code: 400 });
});

test("update: a stale version is a conflict, and of two writers from one version one wins", async () => {
  const base = object(await create("contested", { data: { n: "0" } }));
  const write = (n: string): Promise<ApiReply> =>
    server.call({ method: "PUT", path: `${CONFIG_MAPS}/contested`, body: { ...base, data: { n } } });
  const replies = await Promise.all([write("1"), write("2"), write("3")]);
  expect(replies.map(({ code }) => code).sort((a, b) => a - b)).toEqual([200, 409, 409]);
  expect(replies.find(({ code }) => code === 409)?.json).toMatchObject({ reason: "Conflict" });
});

test("update: a write that changes nothing keeps the version", async () => {
  const created = object(await create("still", { data: { a: "1" } }));
  const put = await server.call({ method: "PUT", path: `${CONFIG_MAPS}/still`, body: created });
  expect(object(put).metadata.resourceVersion).toBe(created.metadata.resourceVersion);
  const patched = await patch(`${CONFIG_MAPS}/still`, { data: { a: "1" } });
  expect(object(patched).metadata.resourceVersion).toBe(created.metadata.resourceVersion);
});

test("update: what the server sets cannot be changed by a client", async () => {
  const created = object(await create("own"));
  const wanted = {
    metadata: { creationTimestamp: "2001-01-01T00:00:00Z", generation: 9, deletionTimestamp: "2001-01-01T00:00:00Z" },
  };
  expect(object(await patch(`${CONFIG_MAPS}/own`, wanted)).metadata).toEqual(created.metadata);
  expect((await patch(`${CONFIG_MAPS}/own`, { metadata: { uid: "other" } })).code).toBe(409);
  expect((await patch(`${CONFIG_MAPS}/own`, { metadata: { name: "renamed" } })).code).toBe(400);
});

test("delete: finalizers hold the object until the last is gone", async () => {
  await create("held", { metadata: { name: "held", finalizers: ["example.com/a", "example.com/b"] } });
  const marked = await server.call({ method: "DELETE", path: `${CONFIG_MAPS}/held` });
  expect(object(marked).metadata.deletionTimestamp).toBeDefined();
  await patch(`${CONFIG_MAPS}/held`, { metadata: { finalizers: ["example.com/b"] } });
  expect((await server.call({ path: `${CONFIG_MAPS}/held` })).code).toBe(200);
  await patch(`${CONFIG_MAPS}/held`, { metadata: { finalizers: null } });
  expect((await server.call({ path: `${CONFIG_MAPS}/held` })).code).toBe(404);
});

test("delete: propagation becomes a finalizer for the garbage collector", async () => {
  for (const [policy, finalizer] of [
    ["Foreground", "foregroundDeletion"],
    ["Orphan", "orphan"],
  ] as const) {
    const name = policy.toLowerCase();
    await create(name);
    const reply = await server.call({ method: "DELETE", path: `${CONFIG_MAPS}/${name}?propagationPolicy=${policy}` });
    expect(object(reply).metadata.finalizers).toEqual([finalizer]);
  }
});

test("delete: a pod on a node gets its time to stop; a second deletion can only shorten it", async () => {
  const pods = "/api/v1/namespaces/default/pods";
  const spec = { nodeName: "n", terminationGracePeriodSeconds: 20, containers: [{ name: "c", image: "i:1" }] };
  await server.call({ method: "POST", path: pods, body: { metadata: { name: "p" }, spec } });
  const grace = async (query: string): Promise<unknown> =>
    object(await server.call({ method: "DELETE", path: `${pods}/p${query}` })).metadata.deletionGracePeriodSeconds;
  expect(await grace("")).toBe(20);
  expect(await grace("?gracePeriodSeconds=60")).toBe(20);
  expect(await grace("?gracePeriodSeconds=5")).toBe(5);
  expect(await grace("?gracePeriodSeconds=0")).toBe(0);
  expect((await server.call({ path: `${pods}/p` })).code).toBe(404);
});

test("dryRun: answers as if and stores nothing", async () => {
  await create("wet");
  const revision = server.store.revision;
  const replies = [
    await server.call({ method: "POST", path: `${CONFIG_MAPS}?dryRun=All`, body: { metadata: { name: "dry" } } }),
    await patch(`${CONFIG_MAPS}/wet?dryRun=All`, { data: { a: "1" } }),
    await server.call({ method: "DELETE", path: `${CONFIG_MAPS}/wet?dryRun=All` }),
    await server.call({ method: "DELETE", path: `${CONFIG_MAPS}?dryRun=All` }),
  ];
  expect(replies.map(({ code }) => code)).toEqual([201, 200, 200, 200]);
  expect(server.store.revision).toBe(revision);
});

test("apply: creates what is missing; another manager's field is a conflict unless forced", async () => {
  const headers = { "content-type": "application/apply-patch+yaml" };
  const apply = (manager: string, value: string, force = false): Promise<ApiReply> => {
    const body = `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: applied}\ndata: {a: "${value}"}\n`;
    return server.call({
      method: "PATCH",
      path: `${CONFIG_MAPS}/applied?fieldManager=${manager}&force=${force}`,
      body,
      headers,
    });
  };
  expect((await apply("one", "1")).code).toBe(201);
  expect((await apply("two", "2")).json).toMatchObject({
    code: 409,
    reason: "Conflict",
    details: { causes: [{ reason: "FieldManagerConflict" }] },
  });
  expect((await apply("two", "2", true)).json).toMatchObject({ data: { a: "2" } });
});

test("patch: each language is told apart by its content type; others are refused", async () => {
  await create("patched", { data: { a: "1" } });
  const path = `${CONFIG_MAPS}/patched`;
  const json = await patch(path, [{ op: "replace", path: "/data/a", value: "2" }], {
    "content-type": "application/json-patch+json",
  });
  expect(json.json).toMatchObject({ data: { a: "2" } });
  expect((await patch(path, {}, { "content-type": "application/json" })).json).toMatchObject({ code: 415 });
  expect((await patch(path, { data: { a: 7 } })).code).toBe(422);
});

test("services: get addresses and node ports once, and keep them", async () => {
  const services = "/api/v1/namespaces/default/services";
  const make = (name: string, spec: object): Promise<ApiReply> =>
    server.call({
      method: "POST",
      path: services,
      body: { metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } },
    });
  const spec = async (reply: Promise<ApiReply>): Promise<Record<string, unknown>> =>
    object(await reply)["spec"] as Record<string, unknown>;
  const [one, two] = [await spec(make("one", { type: "NodePort" })), await spec(make("two", {}))];
  expect(one["clusterIP"]).not.toBe(two["clusterIP"]);
  expect(one["ports"]).toMatchObject([{ nodePort: 30_000 }]);
  const changed = await spec(patch(`${services}/one`, { spec: { ports: [{ port: 80, name: "http" }] } }));
  expect(changed).toMatchObject({ clusterIP: one["clusterIP"], ports: [{ nodePort: 30_000 }] });
  const taken = await make("three", { clusterIP: two["clusterIP"] });
  expect(taken.json).toMatchObject({ code: 422 });
  expect((await spec(make("headless", { clusterIP: "None" })))["clusterIP"]).toBe("None");
});

test("versions: an autoscaler is one object in both versions of its group", async () => {
  const path = (version: string): string => `/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers`;
  const spec = {
    scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "d" },
    maxReplicas: 3,
    targetCPUUtilizationPercentage: 60,
  };
  await server.call({ method: "POST", path: path("v1"), body: { metadata: { name: "h" }, spec } });
  const v2 = await server.call({ path: `${path("v2")}/h` });
  expect(v2.json).toMatchObject({
    apiVersion: "autoscaling/v2",
    spec: { metrics: [{ resource: { target: { averageUtilization: 60 } } }] },
  });
  const v1 = await server.call({ path: `${path("v1")}/h` });
  expect(v1.json).toMatchObject({ apiVersion: "autoscaling/v1", spec: { targetCPUUtilizationPercentage: 60 } });
});

test("events: both groups show one event under their own names of the fields", async () => {
  const involvedObject = { kind: "Pod", name: "p", namespace: "default" };
  const body = { metadata: { name: "e" }, involvedObject, reason: "R", message: "said", type: "Normal" };
  await server.call({ method: "POST", path: "/api/v1/namespaces/default/events", body });
  const served = await server.call({ path: "/apis/events.k8s.io/v1/namespaces/default/events/e" });
  expect(served.json).toMatchObject({ apiVersion: "events.k8s.io/v1", regarding: { name: "p" }, note: "said" });
  const found = await server.call({ path: "/api/v1/namespaces/default/events?fieldSelector=involvedObject.name=p" });
  expect(found.json["items"]).toHaveLength(1);
});

test("restart: everything is still there, under the same versions, with the same tokens", async () => {
  const before = await server.call({ path: CONFIG_MAPS });
  await server.restart();
  expect((await server.call({ path: CONFIG_MAPS })).json).toEqual(before.json);
});
