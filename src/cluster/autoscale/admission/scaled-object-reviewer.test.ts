import { afterAll, beforeAll, expect, test } from "vitest";
import { kedaCrds, type KubeObject } from "#api";
import { type ApiReply, startTestApiServer, type TestApiServer } from "#testing";
import { scaledObjectReviewer } from "./scaled-object-reviewer.ts";

/** ScaledObjects as the API server takes and refuses them. */

let server: TestApiServer;

const MERGE = { "content-type": "application/merge-patch+json" };
const SCALED = "/apis/keda.sh/v1alpha1/namespaces/default/scaledobjects";

beforeAll(async () => {
  server = await startTestApiServer();
  server.attachAdmission([scaledObjectReviewer]);
  for (const body of kedaCrds()) {
    const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    expect((await server.call({ method: "POST", path, body })).code).toBe(201);
  }
});

afterAll(() => server.close());

const post = (path: string, body: object): Promise<ApiReply> => server.call({ method: "POST", path, body });
const patch = (path: string, body: object): Promise<ApiReply> =>
  server.call({ method: "PATCH", path, body, headers: MERGE });

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

test("ScaledObject: all findings are told, up to ten", async () => {
  const broken = { idleReplicaCount: 5, triggers: [{ type: "cron", metadata: {}, useCachedMetrics: true }] };
  const both = (await post(SCALED, scaledObject("broken", broken))).json["message"];
  expect(both).toMatch(/denied the request: spec.idleReplicaCount: .*; spec.triggers\[0\].useCachedMetrics: /);
  const triggers = [...Array(30).keys()].map(() => ({ type: "cron", name: "same", metadata: {} }));
  const many = (await post(SCALED, scaledObject("broken", { triggers }))).json["message"];
  expect(many).toMatch(/triggers\[10\].name: .*; and 19 more$/);
  expect(many).not.toContain("triggers[11]");
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
