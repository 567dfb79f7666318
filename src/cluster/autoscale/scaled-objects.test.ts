import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type Deployment,
  type Event,
  type HorizontalPodAutoscaler,
  kedaCrds,
  type KubeObject,
  type Resource,
  resources,
  type ScaledObject,
  type ScaledObjectSpec,
} from "#api";
import { Failure, silentLog } from "#base";
import { createKubeClient, type KubeClient, loadKubeconfig, systemRandom } from "#kube";
import { createPassingTime, createVirtualClock, startTestApiServer, type TestApiServer } from "#testing";
import { type Controllers, startControllers } from "../controllers/index.ts";
import { createKedaMetrics, type ScaledObjects, startScaledObjects } from "./index.ts";
import type { ExternalMetricSpec, ExternalTrigger, TriggerKind } from "./triggers/index.ts";
import { compileSum, cpuKind, twiceKind } from "./triggers/testing/plain-kinds.ts";

/**
 * ScaledObjects as a user sees them, on a virtual clock: the API server, the controllers and the autoscaler are the real ones; the
 * triggers read variables of the test.
 */

const clock = createVirtualClock();
const { eventually, pass, whileTimePasses } = createPassingTime({ clock, stepMs: 1000, withinSeconds: 120 });
const ended = new AbortController();
const metrics = createKedaMetrics();
let server: TestApiServer;
let client: KubeClient;
let controllers: Controllers;
let scaledObjects: ScaledObjects;

/** A queue of the test, which triggers of the type `test-queue` read; by its name. */
interface Queue {
  length: number;
  isDown: boolean;
  /** Answers never. */
  isHanging: boolean;
  /** Its server cannot even be connected to. */
  isUnreachable: boolean;
  readCount: number;
  buildCount: number;
  openCount: number;
  push: (() => void) | undefined;
  /** Announces another threshold. */
  announce: ((length: number) => void) | undefined;
}
const queues = new Map<string, Queue>();

function queueOf(name: string): Queue {
  const existing = queues.get(name);
  if (existing !== undefined) return existing;
  const made: Queue = {
    length: 0,
    isDown: false,
    isHanging: false,
    isUnreachable: false,
    readCount: 0,
    buildCount: 0,
    openCount: 0,
    push: undefined,
    announce: undefined,
  };
  queues.set(name, made);
  return made;
}

const queueKind: TriggerKind = {
  types: ["test-queue", "test-push"],
  canCache: true,
  async build({ type, config, metricType }) {
    const queue = queueOf(config.text("queue", { isRequired: true }));
    let target = config.number("length") ?? 10;
    const name = config.text("metricName") ?? `queue/${config.text("queue") ?? ""}`;
    config.end();
    queue.buildCount += 1;
    if (queue.isUnreachable) throw new Failure("Cannot connect to the queue", { code: "Refused", retryable: true });
    queue.openCount += 1;
    const targetType = metricType === "Value" ? "Value" : "AverageValue";
    const trigger: ExternalTrigger = {
      kind: "external",
      metrics: async () => [{ name, target, targetType, isWhole: true }],
      async read() {
        queue.readCount += 1;
        if (queue.isHanging) await new Promise(() => undefined);
        if (queue.isDown) throw new Failure("the queue does not answer", { code: "Down", retryable: true });
        return { values: [queue.length], isActive: queue.length > 0 };
      },
      ...(type === "test-push"
        ? {
            watch: (onActive: () => void, signal: AbortSignal) => {
              queue.push = onActive;
              signal.addEventListener("abort", () => {
                queue.push = undefined;
              });
            },
            watchMetrics: (onMetrics: (metrics: readonly ExternalMetricSpec[]) => void) => {
              queue.announce = (other) => {
                target = other;
                onMetrics([{ name, target, targetType, isWhole: true }]);
              };
            },
          }
        : {}),
      async close() {
        queue.openCount -= 1;
      },
    };
    return trigger;
  },
};

beforeAll(async () => {
  server = await startTestApiServer({ clock });
  client = createKubeClient(await loadKubeconfig(server.kubeconfigPath));
  const ports = { client, clock, random: systemRandom, log: silentLog, signal: ended.signal };
  await installKinds();
  controllers = startControllers({ ...ports, caPem: server.caPem });
  await whileTimePasses(controllers.synced);
  await startAutoscaling();
});

/** Starts what is tested, or starts it again, over the controllers that run. */
async function startAutoscaling(): Promise<void> {
  scaledObjects = startScaledObjects({
    client,
    clock,
    random: systemRandom,
    log: silentLog,
    signal: ended.signal,
    informers: controllers.informers,
    triggerKinds: [queueKind, cpuKind, twiceKind],
    compileFormula: compileSum,
    metrics,
  });
  server.attachMetrics({ custom: { names: () => [], list: () => undefined }, external: scaledObjects.external });
  await whileTimePasses(scaledObjects.synced);
}

afterAll(async () => {
  await whileTimePasses(scaledObjects.close());
  await whileTimePasses(controllers.close());
  ended.abort();
  await client.close();
  await server.close();
  // Whatever was connected to is closed.
  expect([...queues.values()].map(({ openCount }) => openCount).filter((count) => count !== 0)).toEqual([]);
});

async function installKinds(): Promise<void> {
  for (const crd of kedaCrds()) await client.create(resources.customResourceDefinitions, crd);
  await eventually(
    () => server.call({ path: "/apis/keda.sh/v1alpha1/scaledobjects" }),
    ({ code }) => code === 200,
  );
}

async function createNamespace(name: string): Promise<void> {
  await client.create(resources.namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
}

async function createWeb(namespace: string, replicas: number): Promise<void> {
  const labels = { app: "web" };
  const template = { metadata: { labels }, spec: { containers: [{ name: "c", image: "v1" }] } };
  await client.create(resources.deployments, {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace },
    spec: { replicas, selector: { matchLabels: labels }, template },
  });
}

async function createScaledObject(
  namespace: string,
  spec: Partial<ScaledObjectSpec>,
  metadata: KubeObject["metadata"] = {},
): Promise<void> {
  const trigger = { type: "test-queue", metadata: { queue: namespace } };
  await client.create<ScaledObject>(resources.scaledObjects, {
    apiVersion: "keda.sh/v1alpha1",
    kind: "ScaledObject",
    metadata: { name: "web", namespace, ...metadata },
    spec: { scaleTargetRef: { name: "web" }, pollingInterval: 5, triggers: [trigger], ...spec },
  });
}

async function install(namespace: string, replicas: number, spec: Partial<ScaledObjectSpec> = {}): Promise<Queue> {
  await createNamespace(namespace);
  await createWeb(namespace, replicas);
  await createScaledObject(namespace, spec);
  return queueOf(namespace);
}

function read<T extends KubeObject>(resource: Resource, namespace: string, name = "web") {
  return () => client.get<T>(resource, { namespace, name });
}

const readObject = (ns: string) => read<ScaledObject>(resources.scaledObjects, ns)();
const readHpa = (ns: string, name = "keda-hpa-web") =>
  read<HorizontalPodAutoscaler>(resources.horizontalPodAutoscalers, ns, name)();
const replicasOf = async (ns: string) => (await read<Deployment>(resources.deployments, ns)())?.spec.replicas;

async function conditionsOf(ns: string): Promise<readonly string[]> {
  const object = await readObject(ns);
  return (object?.status?.conditions ?? []).map(({ type, status, reason }) => `${type} ${status} ${reason ?? ""}`);
}

const untilReplicas = (ns: string, wanted: number, withinSeconds?: number) =>
  eventually(
    () => replicasOf(ns),
    (replicas) => replicas === wanted,
    withinSeconds,
  );
const untilCondition = (ns: string, wanted: string, withinSeconds?: number) =>
  eventually(
    () => conditionsOf(ns),
    (all) => all.includes(wanted),
    withinSeconds,
  );
const untilEvent = (ns: string, reason: string) =>
  eventually(
    async () => (await client.list<Event>(resources.events, { namespace: ns })).items.map((event) => event.reason),
    (all) => all.includes(reason),
  );

async function patchObject(ns: string, body: unknown): Promise<void> {
  await client.patch(resources.scaledObjects, { namespace: ns, name: "web" }, { kind: "merge", body });
}

const annotate = (ns: string, annotations: Readonly<Record<string, string | null>>) =>
  patchObject(ns, {
    metadata: {
      annotations: Object.fromEntries(
        Object.entries(annotations).map(([key, value]) => [`autoscaling.keda.sh/${key}`, value]),
      ),
    },
  });

async function askMetric(ns: string, name: string, label = "scaledobject.keda.sh/name=web") {
  const query = `?labelSelector=${encodeURIComponent(label)}`;
  const { code, json } = await server.call({
    path: `/apis/external.metrics.k8s.io/v1beta1/namespaces/${ns}/${name}${query}`,
  });
  const items = json["items"] as readonly { readonly value: string }[] | undefined;
  return { code, message: json["message"], values: items?.map(({ value }) => value) };
}

test("a ScaledObject takes its target from nothing to one to many and, after its cooldown, back to nothing", async () => {
  const ns = "life";
  const queue = await install(ns, 5, { cooldownPeriod: 60, maxReplicaCount: 8 });
  // Vector 16: nothing to do and no work ever seen, so there is no cooldown to wait for.
  await untilReplicas(ns, 0);
  const conditions = await untilCondition(ns, "Active False ScalerNotActive");
  expect(conditions.slice(0, 4)).toEqual([
    "Ready True ScaledObjectReady",
    "Active False ScalerNotActive",
    "Fallback False NoFallbackFound",
    "Paused False ",
  ]);
  const object = await readObject(ns);
  expect(object?.metadata).toMatchObject({
    finalizers: ["finalizer.keda.sh"],
    labels: { "scaledobject.keda.sh/name": "web" },
  });
  expect(object?.status).toMatchObject({
    scaleTargetKind: "apps/v1.Deployment",
    scaleTargetGVKR: { group: "apps", version: "v1", kind: "Deployment", resource: "deployments" },
    originalReplicaCount: 5,
    externalMetricNames: ["s0-queue-life"],
    resourceMetricNames: [],
    hpaName: "keda-hpa-web",
    triggersTypes: "test-queue",
    authenticationsTypes: "",
  });
  expect((await readHpa(ns))?.spec).toMatchObject({ minReplicas: 1, maxReplicas: 8 });
  await untilCondition(ns, "HPAActive True ScalingDisabled");

  queue.length = 57;
  await untilReplicas(ns, 1);
  await untilReplicas(ns, 4);
  await untilReplicas(ns, 6);
  await untilCondition(ns, "Active True ScalerActive");
  await untilCondition(ns, "HPAActive True HPAActive");
  expect((await readObject(ns))?.status).toMatchObject({
    health: { "s0-queue-life": { numberOfFailures: 0, status: "Happy" } },
    triggersActivity: { "s0-queue-life": { isActive: true } },
    lastActiveTime: expect.stringMatching(/^2026-01-01T00:/),
  });
  expect(await askMetric(ns, "S0-QUEUE-life")).toMatchObject({ code: 200, values: ["57"] });
  expect(metrics.text()).toContain(
    'keda_scaler_metrics_value{namespace="life",metric="s0-queue-life",scaledObject="web",scaler="test-queue",triggerIndex="0",type="scaledobject"} 57\n',
  );

  queue.length = 0;
  const endMs = clock.nowMs();
  await untilCondition(ns, "Active False ScalerCooldown");
  await untilReplicas(ns, 0);
  expect(clock.nowMs() - endMs).toBeGreaterThanOrEqual(55_000);
  expect(clock.nowMs() - endMs).toBeLessThan(80_000);
  await untilEvent(ns, "KEDAScaleTargetActivated");
  await untilEvent(ns, "KEDAScaleTargetDeactivated");
  await untilEvent(ns, "KEDAScalersStarted");
  await untilEvent(ns, "ScaledObjectReady");
});

test("vector 17: an error without a fallback leaves the size, and says so until the trigger can be read", async () => {
  const ns = "error";
  const queue = queueOf(ns);
  queue.isDown = true;
  await install(ns, 5);
  await untilCondition(ns, "Ready False TriggerError");
  await untilEvent(ns, "KEDAScalerFailed");
  await pass(30_000);
  expect(await replicasOf(ns)).toBe(5);
  expect((await readObject(ns))?.status?.health?.["s0-queue-error"]).toMatchObject({ status: "Failing" });
  const { code, message } = await askMetric(ns, "s0-queue-error");
  expect([code, message]).toEqual([500, expect.stringContaining("the queue does not answer")]);
  expect(metrics.text()).toMatch(/keda_scaler_detail_errors_total\{namespace="error",[^}]*\} [1-9]/);
  expect(queue.openCount).toBeLessThanOrEqual(1);
  queue.isDown = false;
  await untilCondition(ns, "Ready True ScaledObjectReady");
  await untilReplicas(ns, 0);
});

test("a fallback takes over above its threshold, starts from nothing, also when the server cannot be connected to", async () => {
  const ns = "fallback";
  const queue = await install(ns, 1, { cooldownPeriod: 30, fallback: { failureThreshold: 3, replicas: 3 } });
  await untilReplicas(ns, 0);
  queue.isDown = true;
  queue.isUnreachable = true;
  await untilCondition(ns, "Fallback True FallbackExists");
  await untilReplicas(ns, 3);
  const health = (await readObject(ns))?.status?.health?.["s0-queue-fallback"];
  expect(health?.numberOfFailures).toBeGreaterThan(3);
  expect(await askMetric(ns, "s0-queue-fallback")).toMatchObject({ code: 200, values: ["30"] });
  await untilEvent(ns, "ScaledObjectFallbackActivated");
  queue.isDown = false;
  queue.isUnreachable = false;
  await untilCondition(ns, "Fallback False NoFallbackFound");
  await untilEvent(ns, "ScaledObjectFallbackDeactivated");
  await untilReplicas(ns, 0);
});

test("paused keeps the size without autoscaler and polls; unpaused, it is as before", async () => {
  const ns = "pause";
  const queue = await install(ns, 2, { minReplicaCount: 2 });
  await untilCondition(ns, "Ready True ScaledObjectReady");
  // Vector 18. Nothing but the annotation wakes it.
  await annotate(ns, { paused: "" });
  await untilCondition(ns, "Paused True ScaledObjectPaused");
  await eventually(
    () => readHpa(ns),
    (hpa) => hpa === undefined,
  );
  await pass(5000);
  const readCount = queue.readCount;
  queue.length = 90;
  await pass(30_000);
  expect([queue.readCount, queue.openCount, await replicasOf(ns)]).toEqual([readCount, 0, 2]);
  expect((await askMetric(ns, "s0-queue-pause")).message).toContain('ScaledObject "pause/web" is paused');
  expect(metrics.text()).toContain('keda_scaled_object_paused{namespace="pause",scaledObject="web"} 1\n');
  await untilEvent(ns, "KEDAScalersStopped");
  await untilEvent(ns, "ScaledObjectPaused");
  await annotate(ns, { paused: null });
  await untilCondition(ns, "Paused False ScaledObjectUnpaused");
  await untilReplicas(ns, 9);
  await untilEvent(ns, "ScaledObjectUnpaused");
});

test("paused-replicas sets its size once; vector 19: one that is no number fails, with the autoscaler already gone", async () => {
  const ns = "pause-at";
  await install(ns, 1, { minReplicaCount: 1 });
  await untilCondition(ns, "Ready True ScaledObjectReady");
  await annotate(ns, { "paused-replicas": "4" });
  await untilReplicas(ns, 4);
  await eventually(
    () => readObject(ns),
    (object) => object?.status?.pausedReplicaCount === 4,
  );
  await annotate(ns, { "paused-replicas": "x" });
  await untilCondition(ns, "Ready False ScaledObjectCheckFailed");
  expect(await conditionsOf(ns)).toContain("Active Unknown UnknownState");
  expect(await readHpa(ns)).toBeUndefined();
  expect(await replicasOf(ns)).toBe(4);
  await annotate(ns, { "paused-replicas": "0" });
  await untilReplicas(ns, 0);
  // What was wrong with it is mended, and no poll would say so.
  await untilCondition(ns, "Ready True ScaledObjectReady");
  await annotate(ns, { "paused-replicas": null });
  await untilReplicas(ns, 1);
  await eventually(
    () => readObject(ns),
    (object) => object?.status?.pausedReplicaCount === undefined,
  );
});

test("paused-scale-out and paused-scale-in hold one direction, in the autoscaler and from and to nothing", async () => {
  const ns = "directions";
  const queue = await install(ns, 0, { cooldownPeriod: 10 });
  await annotate(ns, { "paused-scale-out": "true" });
  await untilCondition(ns, "Paused True ScaledObjectPaused");
  await eventually(
    () => readHpa(ns),
    (hpa) => hpa?.spec.behavior?.scaleUp?.selectPolicy === "Disabled",
  );
  queue.length = 30;
  await untilCondition(ns, "Active True ScalerActive");
  await pass(20_000);
  expect(await replicasOf(ns)).toBe(0);
  await annotate(ns, { "paused-scale-out": null, "paused-scale-in": "true" });
  await untilReplicas(ns, 3);
  expect((await readHpa(ns))?.spec.behavior?.scaleDown?.selectPolicy).toBe("Disabled");
  queue.length = 0;
  await untilCondition(ns, "Active False ScalerNotActive");
  await pass(40_000);
  expect(await replicasOf(ns)).toBe(3);
  await annotate(ns, { "paused-scale-in": null });
  await untilReplicas(ns, 0);
  await annotate(ns, { "force-activation": "true" });
  await untilReplicas(ns, 1);
  await annotate(ns, { "force-activation": "false" });
  await untilReplicas(ns, 0);
});

test("a deleted ScaledObject takes its autoscaler along and gives the target the size that it had", async () => {
  const ns = "delete";
  const queue = await install(ns, 2, { advanced: { restoreToOriginalReplicaCount: true }, cooldownPeriod: 10 });
  await untilReplicas(ns, 0);
  await client.delete(resources.scaledObjects, { namespace: ns, name: "web" });
  await eventually(
    () => readObject(ns),
    (object) => object === undefined,
  );
  await untilReplicas(ns, 2);
  await eventually(
    () => readHpa(ns),
    (hpa) => hpa === undefined,
  );
  expect(queue.openCount).toBe(0);
  await untilEvent(ns, "ScaledObjectDeleted");
  await eventually(
    async () => metrics.text(),
    (text) => !text.includes(`namespace="${ns}"`),
  );
  expect((await askMetric(ns, "s0-queue-delete")).message).toContain('ScaledObject "delete/web" not found');
});

test("transfer-hpa-ownership takes over an autoscaler of the configured name, which otherwise is another's", async () => {
  const ns = "transfer";
  await createNamespace(ns);
  await createWeb(ns, 2);
  const scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name: "web" };
  await client.create<HorizontalPodAutoscaler>(resources.horizontalPodAutoscalers, {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { name: "mine", namespace: ns, labels: { mine: "yes" } },
    spec: { scaleTargetRef, maxReplicas: 3 },
  });
  const uid = (await readHpa(ns, "mine"))?.metadata.uid;
  await createScaledObject(ns, {
    minReplicaCount: 1,
    advanced: { horizontalPodAutoscalerConfig: { name: "mine" } },
  });
  await untilCondition(ns, "Ready False ScaledObjectCheckFailed");
  expect((await readHpa(ns, "mine"))?.spec.maxReplicas).toBe(3);
  await patchObject(ns, { metadata: { annotations: { "scaledobject.keda.sh/transfer-hpa-ownership": "true" } } });
  await untilCondition(ns, "Ready True ScaledObjectReady");
  const taken = await readHpa(ns, "mine");
  expect(taken).toMatchObject({
    metadata: { uid, ownerReferences: [{ kind: "ScaledObject", name: "web", controller: true }] },
    spec: { maxReplicas: 100 },
  });
  expect(taken?.metadata.labels).not.toHaveProperty("mine");
  expect((await readObject(ns))?.status?.hpaName).toBe("mine");

  // A new name: the old one goes, a new one comes.
  await patchObject(ns, { spec: { advanced: { horizontalPodAutoscalerConfig: { name: "other" } } } });
  await eventually(
    () => readHpa(ns, "other"),
    (hpa) => hpa !== undefined,
  );
  expect(await readHpa(ns, "mine")).toBeUndefined();
  // By hand: it comes back, and edits of it do not last.
  await client.delete(resources.horizontalPodAutoscalers, { namespace: ns, name: "other" });
  await eventually(
    () => readHpa(ns, "other"),
    (hpa) => hpa !== undefined,
  );
  await client.patch(
    resources.horizontalPodAutoscalers,
    { namespace: ns, name: "other" },
    { kind: "merge", body: { spec: { maxReplicas: 5 } } },
  );
  await eventually(
    () => readHpa(ns, "other"),
    (hpa) => hpa?.spec.maxReplicas === 100,
  );
});

test.each([
  ["unknown-type", { triggers: [{ type: "nonsense", metadata: {} }] }, "no scaler found for type: nonsense"],
  ["bounds", { minReplicaCount: 2, idleReplicaCount: 2 }, "idleReplicaCount=2 must be less than minReplicaCount=2"],
  ["no-target", { scaleTargetRef: { name: "gone" } }, 'Target resource doesn\'t exist: deployments.apps "gone"'],
  [
    "no-scale",
    { scaleTargetRef: { name: "plain", apiVersion: "v1", kind: "ConfigMap" } },
    'Target resource doesn\'t expose /scale subresource: configmaps "plain"',
  ],
  [
    "no-kind",
    { scaleTargetRef: { name: "x", apiVersion: "x.io/v1", kind: "Thing" } },
    'no matches for kind "Thing" in version "x.io/v1"',
  ],
  [
    "bad-parameter",
    { triggers: [{ type: "test-queue", metadata: {} }] },
    'error parsing test-queue metadata: missing required parameter "queue" in [triggerMetadata]',
  ],
  [
    "bad-activation",
    {
      triggers: [{ type: "test-queue", name: "a", metadata: { queue: "bad-activation" } }],
      advanced: { scalingModifiers: { formula: "a", target: "1", activationTarget: "1O" } },
    },
    'scalingModifiers.activationTarget must be a number, received "1O"',
  ],
  ["bad-formula", { advanced: { scalingModifiers: { formula: "a + b", target: "1" } } }, "unknown name a"],
  [
    "not-cached",
    { triggers: [{ type: "test-cpu", metadata: {}, useCachedMetrics: true }] },
    'property "useCachedMetrics" is not supported for "test-cpu" triggers; remove it',
  ],
])("%s is refused with a reason, and the target keeps its size", async (name, spec, message) => {
  const ns = `refused-${name}`;
  await createNamespace(ns);
  await createWeb(ns, 3);
  const data = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "plain", namespace: ns }, data: {} };
  await client.create(resources.configMaps, data);
  await createScaledObject(ns, spec);
  await untilCondition(ns, "Ready False ScaledObjectCheckFailed");
  const object = await readObject(ns);
  expect(object?.status?.conditions?.find(({ type }) => type === "Ready")?.message).toBe(message);
  expect(await conditionsOf(ns)).toContain("Active Unknown UnknownState");
  await untilEvent(ns, "ScaledObjectCheckFailed");
  await pass(6000);
  expect(await replicasOf(ns)).toBe(3);
  expect(await readHpa(ns)).toBeUndefined();
});

test("a refused edit leaves the version before it in force", async () => {
  const ns = "refused-edit";
  const queue = await install(ns, 1, { minReplicaCount: 1, maxReplicaCount: 9 });
  await untilCondition(ns, "Ready True ScaledObjectReady");
  // The API server refuses this one itself.
  await expect(patchObject(ns, { spec: { minReplicaCount: 10 } })).rejects.toThrow("minReplicaCount");
  await patchObject(ns, { spec: { idleReplicaCount: 10 } });
  await untilCondition(ns, "Ready False ScaledObjectCheckFailed");
  queue.length = 40;
  await untilReplicas(ns, 4);
  expect(await conditionsOf(ns)).toContain("Ready False ScaledObjectCheckFailed");
  await patchObject(ns, { spec: { idleReplicaCount: null } });
  await untilCondition(ns, "Ready True ScaledObjectReady");
});

test("a new name that is another's autoscaler is refused, and the one of the old name stays", async () => {
  const ns = "refused-name";
  const queue = await install(ns, 1, { minReplicaCount: 1 });
  await client.create<HorizontalPodAutoscaler>(resources.horizontalPodAutoscalers, {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { name: "other", namespace: ns },
    spec: { scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "api" }, maxReplicas: 3 },
  });
  await untilCondition(ns, "Ready True ScaledObjectReady");
  await patchObject(ns, { spec: { advanced: { horizontalPodAutoscalerConfig: { name: "other" } } } });
  await untilCondition(ns, "Ready False ScaledObjectCheckFailed");
  expect(await readHpa(ns)).toBeDefined();
  queue.length = 40;
  await untilReplicas(ns, 4);
});

test("two metrics of one name are refused", async () => {
  const ns = "twice";
  await createNamespace(ns);
  await createWeb(ns, 2);
  await createScaledObject(ns, { triggers: [{ type: "test-twice", metadata: {} }] });
  await untilCondition(ns, "Ready False ScaledObjectCheckFailed");
  const object = await readObject(ns);
  expect(object?.status?.conditions?.find(({ type }) => type === "Ready")?.message).toBe(
    'metricName "s0-same" defined multiple times in ScaledObject, it must be unique',
  );
  expect(await replicasOf(ns)).toBe(2);
});

test("useCachedMetrics answers the autoscaler with the value of the last poll, without it every question is a reading", async () => {
  const ns = "cached";
  const other = queueOf("cached-live");
  queueOf(ns).length = 5;
  const queue = await install(ns, 1, {
    minReplicaCount: 1,
    pollingInterval: 3600,
    triggers: [
      { type: "test-queue", metadata: { queue: ns }, useCachedMetrics: true },
      { type: "test-queue", metadata: { queue: "cached-live" } },
    ],
  });
  await untilCondition(ns, "Active True ScalerActive");
  const before = [queue.readCount, other.readCount];
  queue.length = 7;
  other.length = 9;
  expect(await askMetric(ns, "s0-queue-cached")).toMatchObject({ values: ["5"] });
  expect(await askMetric(ns, "s1-queue-cached-live")).toMatchObject({ values: ["9"] });
  expect(queue.readCount).toBe(before[0]);
  expect(other.readCount).toBeGreaterThan(before[1] ?? 0);
  other.length = -4;
  expect(await askMetric(ns, "s1-queue-cached-live")).toMatchObject({ values: ["0"] });
  other.length = 1.5;
  expect(await askMetric(ns, "s1-queue-cached-live")).toMatchObject({ values: ["1500m"] });
  expect((await askMetric(ns, "s5-none")).message).toContain("no matching metrics found for s5-none");
  expect((await askMetric(ns, "s0-queue-cached", "app=web")).code).toBe(404);
});

test("a server that pushes starts work at once, between the polls", async () => {
  const ns = "push";
  const queue = await install(ns, 0, {
    pollingInterval: 600,
    triggers: [{ type: "test-push", metadata: { queue: ns } }],
  });
  await untilCondition(ns, "Active False ScalerNotActive");
  await pass(3000);
  queue.length = 20;
  const atMs = clock.nowMs();
  for (let i = 0; i < 50; i++) queue.push?.();
  await untilReplicas(ns, 1);
  // The next poll is ten minutes away.
  expect(clock.nowMs() - atMs).toBeLessThan(60_000);
  await untilReplicas(ns, 2);
});

test("a server that announces another threshold gets it into the autoscaler", async () => {
  const ns = "announce";
  const queue = await install(ns, 1, {
    pollingInterval: 600,
    triggers: [{ type: "test-push", metadata: { queue: ns } }],
  });
  const thresholdOf = async () => (await readHpa(ns))?.spec.metrics?.[0]?.external?.target.averageValue;
  await eventually(thresholdOf, (value) => value === "10");
  queue.announce?.(25);
  const atMs = clock.nowMs();
  await eventually(thresholdOf, (value) => value === "25");
  // The next poll is ten minutes away.
  expect(clock.nowMs() - atMs).toBeLessThan(60_000);
});

test("a formula makes one metric of all triggers, which decides on activity, too", async () => {
  const ns = "formula";
  const other = queueOf("formula-b");
  const queue = await install(ns, 1, {
    cooldownPeriod: 10,
    advanced: { scalingModifiers: { formula: "a + b", target: "10", activationTarget: "8" } },
    triggers: [
      { type: "test-queue", name: "a", metadata: { queue: ns } },
      { type: "test-queue", name: "b", metadata: { queue: "formula-b" } },
      { type: "test-cpu", metadata: {} },
    ],
  });
  queue.length = 4;
  other.length = 4;
  await untilReplicas(ns, 0);
  expect((await readObject(ns))?.status).toMatchObject({
    externalMetricNames: ["s0-queue-formula", "s1-queue-formula-b"],
    resourceMetricNames: ["cpu"],
    compositeScalerName: "composite-metric",
  });
  expect((await readHpa(ns))?.spec.metrics?.map(({ type, external }) => external?.metric.name ?? type)).toEqual([
    "composite-metric",
    "Resource",
  ]);
  other.length = 26;
  await untilReplicas(ns, 1);
  expect(await askMetric(ns, "composite-metric")).toMatchObject({ values: ["30"] });
  other.isDown = true;
  await untilCondition(ns, "Ready False TriggerError");
  await untilEvent(ns, "KEDAMetricSourceFailed");
  expect((await askMetric(ns, "composite-metric")).code).toBe(500);
  await pass(30_000);
  expect(await replicasOf(ns)).toBe(1);
  other.isDown = false;
});

test("an idle size above nothing is held by the autoscaler, too, and left at once when there is work", async () => {
  const ns = "idle";
  const queue = await install(ns, 6, {
    idleReplicaCount: 2,
    minReplicaCount: 4,
    maxReplicaCount: 9,
    cooldownPeriod: 10,
  });
  await untilReplicas(ns, 2);
  // Until its bounds follow, the autoscaler may lift the target once.
  await eventually(
    () => readHpa(ns),
    (hpa) => hpa?.spec.maxReplicas === 2,
  );
  // A look of it that had begun before may still come.
  await pass(40_000);
  await untilReplicas(ns, 2);
  const sizes = new Set<number | undefined>();
  for (let i = 0; i < 50; i++) {
    await pass(1000);
    sizes.add(await replicasOf(ns));
  }
  expect([...sizes]).toEqual([2]);
  expect((await readHpa(ns))?.spec).toMatchObject({ minReplicas: 2, maxReplicas: 2 });
  queue.length = 1;
  await untilReplicas(ns, 4);
  queue.length = 80;
  await untilReplicas(ns, 8);
  expect((await readHpa(ns))?.spec).toMatchObject({ minReplicas: 4, maxReplicas: 9 });
  queue.length = 0;
  await untilReplicas(ns, 2);
});

test("cpu and memory alone are always active: the target never goes to nothing", async () => {
  const ns = "cpu";
  await install(ns, 0, { triggers: [{ type: "test-cpu", metadata: {} }] });
  await untilReplicas(ns, 1);
  await untilCondition(ns, "Active True ScalerActive");
  expect((await readObject(ns))?.status).toMatchObject({ externalMetricNames: [], resourceMetricNames: ["cpu"] });
});

test("a target that comes later is found, one that goes is told", async () => {
  const ns = "late";
  await createNamespace(ns);
  await createScaledObject(ns, { minReplicaCount: 1 });
  await untilCondition(ns, "Ready False ScaledObjectCheckFailed");
  await createWeb(ns, 2);
  await untilCondition(ns, "Ready True ScaledObjectReady");
  await client.delete(resources.deployments, { namespace: ns, name: "web" });
  // A poll says ErrorGettingCurrentReplicas, a reconcile that comes before it says the target is gone.
  const conditions = await eventually(
    () => conditionsOf(ns),
    (all) => all[0]?.startsWith("Ready False") === true,
  );
  expect(conditions).toContain("Paused False ");
  await createWeb(ns, 2);
  await untilCondition(ns, "Ready True ScaledObjectReady");
});

test("a trigger that hangs holds up neither a pause nor the end, and is no failure then", async () => {
  const ns = "hang";
  const queue = await install(ns, 1, { minReplicaCount: 1, fallback: { failureThreshold: 0, replicas: 7 } });
  await untilCondition(ns, "Active False ScalerNotActive");
  queue.isHanging = true;
  const before = queue.readCount;
  await eventually(
    async () => queue.readCount,
    (count) => count > before,
  );
  const atMs = clock.nowMs();
  await annotate(ns, { paused: "true" });
  await eventually(
    () => readHpa(ns),
    (hpa) => hpa === undefined,
  );
  expect(clock.nowMs() - atMs).toBeLessThan(15_000);
  expect(await conditionsOf(ns)).toContain("Fallback False NoFallbackFound");
  expect(await replicasOf(ns)).toBe(1);
  queue.isHanging = false;
  await annotate(ns, { paused: null });
  await untilCondition(ns, "Active False ScalerNotActive");
});

test("started again, it goes on with the status that it had: the cooldown counts from the last work", async () => {
  const ns = "again";
  const queue = await install(ns, 1, { cooldownPeriod: 200, fallback: { failureThreshold: 90, replicas: 3 } });
  queue.length = 5;
  await untilCondition(ns, "Active True ScalerActive");
  queue.isDown = true;
  const failures = async () => (await readObject(ns))?.status?.health?.["s0-queue-again"]?.numberOfFailures ?? 0;
  await eventually(failures, (count) => count >= 3);
  await whileTimePasses(scaledObjects.close());
  expect(queue.openCount).toBe(0);
  const before = await failures();
  await startAutoscaling();
  await eventually(failures, (count) => count > before);
  queue.isDown = false;
  queue.length = 0;
  await untilCondition(ns, "Active False ScalerCooldown");
  expect(await replicasOf(ns)).toBe(1);
  await untilReplicas(ns, 0, 400);
});
