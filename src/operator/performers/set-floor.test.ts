import { afterAll, beforeAll, expect, test } from "vitest";
import { type HorizontalPodAutoscaler, type KubeObject, resources } from "#api";
import { seededRandom, silentLog } from "#base";
import { type KubeClient, systemClock } from "#kube";
import { createFloorMemory } from "../capacity/index.ts";
import { createFaultyClient } from "../faulty-client.ts";
import { read } from "../reconcilers/index.ts";
import { createRefusingClient } from "../refusing-client.ts";
import { operatorSettings } from "../rehearsal.ts";
import { openScene, type Scene } from "../rehearsal-scene.ts";
import { autoscaler, canaryWith, deployment } from "../rehearsal-objects.ts";
import { FLOOR_ANNOTATION } from "../scalers/index.ts";
import { createViews } from "../views/index.ts";
import { startTestApiServer } from "#testing";
import { nudgeReplicas } from "./nudge-replicas.ts";
import { type FloorContext, setFloor } from "./set-floor.ts";
import { scaleTarget } from "./write-scalers.ts";

/** What floors write, against a real API server, while others write too. */

let rehearsal: Scene;
const stop = new AbortController();

beforeAll(async () => {
  rehearsal = await openScene(await startTestApiServer());
});

afterAll(async () => {
  stop.abort();
  await rehearsal.close();
});

const ref = { apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", name: "web-hpa" };
/** A Canary with its autoscaler, and what floors are written with. */
async function scene(namespace: string, of: { client?: KubeClient; source?: KubeObject; replicas?: number } = {}) {
  const target = { ...deployment, spec: { ...deployment.spec, replicas: of.replicas ?? 2 } };
  await rehearsal.createNamespace(namespace, [target, of.source ?? autoscaler, canaryWith({ autoscalerRef: ref })]);
  const { client, writes } = createFaultyClient(of.client ?? rehearsal.client);
  const ports = { client, namespace, clock: systemClock, random: seededRandom(1), log: silentLog, signal: stop.signal };
  const context: FloorContext = { ...ports, views: createViews(ports) };
  await context.views.synced;
  const floors = createFloorMemory();
  const key = { namespace, name: "web-hpa" };
  const snapshotNow = () => {
    const snapshot = read(`${namespace}/web`, { views: context.views, settings: operatorSettings });
    if (snapshot === undefined) throw new Error("no such Canary");
    return snapshot;
  };
  return {
    writes,
    hpa: () => rehearsal.client.get<HorizontalPodAutoscaler>(resources.horizontalPodAutoscalers, key),
    floor: (replicaCount: number | undefined) =>
      setFloor({ kind: "set-floor", copy: "canary", replicaCount }, { snapshot: snapshotNow(), floors }, context),
    nudge: (snapshot = snapshotNow()) => nudgeReplicas({ snapshot, floors }, context),
    snapshotNow,
    scale: (replicaCount: number) => scaleTarget(replicaCount, snapshotNow(), context),
  };
}

test("setFloor: raised, raised again and given back, each by one write; the same again writes nothing", async () => {
  const { floor, hpa, writes } = await scene("plain");
  for (const count of [4, 4, 5, 5, undefined, undefined]) await floor(count);
  expect(writes).toEqual(Array(3).fill("patch horizontalpodautoscalers/web-hpa"));
  const live = await hpa();
  expect(live?.spec.minReplicas).toBe(3);
  expect(live?.metadata.annotations?.[FLOOR_ANNOTATION]).toBeUndefined();
});

/** A client that lets something happen right before the first patch of a kind. */
function interrupted(happen: () => Promise<unknown>, kind = "HorizontalPodAutoscaler"): KubeClient {
  let isOver = false;
  return {
    ...rehearsal.client,
    async patch(resource, key, patch) {
      if (resource.kind === kind && !isOver) {
        isOver = true;
        await happen();
      }
      return rehearsal.client.patch(resource, key, patch);
    },
  };
}

test("setFloor: what somebody writes in the same moment is what is remembered, and a status does not delay it", async () => {
  const key = { namespace: "raced", name: "web-hpa" };
  const client = interrupted(async () => {
    const status = {
      body: { status: { currentReplicas: 2, desiredReplicas: 2 } },
      options: { subresource: "status" as const },
    };
    await rehearsal.client.patch(resources.horizontalPodAutoscalers, key, { kind: "merge", ...status });
    const body = { spec: { minReplicas: 1 } };
    await rehearsal.client.patch(resources.horizontalPodAutoscalers, key, { kind: "merge", body });
  });
  const { floor, hpa } = await scene("raced", { client });
  await floor(5);
  expect((await hpa())?.spec.minReplicas).toBe(5);
  await floor(undefined);
  expect((await hpa())?.spec.minReplicas).toBe(1);
});

test("setFloor: an object that took the name meanwhile is not patched with what was read of the old one", async () => {
  const key = { namespace: "recreated", name: "web-hpa" };
  const client = interrupted(async () => {
    await rehearsal.client.delete(resources.horizontalPodAutoscalers, key);
    const spec = { ...autoscaler.spec, minReplicas: 2, maxReplicas: 4 };
    await rehearsal.createObjects("recreated", [{ ...autoscaler, spec }]);
  });
  const { floor, hpa } = await scene("recreated", { client });
  await floor(6);
  expect((await hpa())?.spec.minReplicas, "bounded by the new one").toBe(4);
  await floor(undefined);
  expect((await hpa())?.spec.minReplicas).toBe(2);
});

test.each([
  ["not readable", "{", "is not one of Serin's"],
  ["another Canary's", undefined, "another Canary holds a floor under it"],
])("an annotation that is %s is left alone, and the Canary is told", async (what, text, told) => {
  const namespace = `left-${text === undefined ? "foreign" : "garbled"}`;
  const { floor, hpa, writes } = await scene(namespace);
  const targetRef = { apiVersion: "apps/v1", kind: "Deployment", name: "other" };
  const other = await rehearsal.client.create<KubeObject>(resources.canaries, {
    ...canaryWith({ targetRef, autoscalerRef: ref }),
    metadata: { name: "other", namespace },
  });
  const lease = text ?? JSON.stringify({ canary: other.metadata.uid, field: "minReplicas", before: 1, floor: 3 });
  await rehearsal.client.patch(
    resources.horizontalPodAutoscalers,
    { namespace, name: "web-hpa" },
    {
      kind: "merge",
      body: { metadata: { annotations: { [FLOOR_ANNOTATION]: lease } } },
    },
  );
  await expect.poll(async () => (await hpa())?.metadata.annotations?.[FLOOR_ANNOTATION]).toBe(lease);
  const end = new AbortController();
  const operator = rehearsal.runOperator({ namespace, signal: end.signal });
  await rehearsal.until(
    namespace,
    ({ status }) => status?.conditions?.some(({ message }) => message?.includes(told)) === true,
  );
  end.abort();
  await operator;
  await floor(5);
  await floor(undefined);
  expect(writes, what).toEqual([]);
  expect((await hpa())?.spec.minReplicas).toBe(3);
});

test("nudgeReplicas: pods of a floor that is in force are asked for at once, once for each raise and only upward", async () => {
  const { floor, nudge, hpa } = await scene("nudged");
  const count = async () => (await rehearsal.deployment("nudged", "web"))?.spec.replicas;
  await nudge();
  expect(await count(), "no floor").toBe(2);
  await floor(5);
  await nudge();
  expect(await count()).toBe(5);
  const body = { spec: { replicas: 3 } };
  await rehearsal.client.patch(resources.deployments, { namespace: "nudged", name: "web" }, { kind: "merge", body });
  await nudge();
  expect(await count(), "asked for once").toBe(3);
  await floor(6);
  await nudge();
  expect(await count()).toBe(6);
  await floor(4);
  await nudge();
  expect([(await hpa())?.spec.minReplicas, await count()], "never downward").toEqual([4, 6]);
});

test("nudgeReplicas: a floor that was given back at the same look asks for nothing", async () => {
  const { floor, nudge, snapshotNow } = await scene("given-back");
  await floor(5);
  const before = snapshotNow();
  await floor(undefined);
  await nudge(before);
  expect((await rehearsal.deployment("given-back", "web"))?.spec.replicas).toBe(2);
});

test("nudgeReplicas: a target without pods is left to who wakes it", async () => {
  const { floor, nudge } = await scene("asleep", { replicas: 0 });
  await floor(5);
  await nudge();
  expect((await rehearsal.deployment("asleep", "web"))?.spec.replicas).toBe(0);
});

test.each([
  ["a target that wakes keeps the pods that an autoscaler has given it meanwhile", 0, 3, 5, 5],
  ["a target that has fewer gets them all the same", 1, 5, 2, 5],
  ["a target that is to rest rests, whatever was given it", 4, 0, 5, 0],
])("scaleTarget: %s", async (_, replicas, wanted, meanwhile, end) => {
  const namespace = `woken-${wanted}-${meanwhile}`;
  const key = { namespace, name: "web" };
  const given = { kind: "merge" as const, body: { spec: { replicas: meanwhile } } };
  const client = interrupted(() => rehearsal.client.patch(resources.deployments, key, given), "Deployment");
  const { scale } = await scene(namespace, { client, replicas });
  await scale(wanted);
  expect((await rehearsal.deployment(namespace, "web"))?.spec.replicas).toBe(end);
});

test("nudgeReplicas: a refusal is left to the autoscaler, which gives the pods itself", async () => {
  const refused = createRefusingClient(rehearsal.client, ({ resource }) =>
    resource === "deployments" ? { httpStatus: 403, reason: "Forbidden", message: "no" } : undefined,
  );
  const { floor, nudge } = await scene("forbidden", { client: refused });
  await floor(5);
  await nudge();
  expect((await rehearsal.deployment("forbidden", "web"))?.spec.replicas).toBe(2);
});
