import { afterEach, expect, test } from "vitest";
import type { Pod } from "#api";
import { createVirtualClock } from "#testing";
import { probeTriggers, type TriggerProbe } from "./testing/probe-trigger.ts";
import { externalOf } from "./testing/trigger-fixture.ts";
import type { TriggerWorld } from "./trigger.ts";

let probe: TriggerProbe | undefined;
afterEach(() => probe?.close());

function probeIn(world: Partial<TriggerWorld>): TriggerProbe {
  probe = probeTriggers({ clock: createVirtualClock(Date.parse("2026-03-10T12:00:00Z")), ...world });
  return probe;
}

function pod(app: string, phase: "Pending" | "Running" | "Succeeded" | "Failed", nodeName?: string): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { labels: { app, tier: "back" } },
    spec: { containers: [], ...(nodeName === undefined ? {} : { nodeName }) },
    status: { phase },
  };
}

test("cron: wants its replicas inside the window and none outside", async () => {
  const metadata = {
    timezone: "Europe/Berlin",
    start: "0,30 8/2 * * MON-FRI",
    end: "0 18 ? * 1-5",
    desiredReplicas: "7",
  };
  const clock = createVirtualClock(Date.parse("2026-03-10T12:00:00Z"));
  const trigger = externalOf(await probeIn({ clock }).build("cron", { metadata, metricType: "Value" }));
  const signal = new AbortController().signal;
  const [metric] = await trigger.metrics(signal);
  expect(metric).toEqual({
    name: "cron-Europe/Berlin-0Cm308Sl2xxMON-FRI-018Qmx1-5",
    target: 1,
    targetType: "Value",
    isWhole: true,
  });
  if (metric === undefined) throw new Error("no metric");
  expect(await trigger.read(metric, signal)).toEqual({ values: [0], isActive: false });
  const office = { ...metadata, start: "0 8 * * *", end: "0 18 * * *" };
  expect(await probe?.read("cron", { metadata: office })).toEqual({ values: [7], isActive: true });
});

test.each([
  [
    "cpu",
    "Utilization",
    {},
    { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 60 } } },
  ],
  [
    "memory",
    "AverageValue",
    { value: "64Mi", containerName: "app" },
    {
      type: "ContainerResource",
      containerResource: { name: "memory", container: "app", target: { type: "AverageValue", averageValue: "64Mi" } },
    },
  ],
])("%s: becomes a metric of the autoscaler with %s", async (type, metricType, metadata, metric) => {
  const trigger = await probeIn({}).build(type, { metadata: { value: "60", ...metadata }, metricType });
  expect(trigger).toMatchObject({ kind: "resource", metric });
});

test("kubernetes-workload: counts pods of its namespace that have not ended, or their nodes", async () => {
  const asked: string[] = [];
  const pods = [
    pod("web", "Running", "a"),
    pod("web", "Running", "a"),
    pod("web", "Pending"),
    { ...pod("web", "Running", "b"), metadata: { labels: { app: "web", tier: "back" }, deletionTimestamp: "now" } },
    pod("web", "Succeeded", "c"),
    pod("web", "Failed", "d"),
    pod("job", "Running", "e"),
  ];
  const world = { pods: (namespace: string) => (asked.push(namespace), pods) };
  const metadata = { podSelector: "app in (web), tier=back", value: "1.5" };
  const read = (more: Record<string, string>) =>
    probeIn(world).read("kubernetes-workload", { metadata: { ...metadata, ...more } });
  expect(await read({})).toEqual({ values: [4], isActive: true });
  expect(await read({ groupByNode: "true" })).toEqual({ values: [2], isActive: true });
  expect(await read({ activationValue: "4" })).toEqual({ values: [4], isActive: false });
  expect(await read({ podSelector: "app=none" })).toEqual({ values: [0], isActive: false });
  expect(new Set(asked)).toEqual(new Set(["shop"]));
  const trigger = externalOf(await probeIn(world).build("kubernetes-workload", { metadata }));
  expect(await trigger.metrics(new AbortController().signal)).toEqual([
    { name: "workload-shop", target: 1.5, targetType: "AverageValue", isWhole: false },
  ]);
});

const data = { n: " 12.5\n", i: "7", q: "2k", word: "many", json: '{"a":{"n":3.9,"q":"1k"}}', yaml: "a:\n  n: 4" };
const base64 = Object.fromEntries(
  Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString("base64")]),
);

test.each<[Record<string, string>, number | string]>([
  [{ key: "n" }, 12.5],
  [{ key: "i", valueType: "int64" }, 7],
  [{ key: "q", valueType: "quantity" }, 2000],
  [{ key: "json", format: "json", valueLocation: "a.n" }, 3.9],
  [{ key: "json", format: "json", valueLocation: "a.n", valueType: "int64" }, 3],
  [{ key: "json", format: "json", valueLocation: "a.q" }, 1000],
  [{ key: "yaml", format: "yaml", valueLocation: "a.n" }, 4],
  [{ key: "n", resourceKind: "Secret" }, 12.5],
  [{ key: "n", valueType: "int64" }, 'key "n" of ConfigMap "shop/jobs" is not usable: it is no whole number'],
  [{ key: "word" }, 'key "word" of ConfigMap "shop/jobs" is not usable: it is no number'],
  [{ key: "word", resourceKind: "Secret" }, 'key "word" of Secret "shop/jobs" is not usable'],
  [
    { key: "json", format: "json", valueLocation: "b", resourceKind: "Secret" },
    'key "json" of Secret "shop/jobs" is not usable',
  ],
  [{ key: "none" }, 'ConfigMap "shop/jobs" has no key "none"'],
  [{ key: "constructor" }, 'ConfigMap "shop/jobs" has no key "constructor"'],
  [{ key: "n", resourceName: "gone" }, 'ConfigMap "shop/gone" does not exist'],
])("kubernetes-resource: reads %j", async (metadata, expected) => {
  const known = (namespace: string, name: string): boolean => namespace === "shop" && name === "jobs";
  const head = { apiVersion: "v1", metadata: { name: "jobs" } };
  const reading = await probeIn({
    configMap: (...key) => (known(...key) ? { ...head, kind: "ConfigMap", data } : undefined),
    secret: (...key) => (known(...key) ? { ...head, kind: "Secret", data: base64 } : undefined),
  }).read("kubernetes-resource", {
    metadata: {
      resourceKind: "ConfigMap",
      resourceName: "jobs",
      targetValue: "2",
      activationTargetValue: "4",
      ...metadata,
    },
  });
  expect(reading).toEqual(typeof expected === "string" ? expected : { values: [expected], isActive: expected > 4 });
});

test("kubernetes-resource: is named for the object and the key", async () => {
  const metadata = { resourceKind: "Secret", resourceName: "jobs", key: "a.b", targetValue: "2" };
  const trigger = externalOf(await probeIn({}).build("kubernetes-resource", { metadata }));
  expect(await trigger.metrics(new AbortController().signal)).toMatchObject([{ name: "secret-jobs-a.b", target: 2 }]);
});
