import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type Canary, type CanaryStatus, type ConfigMap, flaggerCrds, ownerReferenceTo, resources } from "#api";
import { createKubeClient, type KubeClient, loadKubeconfig } from "#kube";
import type { DecisionRecord } from "#rollout";
import { startTestApiServer, type TestApiServer } from "#testing";
import { type EndedCommand, startCommand } from "../started-command.ts";

/** `serin why` where there is nothing to say, or not what was asked for. What it says of real releases is in test/e2e. */

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

function serin(...argv: string[]): Promise<EndedCommand> {
  return startCommand(["why", ...argv], { KUBECONFIG: server.kubeconfigPath }).ended;
}

async function newNamespace(): Promise<string> {
  const name = `why-${namespaceCount++}`;
  await client.create(resources.namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  return name;
}

async function createCanary(namespace: string, status: Partial<CanaryStatus> = {}, name = "web"): Promise<Canary> {
  const created = await client.create<Canary>(resources.canaries, {
    apiVersion: "flagger.app/v1beta1",
    kind: "Canary",
    metadata: { namespace, name },
    spec: {
      targetRef: { apiVersion: "apps/v1", kind: "Deployment", name },
      service: { port: 80 },
      analysis: { interval: "1m", threshold: 1, stepWeight: 10 },
    },
  });
  if (status.phase === undefined) return created;
  const whole = { failedChecks: 0, canaryWeight: 0, iterations: 0, phase: status.phase, ...status };
  return client.update(resources.canaries, { ...created, status: whole }, { subresource: "status" });
}

const record: DecisionRecord = {
  at: "2026-01-01T12:00:10Z",
  label: "advance",
  sentence: "Every check passed at 0%: the canary gets 10% of the traffic.",
  from: { phase: "Progressing", weight: 0 },
  to: { phase: "Progressing", weight: 10 },
  checks: [],
  done: [{ kind: "weight", canary: 10 }],
};
const head = { revision: "s2", startedAt: "2026-01-01T12:00:00Z", droppedCount: 0 };
const goodRun = gzipSync([head, record].map((line) => `${JSON.stringify(line)}\n`).join("")).toString("base64");

async function createRuns(canary: Canary, binaryData: Record<string, string>): Promise<void> {
  const { namespace = "", name = "" } = canary.metadata;
  const map: ConfigMap = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: {
      namespace,
      name: `${name}-serin-runs`,
      labels: { "app.kubernetes.io/managed-by": "serin" },
      ownerReferences: [ownerReferenceTo(canary, { controller: true })],
    },
    binaryData,
  };
  await client.create(resources.configMaps, map);
}

test("serin why: without a name the only Canary; several are listed with the sentence of their last run", async () => {
  const namespace = await newNamespace();
  await createRuns(await createCanary(namespace, { phase: "Progressing", canaryWeight: 10 }), { "run-0001": goodRun });
  const one = await serin("-n", namespace);
  expect(one).toMatchObject({ status: 0, err: "" });
  expect(one.out).toMatch(/^why-0\/web: Every check passed at 0%/);
  await createCanary(namespace, { phase: "Initialized" }, "api");
  const { out } = await serin("-n", namespace);
  expect(out.split("\n")).toEqual([
    "api  Initialized    0%  no release of it is kept",
    "web  Progressing   10%  Every check passed at 0%: the canary gets 10% of the tr…",
    "",
  ]);
  const json = JSON.parse((await serin("-n", namespace, "-o", "json")).out) as unknown[];
  expect(json).toHaveLength(2);
  expect(await serin("-n", namespace, "--run", "1")).toMatchObject({ status: 2 });
  await createCanary(namespace, { phase: "WaitingPromotion" }, "gated");
  const weights = (await serin("-n", namespace)).out.split("\n").map((line) => line.indexOf("%  "));
  expect(weights).toEqual([28, 28, 28, -1]);
});

test("serin why: a broken run is named, and the others are told", async () => {
  const namespace = await newNamespace();
  const canary = await createCanary(namespace, { phase: "Progressing" });
  await createRuns(canary, { "run-0001": "bm8=", "run-0002": goodRun });
  const { status, out } = await serin("web", "-n", namespace);
  expect(status).toBe(0);
  expect(out).toContain("run-0001 could not be read (");
});

test("serin why: no such Canary, no such run, a number that is none", async () => {
  const namespace = await newNamespace();
  expect(await serin("-n", namespace)).toMatchObject({
    status: 1,
    err: expect.stringContaining(`Cannot find a Canary in namespace "${namespace}"`),
  });
  expect(await serin("shop", "-n", namespace)).toMatchObject({
    status: 1,
    err: expect.stringContaining(`Cannot find the Canary "${namespace}/shop"`),
  });
  await createRuns(await createCanary(namespace, { phase: "Progressing" }), { "run-0003": goodRun });
  expect(await serin("web", "-n", namespace, "--run", "9")).toEqual({
    status: 1,
    out: "",
    err: `serin: Cannot explain run 9 of "${namespace}/web": it is not kept; --run takes 3\n`,
  });
  expect(await serin("web", "-n", namespace, "--run", "last")).toMatchObject({ status: 2 });
});

test("serin why: nothing is kept yet, and why", async () => {
  const namespace = await newNamespace();
  const saying = async (name: string): Promise<string> => (await serin(name, "-n", namespace)).err;
  await createCanary(namespace, {}, "new");
  expect(await saying("new")).toContain("no operator has looked at it yet");
  await createCanary(namespace, { phase: "Succeeded" }, "old");
  expect(await saying("old")).toContain("no release of it is kept; it is Succeeded, and the next release will be");
  const conditions = [
    { type: "Stalled", status: "True" as const, reason: "Forbidden", message: "Cannot write Service" },
  ];
  await createCanary(namespace, { phase: "Initializing", conditions }, "stalled");
  expect(await saying("stalled")).toContain("it is Initializing: Cannot write Service");
  await createRuns(await createCanary(namespace, { phase: "Succeeded" }, "broken"), { "run-0001": "bm8=" });
  expect(await saying("broken")).toContain("run-0001 of the ConfigMap broken-serin-runs cannot be read (");
  await createCanary(namespace, { phase: "Succeeded" }, "foreign");
  const metadata = { namespace, name: "foreign-serin-runs" };
  await client.create(resources.configMaps, { apiVersion: "v1", kind: "ConfigMap", metadata });
  expect(await saying("foreign")).toContain("is not Serin's, so nothing is kept");
});

test("serin why: an API server that does not answer is named, with status 1", async () => {
  const gone = await startTestApiServer();
  await gone.close();
  const { err, status } = await runAgainst(gone.url);
  expect(status).toBe(1);
  expect(err).toContain(`127.0.0.1:${gone.port}`);
});

async function runAgainst(url: string): Promise<{ status: number; err: string }> {
  const folder = mkdtempSync(join(tmpdir(), "serin-why-"));
  const path = join(folder, "kubeconfig");
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "c", cluster: { server: url, "insecure-skip-tls-verify": true } }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    users: [{ name: "u", user: { token: "t" } }],
    "current-context": "x",
  };
  writeFileSync(path, JSON.stringify(config));
  const result = await serin("web", "--kubeconfig", path);
  rmSync(folder, { recursive: true });
  return result;
}

test("serin why --help: has examples and exit statuses", async () => {
  const { status, out } = await serin("--help");
  expect(status).toBe(0);
  expect(out).toContain("Examples:\n  serin why web -n shop");
  expect(out).toContain("Exit status:");
});
