import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type ConfigMap, type Event, type Lease, resources } from "#api";
import { seededRandom, silentLog } from "#base";
import { createVirtualClock, startTestApiServer, type TestApiServer } from "#testing";
import type { KubeClient } from "./client.ts";
import { createKubeClient } from "./create-client.ts";
import { createEventRecorder, referenceTo } from "./event-recorder.ts";
import { createInformer } from "./informer.ts";
import { loadKubeconfig } from "./kubeconfig-file.ts";
import { createLeaseElector, type LeaseElectorOptions } from "./lease-elector.ts";
import type { Informer } from "./ports.ts";
import { createFastClock } from "./scripted-server.ts";
import { systemClock } from "./system-ports.ts";

/** The client's parts against the API server of the embedded cluster: over TLS, with a token. */

let server: TestApiServer;
let client: KubeClient;
let ended = new AbortController();

beforeAll(async () => {
  server = await startTestApiServer();
  client = createKubeClient(await loadKubeconfig(server.kubeconfigPath));
});
afterEach(() => {
  ended.abort();
  ended = new AbortController();
});
afterAll(async () => {
  await client.close();
  await server.close();
});

function map(name: string, data: Record<string, string> = {}): ConfigMap {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, namespace: "default", labels: { app: "kube-test" } },
    data,
  };
}

function informer(): Informer<ConfigMap> {
  const ports = { clock: createFastClock(100), log: silentLog, random: seededRandom(1), signal: ended.signal };
  return createInformer<ConfigMap>({
    ...ports,
    client,
    resource: resources.configMaps,
    namespace: "default",
    labelSelector: "app=kube-test",
  });
}

/** Resolves once the informer's names are these. */
function until(of: Informer<ConfigMap>, wanted: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    const check = (): void => {
      const names = of.list("default").map((one) => one.metadata.name ?? "");
      if (names.sort().join() === [...wanted].sort().join()) resolve();
    };
    of.onChange(check);
    check();
  });
}

test("create, get, update, patch, apply, delete", async () => {
  const created = await client.create(resources.configMaps, map("crud", { a: "1" }));
  expect(created.metadata.uid).toBeDefined();
  const key = { namespace: "default", name: "crud" };
  const updated = await client.update(resources.configMaps, { ...created, data: { a: "2" } });
  await expect(client.update(resources.configMaps, { ...created, data: { a: "3" } })).rejects.toMatchObject({
    code: "Conflict",
  });
  expect(updated.metadata.resourceVersion).not.toBe(created.metadata.resourceVersion);
  const patched = await client.patch<ConfigMap>(resources.configMaps, key, {
    kind: "merge",
    body: { data: { b: "1" } },
  });
  expect(patched.data).toEqual({ a: "2", b: "1" });
  const { apiVersion, kind } = created;
  await client.apply(
    resources.configMaps,
    { apiVersion, kind, metadata: key, data: { c: "1" } },
    { fieldManager: "test", force: true },
  );
  expect((await client.get<ConfigMap>(resources.configMaps, key))?.data).toEqual({ a: "2", b: "1", c: "1" });
  expect(await client.delete(resources.configMaps, key)).toBe(true);
  expect(await client.delete(resources.configMaps, key)).toBe(false);
  expect(await client.get(resources.configMaps, key)).toBeUndefined();
});

test("createInformer follows creations, changes and deletions by others, and a restart of the server", async () => {
  const maps = informer();
  await maps.synced;
  await client.create(resources.configMaps, map("one"));
  await client.create(resources.configMaps, map("two"));
  await until(maps, ["one", "two"]);
  expect(maps.get({ namespace: "default", name: "one" })?.metadata.managedFields).toBeUndefined();
  await server.restart();
  await client.create(resources.configMaps, map("three"));
  await client.delete(resources.configMaps, { namespace: "default", name: "one" });
  await until(maps, ["two", "three"]);
  for (const name of ["two", "three"]) await client.delete(resources.configMaps, { namespace: "default", name });
  await until(maps, []);
  expect(maps.list()).toEqual([]);
});

test("createEventRecorder writes an event once and counts its repeats", async () => {
  const object = referenceTo(await client.create(resources.configMaps, map("subject")));
  const events = createEventRecorder({ client, component: "tester", clock: systemClock, log: silentLog });
  const event = { object, type: "Normal", reason: "Tested", message: "it was tested" } as const;
  events.record(event);
  events.record(event);
  events.record({ ...event, message: "something else" });
  events.record(event);
  await events.flush();
  const fieldSelector = `involvedObject.uid=${object.uid}`;
  const { items } = await client.list<Event>(resources.events, { namespace: "default", fieldSelector });
  expect(items.map((one) => `${one.message}: ${one.count} by ${one.source?.component}`).sort()).toEqual([
    "it was tested: 3 by tester",
    "something else: 1 by tester",
  ]);
  // An event that has expired is written anew.
  for (const one of items)
    await client.delete(resources.events, { namespace: "default", name: one.metadata.name ?? "" });
  events.record(event);
  await events.flush();
  const again = await client.list<Event>(resources.events, { namespace: "default", fieldSelector });
  expect(again.items.map((one) => one.count)).toEqual([1]);
});

function elector(identity: string, extra: Partial<LeaseElectorOptions> = {}) {
  return createLeaseElector({
    client,
    name: "leader",
    namespace: "default",
    identity,
    clock: systemClock,
    random: seededRandom(1),
    log: silentLog,
    timings: { leaseDurationMs: 1000, renewDeadlineMs: 500, retryPeriodMs: 20, candidatePeriodMs: 20 },
    ...extra,
  });
}

test("createLeaseElector lets one lead, hands over when it ends, and gives the lease back", async () => {
  const [first, second] = [elector("first"), elector("second")];
  const endFirst = new AbortController();
  let leaders = 0;
  const order: string[] = [];
  const lead = (name: string, until: Promise<void>) => async () => {
    leaders += 1;
    expect(leaders).toBe(1);
    order.push(name);
    await until;
    leaders -= 1;
  };
  let startSecond: () => void = () => undefined;
  const started = new Promise<void>((resolve) => {
    startSecond = resolve;
  });
  const firstDone = first.run(endFirst.signal, async (signal) => {
    startSecond();
    await lead("first", new Promise((resolve) => signal.addEventListener("abort", () => resolve())))();
  });
  await started;
  expect(first.isLeader).toBe(true);
  const secondDone = second.run(ended.signal, lead("second", Promise.resolve()));
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(order).toEqual(["first"]);
  expect(second.isLeader).toBe(false);
  endFirst.abort();
  await Promise.all([firstDone, secondDone]);
  expect(order).toEqual(["first", "second"]);
  const lease = await client.get<Lease>(resources.leases, { namespace: "default", name: "leader" });
  expect(lease?.spec).toMatchObject({ holderIdentity: "", leaseTransitions: 1, leaseDurationSeconds: 1 });
});

test("createLeaseElector stops leading before the lease can be taken when no renewal succeeds", async () => {
  const clock = createVirtualClock();
  let isCut = false;
  // The fault is around the client: once cut, requests of this elector get no answer at all.
  const cut: KubeClient = {
    ...client,
    server: client.server,
    get: (...args) => (isCut ? new Promise(() => undefined) : client.get(...args)),
    update: (...args) => (isCut ? new Promise(() => undefined) : client.update(...args)),
  };
  const timings = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2000, candidatePeriodMs: 1000 };
  const one = elector("cut-off", { client: cut, clock, timings, name: "cut" });
  let lostAtMs: number | undefined;
  const done = one.run(ended.signal, async (signal) => {
    isCut = true;
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    lostAtMs = clock.nowMs();
  });
  const startedMs = clock.nowMs();
  // The first request is real: time stands still until it is answered.
  while (!isCut) await new Promise((resolve) => setImmediate(resolve));
  await clock.advance(9999);
  expect(one.isLeader).toBe(true);
  await clock.advance(1);
  expect(one.isLeader).toBe(false);
  await done;
  expect(lostAtMs).toBe(startedMs + 10_000);
});
