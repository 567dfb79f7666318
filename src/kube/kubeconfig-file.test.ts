import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { messageOf } from "#base";
import { chooseKubeConfig } from "./choose-kube-config.ts";
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
    origin: `kubeconfig "${join(folder, "config")}", context "here"`,
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
  [{ "auth-provider": { name: "gcp" } }, {}, "UnsupportedCredential", "users[u].user.auth-provider is not supported"],
  [{ exec: { command: "aws" } }, {}, "KubeconfigInvalid", "users[u].user.exec.apiVersion is required"],
  [
    { exec: { command: "aws", apiVersion: "client.authentication.k8s.io/v1alpha1" } },
    {},
    "KubeconfigInvalid",
    'exec.apiVersion "client.authentication.k8s.io/v1alpha1" is not supported',
  ],
  [{ exec: { apiVersion: "client.authentication.k8s.io/v1" } }, {}, "KubeconfigInvalid", "exec.command is required"],
  [
    { exec: { command: "aws", apiVersion: "client.authentication.k8s.io/v1" } },
    {},
    "KubeconfigInvalid",
    "exec.interactiveMode must be Never, IfAvailable or Always",
  ],
  [
    { exec: { command: "aws", apiVersion: "client.authentication.k8s.io/v1", interactiveMode: "Always" } },
    {},
    "UnsupportedCredential",
    "exec.interactiveMode is Always",
  ],
  [
    { exec: { command: "aws", apiVersion: "client.authentication.k8s.io/v1beta1", args: "get-token" } },
    {},
    "KubeconfigInvalid",
    "exec.args must be a list of strings",
  ],
  [
    {},
    { clusters: [{ name: "c", cluster: { server: "https://x", "proxy-url": "socks5://me:secret@proxy" } }] },
    "KubeconfigInvalid",
    "clusters[c].cluster.proxy-url must be an http or https URL",
  ],
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
  await writeFile(path, "a:\n\t- token: secret {");
  const failure: unknown = await loadKubeconfig(path).catch((thrown: unknown) => thrown);
  expect(failure).toMatchObject({ code: "KubeconfigInvalid" });
  expect(messageOf(failure)).not.toContain("secret");
});

test("loadKubeconfig joins files as kubectl does: the first that has a name wins, missing files are skipped", async () => {
  const [first, second] = [join(folder, "first"), join(folder, "second")];
  const cluster = (name: string, server: string) => ({ name, cluster: { server } });
  await writeFile(
    first,
    JSON.stringify({
      "current-context": "",
      clusters: [cluster("c", "https://first")],
      users: [{ name: "u", user: { token: "first" } }],
    }),
  );
  await writeFile(
    second,
    JSON.stringify({
      "current-context": "both",
      clusters: [cluster("c", "https://second"), cluster("d", "https://d")],
      users: [{ name: "u", user: { token: "second" } }],
      contexts: [
        { name: "both", context: { cluster: "c", user: "u" } },
        { name: "other", context: { cluster: "d" } },
      ],
    }),
  );
  const files = [join(folder, "missing"), first, second];
  expect(await loadKubeconfig(files)).toMatchObject({
    server: "https://first",
    origin: `kubeconfig "${second}", context "both"`,
    credentials: { kind: "token", token: "first" },
  });
  expect(await loadKubeconfig(files, "other")).toMatchObject({ server: "https://d" });
  await expect(loadKubeconfig([join(folder, "missing")])).rejects.toThrow("no such file");
  const env = { KUBECONFIG: [first, second].join(delimiter), HOME: folder };
  expect(await chooseKubeConfig("", env)).toMatchObject({ server: "https://first" });
  expect(await chooseKubeConfig(second, env)).toMatchObject({ server: "https://second" });
});

test("chooseKubeConfig: a pod's service account comes before KUBECONFIG, the home directory last", async () => {
  const home = join(folder, "home");
  await expect(chooseKubeConfig("", { HOME: home })).rejects.toMatchObject({
    code: "NotInCluster",
    message: expect.stringContaining(`"${join(home, ".kube", "config")}" does not exist`),
  });
  await mkdir(join(home, ".kube"), { recursive: true });
  await copyFile(await write({ token: "t" }), join(home, ".kube", "config"));
  expect(await chooseKubeConfig("", { HOME: home })).toMatchObject({ server: "https://127.0.0.1:6443" });
  const pod = { KUBERNETES_SERVICE_HOST: "10.0.0.1", KUBERNETES_SERVICE_PORT: "443", KUBECONFIG: "x", HOME: home };
  await expect(chooseKubeConfig("", { ...pod, SERIN_SERVICE_ACCOUNT_DIR: home })).rejects.toThrow("service account");
});

test("loadKubeconfig reads an exec plugin with what it is to be told", async () => {
  const exec = {
    apiVersion: "client.authentication.k8s.io/v1",
    command: "./login",
    args: ["--now"],
    env: [{ name: "A", value: "b" }],
    interactiveMode: "IfAvailable",
    installHint: "ask your admin",
    provideClusterInfo: true,
  };
  const extensions = [{ name: "client.authentication.k8s.io/exec", extension: { audience: "x" } }];
  const path = await write(
    { exec },
    {
      clusters: [
        { name: "c", cluster: { server: "https://c", "certificate-authority-data": base64("CA"), extensions } },
      ],
    },
  );
  expect((await loadKubeconfig(path)).credentials).toEqual({
    kind: "exec",
    plugin: {
      apiVersion: "client.authentication.k8s.io/v1",
      command: join(folder, "login"),
      args: ["--now"],
      env: { A: "b" },
      installHint: "ask your admin",
      cluster: { server: "https://c", "certificate-authority-data": base64("CA"), config: { audience: "x" } },
    },
  });
});

test("loadInClusterConfig reads what a pod gets", async () => {
  const env = { KUBERNETES_SERVICE_HOST: "::1", KUBERNETES_SERVICE_PORT: "443", SERIN_SERVICE_ACCOUNT_DIR: folder };
  await expect(loadInClusterConfig(undefined, env)).rejects.toMatchObject({ code: "NotInCluster" });
  await writeFile(join(folder, "namespace"), "shop\n");
  await writeFile(join(folder, "ca.crt"), "CA");
  expect(await loadInClusterConfig(undefined, env)).toEqual({
    server: "https://[::1]:443",
    namespace: "shop",
    origin: `the service account in "${folder}"`,
    caPem: "CA",
    caPath: join(folder, "ca.crt"),
    credentials: { kind: "tokenFile", path: join(folder, "token") },
  });
  await expect(loadInClusterConfig(folder, {})).rejects.toThrow("KUBERNETES_SERVICE_HOST");
});
