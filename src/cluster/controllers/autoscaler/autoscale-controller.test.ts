import { afterAll, beforeAll, expect, test } from "vitest";
import { type HorizontalPodAutoscaler, resources } from "#api";
import { silentLog } from "#base";
import { createKubeClient, type KubeClient, loadKubeconfig, systemRandom } from "#kube";
import { createPassingTime, createVirtualClock, startTestApiServer, type TestApiServer } from "#testing";
import { createSharedInformers, type SharedInformers } from "../shared/index.ts";
import { startHorizontalAutoscaler } from "./autoscale-controller.ts";

/** The autoscaler alone, over the real API server; its own requests can be held up. */

const clock = createVirtualClock();
const { eventually, whileTimePasses } = createPassingTime({ clock, stepMs: 1000, withinSeconds: 60 });
const ended = new AbortController();
const ns = "default";
let server: TestApiServer;
let client: KubeClient;
let informers: SharedInformers;
/** Undefined lets the questions for pods through. */
let hold: Promise<void> | undefined;
let heldCount = 0;

beforeAll(async () => {
  server = await startTestApiServer({ clock });
  client = createKubeClient(await loadKubeconfig(server.kubeconfigPath));
  server.attachMetrics({
    custom: { names: () => [], list: () => undefined },
    external: { list: async () => [{ labels: {}, value: 10, timestampMs: clock.nowMs() }] },
  });
  const list: KubeClient["list"] = async (resource, options) => {
    if (resource.plural === "pods" && hold !== undefined) {
      heldCount += 1;
      await hold;
    }
    return client.list(resource, options);
  };
  const base = { client: { ...client, list }, clock, random: systemRandom, log: silentLog, signal: ended.signal };
  informers = createSharedInformers(base);
  let start = (): void => undefined;
  const ready = new Promise<void>((resolve) => {
    start = resolve;
  }).then(() => informers.synced());
  const controller = startHorizontalAutoscaler({ ...base, informers, ready, intervalMs: 15_000 });
  start();
  await whileTimePasses(ready);
  ended.signal.addEventListener("abort", () => void controller.events.flush());
});

afterAll(async () => {
  ended.abort();
  await client.close();
  await server.close();
});

async function installTarget(): Promise<void> {
  const labels = { app: "web" };
  const template = { metadata: { labels }, spec: { containers: [{ name: "c", image: "v1" }] } };
  await client.create(resources.deployments, {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace: ns },
    spec: { replicas: 1, selector: { matchLabels: labels }, template },
  });
  await client.create(resources.pods, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web-1", namespace: ns, labels },
    spec: { containers: [{ name: "c", image: "v1" }] },
  });
}

async function autoscale(name: string): Promise<void> {
  const target = { type: "AverageValue", averageValue: "10" } as const;
  await client.create<HorizontalPodAutoscaler>(resources.horizontalPodAutoscalers, {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { name, namespace: ns },
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
      maxReplicas: 3,
      metrics: [{ type: "External", external: { metric: { name: "queue" }, target } }],
    },
  });
}

async function activityOf(name: string): Promise<string | undefined> {
  const key = { namespace: ns, name };
  const hpa = await client.get<HorizontalPodAutoscaler>(resources.horizontalPodAutoscalers, key);
  return hpa?.status?.conditions?.find(({ type }) => type === "ScalingActive")?.reason;
}

test("startHorizontalAutoscaler: one that is deleted during its look leaves its pods to others", async () => {
  let release = (): void => undefined;
  hold = new Promise((resolve) => {
    release = resolve;
  });
  await installTarget();
  await autoscale("first");
  await eventually(
    async () => heldCount,
    (count) => count === 1,
  );
  await client.delete(resources.horizontalPodAutoscalers, { namespace: ns, name: "first" });
  await eventually(
    async () => informers.of(resources.horizontalPodAutoscalers).get({ namespace: ns, name: "first" }),
    (found) => found === undefined,
  );
  hold = undefined;
  release();
  await autoscale("second");
  await eventually(
    () => activityOf("second"),
    (reason) => reason === "ValidMetricFound",
  );
  expect(heldCount).toBe(1);
});
