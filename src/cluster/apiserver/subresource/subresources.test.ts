import { afterAll, beforeAll, expect, test } from "vitest";
import { Failure } from "#base";
import type { LogQuery, NodeApi, PodUsage } from "../../node-api.ts";
import { startTestApiServer, type ApiReply, type TestApiServer } from "#testing";

let server: TestApiServer;
const DEFAULT = "/api/v1/namespaces/default";
const DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments";
const MERGE = { "content-type": "application/merge-patch+json" };

/** A node whose pods have written what the test says; `waiting` has not started, `missing` never ran. */
function nodeWith(
  lines: Record<string, string>,
  usages: readonly PodUsage[] = [],
): NodeApi & { readonly asked: LogQuery[] } {
  const asked: LogQuery[] = [];
  return {
    asked,
    async *logs(query, signal) {
      asked.push(query);
      if (query.pod === "waiting") throw new Failure("not yet", { code: "ContainerCreating" });
      if (query.pod === "missing") throw new Failure("never", { code: "NotFound" });
      yield Buffer.from(lines[query.pod] ?? "");
      if (query.follow)
        await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    },
    usage: () => usages,
  };
}

const usage: PodUsage = {
  namespace: "default",
  pod: "talker",
  timestampMs: Date.parse("2026-01-01T00:00:00Z"),
  windowMs: 15_000,
  containers: [{ name: "c", cpuCores: 0.25, memoryBytes: 64 * 1024 * 1024 }],
};
const node = nodeWith({ talker: "hello\n" }, [usage]);

beforeAll(async () => {
  server = await startTestApiServer();
});

afterAll(() => server.close());

function post(path: string, body: unknown): Promise<ApiReply> {
  return server.call({ method: "POST", path, body });
}

function pod(name: string, nodeName?: string): Promise<ApiReply> {
  const spec = { containers: [{ name: "c", image: "i:1" }], ...(nodeName === undefined ? {} : { nodeName }) };
  return post(`${DEFAULT}/pods`, { metadata: { name, labels: { app: "x" } }, spec });
}

test("scale: reads and writes the replicas of a kind, and the kind's generation follows", async () => {
  const labels = { app: "d" };
  const template = { metadata: { labels }, spec: { containers: [{ name: "c", image: "i:1" }] } };
  await post(DEPLOYMENTS, {
    metadata: { name: "d" },
    spec: { replicas: 2, selector: { matchLabels: labels }, template },
  });
  const scale = await server.call({ path: `${DEPLOYMENTS}/d/scale` });
  expect(scale.json).toMatchObject({
    kind: "Scale",
    spec: { replicas: 2 },
    status: { replicas: 0, selector: "app=d" },
  });
  const scaled = await server.call({
    method: "PATCH",
    path: `${DEPLOYMENTS}/d/scale`,
    body: { spec: { replicas: 5 } },
    headers: MERGE,
  });
  expect(scaled.json).toMatchObject({ spec: { replicas: 5 } });
  expect((await server.call({ path: `${DEPLOYMENTS}/d` })).json).toMatchObject({
    spec: { replicas: 5 },
    metadata: { generation: 2 },
  });
  const stale = await server.call({ method: "PUT", path: `${DEPLOYMENTS}/d/scale`, body: scale.json });
  expect(stale.json).toMatchObject({ code: 409, reason: "Conflict" });
  const negative = await server.call({
    method: "PATCH",
    path: `${DEPLOYMENTS}/d/scale`,
    body: { spec: { replicas: -1 } },
    headers: MERGE,
  });
  expect(negative.code).toBe(422);
});

test("metrics: the group appears when a node is attached, and tells what pods use", async () => {
  expect((await server.call({ path: "/apis/metrics.k8s.io/v1beta1" })).code).toBe(404);
  server.attachNode(node);
  const pods = await server.call({ path: "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods" });
  expect(pods.json).toMatchObject({
    kind: "PodMetricsList",
    items: [
      {
        metadata: { name: "talker" },
        window: "15s",
        containers: [{ name: "c", usage: { cpu: "250000000n", memory: "65536Ki" } }],
      },
    ],
  });
});

test("log: comes from the node; a pod without one has written nothing", async () => {
  await Promise.all([pod("talker", "n"), pod("waiting", "n"), pod("missing", "n"), pod("unbound")]);
  const logOf = (name: string, query = ""): Promise<ApiReply> =>
    server.call({ path: `${DEFAULT}/pods/${name}/log${query}` });
  expect((await logOf("talker", "?tailLines=3&timestamps=true")).text).toBe("hello\n");
  expect(node.asked.at(-1)).toMatchObject({
    pod: "talker",
    container: "c",
    tailLines: 3,
    timestamps: true,
    follow: false,
  });
  expect(await logOf("unbound")).toMatchObject({ code: 200, text: "" });
  expect((await logOf("waiting")).json).toMatchObject({
    code: 400,
    message: 'container "c" in pod "waiting" is waiting to start: ContainerCreating',
  });
  expect((await logOf("missing", "?previous=true")).json).toMatchObject({
    code: 400,
    message: 'previous terminated container "c" in pod "missing" not found',
  });
  expect((await logOf("talker", "?container=nope")).json).toMatchObject({
    code: 400,
    message: "container nope is not valid for pod talker",
  });
  expect((await logOf("nobody")).code).toBe(404);
});

test("log: a follower is let go when the server closes", async () => {
  const following = server.call({ path: `${DEFAULT}/pods/talker/log?follow=true` });
  await expect.poll(() => node.asked.at(-1)?.follow).toBe(true);
  await server.restart();
  expect((await following).text).toBe("hello\n");
  server.attachNode(node);
});

test("binding: assigns a pod to a node once", async () => {
  const bind = (): Promise<ApiReply> =>
    post(`${DEFAULT}/pods/unbound/binding`, { target: { kind: "Node", name: "n1" } });
  expect((await bind()).code).toBe(201);
  const bound = await server.call({ path: `${DEFAULT}/pods/unbound` });
  expect(bound.json).toMatchObject({
    spec: { nodeName: "n1" },
    status: { conditions: [{ type: "PodScheduled", status: "True" }] },
  });
  expect((await bind()).code).toBe(409);
});

test("eviction: a disruption budget that allows none keeps the pod", async () => {
  await pod("evicted", "n");
  const status = { phase: "Running" };
  await server.call({ method: "PATCH", path: `${DEFAULT}/pods/evicted/status`, body: { status }, headers: MERGE });
  const budget = { metadata: { name: "b" }, spec: { minAvailable: 1, selector: { matchLabels: { app: "x" } } } };
  await post("/apis/policy/v1/namespaces/default/poddisruptionbudgets", budget);
  const evict = (): Promise<ApiReply> =>
    post(`${DEFAULT}/pods/evicted/eviction`, {
      metadata: { name: "evicted" },
      deleteOptions: { gracePeriodSeconds: 0 },
    });
  expect((await evict()).json).toMatchObject({ code: 429, reason: "TooManyRequests" });
  await server.call({ method: "DELETE", path: "/apis/policy/v1/namespaces/default/poddisruptionbudgets/b" });
  expect((await evict()).code).toBe(201);
  expect((await server.call({ path: `${DEFAULT}/pods/evicted` })).code).toBe(404);
});

test("token: opens the API for its service account until the account goes", async () => {
  await post(`${DEFAULT}/serviceaccounts`, { metadata: { name: "sa" } });
  const issued = await post(`${DEFAULT}/serviceaccounts/sa/token`, { spec: {} });
  const { token } = issued.json["status"] as { token: string };
  const headers = { authorization: `Bearer ${token}` };
  const review = await server.call({
    method: "POST",
    path: "/apis/authentication.k8s.io/v1/selfsubjectreviews",
    body: {},
    headers,
  });
  expect(review.json).toMatchObject({ status: { userInfo: { username: "system:serviceaccount:default:sa" } } });
  expect((await server.call({ path: `${DEFAULT}/pods`, headers })).code).toBe(200);
  const elsewhere = await post(`${DEFAULT}/serviceaccounts/sa/token`, { spec: { audiences: ["vault"] } });
  const foreign = (elsewhere.json["status"] as { token: string }).token;
  expect((await server.call({ path: `${DEFAULT}/pods`, headers: { authorization: `Bearer ${foreign}` } })).code).toBe(
    401,
  );
  await server.call({ method: "DELETE", path: `${DEFAULT}/serviceaccounts/sa` });
  expect((await server.call({ path: `${DEFAULT}/pods`, headers })).code).toBe(401);
});

test("finalize: a namespace goes when it is being deleted and its last finalizer is taken", async () => {
  await post("/api/v1/namespaces", { metadata: { name: "doomed" } });
  const doomed = await server.call({ method: "DELETE", path: "/api/v1/namespaces/doomed" });
  expect(doomed.json).toMatchObject({ status: { phase: "Terminating" }, spec: { finalizers: ["kubernetes"] } });
  const refused = await post("/api/v1/namespaces/doomed/configmaps", { metadata: { name: "late" } });
  expect(refused.json).toMatchObject({ code: 403, details: { causes: [{ reason: "NamespaceTerminating" }] } });
  const body = { ...doomed.json, spec: { finalizers: [] } };
  expect((await server.call({ method: "PUT", path: "/api/v1/namespaces/doomed/finalize", body })).code).toBe(200);
  expect((await server.call({ path: "/api/v1/namespaces/doomed" })).code).toBe(404);
});

test("exec: says why there is none", async () => {
  expect((await server.call({ method: "POST", path: `${DEFAULT}/pods/talker/exec?command=ls` })).json).toMatchObject({
    code: 501,
  });
  expect((await server.call({ method: "POST", path: `${DEFAULT}/pods/nobody/exec?command=ls` })).code).toBe(404);
});
