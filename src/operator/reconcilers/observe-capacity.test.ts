import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type Canary,
  type EndpointSlice,
  flaggerCrds,
  istioCrds,
  kedaCrds,
  type KubeObject,
  type Resource,
  resources,
} from "#api";
import { seededRandom, silentLog } from "#base";
import { ApiFailure, type KubeClient, systemClock } from "#kube";
import { floorConfigName } from "../capacity/index.ts";
import { FLOOR_ANNOTATION } from "../scalers/index.ts";
import { operatorSettings } from "../rehearsal.ts";
import { openScene, type Scene } from "../rehearsal-scene.ts";
import { autoscaler, canaryWith, coreService, deployment } from "../rehearsal-objects.ts";
import { createViews, type Views } from "../views/index.ts";
import { startTestApiServer } from "#testing";
import { observe } from "./observe.ts";
import { read } from "./read.ts";
import { capacityResources } from "./read-capacity.ts";

/** What is read of a real API server, with objects as the controllers of a cluster write them. */

let rehearsal: Scene;
const stop = new AbortController();

beforeAll(async () => {
  rehearsal = await openScene(await startTestApiServer(), { crds: [...flaggerCrds(), ...istioCrds(), ...kedaCrds()] });
});

afterAll(async () => {
  stop.abort();
  await rehearsal.close();
});

async function openViews(client: KubeClient, wanted: readonly Resource[]): Promise<Views> {
  const ports = { clock: systemClock, random: seededRandom(1), log: silentLog, signal: stop.signal };
  const views = createViews({ client, ...ports });
  await views.synced;
  await views.further.offer(wanted);
  return views;
}

function observed(namespace: string, views: Views) {
  const snapshot = read(`${namespace}/web`, { views, settings: operatorSettings });
  if (snapshot === undefined) throw new Error("no such Canary");
  const none = { youngestReadyMs: undefined, podStartMs: undefined };
  const podTimes = { primary: none, canary: none };
  return observe(snapshot, { lastTickMs: undefined, answers: new Map(), podTimes });
}

const ref = { apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", name: "web-hpa" };
const primary = {
  ...deployment,
  metadata: { name: "web-primary" },
  spec: {
    ...deployment.spec,
    replicas: 8,
    selector: { matchLabels: { app: "web-primary" } },
    template: { ...deployment.spec.template, metadata: { labels: { app: "web-primary" } } },
  },
};

function slice(name: string, service: string, ready: readonly (boolean | undefined)[]): EndpointSlice {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name, labels: { "kubernetes.io/service-name": service } },
    addressType: "IPv4",
    endpoints: ready.map((isReady, index) => ({
      addresses: [`10.0.${name.length}.${index + 1}`],
      conditions: isReady === undefined ? {} : { ready: isReady },
    })),
  };
}

const budget: KubeObject = {
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { name: "web" },
  spec: { minAvailable: "50%", selector: { matchLabels: { app: "web-primary" } } },
};
const quota: KubeObject = {
  apiVersion: "v1",
  kind: "ResourceQuota",
  metadata: { name: "pods" },
  spec: { hard: { pods: "20" } },
};

async function writeStatus(resource: Resource, namespace: string, name: string, status: object): Promise<void> {
  const body = { status };
  const options = { subresource: "status" } as const;
  await rehearsal.client.patch(resource, { namespace, name }, { kind: "merge", body, options });
}

test("observe: serving, bounds, load, budgets and quota of both copies", async () => {
  const twin = { ...autoscaler, metadata: { name: "web-hpa-primary" } };
  const objects = [
    deployment,
    primary,
    canaryWith({ autoscalerRef: ref }),
    autoscaler,
    twin,
    slice("a", "web-primary", [true, true, false]),
    slice("bb", "web-primary", [undefined]),
    slice("ccc", "other", [true]),
    budget,
    quota,
  ];
  await rehearsal.createNamespace("seen", objects);
  await writeStatus(resources.resourceQuotas, "seen", "pods", { hard: { pods: "20" }, used: { pods: "11" } });
  await writeStatus(resources.horizontalPodAutoscalers, "seen", "web-hpa-primary", {
    currentReplicas: 8,
    desiredReplicas: 8,
    currentMetrics: [{ type: "Resource", resource: { name: "cpu", current: { averageUtilization: 60 } } }],
  });
  const canary = canaryWith({ autoscalerRef: ref });
  const views = await openViews(rehearsal.client, capacityResources(canary));
  const { capacity, scalerMinCount } = observed("seen", views);
  const times = { youngestReadyMs: undefined, podStartMs: undefined };
  expect(capacity).toEqual({
    primary: {
      servingCount: 3,
      scaler: { name: "hpa web-hpa-primary", minCount: 3, maxCount: 6, floorCount: undefined, podsForLoad: 6 },
      protectedCount: 4,
      ...times,
    },
    canary: {
      servingCount: undefined,
      scaler: { name: "hpa web-hpa", minCount: 3, maxCount: 6, floorCount: undefined, podsForLoad: undefined },
      protectedCount: 0,
      ...times,
    },
    quotaPodCount: 9,
  });
  expect(scalerMinCount).toBe(3);
});

test("observe: a floor that is held is told, and the autoscaler's own lower bound without it", async () => {
  const canary = canaryWith({ autoscalerRef: ref });
  await rehearsal.createNamespace("held", [deployment, canary]);
  const { metadata } = (await rehearsal.canary("held")) ?? canary;
  const lease = JSON.stringify({ canary: metadata.uid, field: "minReplicas", before: 2, floor: 5 });
  const held = {
    ...autoscaler,
    metadata: { name: "web-hpa", annotations: { [FLOOR_ANNOTATION]: lease } },
    spec: { ...autoscaler.spec, minReplicas: 5 },
  };
  await rehearsal.createObjects("held", [held]);
  const views = await openViews(rehearsal.client, []);
  const { capacity, scalerMinCount } = observed("held", views);
  expect(capacity.canary.scaler).toMatchObject({ minCount: 2, maxCount: 6, floorCount: 5 });
  expect(scalerMinCount).toBe(2);
});

const cron = {
  type: "cron",
  metadata: { timezone: "UTC", start: "0 8 * * *", end: "0 9 * * *", desiredReplicas: "4" },
};
const scaledObject = (annotations: Record<string, string>, spec: object): KubeObject => ({
  apiVersion: "keda.sh/v1alpha1",
  kind: "ScaledObject",
  metadata: { name: "web-so", annotations },
  spec: { scaleTargetRef: { name: "web" }, maxReplicaCount: 9, triggers: [cron], ...spec },
});
const soRef = { apiVersion: "keda.sh/v1alpha1", kind: "ScaledObject", name: "web-so" };
const generated = (minReplicas: number): KubeObject => ({
  ...autoscaler,
  metadata: { name: "keda-hpa-web-so" },
  spec: { ...autoscaler.spec, minReplicas, maxReplicas: 9 },
});

test("observe: the floor of a ScaledObject counts when the HPA that KEDA keeps has it", async () => {
  const canary = canaryWith({ autoscalerRef: soRef });
  await rehearsal.createNamespace("keda", [deployment, canary]);
  const uid = (await rehearsal.canary("keda"))?.metadata.uid;
  const lease = JSON.stringify({ canary: uid, field: "minReplicaCount", before: null, floor: 5 });
  const source = scaledObject({ [FLOOR_ANNOTATION]: lease }, { minReplicaCount: 5 });
  await rehearsal.createObjects("keda", [source]);
  const open = () => openViews(rehearsal.client, [resources.scaledObjects]);
  const scalerSeen = async () => observed("keda", await open()).capacity.canary.scaler;
  expect(await scalerSeen(), "without an HPA the field counts").toMatchObject({
    name: "scaledobject web-so",
    minCount: 0,
    maxCount: 9,
    floorCount: 5,
  });
  await rehearsal.createObjects("keda", [generated(1)]);
  expect(await scalerSeen(), "the HPA lags behind").toMatchObject({ floorCount: undefined });
  const key = { namespace: "keda", name: "keda-hpa-web-so" };
  const body = { spec: { minReplicas: 5 } };
  await rehearsal.client.patch(resources.horizontalPodAutoscalers, key, { kind: "merge", body });
  expect(await scalerSeen()).toMatchObject({ floorCount: 5 });
});

test("observe: a ScaledObject with a floor trigger is floored by the ConfigMap", async () => {
  const triggers = [
    {
      type: "kubernetes-resource",
      metadata: { resourceKind: "ConfigMap", resourceName: "web-floor", key: "canary", targetValue: "1" },
    },
  ];
  await rehearsal.createNamespace("configured", [
    deployment,
    canaryWith({ autoscalerRef: soRef }),
    scaledObject({}, { minReplicaCount: 2, triggers }),
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: floorConfigName("web") }, data: { canary: "6" } },
  ]);
  const views = await openViews(rehearsal.client, [resources.scaledObjects]);
  expect(observed("configured", views).capacity.canary.scaler).toMatchObject({ minCount: 2, floorCount: 6 });
});

test("observe: a target that is a Service has no count of its pods", async () => {
  const canary: Canary = canaryWith({ targetRef: { apiVersion: "v1", kind: "Service", name: "web" } });
  await rehearsal.createNamespace("service", [coreService, canary, slice("a", "web-primary", [true])]);
  const views = await openViews(rehearsal.client, capacityResources(canary));
  expect(observed("service", views).capacity.primary.servingCount).toBeUndefined();
});

test("offer: a kind that may not be read is done without, is asked for once, and delays nobody", async () => {
  let askedCount = 0;
  const client: KubeClient = {
    ...rehearsal.client,
    list: (resource, options) => {
      if (resource.plural !== "endpointslices") return rehearsal.client.list(resource, options);
      askedCount++;
      return Promise.reject(new ApiFailure("forbidden", { httpStatus: 403, reason: "Forbidden" }));
    },
  };
  await rehearsal.createNamespace("poor", [deployment, canaryWith({}), slice("a", "web-primary", [true])]);
  const views = await openViews(client, capacityResources(canaryWith({})));
  await views.further.offer(capacityResources(canaryWith({})));
  expect(askedCount).toBe(1);
  expect(observed("poor", views).capacity.primary.servingCount).toBeUndefined();
  expect(views.of(resources.podDisruptionBudgets)).toBeDefined();
});

test("capacityResources: a Canary that couples nothing asks for no further kind", () => {
  expect(capacityResources(canaryWith({ capacity: { coupling: "off" } }))).toEqual([]);
  expect(capacityResources(canaryWith({ capacity: { coupling: "observe" } }))).toHaveLength(3);
});

test("endpoints: slices that change or go are followed, both families count a pod once", async () => {
  const views = await openViews(rehearsal.client, [resources.endpointSlices]);
  const six = { ...slice("ffff", "web-primary", [true, true]), addressType: "IPv6" as const };
  await rehearsal.createNamespace("follow", [slice("a", "web-primary", [true, true, true]), six]);
  const seen = () => views.endpoints.readyAddresses("follow", "web-primary")?.size;
  await expect.poll(seen, { timeout: 4000 }).toBe(3);
  const body = { endpoints: slice("a", "web-primary", [true, false, false]).endpoints };
  const key = { namespace: "follow", name: "a" };
  await rehearsal.client.patch(resources.endpointSlices, key, { kind: "merge", body });
  await expect.poll(seen, { timeout: 4000 }).toBe(2);
  await rehearsal.client.delete(resources.endpointSlices, key);
  await rehearsal.client.delete(resources.endpointSlices, { namespace: "follow", name: "ffff" });
  await expect.poll(seen, { timeout: 4000 }).toBeUndefined();
});
