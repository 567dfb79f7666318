import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type Deployment,
  type Event,
  type HorizontalPodAutoscaler,
  type HorizontalPodAutoscalerSpec,
  type KubeObject,
  type Pod,
  type Resource,
  resources,
} from "#api";
import { isObject, silentLog } from "#base";
import { createKubeClient, type KubeClient, loadKubeconfig, systemRandom } from "#kube";
import { aMoment, createPassingTime, createVirtualClock, startTestApiServer, type TestApiServer } from "#testing";
import { type Controllers, startControllers } from "./controllers/index.ts";
import { type Metrics, type ScrapeTarget, startMetrics, staticTarget } from "./metrics/index.ts";

/**
 * The whole way of a metric on a virtual clock: a program's text is scraped, the store answers PromQL, the API server serves the
 * metrics APIs from it, the autoscaler reads them over HTTP and scales a target that the other controllers then follow.
 */

const SCRAPE_INTERVAL_MS = 5000;
const MAX_PAUSE_COUNT = 400;
const clock = createVirtualClock();
const { eventually, whileTimePasses } = createPassingTime({
  clock,
  stepMs: 2000,
  withinSeconds: 180,
  settled: scraped,
});
const startMs = clock.nowMs();
const ended = new AbortController();
let directory = "";
let exporter: Server;
let exposed = "";
let server: TestApiServer;
let client: KubeClient;
let controllers: Controllers;
let metrics: Metrics;
let podTargets: readonly ScrapeTarget[] = [];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "serin-scale-"));
  exporter = createServer((request, response) => {
    // Every pod serves 20 requests a second.
    const served = `requests_total ${((clock.nowMs() - startMs) / 1000) * 20}\n`;
    response.end(request.url === "/pod" ? served : exposed);
  });
  await new Promise<void>((resolve) => exporter.listen(0, "127.0.0.1", resolve));
  server = await startTestApiServer({ clock });
  client = createKubeClient(await loadKubeconfig(server.kubeconfigPath));
  const ports = { client, clock, random: systemRandom, log: silentLog, signal: ended.signal };
  metrics = await startMetrics({
    directory,
    address: "127.0.0.1",
    port: 0,
    targets: () => [staticTarget("queue", `${exporterUrl()}/queue`), ...podTargets],
    scrapeIntervalMs: SCRAPE_INTERVAL_MS,
    ...ports,
  });
  server.attachMetrics(metrics.apis);
  controllers = startControllers({ ...ports, caPem: server.caPem });
  await whileTimePasses(controllers.synced);
});

afterAll(async () => {
  await whileTimePasses(controllers.close());
  ended.abort();
  await metrics.close();
  await client.close();
  await server.close();
  exporter.closeAllConnections();
  await new Promise((resolve) => exporter.close(resolve));
  rmSync(directory, { recursive: true, force: true });
});

function exporterUrl(): string {
  return `http://127.0.0.1:${(exporter.address() as AddressInfo).port}`;
}

/** Real requests take their time: virtual time must not overtake the scrapes, which would time out. */
async function scraped(): Promise<void> {
  const isBehind = (): boolean =>
    metrics.targets.some(({ lastScrapeMs = clock.nowMs() }) => lastScrapeMs + SCRAPE_INTERVAL_MS < clock.nowMs());
  for (let pause = 0; pause === 0 || (isBehind() && pause < MAX_PAUSE_COUNT); pause++) {
    await aMoment();
  }
}

/** Pods of a namespace run and are ready; the node of a cluster would say so. */
async function runPods(namespace: string): Promise<readonly Pod[]> {
  const { items } = await client.list<Pod>(resources.pods, { namespace });
  const now = new Date(clock.nowMs()).toISOString();
  const status = { phase: "Running", startTime: now, conditions: [{ type: "Ready", status: "True" }] };
  for (const { metadata } of items) {
    const key = { namespace, name: metadata.name ?? "" };
    await client.patch(resources.pods, key, { kind: "merge", body: { status }, options: { subresource: "status" } });
  }
  return items;
}

async function install(namespace: string, replicas: number, spec: Partial<HorizontalPodAutoscalerSpec>): Promise<void> {
  await client.create(resources.namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
  const labels = { app: "web" };
  const template = { metadata: { labels }, spec: { containers: [{ name: "c", image: "v1" }] } };
  await client.create(resources.deployments, {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace },
    spec: { replicas, selector: { matchLabels: labels }, template },
  });
  const listed = () => client.list<Pod>(resources.pods, { namespace });
  await eventually(listed, ({ items }) => items.length === replicas);
  await runPods(namespace);
  await eventually(read<Deployment>(resources.deployments, namespace), (web) => web?.status?.replicas === replicas);
  await autoscale(namespace, spec);
}

async function autoscale(namespace: string, spec: Partial<HorizontalPodAutoscalerSpec>): Promise<void> {
  await client.create<HorizontalPodAutoscaler>(resources.horizontalPodAutoscalers, {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { name: "web", namespace },
    spec: { scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" }, maxReplicas: 10, ...spec },
  });
}

function read<T extends KubeObject>(resource: Resource, namespace: string): () => Promise<T | undefined> {
  return () => client.get<T>(resource, { namespace, name: "web" });
}

const readHpa = (namespace: string) => read<HorizontalPodAutoscaler>(resources.horizontalPodAutoscalers, namespace);
const readWeb = (namespace: string) => read<Deployment>(resources.deployments, namespace);

function conditionsOf(hpa: HorizontalPodAutoscaler | undefined): readonly string[] {
  return (hpa?.status?.conditions ?? []).map(({ type, status, reason }) => `${type} ${status} ${reason ?? ""}`);
}

async function messagesOf(namespace: string): Promise<readonly string[]> {
  const { items } = await client.list<Event>(resources.events, { namespace });
  return items.map(({ reason, message }) => `${reason}: ${message}`);
}

async function raw(path: string): Promise<{ readonly code: number; readonly json: Readonly<Record<string, unknown>> }> {
  const { code, json } = await server.call({ path });
  return { code, json };
}

const queueMetric = { name: "queue_depth", selector: { matchLabels: { queue: "mail" } } };

test("an External metric grows a Deployment, holds it for the window, shrinks it, and harms nothing when it is gone", async () => {
  const ns = "queue";
  exposed = 'queue_depth{queue="mail"} 57\nqueue_depth{queue="fax"} 900\n';
  const target = { type: "AverageValue", averageValue: "10" } as const;
  await install(ns, 3, { metrics: [{ type: "External", external: { metric: queueMetric, target } }] });

  const grown = await eventually(readHpa(ns), (hpa) => hpa?.status?.desiredReplicas === 6);
  expect(conditionsOf(grown)).toEqual([
    "AbleToScale True SucceededRescale",
    "ScalingActive True ValidMetricFound",
    "ScalingLimited False DesiredWithinRange",
  ]);
  expect(grown?.status).toMatchObject({
    currentReplicas: 3,
    currentMetrics: [{ type: "External", external: { metric: queueMetric, current: { averageValue: "19" } } }],
    lastScaleTime: expect.stringMatching(/^2026-01-01T00:/),
  });
  await eventually(
    () => client.list<Pod>(resources.pods, { namespace: ns }),
    ({ items }) => items.length === 6,
  );
  await runPods(ns);
  const named =
    "external metric queue_depth(&LabelSelector{MatchLabels:map[string]string{queue: mail,},MatchExpressions:[]LabelSelectorRequirement{},})";
  await eventually(
    () => messagesOf(ns),
    (all) => all.includes(`SuccessfulRescale: New size: 6; reason: ${named} above target`),
  );

  exposed = 'queue_depth{queue="mail"} 12\n';
  const loweredMs = clock.nowMs();
  await eventually(readHpa(ns), (hpa) => conditionsOf(hpa).includes("AbleToScale True ScaleDownStabilized"));
  expect((await readWeb(ns)())?.spec.replicas).toBe(6);
  await eventually(readWeb(ns), (web) => web?.spec.replicas === 2, 400);
  expect(clock.nowMs() - loweredMs).toBeGreaterThan(280_000);

  exposed = "";
  const failed = await eventually(readHpa(ns), (hpa) =>
    conditionsOf(hpa).includes("ScalingActive False FailedGetExternalMetric"),
  );
  const why = `unable to get external metric queue/queue_depth/${named.slice("external metric queue_depth(".length, -1)}: unable to fetch metrics from external metrics API: the server could not find the metric queue_depth for externalmetrics`;
  expect(failed?.status?.conditions?.find(({ type }) => type === "ScalingActive")?.message).toBe(
    `the HPA was unable to compute the replica count: ${why}`,
  );
  expect(failed?.status).toMatchObject({ desiredReplicas: 2, currentMetrics: [{ type: "" }] });
  const events = await eventually(
    () => messagesOf(ns),
    (all) => all.some((one) => one.startsWith("FailedComputeMetricsReplicas")),
  );
  expect(events).toContain(`FailedGetExternalMetric: ${why}`);
  expect(events).toContain(
    `FailedComputeMetricsReplicas: invalid metrics (1 invalid out of 1), first error is: failed to get queue_depth external metric value: ${why}`,
  );
  expect((await readWeb(ns)())?.spec.replicas).toBe(2);
});

test("a Pods metric scales on the rate of a counter, and both metrics APIs show what the autoscaler saw", async () => {
  const ns = "pods";
  exposed = `jobs{namespace="${ns}",service="web"} 40\n`;
  const metric = { name: "requests" };
  const target = { type: "AverageValue", averageValue: "10" } as const;
  await install(ns, 2, { metrics: [{ type: "Pods", pods: { metric, target } }] });
  const unknown = await eventually(readHpa(ns), (hpa) =>
    conditionsOf(hpa).includes("ScalingActive False FailedGetPodsMetric"),
  );
  expect(unknown?.status?.conditions?.find(({ type }) => type === "ScalingActive")?.message).toBe(
    "the HPA was unable to compute the replica count: unable to get metric requests: unable to fetch metrics from custom metrics API: the server could not find the metric requests for pods",
  );

  const pods = await runPods(ns);
  podTargets = pods.map(({ metadata }) => ({
    ...staticTarget("pods", `${exporterUrl()}/pod`, { namespace: ns, pod: metadata.name ?? "" }),
  }));
  await eventually(readWeb(ns), (web) => web?.spec.replicas === 4);
  const hpa = await eventually(readHpa(ns), (one) => one?.status?.desiredReplicas === 4);
  expect(hpa?.status?.currentMetrics).toMatchObject([{ type: "Pods", pods: { metric } }]);
  await eventually(
    () => messagesOf(ns),
    (all) => all.includes("SuccessfulRescale: New size: 4; reason: pods metric requests above target"),
  );

  const custom = "/apis/custom.metrics.k8s.io/v1beta2";
  const ofPods = await raw(`${custom}/namespaces/${ns}/pods/*/requests?labelSelector=app%3Dweb`);
  expect(ofPods.code).toBe(200);
  expect(ofPods.json).toMatchObject({ kind: "MetricValueList", apiVersion: "custom.metrics.k8s.io/v1beta2" });
  expect(ofPods.json["items"]).toEqual(
    pods
      .map(({ metadata }) => metadata.name ?? "")
      .sort()
      .map((name) => ({
        describedObject: { kind: "Pod", namespace: ns, name, apiVersion: "v1" },
        metric: { name: "requests", selector: null },
        timestamp: expect.stringMatching(/^2026-01-01T/),
        windowSeconds: 120,
        value: expect.stringMatching(/^\d+(m|)$/),
      })),
  );
  expect((await raw(`${custom}/namespaces/${ns}/pods/*/requests?labelSelector=app%3Dother`)).json["items"]).toEqual([]);
  expect((await raw(`${custom}/namespaces/${ns}/services/web/jobs`)).json["items"]).toMatchObject([{ value: "40" }]);
  expect((await raw(`${custom}/namespaces/${ns}/metrics/jobs`)).json["items"]).toMatchObject([
    { describedObject: { kind: "Namespace", name: ns }, value: "40" },
  ]);
  expect(await raw(`${custom}/namespaces/${ns}/services/other/jobs`)).toMatchObject({
    code: 404,
    json: { message: "the server could not find the metric jobs for services other" },
  });
  for (const path of [`namespaces/${ns}/unknowns/web/jobs`, `services/web/jobs`, `namespaces/${ns}/services/web`]) {
    expect((await raw(`${custom}/${path}`)).code, path).toBe(404);
  }
  expect((await server.call({ method: "POST", path: `${custom}/namespaces/${ns}/services/web/jobs` })).code).toBe(405);
});

test("an Object metric of a Service scales in proportion to the pods that serve, by its Value", async () => {
  const ns = "object";
  exposed = `jobs{namespace="${ns}",service="web"} 250\n`;
  const describedObject = { apiVersion: "v1", kind: "Service", name: "web" };
  const metric = { name: "jobs" };
  const target = { type: "Value", value: "100" } as const;
  const behavior = { scaleUp: { policies: [{ type: "Pods", value: 1, periodSeconds: 60 }] } } as const;
  await install(ns, 2, { behavior, metrics: [{ type: "Object", object: { describedObject, metric, target } }] });
  const hpa = await eventually(readHpa(ns), (one) => one?.status?.desiredReplicas === 3);
  expect(conditionsOf(hpa)).toContain("ScalingLimited True ScaleUpLimit");
  expect(hpa?.status?.currentMetrics).toEqual([
    { type: "Object", object: { describedObject, metric, current: { value: "250" } } },
  ]);
  await eventually(
    () => messagesOf(ns),
    (all) => all.includes("SuccessfulRescale: New size: 3; reason: Service metric jobs above target"),
  );
});

const WORKERS: Resource = {
  group: "work.example.com",
  version: "v1",
  kind: "Worker",
  plural: "workers",
  namespaced: true,
};

/** Serves a kind of ours that scales, to three at most. */
async function serveWorkers(): Promise<void> {
  const { group, kind, plural } = WORKERS;
  const free = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
  const spec = { ...free, properties: { replicas: { type: "integer", maximum: 3 } } };
  const scale = {
    specReplicasPath: ".spec.replicas",
    statusReplicasPath: ".status.replicas",
    labelSelectorPath: ".status.selector",
  };
  const version = {
    name: "v1",
    served: true,
    storage: true,
    schema: { openAPIV3Schema: { type: "object", properties: { spec, status: free } } },
    subresources: { status: {}, scale },
  };
  await client.create(resources.customResourceDefinitions, {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: { kind, plural, singular: "worker", listKind: "WorkerList" },
      scope: "Namespaced",
      versions: [version],
    },
  });
  await eventually(
    () => raw(`/apis/${group}/v1/namespaces/default/${plural}`),
    ({ code }) => code === 200,
  );
}

/** A worker and an autoscaler of it on the queue, in a namespace of their own. */
async function installWorker(
  ns: string,
  of: { readonly selector: string; readonly maxReplicas: number },
): Promise<void> {
  await client.create(resources.namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name: ns } });
  const apiVersion = `${WORKERS.group}/v1`;
  const metadata = { name: "web", namespace: ns };
  await client.create(WORKERS, { apiVersion, kind: "Worker", metadata, spec: { replicas: 2 } });
  const status = { replicas: 2, selector: of.selector };
  const options = { subresource: "status" } as const;
  await client.patch(WORKERS, metadata, { kind: "merge", body: { status }, options });
  const target = { type: "AverageValue", averageValue: "10" } as const;
  await autoscale(ns, {
    scaleTargetRef: { apiVersion, kind: "Worker", name: "web" },
    maxReplicas: of.maxReplicas,
    metrics: [{ type: "External", external: { metric: queueMetric, target } }],
  });
}

async function replicasOfWorker(ns: string): Promise<unknown> {
  const worker = await client.get<KubeObject>(WORKERS, { namespace: ns, name: "web" });
  return isObject(worker?.spec) ? worker.spec["replicas"] : undefined;
}

test("a custom kind with a scale subresource is a target like any other, and may refuse a size or lack a selector", async () => {
  exposed = 'queue_depth{queue="mail"} 70\n';
  await serveWorkers();
  await installWorker("worker", { selector: "app=worker", maxReplicas: 3 });
  const grown = await eventually(readHpa("worker"), (one) => one?.status?.desiredReplicas === 3);
  expect(conditionsOf(grown)).toContain("ScalingLimited True TooManyReplicas");
  expect(await replicasOfWorker("worker")).toBe(3);

  await installWorker("refusing", { selector: "app=worker", maxReplicas: 9 });
  const refused = await eventually(readHpa("refusing"), (hpa) =>
    conditionsOf(hpa).includes("AbleToScale False FailedUpdateScale"),
  );
  expect(refused?.status).toMatchObject({ desiredReplicas: 0, currentReplicas: 2 });
  const messages = await eventually(
    () => messagesOf("refusing"),
    (all) => all.some((one) => one.startsWith("FailedRescale")),
  );
  expect(messages.join()).toMatch(/FailedRescale: New size: 4; reason: external metric queue_depth.* error: /);
  expect(await replicasOfWorker("refusing")).toBe(2);

  await installWorker("selectorless", { selector: "", maxReplicas: 3 });
  await eventually(readHpa("selectorless"), (hpa) => conditionsOf(hpa).includes("ScalingActive False InvalidSelector"));
  await eventually(
    () => messagesOf("selectorless"),
    (all) =>
      all.includes("SelectorRequired: selector is required") &&
      all.includes("FailedComputeMetricsReplicas: selector is required"),
  );
  expect(await replicasOfWorker("selectorless")).toBe(2);

  await installWorker("garbled", { selector: "a in (b", maxReplicas: 3 });
  const garbled = await eventually(readHpa("garbled"), (hpa) =>
    conditionsOf(hpa).includes("ScalingActive False InvalidSelector"),
  );
  expect(garbled?.status?.conditions?.find(({ type }) => type === "ScalingActive")?.message).toContain(
    "couldn't convert selector into a corresponding internal selector object: ",
  );
});

test("a target that is not there or of no known kind is FailedGetScale, two autoscalers of the same pods are ambiguous", async () => {
  const ns = "targets";
  exposed = 'queue_depth{queue="mail"} 20\n';
  const target = { type: "AverageValue", averageValue: "10" } as const;
  const metricSpecs = [{ type: "External", external: { metric: queueMetric, target } }] as const;
  await install(ns, 2, { metrics: metricSpecs });
  const others = [
    { name: "second", scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" } },
    { name: "missing", scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "gone" } },
    { name: "unknown", scaleTargetRef: { apiVersion: "x.example.com/v1", kind: "Thing", name: "web" } },
  ];
  for (const { name, scaleTargetRef } of others) {
    await client.create<HorizontalPodAutoscaler>(resources.horizontalPodAutoscalers, {
      apiVersion: "autoscaling/v2",
      kind: "HorizontalPodAutoscaler",
      metadata: { name, namespace: ns },
      spec: { scaleTargetRef, maxReplicas: 10, metrics: metricSpecs },
    });
  }
  const conditionOf = async (name: string): Promise<readonly (string | undefined)[]> => {
    const key = { namespace: ns, name };
    const hpa = await client.get<HorizontalPodAutoscaler>(resources.horizontalPodAutoscalers, key);
    const failed = hpa?.status?.conditions?.find(({ status, type }) => status === "False" && type !== "ScalingLimited");
    return [failed?.reason, failed?.message];
  };
  const ambiguous = "pods by selector app=web are controlled by multiple HPAs: [targets/second targets/web]";
  const scale = "the HPA controller was unable to get the target's current scale";
  for (const [name, reason, message] of [
    ["web", "AmbiguousSelector", ambiguous],
    ["second", "AmbiguousSelector", ambiguous],
    ["missing", "FailedGetScale", `${scale}: deployments.apps "gone" not found`],
    ["unknown", "FailedGetScale", `${scale}: no matches for kind "Thing" in version "x.example.com/v1"`],
  ] as const) {
    await eventually(
      () => conditionOf(name),
      ([found]) => found === reason,
    );
    expect(await conditionOf(name)).toEqual([reason, message]);
  }
  const messages = await eventually(
    () => messagesOf(ns),
    (all) => all.some((one) => one.startsWith("FailedGetScale: no matches")),
  );
  expect(messages).toContain(`AmbiguousSelector: ${ambiguous}`);
  expect((await readWeb(ns)())?.spec.replicas).toBe(2);
});

test("discovery tells the metrics that there are, plain and aggregated, and one resource for all external ones", async () => {
  const names = (json: Readonly<Record<string, unknown>>): readonly unknown[] =>
    (json["resources"] as readonly { readonly name: string }[]).map(({ name }) => name);
  exposed = 'jobs{namespace="x",service="web"} 1\nheat{node="n"} 2\nspeed{namespace="x",ingress="in"} 3\n';
  const custom = () => raw("/apis/custom.metrics.k8s.io/v1beta2");
  const wanted = [
    "ingresses.networking.k8s.io/speed",
    "namespaces/jobs",
    "namespaces/speed",
    "nodes/heat",
    "services/jobs",
  ];
  await eventually(custom, ({ json }) => wanted.every((name) => names(json).includes(name)));
  const { json } = await custom();
  expect((json["resources"] as readonly unknown[]).slice(0, 1)).toEqual([
    {
      name: "ingresses.networking.k8s.io/speed",
      singularName: "",
      namespaced: true,
      kind: "MetricValueList",
      verbs: ["get"],
    },
  ]);
  expect(names((await raw("/apis/external.metrics.k8s.io/v1beta1")).json)).toEqual(["externalmetrics"]);
  const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
  const aggregated = await server.call({ path: "/apis", headers: { accept } });
  const groups = aggregated.json["items"] as readonly {
    readonly metadata: { readonly name: string };
    readonly versions: readonly { readonly version: string; readonly resources: readonly object[] }[];
  }[];
  const found = groups.find(({ metadata }) => metadata.name === "custom.metrics.k8s.io");
  expect(found?.versions[0]?.resources).toContainEqual({
    resource: "nodes",
    responseKind: { group: "", version: "", kind: "" },
    scope: "Cluster",
    singularResource: "",
    verbs: [],
    subresources: [
      {
        subresource: "heat",
        responseKind: { group: "custom.metrics.k8s.io", version: "v1beta2", kind: "MetricValueList" },
        verbs: ["get"],
      },
    ],
  });
});
