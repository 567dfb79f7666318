import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type ConfigMap,
  type Deployment,
  type EndpointSlice,
  type Event,
  type HorizontalPodAutoscaler,
  type KubeObject,
  type Namespace,
  type Pod,
  type ReplicaSet,
  type Resource,
  resources,
  type Service,
} from "#api";
import { silentLog } from "#base";
import { createKubeClient, type KubeClient, loadKubeconfig, systemClock, systemRandom } from "#kube";
import { startTestApiServer, type TestApiServer } from "#testing";
import { isPodReady } from "./shared/index.ts";
import { type Controllers, startControllers } from "./start-controllers.ts";
import { startTestNode } from "./test-node.ts";

let server: TestApiServer;
let client: KubeClient;
let controllers: Controllers;
const ended = new AbortController();

beforeAll(async () => {
  server = await startTestApiServer();
  client = createKubeClient(await loadKubeconfig(server.kubeconfigPath));
  const ports = { client, clock: systemClock, random: systemRandom, log: silentLog, signal: ended.signal };
  controllers = startControllers({ ...ports, caPem: server.caPem, autoscaleIntervalMs: 100 });
  await controllers.synced;
  startTestNode({ ...ports, broken: new Set(["broken"]) });
});

afterAll(async () => {
  await controllers.close();
  ended.abort();
  await client.close();
  await server.close();
});

/** Asks until the answer satisfies the check; the last answer is in the failure. */
async function eventually<T>(read: () => Promise<T>, check: (value: T) => boolean, withinMs = 8000): Promise<T> {
  const untilMs = Date.now() + withinMs;
  for (;;) {
    const value = await read();
    if (check(value)) return value;
    if (Date.now() > untilMs)
      throw new Error(`not within ${withinMs} ms, last: ${JSON.stringify(value)?.slice(0, 3000)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function namespace(name: string): Promise<string> {
  await client.create<Namespace>(resources.namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  return name;
}

async function list<T extends KubeObject>(resource: Resource, inNamespace: string): Promise<readonly T[]> {
  return (await client.list<T>(resource, { namespace: inNamespace })).items;
}

function deployment(inNamespace: string, spec: Record<string, unknown> = {}): Deployment {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace: inNamespace },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: { containers: [{ name: "c", image: "v1", ports: [{ name: "http", containerPort: 9898 }] }] },
      },
      ...spec,
    },
  };
}

function conditionsOf(object: Deployment | undefined): string {
  return (object?.status?.conditions ?? []).map((one) => `${one.type} ${one.status} ${one.reason}`).join(", ");
}

const rolledOut = "Available True MinimumReplicasAvailable, Progressing True NewReplicaSetAvailable";

function readWeb(inNamespace: string): () => Promise<Deployment | undefined> {
  return () => client.get<Deployment>(resources.deployments, { namespace: inNamespace, name: "web" });
}

function setImage(inNamespace: string, image: string): Promise<unknown> {
  const body = { spec: { template: { spec: { containers: [{ name: "c", image }] } } } };
  return client.patch(resources.deployments, { namespace: inNamespace, name: "web" }, { kind: "strategic", body });
}

test("a deployment rolls out, keeps its history, and tells so in events", async () => {
  const ns = await namespace("roll");
  await client.create(resources.deployments, deployment(ns));
  const first = await eventually(readWeb(ns), (web) => conditionsOf(web) === rolledOut);
  expect(first?.status).toMatchObject({ replicas: 2, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2 });
  expect(first?.metadata.annotations).toMatchObject({ "deployment.kubernetes.io/revision": "1" });

  await setImage(ns, "v2");
  await eventually(
    readWeb(ns),
    (web) =>
      conditionsOf(web) === rolledOut &&
      web?.metadata.annotations?.["deployment.kubernetes.io/revision"] === "2" &&
      web.status?.updatedReplicas === 2 &&
      web.status.replicas === 2,
  );
  const sets = await list<ReplicaSet>(resources.replicaSets, ns);
  expect(sets.map((one) => `${one.spec.template.spec.containers[0]?.image} ${one.spec.replicas}`).sort()).toEqual([
    "v1 0",
    "v2 2",
  ]);
  const pods = await list<Pod>(resources.pods, ns);
  expect(
    pods.filter((pod) => pod.metadata.deletionTimestamp === undefined).map((pod) => pod.spec.containers[0]?.image),
  ).toEqual(["v2", "v2"]);
  const events = await eventually(
    () => list<Event>(resources.events, ns),
    (all) => all.some((event) => /down replica set .* to 0 from 1/.test(event.message ?? "")),
  );
  const texts = events
    .filter((event) => event.reason === "ScalingReplicaSet")
    .map((event) => event.message?.replace(/web-\S+/, "RS"));
  expect(texts).toEqual(
    expect.arrayContaining([
      "Scaled up replica set RS to 2",
      "Scaled up replica set RS to 1",
      "Scaled down replica set RS to 1 from 2",
      "Scaled up replica set RS to 2 from 1",
      "Scaled down replica set RS to 0 from 1",
    ]),
  );
  expect(
    events.some((event) => event.reason === "SuccessfulCreate" && event.involvedObject.kind === "ReplicaSet"),
  ).toBe(true);

  await setImage(ns, "v1");
  await eventually(readWeb(ns), (web) => web?.metadata.annotations?.["deployment.kubernetes.io/revision"] === "3");
  const back = (await list<ReplicaSet>(resources.replicaSets, ns)).find(
    (one) => one.spec.template.spec.containers[0]?.image === "v1",
  );
  expect(back?.metadata.annotations).toMatchObject({
    "deployment.kubernetes.io/revision": "3",
    "deployment.kubernetes.io/revision-history": "1",
  });
});

test("a deployment whose new pods are never ready keeps the old ones and exceeds its deadline", async () => {
  const ns = await namespace("stuck");
  await client.create(resources.deployments, deployment(ns, { replicas: 3, progressDeadlineSeconds: 1 }));
  await eventually(readWeb(ns), (web) => conditionsOf(web) === rolledOut);
  await setImage(ns, "broken");
  await eventually(readWeb(ns), (web) => conditionsOf(web).includes("Progressing False ProgressDeadlineExceeded"));
  const pods = await list<Pod>(resources.pods, ns);
  expect(pods.filter(isPodReady)).toHaveLength(3);
  expect(pods).toHaveLength(4);
});

test("a pod that is deleted is replaced, and exactly once", async () => {
  const ns = await namespace("replace");
  await client.create(resources.deployments, deployment(ns, { replicas: 3 }));
  await eventually(readWeb(ns), (web) => conditionsOf(web) === rolledOut);
  const before = await list<Pod>(resources.pods, ns);
  const gone = before[0]?.metadata.name ?? "";
  await client.delete(resources.pods, { namespace: ns, name: gone });
  const after = await eventually(
    () => list<Pod>(resources.pods, ns),
    (pods) => pods.length === 3 && pods.every((pod) => pod.metadata.name !== gone) && pods.every(isPodReady),
  );
  expect(after).toHaveLength(3);
  // Events are written beside the work, and may come after the pods.
  const created = await eventually(
    async () => (await list<Event>(resources.events, ns)).filter((event) => event.reason === "SuccessfulCreate"),
    (events) => events.length >= 4,
  );
  expect(created).toHaveLength(4);
});

test("Recreate stops all old pods before the first new one", async () => {
  const ns = await namespace("recreate");
  await client.create(resources.deployments, deployment(ns, { strategy: { type: "Recreate" } }));
  await eventually(readWeb(ns), (web) => conditionsOf(web) === rolledOut);
  const old = await list<Pod>(resources.pods, ns);
  await setImage(ns, "v2");
  await eventually(
    readWeb(ns),
    (web) =>
      web?.status !== undefined &&
      web.status.observedGeneration === web.metadata.generation &&
      web.status.updatedReplicas === 2 &&
      web.status.availableReplicas === 2,
  );
  const now = await list<Pod>(resources.pods, ns);
  expect(now.map((pod) => pod.spec.containers[0]?.image)).toEqual(["v2", "v2"]);
  expect(now.some((pod) => old.some((one) => one.metadata.uid === pod.metadata.uid))).toBe(false);
});

test("a service has an EndpointSlice and Endpoints, which follow readiness", async () => {
  const ns = await namespace("endpoints");
  const service: Service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: ns, labels: { team: "a" } },
    spec: { selector: { app: "web" }, ports: [{ name: "http", port: 80, targetPort: "http" }] },
  };
  await client.create(resources.services, service);
  await client.create(resources.deployments, deployment(ns));
  const readSlices = (): Promise<readonly EndpointSlice[]> => list<EndpointSlice>(resources.endpointSlices, ns);
  const readyCount = (slices: readonly EndpointSlice[]): number =>
    slices.flatMap((slice) => slice.endpoints).filter((one) => one.conditions?.ready).length;
  const slices = await eventually(readSlices, (all) => readyCount(all) === 2);
  expect(slices).toHaveLength(1);
  expect(slices[0]).toMatchObject({
    addressType: "IPv4",
    ports: [{ name: "http", port: 9898, protocol: "TCP" }],
    metadata: { labels: { "kubernetes.io/service-name": "web", team: "a" }, generateName: "web-" },
  });
  const pod = (await list<Pod>(resources.pods, ns))[0];
  const status = { conditions: [{ type: "Ready", status: "False", lastTransitionTime: "2026-01-01T00:00:00Z" }] };
  await client.patch(
    resources.pods,
    { namespace: ns, name: pod?.metadata.name ?? "" },
    { kind: "merge", body: { status }, options: { subresource: "status" } },
  );
  await eventually(readSlices, (all) => readyCount(all) === 1);
  const endpoints = await eventually(
    () =>
      list<KubeObject & { subsets?: readonly { addresses?: unknown[]; notReadyAddresses?: unknown[] }[] }>(
        resources.endpoints,
        ns,
      ),
    (all) => all[0]?.subsets?.[0]?.notReadyAddresses?.length === 1,
  );
  expect(endpoints[0]?.subsets?.[0]?.addresses).toHaveLength(1);
  await client.delete(resources.services, { namespace: ns, name: "web" });
  await eventually(readSlices, (all) => all.length === 0);
  await eventually(
    () => list(resources.endpoints, ns),
    (all) => all.length === 0,
  );
});

test("every namespace has its default service account and the root certificate", async () => {
  const ns = await namespace("defaults");
  const readCa = (): Promise<ConfigMap | undefined> =>
    client.get<ConfigMap>(resources.configMaps, { namespace: ns, name: "kube-root-ca.crt" });
  const found = await eventually(readCa, (map) => map !== undefined);
  expect(found?.data).toEqual({ "ca.crt": server.caPem });
  await client.delete(resources.configMaps, { namespace: ns, name: "kube-root-ca.crt" });
  await eventually(readCa, (map) => map !== undefined);
  await eventually(
    () => client.get(resources.serviceAccounts, { namespace: ns, name: "default" }),
    (account) => account !== undefined,
  );
});

test("deleting a deployment collects its ReplicaSets and pods in the background", async () => {
  const ns = await namespace("background");
  await client.create(resources.deployments, deployment(ns));
  await eventually(readWeb(ns), (web) => conditionsOf(web) === rolledOut);
  await client.delete(resources.deployments, { namespace: ns, name: "web" }, { propagationPolicy: "Background" });
  await eventually(
    () => list(resources.pods, ns),
    (pods) => pods.length === 0,
  );
  expect(await list(resources.replicaSets, ns)).toHaveLength(0);
});

test("foreground deletion keeps the owner until its dependents are gone", async () => {
  const ns = await namespace("foreground");
  await client.create(resources.deployments, deployment(ns));
  await eventually(readWeb(ns), (web) => conditionsOf(web) === rolledOut);
  await client.delete(resources.deployments, { namespace: ns, name: "web" }, { propagationPolicy: "Foreground" });
  await eventually(readWeb(ns), (web) => web === undefined);
  expect(await list(resources.replicaSets, ns)).toHaveLength(0);
  expect(await list(resources.pods, ns)).toHaveLength(0);
});

test("orphan deletion leaves the dependents without an owner, and a new deployment adopts them", async () => {
  const ns = await namespace("orphan");
  await client.create(resources.deployments, deployment(ns));
  await eventually(readWeb(ns), (web) => conditionsOf(web) === rolledOut);
  await client.delete(resources.deployments, { namespace: ns, name: "web" }, { propagationPolicy: "Orphan" });
  await eventually(readWeb(ns), (web) => web === undefined);
  const [left] = await list<ReplicaSet>(resources.replicaSets, ns);
  expect(left?.metadata.ownerReferences ?? []).toEqual([]);
  expect(await list(resources.pods, ns)).toHaveLength(2);
  await client.create(resources.deployments, deployment(ns));
  await eventually(readWeb(ns), (web) => conditionsOf(web) === rolledOut);
  const sets = await list<ReplicaSet>(resources.replicaSets, ns);
  expect(sets.map((one) => one.metadata.uid)).toEqual([left?.metadata.uid]);
});

test("an object whose owner never existed is collected; one with an owner that lives is kept", async () => {
  const ns = await namespace("dangling");
  const account = await eventually(
    () => client.get(resources.serviceAccounts, { namespace: ns, name: "default" }),
    (one) => one !== undefined,
  );
  const owned = (name: string, uid: string): ConfigMap => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: {
      name,
      namespace: ns,
      ownerReferences: [{ apiVersion: "v1", kind: "ServiceAccount", name: "default", uid }],
    },
  });
  await client.create(resources.configMaps, owned("dangling", "00000000-0000-0000-0000-000000000000"));
  await client.create(resources.configMaps, owned("kept", account?.metadata.uid ?? ""));
  await eventually(
    () => client.get(resources.configMaps, { namespace: ns, name: "dangling" }),
    (one) => one === undefined,
  );
  expect(await client.get(resources.configMaps, { namespace: ns, name: "kept" })).toBeDefined();
});

test("a namespace is emptied, then goes; a finalizer in it holds it up and is named", async () => {
  const ns = await namespace("leaving");
  await client.create(resources.deployments, deployment(ns));
  await eventually(readWeb(ns), (web) => conditionsOf(web) === rolledOut);
  const held: ConfigMap = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "held", namespace: ns, finalizers: ["example.com/hold"] },
  };
  await client.create(resources.configMaps, held);
  await client.delete(resources.namespaces, { name: ns });
  const readNamespace = (): Promise<Namespace | undefined> => client.get<Namespace>(resources.namespaces, { name: ns });
  const waiting = await eventually(
    readNamespace,
    (one) => one?.status?.conditions?.some((condition) => condition.reason === "SomeFinalizersRemain") === true,
  );
  expect(waiting?.status?.conditions?.map((one) => `${one.reason} ${one.status}`)).toEqual([
    "ResourcesDiscovered False",
    "ParsedGroupVersions False",
    "ContentDeleted False",
    "SomeResourcesRemain True",
    "SomeFinalizersRemain True",
  ]);
  await client.patch(
    resources.configMaps,
    { namespace: ns, name: "held" },
    { kind: "merge", body: { metadata: { finalizers: null } } },
  );
  await eventually(readNamespace, (one) => one === undefined);
});

test("an autoscaler without metrics says so and does not scale; a bound is applied without metrics", async () => {
  const ns = await namespace("autoscale");
  await client.create(resources.deployments, deployment(ns, { replicas: 1 }));
  const hpa = {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { name: "web", namespace: ns },
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
      minReplicas: 1,
      maxReplicas: 3,
    },
  };
  await client.create(resources.horizontalPodAutoscalers, hpa);
  const key = { namespace: ns, name: "web" };
  const readHpa = (): Promise<Deployment | undefined> =>
    client.get<Deployment>(resources.horizontalPodAutoscalers, key);
  await eventually(
    readHpa,
    (one) => conditionsOf(one) === "AbleToScale True SucceededGetScale, ScalingActive False FailedGetResourceMetric",
  );
  await client.patch(resources.horizontalPodAutoscalers, key, { kind: "merge", body: { spec: { minReplicas: 2 } } });
  const scaled = await eventually(readWeb(ns), (web) => web?.spec.replicas !== 1);
  expect(scaled?.spec.replicas).toBe(2);
  await eventually(
    () => list<Event>(resources.events, ns),
    (events) =>
      events.some(
        (event) =>
          event.reason === "SuccessfulRescale" &&
          event.message === "New size: 2; reason: Current number of replicas below Spec.MinReplicas",
      ),
  );
});

test("an autoscaler grows its target when the pods use more than their target, and reports what it saw", async () => {
  const ns = await namespace("load");
  const template = deployment(ns).spec.template;
  const containers = [{ name: "c", image: "v1", resources: { requests: { cpu: "100m" } } }];
  await client.create(
    resources.deployments,
    deployment(ns, { replicas: 2, template: { ...template, spec: { containers } } }),
  );
  await eventually(readWeb(ns), (web) => conditionsOf(web) === rolledOut);
  const pods = await list<Pod>(resources.pods, ns);
  server.attachNode({
    logs: () => {
      throw new Error("not asked for");
    },
    usage: () =>
      pods.map((pod) => ({
        namespace: ns,
        pod: pod.metadata.name ?? "",
        // Later than a whole window after the pod turned ready: before, a sample of a young pod does not count.
        timestampMs: Date.now() + 60_000,
        windowMs: 1000,
        containers: [{ name: "c", cpuCores: 0.09, memoryBytes: 1e6 }],
      })),
  });
  const target = { type: "Utilization", averageUtilization: 60 };
  await client.create(resources.horizontalPodAutoscalers, {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { name: "web", namespace: ns },
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
      maxReplicas: 3,
      metrics: [{ type: "Resource", resource: { name: "cpu", target } }],
    },
  });
  await eventually(readWeb(ns), (web) => web?.spec.replicas === 3);
  const key = { namespace: ns, name: "web" };
  const readHpa = () => client.get<HorizontalPodAutoscaler>(resources.horizontalPodAutoscalers, key);
  const hpa = await eventually(readHpa, (one) => one?.status?.desiredReplicas === 3);
  expect(hpa?.status?.currentMetrics).toEqual([
    { type: "Resource", resource: { name: "cpu", current: { averageUtilization: 90, averageValue: "90m" } } },
  ]);
  await eventually(
    () => list<Event>(resources.events, ns),
    (events) =>
      events.some(
        (event) =>
          event.message === "New size: 3; reason: cpu resource utilization (percentage of request) above target",
      ),
  );
});
