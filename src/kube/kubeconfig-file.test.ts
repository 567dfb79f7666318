import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadInClusterConfig } from "./in-cluster-config.ts";
import { loadKubeconfig } from "./kubeconfig-file.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "serin-kubeconfig-"));
});
afterAll(() => rm(folder, { recursive: true }));

const base64 = (text: string): string => Buffer.from(text).toString("base64");

async function write(users: unknown, rest: Record<string, unknown> = {}): Promise<string> {
  const path = join(folder, "config");
  const config = {
    "current-context": "here",
    clusters: [
      { name: "c", cluster: { server: "https://127.0.0.1:6443", "certificate-authority-data": base64("CA") } },
    ],
    contexts: [
      { name: "here", context: { cluster: "c", user: "u", namespace: "shop" } },
      { name: "anonymous", context: { cluster: "c" } },
    ],
    users: [{ name: "u", user: users }],
    ...rest,
  };
  await writeFile(path, JSON.stringify(config));
  return path;
}

test("loadKubeconfig resolves the current context", async () => {
  expect(await loadKubeconfig(await write({ token: "t" }))).toEqual({
    server: "https://127.0.0.1:6443",
    caPem: "CA",
    namespace: "shop",
    credentials: { kind: "token", token: "t" },
  });
});

test("loadKubeconfig resolves a named context without a user", async () => {
  expect(await loadKubeconfig(await write({ token: "t" }), "anonymous")).toMatchObject({
    namespace: "default",
    credentials: { kind: "none" },
  });
});

test("loadKubeconfig reads files relative to its own folder", async () => {
  await writeFile(join(folder, "cert.pem"), "CERT");
  const path = await write({ "client-certificate": "cert.pem", "client-key-data": base64("KEY") });
  expect((await loadKubeconfig(path)).credentials).toEqual({
    kind: "certificate",
    certificatePem: "CERT",
    keyPem: "KEY",
  });
  expect((await loadKubeconfig(await write({ tokenFile: "token" }))).credentials).toEqual({
    kind: "tokenFile",
    path: join(folder, "token"),
  });
});

test.each([
  [{ exec: { command: "aws" } }, {}, "UnsupportedCredential", "users[u].user.exec is not supported"],
  [
    { "client-key-data": base64("K") },
    {},
    "KubeconfigInvalid",
    "users[u].user needs both client-certificate and client-key",
  ],
  [{ token: 7 }, {}, "KubeconfigInvalid", "users[u].user.token must be a string"],
  [{}, { "current-context": "" }, "KubeconfigInvalid", "current-context is empty"],
  [{}, { "current-context": "x" }, "KubeconfigInvalid", 'contexts has no entry "x" (it has "here", "anonymous")'],
  [{}, { clusters: [{ name: "c", cluster: {} }] }, "KubeconfigInvalid", "clusters[c].cluster.server is required"],
  [{}, { clusters: [{ name: "c", cluster: { server: "tcp://x" } }] }, "KubeconfigInvalid", 'received "tcp://x"'],
  [{ "client-certificate": "none.pem" }, {}, "KubeconfigInvalid", "named by users[u].user.client-certificate"],
])("loadKubeconfig refuses %j %j with a message that names the field", async (user, rest, code, message) => {
  const path = await write(user, rest);
  await expect(loadKubeconfig(path)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
});

test("loadKubeconfig says which file is missing or is no YAML", async () => {
  await expect(loadKubeconfig(join(folder, "none"))).rejects.toThrow(`"${join(folder, "none")}"`);
  const path = join(folder, "tabs");
  await writeFile(path, "a:\n\t- b: {");
  await expect(loadKubeconfig(path)).rejects.toMatchObject({ code: "KubeconfigInvalid" });
});

test("loadInClusterConfig reads what a pod gets", async () => {
  const env = { KUBERNETES_SERVICE_HOST: "::1", KUBERNETES_SERVICE_PORT: "443", SERIN_SERVICE_ACCOUNT_DIR: folder };
  await expect(loadInClusterConfig(undefined, env)).rejects.toMatchObject({ code: "NotInCluster" });
  await writeFile(join(folder, "namespace"), "shop\n");
  await writeFile(join(folder, "ca.crt"), "CA");
  expect(await loadInClusterConfig(undefined, env)).toEqual({
    server: "https://[::1]:443",
    namespace: "shop",
    caPem: "CA",
    credentials: { kind: "tokenFile", path: join(folder, "token") },
  });
  await expect(loadInClusterConfig(folder, {})).rejects.toThrow("KUBERNETES_SERVICE_HOST");
});
