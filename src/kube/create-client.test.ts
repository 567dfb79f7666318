import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { resources } from "#api";
import { Failure } from "#base";
import { createVirtualClock } from "#testing";
import { ApiFailure, type KubeClient } from "./client.ts";
import { createKubeClient } from "./create-client.ts";
import { describeRequest } from "./describe-request.ts";
import type { KubeCredentials } from "./kube-config.ts";
import { readText } from "./response-body.ts";
import { answer, fastClock, type ScriptedServer, startScriptedServer, statusBody } from "./scripted-server.ts";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

type Script = Parameters<typeof startScriptedServer>[0];

async function clientOf(
  script: Script,
  credentials: KubeCredentials = { kind: "none" },
  clock = fastClock,
): Promise<{ client: KubeClient; server: ScriptedServer }> {
  const server = await startScriptedServer(script);
  const client = createKubeClient({ server: server.url, namespace: "default", credentials }, { clock });
  cleanups.push(
    () => client.close(),
    () => server.close(),
  );
  return { client, server };
}

const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "a", namespace: "shop" } };

test("get gives undefined for an object that does not exist, and fails for a kind that is not served", async () => {
  const { client } = await clientOf((request, response) =>
    request.url.pathname.includes("/pods/")
      ? answer(response, 404, statusBody(404, "NotFound", { name: "a", kind: "pods" }))
      : answer(response, 404, "404 page not found\n"),
  );
  expect(await client.get(resources.pods, { namespace: "shop", name: "a" })).toBeUndefined();
  await expect(client.get(resources.canaries, { namespace: "shop", name: "a" })).rejects.toMatchObject({
    code: "NotFound",
    httpStatus: 404,
    message: expect.stringContaining("404 page not found"),
  });
});

test("a GET survives lost connections; a write is not sent twice", async () => {
  const { client, server } = await clientOf((request, response, index) => {
    if (request.method === "POST" || index < 2) response.socket?.destroy();
    else answer(response, 200, pod);
  });
  expect(await client.get(resources.pods, { namespace: "shop", name: "a" })).toEqual(pod);
  expect(server.seen).toHaveLength(3);
  await expect(client.create(resources.pods, pod)).rejects.toMatchObject({
    code: "ServerUnreachable",
    retryable: true,
  });
  expect(server.seen).toHaveLength(4);
});

test("a server that is not there is a retryable failure that names it", async () => {
  const { client, server } = await clientOf((_, response) => answer(response, 200, {}));
  await server.close();
  await expect(client.list(resources.pods)).rejects.toMatchObject({
    code: "ServerUnreachable",
    retryable: true,
    message: `Cannot reach the API server ${server.url} for GET /api/v1/pods`,
  });
});

test("an error Status becomes an ApiFailure with its reason", async () => {
  const { client } = await clientOf((_, response) => answer(response, 409, statusBody(409, "Conflict")));
  const failure = await client.update(resources.pods, pod).catch((thrown: unknown) => thrown);
  expect(failure).toBeInstanceOf(ApiFailure);
  expect(failure).toMatchObject({
    code: "Conflict",
    httpStatus: 409,
    retryable: false,
    status: { message: "said Conflict" },
  });
});

test("429 is retried for reads after Retry-After, a bounded number of times; a write is not sent again", async () => {
  const { client, server } = await clientOf((request, response, index) => {
    if (request.method === "GET" && index === 1) answer(response, 200, pod);
    else response.writeHead(429, { "retry-after": "1" }).end("{}");
  });
  expect(await client.get(resources.pods, { namespace: "shop", name: "a" })).toEqual(pod);
  expect(server.seen).toHaveLength(2);
  await expect(client.list(resources.pods)).rejects.toMatchObject({ code: "TooManyRequests", retryable: true });
  expect(server.seen).toHaveLength(6);
  await expect(client.create(resources.pods, pod)).rejects.toMatchObject({ code: "TooManyRequests", retryable: true });
  expect(server.seen).toHaveLength(7);
});

test("a call ends at its timeout, also in the middle of the body, and when its caller gives up", async () => {
  const clock = createVirtualClock();
  let arrived = (): void => undefined;
  const { client } = await clientOf(
    (request, response) => {
      if (request.method === "GET") response.writeHead(200).write("{");
      arrived();
    },
    { kind: "none" },
    clock,
  );
  const sent = (): Promise<void> => new Promise((resolve) => (arrived = resolve));
  for (const ask of [
    () => client.get(resources.pods, { namespace: "shop", name: "a" }, { timeoutMs: 3000 }),
    () => client.create(resources.pods, pod, { timeoutMs: 3000 }),
  ]) {
    const arrival = sent();
    const failed = ask().catch((thrown: unknown) => thrown);
    await arrival;
    await clock.advance(3000);
    expect(await failed).toMatchObject({
      code: "RequestTimeout",
      retryable: true,
      message: expect.stringContaining("no whole answer within 3000 ms"),
    });
  }
  const stop = new AbortController();
  const arrival = sent();
  const failed = client.create(resources.pods, pod, { signal: stop.signal }).catch((thrown: unknown) => thrown);
  await arrival;
  stop.abort();
  expect(await failed).toMatchObject({ name: "AbortError" });
});

test("beforeSend holds a request back", async () => {
  const { client, server } = await clientOf((_, response) => answer(response, 200, pod));
  const beforeSend = (): void => {
    throw new Failure("not now", { code: "Test" });
  };
  await expect(client.create(resources.pods, pod, { beforeSend })).rejects.toMatchObject({ code: "Test" });
  expect(server.seen).toHaveLength(0);
});

test("the rate limit holds requests back, but no watch; onRequest tells of each", async () => {
  const clock = createVirtualClock();
  const server = await startScriptedServer((_, response) => answer(response, 200, pod));
  const reports: string[] = [];
  const client = createKubeClient(
    { server: server.url, namespace: "", credentials: { kind: "none" } },
    {
      clock,
      rateLimit: { qps: 2, burst: 2 },
      onRequest: ({ verb, resource, status }) => reports.push(`${verb} ${resource} ${status}`),
    },
  );
  cleanups.push(
    () => client.close(),
    () => server.close(),
  );
  const key = { namespace: "shop", name: "a" };
  await client.get(resources.pods, key);
  await client.update(resources.pods, pod, { subresource: "status" });
  const third = client.delete(resources.pods, key);
  await client.raw({ path: "/api/v1/pods?watch=true", stream: true }).then((response) => readText(response.body));
  await clock.advance(499);
  expect(reports).toEqual(["get pods 200", "update pods/status 200", "watch pods 200"]);
  await clock.advance(1);
  await third;
  expect(reports[3]).toBe("delete pods 200");
});

test("describeRequest reads verb and kind from a path", () => {
  const seen = [
    describeRequest("GET", "/apis/apps/v1/namespaces/shop/deployments?limit=5"),
    describeRequest("GET", "/api/v1/namespaces"),
    describeRequest("GET", "/api/v1/namespaces/shop"),
    describeRequest("PATCH", "/apis/flagger.app/v1beta1/namespaces/shop/canaries/a/status?x=watch"),
    describeRequest("GET", "/api/v1/pods?a=b&watch=true"),
    describeRequest("GET", "/version"),
  ];
  expect(seen.map(({ verb, resource }) => `${verb} ${resource}`)).toEqual([
    "list deployments",
    "list namespaces",
    "get namespaces",
    "patch canaries/status",
    "watch pods",
    "get ",
  ]);
});

test("an answer that is no JSON object is refused with its beginning", async () => {
  const { client } = await clientOf((_, response) => answer(response, 200, "<html>proxy</html>"));
  await expect(client.list(resources.pods)).rejects.toMatchObject({
    code: "InvalidResponse",
    message: expect.stringContaining("<html>proxy</html>"),
  });
});

test("requests have the paths, queries and content types of the API", async () => {
  const { client, server } = await clientOf((request, response) =>
    answer(
      response,
      200,
      request.url.pathname.endsWith("s") && request.method === "GET" ? { metadata: {}, items: null } : pod,
    ),
  );
  await client.list(resources.deployments, { labelSelector: "app=web,tier in (a)", limit: 5 });
  await client.patch(
    resources.pods,
    { namespace: "shop", name: "a" },
    { kind: "merge", body: {}, options: { subresource: "status" } },
  );
  await client.apply(
    resources.namespaces,
    { apiVersion: "v1", kind: "Namespace", metadata: { name: "n" } },
    { fieldManager: "me", force: true },
  );
  await client.delete(resources.pods, { namespace: "shop", name: "a" }, { propagationPolicy: "Foreground" });
  expect(server.seen.map((one) => `${one.method} ${one.url.pathname}${decodeURIComponent(one.url.search)}`)).toEqual([
    "GET /apis/apps/v1/deployments?labelSelector=app=web,tier+in+(a)&limit=5",
    "PATCH /api/v1/namespaces/shop/pods/a/status",
    "PATCH /api/v1/namespaces/n?fieldManager=me&force=true",
    "DELETE /api/v1/namespaces/shop/pods/a",
  ]);
  expect(server.seen.map((one) => one.headers["content-type"])).toEqual([
    undefined,
    "application/merge-patch+json",
    "application/apply-patch+yaml",
    "application/json",
  ]);
  expect(JSON.parse(server.seen[3]?.body ?? "")).toMatchObject({
    kind: "DeleteOptions",
    propagationPolicy: "Foreground",
  });
});

test("list names the kind on items, which servers leave out", async () => {
  const { client } = await clientOf((_, response) =>
    answer(response, 200, {
      kind: "PodList",
      apiVersion: "v1",
      metadata: { resourceVersion: "7" },
      items: [{ metadata: { name: "a" } }],
    }),
  );
  const list = await client.list(resources.pods);
  expect(list.items).toEqual([{ apiVersion: "v1", kind: "Pod", metadata: { name: "a" } }]);
});

test("a token file is read again after a minute and its last token outlives the file", async () => {
  const folder = await mkdtemp(join(tmpdir(), "serin-kube-"));
  cleanups.push(() => rm(folder, { recursive: true }));
  const path = join(folder, "token");
  const clock = createVirtualClock();
  const { client, server } = await clientOf(
    (_, response) => answer(response, 200, pod),
    { kind: "tokenFile", path },
    clock,
  );
  const ask = (): Promise<unknown> => client.get(resources.pods, { namespace: "shop", name: "a" });
  await expect(ask()).rejects.toMatchObject({ code: "TokenUnreadable" });
  await writeFile(path, "one\n");
  await ask();
  await writeFile(path, "two\n");
  await ask();
  await clock.advance(60_000);
  await ask();
  await rm(path);
  await clock.advance(60_000);
  await ask();
  expect(server.seen.map((one) => one.headers.authorization)).toEqual([
    "Bearer one",
    "Bearer one",
    "Bearer two",
    "Bearer two",
  ]);
});

test("closing the client ends a stream that is still read", async () => {
  const { client } = await clientOf((_, response) => response.write("first\n"));
  const response = await client.raw({ path: "/stream", stream: true });
  const reading = (async () => {
    for await (const _ of response.body) void client.close();
  })();
  await expect(reading).rejects.toBeInstanceOf(Error);
});

test.each<[string, KubeCredentials, string]>([
  ["a token", { kind: "token", token: "s3cret-token" }, "s3cret-token"],
  ["a password", { kind: "basic", username: "ann", password: "pw" }, Buffer.from("ann:pw").toString("base64")],
])("what a server repeats of %s is not told", async (_, credentials, secret) => {
  const { client } = await clientOf((request, response) => {
    const words = `no entry for ${request.headers.authorization}`;
    answer(
      response,
      401,
      request.url.pathname.includes("/pods/") ? words : { ...statusBody(401, "Unauthorized"), message: words },
    );
  }, credentials);
  const key = { namespace: "shop", name: "a" };
  for (const asked of [client.get(resources.pods, key), client.list(resources.secrets)]) {
    const thrown: unknown = await asked.catch((error: unknown) => error);
    expect(thrown).toMatchObject({ httpStatus: 401, message: expect.stringContaining("no entry for ***") });
    expect(JSON.stringify([thrown, String(thrown)])).not.toContain(secret);
  }
});

test("an object that breaks off is not quoted, since it may be a Secret", async () => {
  const { client } = await clientOf((_, response) =>
    answer(response, 200, '{"kind":"SecretList","items":[{"data":{"a":"czNj'),
  );
  await expect(client.list(resources.secrets)).rejects.toMatchObject({
    code: "InvalidResponse",
    message: expect.not.stringContaining("czNj"),
  });
});
