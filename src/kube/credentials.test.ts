import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { resources } from "#api";
import { messageOf } from "#base";
import { createVirtualClock, startTestApiServer, type TestApiServer } from "#testing";
import { createKubeClient } from "./create-client.ts";
import { runExecPlugin } from "./exec-plugin.ts";
import type { ExecPlugin, KubeConfig, KubeCredentials } from "./kube-config.ts";
import { loadKubeconfig } from "./kubeconfig-file.ts";
import { readText } from "./response-body.ts";
import { createTestAuthority, type TestAuthority } from "./test-certificates.ts";

/** Logging in, against servers that check: the embedded API server for tokens, a TLS server for certificates. */

let folder = "";
let api: TestApiServer;
let authority: TestAuthority;
const cleanups: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "serin-credentials-"));
  api = await startTestApiServer();
  authority = await createTestAuthority("kube-test");
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
afterAll(async () => {
  await api.close();
  await rm(folder, { recursive: true });
});

const V1 = "client.authentication.k8s.io/v1";
const namespaces = resources.namespaces;

/** A plugin that counts its runs in a file and prints what the script says; `run` is the number of the run, from 1. */
async function pluginOf(
  script: string,
  extra: Partial<ExecPlugin> = {},
): Promise<ExecPlugin & { runs(): Promise<number> }> {
  const path = join(folder, `plugin-${cleanups.length}-${Math.floor(performance.now() * 1000)}.cjs`);
  const lines = [
    `#!${process.execPath}`,
    `const fs = require("fs");`,
    `fs.appendFileSync(__filename + ".runs", "x");`,
    `const run = fs.readFileSync(__filename + ".runs", "utf8").length;`,
    `const info = JSON.parse(process.env.KUBERNETES_EXEC_INFO);`,
    `const print = (status) => console.log(JSON.stringify({ apiVersion: info.apiVersion, kind: "ExecCredential", status }));`,
    script,
  ];
  await writeFile(path, lines.join("\n"));
  await chmod(path, 0o755);
  const runs = async (): Promise<number> => (await readFile(`${path}.runs`, "utf8")).length;
  return { apiVersion: V1, command: path, args: [], env: {}, ...extra, runs };
}

function configOf(credentials: KubeCredentials, extra: Partial<KubeConfig> = {}): KubeConfig {
  const origin = 'kubeconfig "/k", context "prod"';
  return { server: api.url, namespace: "default", caPem: api.caPem, origin, credentials, ...extra };
}

function clientOf(config: KubeConfig, clock = createVirtualClock()) {
  const statuses: number[] = [];
  const client = createKubeClient(config, { clock, onRequest: ({ status }) => statuses.push(status) });
  cleanups.push(() => client.close());
  return { client, clock, statuses, list: () => client.list(namespaces, { limit: 1 }) };
}

test("exec plugin: runs once for all who ask, is told of the cluster, and runs again before its token expires", async () => {
  const plugin = await pluginOf(
    `fs.writeFileSync(process.env.SEEN, JSON.stringify([info, process.argv.slice(2)]));
     print({ token: process.env.TOKEN, expirationTimestamp: "2026-01-01T00:10:00Z" });`,
    {
      args: ["get-token", "--now"],
      env: { TOKEN: api.token, SEEN: join(folder, "seen") },
      cluster: { server: api.url, config: { audience: "x" } },
    },
  );
  const clock = createVirtualClock(Date.parse("2026-01-01T00:00:00Z"));
  const { list } = clientOf(configOf({ kind: "exec", plugin }), clock);
  await Promise.all([list(), list(), list()]);
  expect(await plugin.runs()).toBe(1);
  expect(JSON.parse(await readFile(join(folder, "seen"), "utf8"))).toEqual([
    {
      apiVersion: V1,
      kind: "ExecCredential",
      spec: { interactive: false, cluster: { server: api.url, config: { audience: "x" } } },
    },
    ["get-token", "--now"],
  ]);
  await clock.advance(539_999);
  await list();
  expect(await plugin.runs()).toBe(1);
  await clock.advance(1);
  await list();
  expect(await plugin.runs()).toBe(2);
});

test("exec plugin: a token that the server refuses is replaced once and the request sent again, writes too", async () => {
  const plugin = await pluginOf(`print({ token: run === 2 ? process.env.TOKEN : "stale" + run });`, {
    env: { TOKEN: api.token },
    apiVersion: "client.authentication.k8s.io/v1beta1",
  });
  const { client, clock, statuses, list } = clientOf(configOf({ kind: "exec", plugin }));
  await list().catch(() => undefined);
  // The first run was a moment ago: no second one yet, or a server that refuses all would make plugins run without end.
  expect(await plugin.runs()).toBe(1);
  await clock.advance(5000);
  await client.create(namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name: "made" } });
  expect(await plugin.runs()).toBe(2);
  expect(statuses).toEqual([401, 401, 201]);
});

test("exec plugin: a login that is refused for good says whose it is, without the token", async () => {
  const plugin = await pluginOf(`print({ token: "very-secret" });`);
  const { clock, list } = clientOf(configOf({ kind: "exec", plugin }));
  await list().catch(() => undefined);
  await clock.advance(5000);
  const failure: unknown = await list().catch((thrown: unknown) => thrown);
  expect(failure).toMatchObject({ code: "Unauthorized" });
  expect(messageOf(failure)).toContain('the user of kubeconfig "/k", context "prod" (renew its credentials)');
  expect(messageOf(failure)).not.toContain("very-secret");
});

test("exec plugin: one that breaks while its token still holds does no harm, and is an error afterwards", async () => {
  const plugin = await pluginOf(
    `if (run > 1) process.exit(3);
     print({ token: process.env.TOKEN, expirationTimestamp: "2026-01-01T00:10:00Z" });`,
    { env: { TOKEN: api.token } },
  );
  const { clock, list } = clientOf(
    configOf({ kind: "exec", plugin }),
    createVirtualClock(Date.parse("2026-01-01T00:00:00Z")),
  );
  await list();
  await clock.advance(550_000);
  await list();
  expect(await plugin.runs()).toBe(2);
  await clock.advance(50_000);
  await expect(list()).rejects.toMatchObject({ code: "ExecPluginFailed", retryable: true });
});

test.each([
  ["process.exit(7)", "ended with 7 without a word"],
  [`console.error("no profile\\nlog in with x login"); process.exit(1)`, "ended with 1: log in with x login"],
  [`console.error("bad token " + "eyJhbGciOi.".repeat(9)); process.exit(1)`, "ended with 1: bad token (left out)"],
  [`console.log("secret no json")`, "printed no credential: its output is no JSON object"],
  [`console.log(JSON.stringify({ kind: "ExecCredential", apiVersion: "v0" }))`, "its apiVersion is not"],
  ["print({})", "status has neither a token nor a certificate"],
  [`print({ clientKeyData: "secret" })`, "status has one of clientCertificateData and clientKeyData"],
  [`print({ token: "secret", expirationTimestamp: "soon" })`, "expirationTimestamp is no time"],
  [`process.stdout.write("secret".repeat(400000))`, "printed more than 1048576 bytes"],
])("exec plugin: %s is told as a failure that quotes no secret", async (script, message) => {
  const failure: unknown = await runExecPlugin(await pluginOf(script), { origin: 'kubeconfig "/k"' }).catch(
    (thrown: unknown) => thrown,
  );
  expect(failure).toMatchObject({ code: "ExecPluginFailed" });
  expect(messageOf(failure)).toContain(message);
  expect(messageOf(failure)).toContain('of kubeconfig "/k"');
  expect(messageOf(failure)).not.toMatch(/secret|eyJ/);
});

test("exec plugin: one that is missing gives the hint of the kubeconfig, one that hangs is ended", async () => {
  const missing = {
    apiVersion: V1,
    command: "no-such-plugin",
    args: [],
    env: {},
    installHint: "Get it at x.",
  } as const;
  await expect(runExecPlugin(missing, { origin: "o" })).rejects.toThrow(
    'Cannot log in with the plugin "no-such-plugin" of o: it was not found; install it or put it into PATH. Get it at x.',
  );
  const hangs = await pluginOf(
    `require("child_process").spawnSync(process.execPath, ["-e", "setTimeout(() => {}, 9e6)"])`,
  );
  await expect(runExecPlugin(hangs, { origin: "o", timeoutMs: 300 })).rejects.toThrow("did not end within 300 ms");
});

/** A server that knows its clients by their certificates and answers with the name in it. */
async function startTlsServer(): Promise<{ url: string }> {
  const { certificatePem, keyPem } = await authority.certify("api.test");
  const server = createTlsServer(
    { cert: certificatePem, key: keyPem, ca: authority.caPem, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      const socket = request.socket as TLSSocket;
      const name = socket.authorized ? String(socket.getPeerCertificate().subject.CN) : "nobody";
      response.writeHead(name === "nobody" || name === "revoked" ? 401 : 200).end(name);
    },
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(async () => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function whoAmI(config: KubeConfig, clock = createVirtualClock()): Promise<() => Promise<string>> {
  const { client } = clientOf(config, clock);
  return async () => readText((await client.raw({ path: "/whoami" })).body);
}

test("client certificates: from data and from files", async () => {
  const { url } = await startTlsServer();
  const { certificatePem, keyPem } = await authority.certify("alice");
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  await writeFile(join(folder, "alice.pem"), certificatePem);
  await writeFile(join(folder, "alice.key"), keyPem);
  await writeFile(join(folder, "ca.pem"), authority.caPem);
  const users = [
    { "client-certificate-data": base64(certificatePem), "client-key-data": base64(keyPem) },
    { "client-certificate": "alice.pem", "client-key": "alice.key" },
  ];
  for (const user of users) {
    const path = join(folder, "certificates");
    const config = {
      "current-context": "x",
      clusters: [{ name: "c", cluster: { server: url, "certificate-authority": "ca.pem" } }],
      users: [{ name: "u", user }],
      contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    };
    await writeFile(path, JSON.stringify(config));
    expect(await (await whoAmI(await loadKubeconfig(path)))()).toBe("alice");
  }
});

test("exec plugin: its certificate replaces the connections, after a 401 at once", async () => {
  const { url } = await startTlsServer();
  const first = await authority.certify("revoked");
  const second = await authority.certify("bob");
  const plugin = await pluginOf(
    `const [clientCertificateData, clientKeyData] = JSON.parse(process.env.PAIRS)[run === 1 ? 0 : 1];
     print({ clientCertificateData, clientKeyData });`,
    { env: { PAIRS: JSON.stringify([first, second].map((pair) => [pair.certificatePem, pair.keyPem])) } },
  );
  const clock = createVirtualClock();
  const ask = await whoAmI(
    { server: url, namespace: "", caPem: authority.caPem, credentials: { kind: "exec", plugin } },
    clock,
  );
  expect(await ask()).toBe("revoked");
  await clock.advance(5000);
  expect(await ask()).toBe("bob");
  expect(await ask()).toBe("bob");
  expect(await plugin.runs()).toBe(2);
});

test("server certificates: an unknown authority is refused by name, unless checking is off; tls-server-name is checked", async () => {
  const { url } = await startTlsServer();
  const credentials = { kind: "none" } as const;
  const other = await createTestAuthority("other");
  const base = { server: url, namespace: "", origin: 'kubeconfig "/k", context "c"', credentials };
  // Real time: the attempts in between wait.
  const failure = async (config: KubeConfig): Promise<string> => {
    const { client } = clientOf(config);
    return messageOf(await client.raw({ path: "/", method: "POST" }).catch((thrown: unknown) => thrown));
  };
  expect(await failure({ ...base, caPem: other.caPem })).toMatch(
    /^Cannot reach the API server https:\S+ \(kubeconfig "\/k", context "c"\) for POST \/: .*certificate/,
  );
  expect(await (await whoAmI({ ...base, insecureSkipTlsVerify: true }))()).toBe("nobody");
  expect(await (await whoAmI({ ...base, caPem: authority.caPem, tlsServerName: "api.test" }))()).toBe("nobody");
  expect(await failure({ ...base, caPem: authority.caPem, tlsServerName: "else.test" })).toContain("else.test");
});

test("in a pod: a new authority is read within a minute", async () => {
  const { url } = await startTlsServer();
  const caPath = join(folder, "rotating-ca.pem");
  const other = await createTestAuthority("before");
  const clock = createVirtualClock();
  const config: KubeConfig = { server: url, namespace: "", caPem: other.caPem, caPath, credentials: { kind: "none" } };
  const { client } = clientOf(config, clock);
  const ask = () => client.raw({ path: "/", method: "POST" }).then((response) => readText(response.body));
  await writeFile(caPath, authority.caPem);
  await expect(ask()).rejects.toMatchObject({ code: "ServerUnreachable" });
  await clock.advance(60_000);
  expect(await ask()).toBe("nobody");
});

test("in a pod: a token that was replaced is read again when the server refuses the old one", async () => {
  const path = join(folder, "rotating-token");
  await writeFile(path, "expired");
  const { list, statuses } = clientOf(configOf({ kind: "tokenFile", path }));
  await expect(list()).rejects.toMatchObject({ code: "Unauthorized" });
  await writeFile(path, `${api.token}\n`);
  await list();
  // An empty file is one that is being written.
  await writeFile(path, "");
  await list();
  expect(statuses).toEqual([401, 401, 200, 200]);
});

test("proxy-url: requests and streams reach the server through the proxy's tunnel", async () => {
  const asked: string[] = [];
  const proxy = createHttpServer();
  proxy.on("connect", (request, socket) => {
    asked.push(`${request.url} ${request.headers["proxy-authorization"]}`);
    const upstream = connect(api.port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on("error", () => socket.destroy());
    socket.on("error", () => upstream.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const proxyUrl = `http://me:pw@127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const { client, list } = clientOf(configOf({ kind: "token", token: api.token }, { proxyUrl }));
  await list();
  await readText((await client.raw({ path: "/version", stream: true })).body);
  const basic = Buffer.from("me:pw").toString("base64");
  expect(asked).toEqual([`127.0.0.1:${api.port} Basic ${basic}`, `127.0.0.1:${api.port} Basic ${basic}`]);
  cleanups.unshift(async () => {
    proxy.closeAllConnections();
    proxy.close();
  });
});
