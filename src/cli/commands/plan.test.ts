import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { gzipSync } from "node:zlib";
import { stringify } from "yaml";
import {
  type Canary,
  type Deployment,
  flaggerCrds,
  type HorizontalPodAutoscaler,
  type KubeObject,
  resources,
} from "#api";
import { createKubeClient, type KubeClient, loadKubeconfig } from "#kube";
import { startTestApiServer, type TestApiServer } from "#testing";
import { type EndedCommand, startCommand } from "../started-command.ts";

let server: TestApiServer;
let client: KubeClient;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "serin-plan-"));
  server = await startTestApiServer();
  client = createKubeClient(await loadKubeconfig(server.kubeconfigPath));
  for (const crd of flaggerCrds()) await client.create(resources.customResourceDefinitions, crd);
  // A definition is served some time after it was created.
  await vi.waitFor(() => client.list(resources.canaries), { timeout: 10_000 });
});

afterAll(async () => {
  await client.close();
  await server.close();
  rmSync(folder, { recursive: true });
});

function serin(...argv: string[]): Promise<EndedCommand> {
  return startCommand(["plan", ...argv], { KUBECONFIG: server.kubeconfigPath }).ended;
}

const canary: Canary = {
  apiVersion: "flagger.app/v1beta1",
  kind: "Canary",
  metadata: { name: "web", namespace: "shop" },
  spec: {
    targetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
    autoscalerRef: { apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", name: "web-hpa" },
    service: { port: 80 },
    capacity: { requestsPerPod: 50 },
    analysis: {
      interval: "1m",
      threshold: 5,
      stepWeight: 25,
      maxWeight: 50,
      metrics: [{ name: "request-success-rate", interval: "1m", thresholdRange: { min: 99 } }],
    },
  },
};
const template = {
  metadata: { labels: { app: "web" } },
  spec: { containers: [{ name: "web", image: "web:1" }] },
};
const deployment: Deployment = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", namespace: "shop" },
  spec: { replicas: 8, selector: { matchLabels: { app: "web" } }, template },
};
const autoscaler: HorizontalPodAutoscaler = {
  apiVersion: "autoscaling/v2",
  kind: "HorizontalPodAutoscaler",
  metadata: { name: "web-hpa", namespace: "shop" },
  spec: {
    scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
    minReplicas: 2,
    maxReplicas: 12,
    metrics: [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } } }],
  },
};

function fileOf(name: string, ...objects: readonly KubeObject[]): string {
  const path = join(folder, name);
  writeFileSync(path, objects.map((object) => stringify(object)).join("---\n"));
  return path;
}

test("serin plan -f: the whole road, at 80 columns", async () => {
  const path = fileOf("whole.yaml", canary, deployment, autoscaler);
  const { status, out, err } = await serin("-f", path, "--rps", "400");
  expect({ status, err }).toEqual({ status: 0, err: "" });
  expect(`\n${out}`).toBe(`
shop/web: promoted after 3 steps and about 3m10s, if nothing holds it up

  method    weights, threshold: checks every 1m; 5 failed checks roll back
  traffic   400 requests/s
  way back  87% in 1s, 100% when its pods are ready, from the highest weight

    after  canary  its pods  primary's
       0s      0%         3          9  its pods start
       1m     25%         5          7
       2m     50%         5          7
       3m     50%         5          9  the primary gets the new revision
    3m10s      0%         0          9  promoted, the canary's pods go

checks
  request-success-rate: 99% or more, last 1m
      at 25% about 6,000 requests, of which 61 bad ones fail it; a version that
      is bad from the start goes back after 5m and about 30,000 requests
      does not see error rates up to 1%, however good the primary is
`);
});

test("serin plan: warnings are at the end, and JSON has them too", async () => {
  const { metrics: _, ...analysis } = canary.spec.analysis;
  const metrics = [{ name: "request-success-rate", interval: "1m", thresholdRange: { min: 0 } }];
  const path = fileOf("never.yaml", { ...canary, spec: { ...canary.spec, analysis: { ...analysis, metrics } } });
  const { out } = await serin("-f", path, "--rps", "400");
  expect(out).toContain("warnings\n  ! request-success-rate can never fail: it allows every success rate");
  const json = JSON.parse((await serin("-f", path, "-o", "json")).out) as unknown;
  expect(json).toMatchObject({
    canary: "web",
    namespace: "shop",
    warnings: [{ kind: "never-fails" }],
    durationMs: 190_000,
  });
});

test("serin plan -f, sequential: what is found, how soon, and what is ruled out", async () => {
  const analysis = {
    ...canary.spec.analysis,
    method: "sequential" as const,
    interval: "10s",
    stepWeights: [1, 5, 25, 50],
  };
  const { stepWeight: __, maxWeight: ___, ...ladder } = analysis;
  const path = fileOf("sequential.yaml", { ...canary, spec: { ...canary.spec, analysis: ladder } });
  const { out, status } = await serin("-f", path, "--rps", "100");
  expect(status).toBe(0);
  expect(out).toContain("evidence, at 1% of the traffic");
  expect(out).toMatch(/1 point more errors: rolled back after about \d+ requests, \d+m/);
  expect(out).toMatch(/a promotion rules out more than 0\.\d+ points/);
  const idle = await serin("-f", path, "--rps", "0");
  expect(idle.out).toContain("! the release can never decide:");
});

test("serin plan: from a cluster, with the pods there and the traffic that was measured", async () => {
  const namespace = "plan";
  await client.create(resources.namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
  const here = <T extends KubeObject>(object: T): T => ({ ...object, metadata: { ...object.metadata, namespace } });
  await client.create(resources.deployments, here(deployment));
  await client.create(resources.deployments, here({ ...deployment, metadata: { name: "web-primary" } }));
  await client.create(resources.horizontalPodAutoscalers, here(autoscaler));
  const created = await client.create<Canary>(resources.canaries, here(canary));
  const before = await serin("-n", namespace);
  expect(before).toMatchObject({ status: 0, err: "" });
  expect(before.out).toContain("not known yet: name it with --rps");
  const capacity = { method: "declared" as const, requestsPerSecond: 400, podsForAll: 8 };
  const status = { phase: "Initialized" as const, failedChecks: 0, canaryWeight: 0, iterations: 0, capacity };
  await client.update(resources.canaries, { ...created, status }, { subresource: "status" });
  const after = await serin("web", "-n", namespace, "-o", "json");
  expect(JSON.parse(after.out)).toMatchObject({
    load: { requestsPerSecond: 400, podsForAll: 8, primary: { count: 8, scaler: { maxCount: 12 } } },
    steps: [{ pods: { canary: 3, primary: 9 } }, { pods: { canary: 5 } }, { pods: { canary: 5 } }, {}, {}],
  });
  // Twice the traffic needs twice the pods, as far as the autoscaler allows.
  await client.update(
    resources.canaries,
    {
      ...(await client.get<Canary>(resources.canaries, { namespace, name: "web" })),
      status: { ...status, capacity: {} },
    } as Canary,
    { subresource: "status" },
  );
  const stand = { phase: "Progressing", weight: 10 };
  const copy = { ready: 8, pods: 8, need: 8, floor: 0 };
  const record = {
    at: "2026-01-01T12:00:00Z",
    label: "halt",
    sentence: "",
    checks: [],
    done: [],
    from: stand,
    to: stand,
    capacity: {
      method: "size",
      requestsPerSecond: 39.5,
      podsForAll: 8,
      next: 1,
      reserve: 7,
      wayBack: "",
      bounds: [],
      primary: copy,
      canary: copy,
    },
  };
  const lines = [{ revision: "s1", startedAt: "2026-01-01T12:00:00Z", droppedCount: 0 }, record];
  const text = gzipSync(lines.map((line) => `${JSON.stringify(line)}\n`).join("")).toString("base64");
  const metadata = { namespace, name: "web-serin-runs" };
  const binaryData = { "run-0001": text };
  await client.create(resources.configMaps, { apiVersion: "v1", kind: "ConfigMap", metadata, binaryData });
  expect((await serin("web", "-n", namespace)).out).toContain("traffic   39.5 requests/s");
  const double = JSON.parse((await serin("web", "-n", namespace, "--rps", "800", "-o", "json")).out) as {
    steps: readonly { pods: unknown }[];
  };
  expect(double.steps.map(({ pods }) => pods)[2]).toEqual({ canary: 9, primary: 12 });
});

test.each<[string, readonly string[], number, string]>([
  ["no such file", ["-f", "/nowhere.yaml"], 2, "there is no file /nowhere.yaml"],
  ["a folder", ["-f", "."], 1, "Cannot read the manifest .: it is a folder; name one of its files"],
  ["a rate that is none", ["web", "--rps", "many"], 2, '--rps: "many" is no number'],
  ["a share above half", ["web", "--error-rate", "90%"], 2, "--error-rate"],
  ["a duration of nothing", ["web", "--scrape-interval", "0s"], 2, '--scrape-interval: "0s" is not above zero'],
  ["no such Canary", ["web", "-n", "nowhere"], 1, 'Cannot find the Canary "nowhere/web"'],
])("serin plan: %s", async (_, argv, status, message) => {
  expect(await serin(...argv)).toMatchObject({ status, out: "", err: expect.stringContaining(message) });
});

test("serin plan -f: a file without the Canary, with several, with a broken one, with one that cannot be run", async () => {
  const other = { ...canary, metadata: { name: "api" } };
  const path = fileOf("two.yaml", canary, other);
  expect(await serin("-f", path)).toMatchObject({ status: 2, err: expect.stringContaining("name one of web, api") });
  expect(await serin("-f", path, "shop")).toMatchObject({
    status: 2,
    err: expect.stringContaining('no Canary named "shop"'),
  });
  expect(await serin("-f", path, "api")).toMatchObject({ status: 0 });
  const broken = { ...canary, spec: { ...canary.spec, analysis: { interval: 5 } } };
  expect(await serin("-f", fileOf("broken.yaml", broken))).toMatchObject({
    status: 1,
    err: expect.stringContaining("spec.analysis.interval"),
  });
  const unusable = { ...canary, spec: { ...canary.spec, analysis: { ...canary.spec.analysis, stepWeight: 0 } } };
  expect(await serin("-f", fileOf("unusable.yaml", unusable))).toMatchObject({
    status: 1,
    err: expect.stringMatching(/^serin: Cannot plan "shop\/web": spec\.analysis/),
  });
});
