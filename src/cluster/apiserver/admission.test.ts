import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { kedaCrds, type KubeObject, resources } from "#api";
import type { AdmissionRequest, AdmissionReviewer } from "#cluster";
import { type ApiReply, startTestApiServer, type TestApiServer } from "#testing";
import { scaledObjectReviewer } from "../autoscale/admission/scaled-object-reviewer.ts";

/** Reviewers of writes, first one that only listens, then KEDA's. */

let server: TestApiServer;
let asked: (AdmissionRequest & { readonly neighbours: number })[] = [];

const MERGE = { "content-type": "application/merge-patch+json" };
const APPLY = { "content-type": "application/apply-patch+yaml" };
const MAPS = "/api/v1/namespaces/default/configmaps";
const SCALED = "/apis/keda.sh/v1alpha1/namespaces/default/scaledobjects";

const listener: AdmissionReviewer = {
  name: "maps.example.com",
  resource: resources.configMaps,
  review: (request, view) => {
    asked.push({ ...request, neighbours: view.list(resources.configMaps, "default").length });
    const { data } = request.object as { readonly data?: Readonly<Record<string, string>> };
    const message = `the word is ${data?.["word"]}`;
    return {
      problems: data?.["word"] === "bad" ? [{ path: "data.word", code: "word", message, fix: "say it nicely" }] : [],
      warnings: data?.["word"] === "odd" ? [`a "quoted"\nword`, "and another"] : [],
    };
  },
};

beforeAll(async () => {
  server = await startTestApiServer();
  server.attachAdmission([listener, scaledObjectReviewer]);
  for (const body of kedaCrds()) {
    const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    expect((await server.call({ method: "POST", path, body })).code).toBe(201);
  }
});

afterAll(() => server.close());

beforeEach(() => {
  asked = [];
});

const map = (name: string, word: string) => ({ metadata: { name }, data: { word } });
const post = (path: string, body: object): Promise<ApiReply> => server.call({ method: "POST", path, body });
const patch = (path: string, body: object, headers = MERGE): Promise<ApiReply> =>
  server.call({ method: "PATCH", path, body, headers });

test("admission: a refused create is what kubectl knows from webhooks, and nothing is stored", async () => {
  const reply = await post(MAPS, map("refused", "bad"));
  expect(reply.code).toBe(403);
  expect(reply.json).toEqual({
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    reason: "Forbidden",
    code: 403,
    message: 'admission webhook "maps.example.com" denied the request: data.word: the word is bad (say it nicely)',
  });
  expect((await server.call({ path: `${MAPS}/refused` })).code).toBe(404);
});

test("admission: it sees what would be stored, what is, and whether it is a dry run; of replace, patch and apply alike", async () => {
  const created = await post(MAPS, map("seen", "good"));
  expect(created.headers["warning"]).toBeUndefined();
  expect(asked).toEqual([
    {
      object: expect.objectContaining({ data: { word: "good" } }),
      old: undefined,
      isDryRun: false,
      neighbours: expect.any(Number),
    },
  ]);
  expect(asked[0]?.object.metadata).toMatchObject({ name: "seen", namespace: "default", uid: expect.any(String) });
  const put = await server.call({ method: "PUT", path: `${MAPS}/seen`, body: map("seen", "bad") });
  const merged = await patch(`${MAPS}/seen?dryRun=All`, { data: { word: "bad" } });
  const applied = await patch(
    `${MAPS}/seen?fieldManager=me&force=true`,
    { apiVersion: "v1", kind: "ConfigMap", ...map("seen", "bad") },
    APPLY,
  );
  expect([put, merged, applied].map(({ code }) => code)).toEqual([403, 403, 403]);
  expect(asked.slice(1).map(({ isDryRun }) => isDryRun)).toEqual([false, true, false]);
  for (const { old } of asked.slice(1)) expect(old).toEqual(created.json);
  expect((await server.call({ path: `${MAPS}/seen` })).json).toEqual(created.json);
});

test("admission: other kinds and deletions are not asked about", async () => {
  await post("/api/v1/namespaces/default/secrets", { metadata: { name: "s" }, data: {} });
  await post(MAPS, map("gone", "good"));
  await server.call({ method: "DELETE", path: `${MAPS}/gone` });
  expect(asked.map(({ object }) => object.metadata.name)).toEqual(["gone"]);
});

test("admission: warnings go out as headers, in the form of RFC 7234", async () => {
  const reply = await post(MAPS, map("odd", "odd"));
  expect(reply.code).toBe(201);
  expect(reply.headers["warning"]).toBe('299 - "a \\"quoted\\" word", 299 - "and another"');
  const again = await patch(`${MAPS}/odd`, { data: { more: "1" } });
  expect(again.headers["warning"]).toBe(reply.headers["warning"]);
});

test("admission: a reviewer that breaks is an error of the server, and stores nothing", async () => {
  const broken: AdmissionReviewer = {
    ...listener,
    review: () => {
      throw new Error("no idea");
    },
  };
  server.attachAdmission([broken]);
  const reply = await post(MAPS, map("broken", "good"));
  server.attachAdmission([listener, scaledObjectReviewer]);
  expect(reply.json).toMatchObject({ code: 500, message: "Internal error occurred: no idea" });
  expect((await server.call({ path: `${MAPS}/broken` })).code).toBe(404);
});

function scaledObject(name: string, spec: object = {}, metadata: object = {}): KubeObject {
  return {
    apiVersion: "keda.sh/v1alpha1",
    kind: "ScaledObject",
    metadata: { name, ...metadata },
    spec: { scaleTargetRef: { name }, triggers: [{ type: "cron", metadata: {} }], ...spec },
  };
}

const denied = (reply: ApiReply): unknown => ({ code: reply.code, message: reply.json["message"] });
const refusal = (finding: string) => ({
  code: 403,
  message: `admission webhook "vscaledobject.kb.io" denied the request: ${finding}`,
});

test("ScaledObject: two for one target cannot both be there, even when they come at once", async () => {
  const target = { scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "contested" } };
  const names = ["first", "second", "third"];
  const replies = await Promise.all(names.map((name) => post(SCALED, scaledObject(name, target))));
  const refused = replies.filter(({ code }) => code !== 201);
  const winner = names[replies.findIndex(({ code }) => code === 201)];
  expect(refused.map(denied)).toEqual(
    [1, 2].map(() =>
      refusal(
        `spec.scaleTargetRef: the apps/v1.Deployment "contested" is scaled by the ScaledObject "${winner}" already [other-scaled-object] (delete that one, or add the triggers to it)`,
      ),
    ),
  );
});

test("ScaledObject: a foreign autoscaler is in the way, by either version of its API, until it says that it is not", async () => {
  const path = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers";
  const scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name: "taken" };
  await post(path, { metadata: { name: "taken" }, spec: { scaleTargetRef, maxReplicas: 3 } });
  expect((await post(SCALED, scaledObject("taken"))).json["message"]).toContain("[other-hpa]");
  await patch(`${path}/taken`, { metadata: { annotations: { "validations.keda.sh/hpa-ownership": "false" } } });
  expect((await post(SCALED, scaledObject("taken"))).code).toBe(201);
});

test("ScaledObject: requests of the target's containers, and defaults of the namespace, are looked up", async () => {
  const cpu = { minReplicaCount: 1, triggers: [{ type: "cpu", metricType: "Utilization", metadata: { value: "60" } }] };
  const early = await post(SCALED, scaledObject("early", cpu));
  expect(early.code).toBe(201);
  expect(early.headers["warning"]).toContain('299 - "the apps/v1.Deployment \\"early\\" does not exist yet');
  const labels = { app: "lean" };
  const template = { metadata: { labels }, spec: { containers: [{ name: "app", image: "app:1" }] } };
  const workload = { metadata: { name: "lean" }, spec: { selector: { matchLabels: labels }, template } };
  await post("/apis/apps/v1/namespaces/default/deployments", workload);
  await post("/apis/apps/v1/namespaces/default/statefulsets", {
    ...workload,
    spec: { ...workload.spec, serviceName: "x" },
  });
  const statefulSet = { ...cpu, scaleTargetRef: { kind: "StatefulSet", name: "lean" } };
  for (const body of [scaledObject("lean", cpu), scaledObject("lean-set", statefulSet)]) {
    expect((await post(SCALED, body)).json["message"]).toContain(
      'the container "app" of the target has no cpu request',
    );
    expect((await post(`${SCALED}?dryRun=All`, body)).code).toBe(201);
  }
  const item = { type: "Container", defaultRequest: { cpu: "50m" } };
  await post("/api/v1/namespaces/default/limitranges", { metadata: { name: "l" }, spec: { limits: [item] } });
  expect((await post(SCALED, scaledObject("lean", cpu))).code).toBe(201);
});

test("ScaledObject: a change is judged, its status is not, and its last finalizer goes whatever the rules say", async () => {
  const path = `${SCALED}/held`;
  const held = { finalizers: ["finalizer.keda.sh"] };
  expect((await post(SCALED, scaledObject("held", { minReplicaCount: 1 }, held))).code).toBe(201);
  const idle = await patch(path, { spec: { idleReplicaCount: 1 } });
  expect(denied(idle)).toEqual(
    refusal(
      "spec.idleReplicaCount: 1 is not less than minReplicaCount, which is 1 [incorrect-replicas] (set minReplicaCount to more than that)",
    ),
  );
  // Rules that it comes to break afterwards.
  const autoscaler = {
    metadata: { name: "held" },
    spec: { scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "held" }, maxReplicas: 2 },
  };
  await post("/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers", autoscaler);
  expect((await patch(path, { metadata: { labels: { a: "b" } } })).code).toBe(403);
  expect((await patch(`${path}/status`, { status: { hpaName: "x" } })).code).toBe(200);
  await server.call({ method: "DELETE", path });
  expect((await patch(path, { metadata: { finalizers: null }, spec: { minReplicaCount: 2 } })).code).toBe(403);
  expect((await patch(path, { metadata: { finalizers: null } })).code).toBe(200);
  expect((await server.call({ path })).code).toBe(404);
});

test("ScaledObject: what the schema refuses is refused by it, as before", async () => {
  const reply = await post(SCALED, scaledObject("over", { minReplicaCount: 5, maxReplicaCount: 2 }));
  expect(reply.json).toMatchObject({ code: 422, reason: "Invalid" });
  expect(reply.json["message"]).toContain("minReplicaCount must be less than or equal to maxReplicaCount");
});

test("ScaledObject: its columns and short name are KEDA's", async () => {
  await post(SCALED, scaledObject("shown", { minReplicaCount: 1, maxReplicaCount: 5 }));
  const status = {
    scaleTargetKind: "apps/v1.Deployment",
    triggersTypes: "cron",
    conditions: [
      { type: "Ready", status: "True" },
      { type: "Paused", status: "False" },
    ],
  };
  await patch(`${SCALED}/shown/status`, { status });
  const accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
  const { json } = await server.call({ path: `${SCALED}/shown`, headers: { accept } });
  const table = json as { columnDefinitions: { name: string }[]; rows: { cells: unknown[] }[] };
  expect(table.columnDefinitions.map(({ name }) => name)).toEqual([
    "Name",
    ..."ScaleTargetKind ScaleTargetName Min Max Ready Active Fallback Paused Triggers Authentications Age".split(" "),
  ]);
  expect(table.rows[0]?.cells.slice(0, -1)).toEqual([
    "shown",
    "apps/v1.Deployment",
    "shown",
    1,
    5,
    "True",
    null,
    null,
    "False",
    "cron",
    null,
  ]);
});
