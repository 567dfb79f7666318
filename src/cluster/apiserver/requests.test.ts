import { statSync } from "node:fs";
import { connect } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startApiServer } from "./index.ts";
import { ensurePki } from "./auth/pki.ts";
import { silentLog } from "#base";
import { systemClock } from "#kube";
import { startTestApiServer, type TestApiServer } from "#testing";

let server: TestApiServer;
const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";

beforeAll(async () => {
  server = await startTestApiServer();
});

afterAll(() => server.close());

test("authenticate: no token reads health and version only; a wrong token is refused everywhere", async () => {
  const none = { authorization: "" };
  for (const path of ["/healthz", "/livez", "/readyz", "/version"])
    expect((await server.call({ path, headers: none })).code).toBe(200);
  expect((await server.call({ path: CONFIG_MAPS, headers: none })).json).toMatchObject({
    code: 403,
    reason: "Forbidden",
    message:
      'configmaps is forbidden: User "system:anonymous" cannot list resource "configmaps" in API group "" in the namespace "default"',
  });
  const wrong = { authorization: "Bearer eyJhbGciOiJub25lIn0.e30." };
  expect((await server.call({ path: "/healthz", headers: wrong })).json).toMatchObject({
    code: 401,
    reason: "Unauthorized",
  });
});

test("impersonate: only the administrator may, and the user then has what roles grant", async () => {
  const rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default";
  const asBob = { "impersonate-user": "bob" };
  expect((await server.call({ path: CONFIG_MAPS, headers: asBob })).code).toBe(403);
  const rules = [{ apiGroups: [""], resources: ["configmaps"], verbs: ["list"] }];
  await server.call({ method: "POST", path: `${rbac}/roles`, body: { metadata: { name: "reader" }, rules } });
  const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "reader" };
  const subjects = [{ kind: "User", apiGroup: "rbac.authorization.k8s.io", name: "bob" }];
  await server.call({
    method: "POST",
    path: `${rbac}/rolebindings`,
    body: { metadata: { name: "bob" }, roleRef, subjects },
  });
  expect((await server.call({ path: CONFIG_MAPS, headers: asBob })).code).toBe(200);
  expect((await server.call({ path: `${CONFIG_MAPS}/x`, headers: asBob })).code).toBe(403);
  expect((await server.call({ path: "/api/v1/namespaces/kube-system/configmaps", headers: asBob })).code).toBe(403);
});

test("negotiate: the first form that can be given wins; none is 406", async () => {
  const typeFor = async (accept: string): Promise<string | undefined> =>
    (await server.call({ path: CONFIG_MAPS, headers: { accept } })).headers["content-type"];
  expect(await typeFor("application/vnd.kubernetes.protobuf,application/json")).toBe("application/json");
  expect(await typeFor("application/yaml")).toBe("application/yaml");
  expect(await typeFor("application/json;q=0.1,application/yaml;q=0.9")).toBe("application/yaml");
  const refused = await server.call({
    method: "POST",
    path: CONFIG_MAPS,
    body: { metadata: { name: "unread" } },
    headers: { accept: "text/html" },
  });
  expect(refused.json).toMatchObject({ code: 406, reason: "NotAcceptable" });
  expect((await server.call({ path: `${CONFIG_MAPS}/unread` })).code).toBe(404);
});

test("body: one of 5 MB is refused in the real server's words, and the client gets to read them", async () => {
  const body = { metadata: { name: "big" }, data: { big: "x".repeat(5 * 1024 * 1024) } };
  const reply = await server.call({ method: "POST", path: CONFIG_MAPS, body });
  expect(reply.json).toMatchObject({
    code: 413,
    reason: "RequestEntityTooLarge",
    message: "Request entity too large: limit is 3145728",
  });
});

test("body: one that only shows its size while it comes is refused, too", async () => {
  const chunked = await rawExchange(
    `POST ${CONFIG_MAPS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.token}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n` +
      `${`100000\r\n${" ".repeat(0x100000)}\r\n`.repeat(4)}0\r\n\r\n`,
  );
  expect(chunked).toContain("HTTP/1.1 413");
});

test("body: what cannot be an object is refused with the reason", async () => {
  const post = async (body: string, type = "application/json"): Promise<unknown> =>
    (await server.call({ method: "POST", path: CONFIG_MAPS, body, headers: { "content-type": type } })).json;
  expect(await post("{")).toMatchObject({ code: 400 });
  expect(await post("[]")).toMatchObject({ code: 400 });
  expect(await post("{}", "text/html")).toMatchObject({ code: 415 });
  expect(await post('{"metadata":{"name":"p","__proto__":{"polluted":1}}}')).toMatchObject({
    code: 400,
    message: expect.stringContaining("__proto__"),
  });
  expect(await post(`{"metadata":${"[".repeat(5000)}${"]".repeat(5000)}}`)).toMatchObject({
    code: 400,
    message: expect.stringContaining("nested deeper"),
  });
  expect(await post("metadata:\n\tname: tab\n", "application/yaml")).toMatchObject({
    code: 400,
    message: expect.stringContaining("yaml"),
  });
  expect(await post("a: &a [x]\nb: *a\n", "application/yaml")).toMatchObject({
    code: 400,
    message: expect.stringContaining("aliases"),
  });
  expect(await post("", "application/vnd.kubernetes.protobuf")).toMatchObject({ code: 400 });
});

test("fieldValidation: Strict refuses unknown and repeated fields, Warn tells of them, Ignore drops them", async () => {
  const body = '{"metadata":{"name":"fv","lables":{}},"data":{"a":"1"},"data":{"a":"2"}}';
  const post = (mode: string): ReturnType<TestApiServer["call"]> =>
    server.call({ method: "POST", path: `${CONFIG_MAPS}?fieldValidation=${mode}&dryRun=All`, body });
  expect((await post("Strict")).json).toMatchObject({
    message: expect.stringContaining('strict decoding error: unknown field "metadata.lables", duplicate field "data"'),
  });
  expect((await post("Warn")).headers["warning"]).toContain('299 - "unknown field \\"metadata.lables\\""');
  const ignored = await post("Ignore");
  expect(ignored.headers["warning"]).toBeUndefined();
  expect(ignored.json).toMatchObject({ data: { a: "2" } });
});

test("paths: unknown groups are no API, unknown resources in a known group are a Status", async () => {
  expect((await server.call({ path: "/apis/none.example.com/v1/things" })).text).toBe("404 page not found\n");
  expect((await server.call({ path: "/api/v1/things" })).json).toMatchObject({ code: 404, kind: "Status" });
  expect((await server.call({ method: "POST", path: "/healthz" })).code).toBe(405);
  expect((await server.call({ method: "DELETE", path: "/api/v1/namespaces" })).code).toBe(405);
  expect((await server.call({ path: "/api/v1/namespaces/default/configmaps/%E0%A4%A" })).code).toBe(404);
});

test("list: pages show one state of the collection although it changes between them", async () => {
  const path = "/api/v1/namespaces/default/secrets";
  for (const name of ["s1", "s2", "s3"]) await server.call({ method: "POST", path, body: { metadata: { name } } });
  const first = await server.call({ path: `${path}?limit=2` });
  await server.call({ method: "POST", path, body: { metadata: { name: "s2b" } } });
  await server.call({ method: "DELETE", path: `${path}/s3` });
  const { continue: token } = first.json["metadata"] as { continue: string };
  const second = await server.call({ path: `${path}?limit=2&continue=${token}` });
  expect((second.json["items"] as { metadata: { name: string } }[]).map(({ metadata }) => metadata.name)).toEqual([
    "s3",
  ]);
  await server.restart();
  expect((await server.call({ path: `${path}?limit=2&continue=${token}` })).json).toMatchObject({
    code: 410,
    reason: "Expired",
  });
});

test("gzip: long answers are compressed for those who accept it", async () => {
  const data = { a: "x".repeat(400_000) };
  await server.call({ method: "POST", path: CONFIG_MAPS, body: { metadata: { name: "long" }, data } });
  const reply = await server.call({ path: `${CONFIG_MAPS}/long`, headers: { "accept-encoding": "gzip" } });
  expect(reply.headers["content-encoding"]).toBe("gzip");
  expect(Number(reply.headers["content-length"])).toBeLessThan(10_000);
});

test("startApiServer: a taken port is a failure that names it", async () => {
  const pki = await ensurePki(`${server.kubeconfigPath}.pki`);
  const serviceNetwork = { addressCount: 10, serviceAddress: (index: number) => `127.9.200.${index + 1}` };
  const options = {
    store: server.store,
    pki,
    host: "127.0.0.1",
    port: server.port,
    serviceNetwork,
    clock: systemClock,
    log: silentLog,
  };
  await expect(startApiServer(options)).rejects.toMatchObject({
    code: "PortInUse",
    message: expect.stringContaining(`127.0.0.1:${server.port}`),
  });
});

test("writeKubeconfig: only its owner can read it", () => {
  expect(statSync(server.kubeconfigPath).mode & 0o777).toBe(0o600);
});

/** Sends bytes as they are and returns what comes back until the server closes. */
function rawExchange(request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect({ host: "127.0.0.1", port: server.port, ca: server.caPem }, () => socket.write(request));
    socket.setEncoding("utf8").on("data", (chunk: string) => (answer += chunk));
    socket.on("error", reject);
    socket.on("close", () => resolve(answer));
  });
}
