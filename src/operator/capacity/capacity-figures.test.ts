import { expect, test } from "vitest";
import type { KubeObject, PodTemplateSpec } from "#api";
import { createPodTimes } from "./pod-times.ts";
import { protectedCount } from "./protected-count.ts";
import { quotaRoom } from "./quota-room.ts";

const web = { labels: { app: "web" }, desiredCount: 7 };
const budget = (spec: object): KubeObject => ({
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { name: "web" },
  spec: { selector: { matchLabels: { app: "web" } }, ...spec },
});

test.each<[object, number]>([
  [{ minAvailable: 3 }, 3],
  [{ minAvailable: "50%" }, 4],
  [{ maxUnavailable: 2 }, 5],
  [{ maxUnavailable: "25%" }, 5],
  [{ maxUnavailable: 99 }, 0],
  [{}, 0],
  [{ minAvailable: "half" }, 0],
  [{ minAvailable: 3, selector: { matchLabels: { app: "other" } } }, 0],
  [{ minAvailable: 3, selector: {} }, 3],
  [{ minAvailable: 3, selector: null }, 0],
])("protectedCount: %j of 7 pods keeps %i", (spec, expected) => {
  expect(protectedCount([budget(spec)], web)).toBe(expected);
});

test("protectedCount: the largest of several, and 0 without one", () => {
  expect(protectedCount([budget({ minAvailable: 2 }), budget({ maxUnavailable: 1 })], web)).toBe(6);
  expect(protectedCount([], web)).toBe(0);
});

const quota = (hard: Record<string, string>, used: Record<string, string>, spec: object = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "ResourceQuota",
  metadata: { name: "q" },
  spec: { hard, ...spec },
  status: { hard, used },
});
const templateWith = (...resources: (object | undefined)[]): PodTemplateSpec => ({
  spec: { containers: resources.map((one, index) => ({ name: `c${index}`, image: "x", resources: one })) as never },
});
const template = templateWith(
  { requests: { cpu: "500m", memory: "256Mi" }, limits: { memory: "512Mi" } },
  { limits: { cpu: "100m", memory: "0" } },
);

test.each<[Record<string, string>, Record<string, string>, number | undefined]>([
  [{ pods: "10" }, { pods: "7" }, 3],
  [{ "count/pods": "10" }, { "count/pods": "12" }, 0],
  [{ "requests.cpu": "4" }, { "requests.cpu": "1" }, 5],
  [{ cpu: "1200m" }, { cpu: "0" }, 2],
  [{ "requests.memory": "1Gi" }, { "requests.memory": "512Mi" }, 2],
  [{ "limits.memory": "2Gi" }, { "limits.memory": "1Gi" }, 2],
  [{ "limits.cpu": "2" }, { "limits.cpu": "0" }, undefined],
  [{ pods: "10", "requests.cpu": "2" }, { pods: "1", "requests.cpu": "1400m" }, 1],
  [{ services: "3", "requests.storage": "1Gi" }, { services: "1", "requests.storage": "0" }, undefined],
  [{ pods: "10" }, {}, undefined],
  [{ pods: "many" }, { pods: "1" }, undefined],
])("quotaRoom: %j with %j used leaves %s", (hard, used, expected) => {
  expect(quotaRoom([quota(hard, used)], template)).toBe(expected);
});

test("quotaRoom: the tightest of several; a quota for other pods says nothing", () => {
  const wide = quota({ pods: "10" }, { pods: "1" });
  const tight = quota({ pods: "5" }, { pods: "3" }, { scopes: ["NotTerminating"] });
  const others = quota({ pods: "1" }, { pods: "1" }, { scopes: ["BestEffort"] });
  expect(quotaRoom([wide, tight, others], template)).toBe(2);
  expect(quotaRoom([others], template)).toBeUndefined();
  expect(quotaRoom([wide], undefined)).toBe(9);
  expect(quotaRoom([], template)).toBeUndefined();
});

const sight = (desiredCount: number, readyCount: number, addresses?: string[]) => ({
  canary: undefined,
  primary: { desiredCount, readyCount, addresses: addresses === undefined ? undefined : new Set(addresses) },
});

test("pod times: what was there at the first look has no times; a raise is measured until all are ready", () => {
  const times = createPodTimes();
  expect(times.see("a", sight(2, 2), 0).primary).toEqual({ youngestReadyMs: undefined, podStartMs: undefined });
  times.see("a", sight(4, 2), 1_000);
  expect(times.see("a", sight(4, 3), 5_000).primary.podStartMs).toBeUndefined();
  expect(times.see("a", sight(4, 4), 9_000).primary.podStartMs).toBe(8_000);
  times.see("a", sight(5, 4), 20_000);
  expect(times.see("a", sight(5, 5), 22_000).primary.podStartMs, "the longest of the last few").toBe(8_000);
  for (const [count, at] of [
    [6, 30_000],
    [7, 40_000],
  ] as const) {
    times.see("a", sight(count, count - 1), at);
    times.see("a", sight(count, count), at + 3_000);
  }
  expect(times.see("a", sight(7, 7), 50_000).primary.podStartMs, "an old one is forgotten").toBe(3_000);
});

test("pod times: a raise that is taken back, or that is met at once, is no measure", () => {
  const times = createPodTimes();
  times.see("a", sight(2, 2), 0);
  times.see("a", sight(6, 2), 1_000);
  times.see("a", sight(4, 3), 2_000);
  expect(times.see("a", sight(4, 4), 9_000).primary.podStartMs).toBeUndefined();
  expect(times.see("a", sight(5, 5), 9_500).primary.podStartMs).toBeUndefined();
});

test("pod times: the youngest endpoint, by when it was first seen ready", () => {
  const times = createPodTimes();
  const youngest = (addresses: string[] | undefined, atMs: number) =>
    times.see("a", sight(2, 2, addresses), atMs).primary.youngestReadyMs;
  expect(youngest(["1", "2"], 0)).toBeUndefined();
  expect(youngest(["1", "2", "3"], 1_000)).toBe(1_000);
  expect(youngest(["1", "3", "4"], 2_000)).toBe(2_000);
  expect(youngest(["1", "3"], 3_000)).toBe(1_000);
  expect(youngest(["1"], 4_000)).toBeUndefined();
  expect(youngest(undefined, 5_000)).toBeUndefined();
  times.forget("a");
  expect(youngest(["7"], 6_000)).toBeUndefined();
});
