import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import {
  type Canary,
  type CanaryStatus,
  type Deployment,
  flaggerCrds,
  type KubeObject,
  type PodTemplateSpec,
  type ReplicaSet,
  resources,
} from "#api";
import { createKubeClient, type KubeClient, loadKubeconfig } from "#kube";
import { revisionOfTemplate } from "#operator";
import { readIntent, readPause } from "#rollout";
import { startTestApiServer, type TestApiServer } from "#testing";
import { type EndedCommand, startCommand } from "../started-command.ts";
import { chooseKubeconfig } from "./connection.ts";
import { sendWish } from "./send-wish.ts";

let server: TestApiServer;
let client: KubeClient;
let namespaceCount = 0;

beforeAll(async () => {
  server = await startTestApiServer();
  client = createKubeClient(await loadKubeconfig(server.kubeconfigPath));
  for (const crd of flaggerCrds()) await client.create(resources.customResourceDefinitions, crd);
  // A definition is served some time after it was created.
  await vi.waitFor(() => client.list(resources.canaries), { timeout: 10_000 });
});

afterAll(async () => {
  await client.close();
  await server.close();
});

/** Runs one command line against the server. */
function serin(...argv: string[]): Promise<EndedCommand> {
  return start(...argv).ended;
}

function start(...argv: string[]): ReturnType<typeof startCommand> {
  return startCommand([...argv, "--kubeconfig", server.kubeconfigPath]);
}

async function newNamespace(): Promise<string> {
  const name = `people-${namespaceCount++}`;
  await client.create(resources.namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  return name;
}

async function createCanary(namespace: string, status: Partial<CanaryStatus>, name = "web"): Promise<void> {
  const canary: Canary = {
    apiVersion: "flagger.app/v1beta1",
    kind: "Canary",
    metadata: { namespace, name },
    spec: {
      targetRef: { apiVersion: "apps/v1", kind: "Deployment", name },
      service: { port: 80 },
      analysis: { interval: "1m", threshold: 1, stepWeight: 10 },
    },
  };
  const created = await client.create(resources.canaries, canary);
  await writeStatus(created, status);
}

/** Writes a status as an operator does. */
async function writeStatus(canary: Canary, status: Partial<CanaryStatus>): Promise<void> {
  const whole = { failedChecks: 0, canaryWeight: 0, iterations: 0, ...canary.status, ...status };
  await client.update(resources.canaries, { ...canary, status: whole }, { subresource: "status" });
}

async function read(namespace: string): Promise<Canary> {
  const canary = await client.get<Canary>(resources.canaries, { namespace, name: "web" });
  if (canary === undefined) throw new Error("the Canary is gone");
  return canary;
}

test("serin promote: writes who, why and about which revision, once, and says what will happen", async () => {
  const namespace = await newNamespace();
  await createCanary(namespace, { phase: "Progressing", canaryWeight: 30, lastAppliedSpec: "s2" });
  const first = await serin("promote", "web", "-n", namespace, "--why", "hotfix", "--by", "ann");
  expect(first).toMatchObject({ status: 0, err: "" });
  expect(first.out).toContain(`Will promote "${namespace}/web" as soon as its pods are ready`);
  const asked = await read(namespace);
  expect(readIntent(asked)).toMatchObject({ action: "promote", by: "ann", why: "hotfix", revision: "s2" });
  const again = await serin("promote", "-n", namespace);
  expect(again).toMatchObject({ status: 0, out: expect.stringContaining("is asked for already by ann") });
  expect((await read(namespace)).metadata.resourceVersion).toBe(asked.metadata.resourceVersion);
});

test("serin pause and resume: the pause names the kubeconfig's user, and goes", async () => {
  const namespace = await newNamespace();
  await createCanary(namespace, { phase: "Progressing", lastAppliedSpec: "s2" });
  expect((await serin("pause", "-n", namespace, "-o", "json")).out).toContain('"outcome":"asked"');
  expect(readPause(await read(namespace))?.by).not.toBe("");
  expect(await serin("resume", "-n", namespace)).toMatchObject({ status: 0 });
  // There is no gate that it could go past.
  expect((await read(namespace)).metadata.annotations ?? {}).toEqual({});
});

test("serin skip: is refused while nothing is released, with status 1 and the reason", async () => {
  const namespace = await newNamespace();
  await createCanary(namespace, { phase: "Succeeded" });
  expect(await serin("skip", "-n", namespace)).toEqual({
    status: 1,
    out: "",
    err: `serin: Cannot skip "${namespace}/web": nothing is being released (phase Succeeded)\n`,
  });
  const { status, out } = await serin("skip", "-n", namespace, "-o", "json");
  expect(status).toBe(1);
  expect(JSON.parse(out)).toMatchObject({ action: "skip", canary: "web", outcome: "refused", phase: "Succeeded" });
  expect((await read(namespace)).metadata.annotations).toBeUndefined();
});

test("serin abort --wait: follows to the rollback, and gives up after the timeout", async () => {
  const namespace = await newNamespace();
  await createCanary(namespace, { phase: "Progressing", lastAppliedSpec: "s2" });
  const late = await serin("abort", "-n", namespace, "--wait", "--timeout", "100ms");
  expect(late).toMatchObject({ status: 1, err: expect.stringContaining("has not taken effect") });
  const waiting = start("abort", "-n", namespace, "--wait", "--timeout", "20s");
  await vi.waitFor(() => expect(waiting.out()).toContain("is asked for already"), { timeout: 10_000 });
  await writeStatus(await read(namespace), { phase: "Failed" });
  expect(await waiting.ended).toMatchObject({
    status: 0,
    out: expect.stringContaining(`"${namespace}/web" is rolled back.`),
  });
});

test("the Canary: a namespace with several needs a name (2), one with none says so (1), and so does a wrong name", async () => {
  const namespace = await newNamespace();
  expect(await serin("abort", "-n", namespace)).toMatchObject({
    status: 1,
    err: expect.stringContaining(`Cannot find a Canary in namespace "${namespace}"`),
  });
  await createCanary(namespace, { phase: "Progressing" }, "web");
  await createCanary(namespace, { phase: "Progressing" }, "api");
  expect(await serin("abort", "-n", namespace)).toMatchObject({
    status: 2,
    err: expect.stringContaining("name one of api, web"),
  });
  expect(await serin("abort", "shop", "-n", namespace)).toMatchObject({
    status: 1,
    err: expect.stringContaining(`Cannot find the Canary "${namespace}/shop"`),
  });
});

test.each([
  [["promote", "--timeout", "soon"], "--timeout"],
  [["promote", "-o", "xml"], "Allowed choices are text, json"],
  [["promote", "a", "b"], "too many arguments"],
])("wrong usage: %j ends with 2", async (argv, message) => {
  expect(await serin(...argv)).toMatchObject({ status: 2, err: expect.stringContaining(message) });
});

test.each(["promote", "pause", "resume", "abort", "retry", "skip", "undo"])(
  "serin %s --help: has examples",
  async (wish) => {
    const { status, out } = await serin(wish, "--help");
    expect(status).toBe(0);
    expect(out).toContain(`Examples:\n  serin ${wish} `);
    expect(out).toContain("Exit status:");
  },
);

test("sendWish: a Canary that moves on meanwhile is planned anew, never asked about what has passed", async () => {
  const namespace = await newNamespace();
  await createCanary(namespace, { phase: "Progressing", lastAppliedSpec: "s2" });
  const stale = await read(namespace);
  await writeStatus(stale, { phase: "Succeeded" });
  const asked = { wish: "skip", by: "ann", why: "", at: "2026-01-01T00:00:00Z" } as const;
  const { plan } = await sendWish(client, stale, asked);
  expect(plan).toMatchObject({ kind: "refuse", message: expect.stringContaining("phase Succeeded") });
  expect((await read(namespace)).metadata.annotations).toBeUndefined();
});

const templateOf = (app: string, image: string): PodTemplateSpec => ({
  metadata: { labels: { app } },
  spec: { containers: [{ name: "web", image }] },
});

function deploymentOf(namespace: string, app: string, image: string): Deployment {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { namespace, name: app },
    spec: { selector: { matchLabels: { app } }, template: templateOf(app, image) },
  };
}

/** A Deployment with the ReplicaSets that its controller would have left. */
async function createHistory(namespace: string, app: string, images: readonly string[]): Promise<void> {
  const owner = await client.create<Deployment>(
    resources.deployments,
    deploymentOf(namespace, app, images.at(-1) ?? ""),
  );
  const { uid = "" } = owner.metadata;
  for (const [index, image] of images.entries()) {
    const labels = { app, "pod-template-hash": `h${index}` };
    const set: ReplicaSet = {
      apiVersion: "apps/v1",
      kind: "ReplicaSet",
      metadata: {
        namespace,
        name: `${app}-h${index}`,
        labels,
        annotations: { "deployment.kubernetes.io/revision": String(index + 1) },
        ownerReferences: [{ apiVersion: "apps/v1", kind: "Deployment", name: app, uid, controller: true }],
      },
      spec: { selector: { matchLabels: labels }, template: { ...templateOf(app, image), metadata: { labels } } },
    };
    await client.create<KubeObject>(resources.replicaSets, set);
  }
}

test("serin undo: the target gets the template of the promoted revision before, and the intent names its hash", async () => {
  const namespace = await newNamespace();
  await createCanary(namespace, { phase: "Succeeded", lastAppliedSpec: "s3", lastPromotedSpec: "s3" });
  // podinfo:2 was rejected.
  await createHistory(namespace, "web", ["podinfo:1", "podinfo:2", "podinfo:3"]);
  await createHistory(namespace, "web-primary", ["podinfo:1", "podinfo:3"]);
  const original = await client.get<ReplicaSet>(resources.replicaSets, { namespace, name: "web-h0" });
  expect(await serin("undo", "-n", namespace, "--why", "orders are lost")).toMatchObject({
    status: 0,
    err: "",
    out: expect.stringContaining(`Put "${namespace}/web" back to its revision 1 (podinfo:1). Will promote`),
  });
  const target = await client.get<Deployment>(resources.deployments, { namespace, name: "web" });
  expect(target?.spec.template.spec).toEqual(original?.spec.template.spec);
  expect(target?.spec.template.metadata?.labels).toEqual({ app: "web" });
  expect(readIntent(await read(namespace))).toMatchObject({
    action: "undo",
    why: "orders are lost",
    revision: target === undefined ? "" : revisionOfTemplate(target.spec.template),
  });
});

test("serin undo: without an earlier promoted revision nothing is changed, and the reason is said", async () => {
  const namespace = await newNamespace();
  await createCanary(namespace, { phase: "Failed" });
  await createHistory(namespace, "web", ["podinfo:1", "podinfo:2"]);
  await createHistory(namespace, "web-primary", ["podinfo:1"]);
  expect(await serin("undo", "-n", namespace)).toMatchObject({
    status: 1,
    err: expect.stringContaining(`no earlier revision of "${namespace}/web-primary" is kept`),
  });
  const target = await client.get<Deployment>(resources.deployments, { namespace, name: "web" });
  expect(target?.spec.template.spec.containers[0]?.image).toBe("podinfo:2");
  expect((await read(namespace)).metadata.annotations).toBeUndefined();
});

test("chooseKubeconfig: the flag, then the first of $KUBECONFIG that exists, then kubectl's; a miss names the places", () => {
  const home = mkdtempSync(join(tmpdir(), "serin-home-"));
  try {
    expect(chooseKubeconfig("/x", { KUBECONFIG: "/y" })).toBe("/x");
    expect(() => chooseKubeconfig(undefined, { KUBECONFIG: join(home, "a") })).toThrow(
      "Cannot find a kubeconfig: none of",
    );
    writeFileSync(join(home, "b"), "");
    expect(chooseKubeconfig(undefined, { KUBECONFIG: `${join(home, "a")}:${join(home, "b")}` })).toBe(join(home, "b"));
    mkdirSync(join(home, ".kube"));
    writeFileSync(join(home, ".kube", "config"), "");
    // Tests run in the repository's root, where nobody runs a cluster.
    expect([join(home, ".kube", "config"), join(".serin", "kubeconfig")]).toContain(
      chooseKubeconfig(undefined, { HOME: home }),
    );
  } finally {
    rmSync(home, { recursive: true });
  }
});

test("serin: a kubeconfig's token is not told when the API server repeats it", async () => {
  const token = "s3cret-0f-the-kubeconfig";
  const parrot = createServer((request, response) =>
    response.writeHead(401).end(`who is ${request.headers.authorization}`),
  );
  await new Promise<void>((resolve) => parrot.listen(0, "127.0.0.1", resolve));
  const directory = mkdtempSync(join(tmpdir(), "serin-parrot-"));
  const path = join(directory, "kubeconfig");
  const { port } = parrot.address() as AddressInfo;
  const named = (value: object) => [{ name: "a", ...value }];
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "a",
    contexts: named({ context: { cluster: "a", user: "a" } }),
    clusters: named({ cluster: { server: `http://127.0.0.1:${port}` } }),
    users: named({ user: { token } }),
  };
  writeFileSync(path, JSON.stringify(config));
  for (const argv of [
    ["promote", "web", "-n", "shop", "--why", "x", "--by", "ann", "-o", "json"],
    ["abort", "web", "-n", "shop", "--why", "x", "--by", "ann"],
  ]) {
    const { status, out, err } = await startCommand([...argv, "--kubeconfig", path]).ended;
    expect(status).toBe(1);
    expect(`${out}${err}`).toContain("who is ***");
    expect(`${out}${err}`).not.toContain(token);
  }
  rmSync(directory, { recursive: true });
  await new Promise((resolve) => parrot.close(resolve));
});
