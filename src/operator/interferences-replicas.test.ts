import { afterAll, beforeAll, test } from "vitest";
import {
  type ConfigMap,
  type Deployment,
  flaggerCrds,
  type HorizontalPodAutoscaler,
  istioCrds,
  kedaCrds,
  type KubeObject,
  resources,
} from "#api";
import { isObject, seededRandom, silentLog } from "#base";
import { createInformer, type KubeClient, systemClock } from "#kube";
import { startTestApiServer } from "#testing";
import { createFaultyClient, type FaultyClient } from "./faulty-client.ts";
import { createRefusingClient } from "./refusing-client.ts";
import { badAt, isDone, isPhase, openScene, type Scene } from "./rehearsal-scene.ts";
import { autoscaler, canaryWith, deployment } from "./rehearsal-objects.ts";
import { playScalers, type RehearsalScalers } from "./rehearsal-scalers.ts";
import { FLOOR_ANNOTATION } from "./scalers/index.ts";

/** How releases and autoscalers get into each other's way over replicas, and what comes of it. Source: keda-hpa-spec 20.B. */

let rehearsal: Scene;
let scalers: RehearsalScalers;
const stop = new AbortController();

beforeAll(async () => {
  rehearsal = await openScene(await startTestApiServer(), {
    crds: [...flaggerCrds(), ...istioCrds(), ...kedaCrds()],
    answer: badAt(50),
  });
  scalers = await playScalers(rehearsal.client, stop.signal);
  rehearsal.prometheus.answer = (query) =>
    query.includes("histogram_quantile") ? 12 : query.includes("bad-") ? 50 : 100;
});

afterAll(async () => {
  stop.abort();
  await rehearsal.close();
});

const hpaRef = { apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", name: "web-hpa" };
const soRef = { apiVersion: "keda.sh/v1alpha1", kind: "ScaledObject", name: "web-so" };
const cron = {
  type: "cron",
  metadata: { timezone: "UTC", start: "0 8 * * *", end: "0 9 * * *", desiredReplicas: "4" },
};

function scaledObject(spec: object = {}, annotations: Record<string, string> = {}): KubeObject {
  return {
    apiVersion: "keda.sh/v1alpha1",
    kind: "ScaledObject",
    metadata: { name: "web-so", annotations },
    spec: { scaleTargetRef: { name: "web" }, minReplicaCount: 2, maxReplicaCount: 6, triggers: [cron], ...spec },
  };
}

const read = <T extends KubeObject>(kind: keyof typeof resources, namespace: string, name: string) =>
  rehearsal.client.get<T>(resources[kind], { namespace, name });
const hpa = (namespace: string, name = "web-hpa") =>
  read<HorizontalPodAutoscaler>("horizontalPodAutoscalers", namespace, name);
const scaled = (namespace: string, name = "web-so") => read<KubeObject>("scaledObjects", namespace, name);
const replicas = async (namespace: string, name: string) =>
  (await rehearsal.deployment(namespace, name))?.spec.replicas ?? 0;
const minOf = (object: KubeObject | undefined): unknown =>
  isObject(object?.spec) ? (object.spec.minReplicas ?? object.spec.minReplicaCount) : undefined;

/** The load asks for 7 pods: at half of the traffic the canary is held at 4 and the primary at 6, its upper bound. */
const LOAD = 7;
const capacity = { reserveWindow: "1s" };

interface Running extends FaultyClient {
  end(): Promise<void>;
}

function start(namespace: string): Running {
  const end = new AbortController();
  const faulty = createFaultyClient(rehearsal.client);
  scalers.loads.set(namespace, LOAD);
  const operator = rehearsal.runOperator({ namespace, client: faulty.client, signal: end.signal });
  return {
    ...faulty,
    async end() {
      end.abort();
      await operator;
    },
  };
}

async function withRelease(
  namespace: string,
  objects: readonly KubeObject[],
  body: (running: Running) => Promise<void>,
): Promise<void> {
  await rehearsal.createNamespace(namespace, objects);
  const running = start(namespace);
  try {
    await rehearsal.until(namespace, isDone("Initialized"));
    await body(running);
  } finally {
    await running.end();
  }
}

const eventually = { timeout: 25_000, interval: 20 };
/** Traffic moves for so long that what is looked for can be seen. */
const slow = { interval: "10s" };
const slower = { interval: "60s" };

/** Calls back with every version of the objects of a kind in a namespace. */
function watch<T extends KubeObject>(
  kind: "deployments" | "horizontalPodAutoscalers" | "scaledObjects",
  namespace: string,
  onChange: (object: T, old: T | undefined) => void,
): () => void {
  const end = new AbortController();
  const ports = { client: rehearsal.client, clock: systemClock, random: seededRandom(9), log: silentLog };
  const informer = createInformer<T>({ ...ports, resource: resources[kind], namespace, signal: end.signal });
  informer.onChange(({ object, old }) => onChange(object, old));
  return () => end.abort();
}

test.concurrent("interference 13: a GitOps tool writes the lower bound back → three times and no more, it is told, the release goes on", async ({
  expect,
}) => {
  const objects = [autoscaler, deployment, canaryWith({ capacity, autoscalerRef: hpaRef }, slower)];
  await withRelease("gitops", objects, async ({ writes }) => {
    const ends = watch<HorizontalPodAutoscaler>("horizontalPodAutoscalers", "gitops", (object) => {
      if (object.metadata.name !== "web-hpa" || object.spec.minReplicas === 3) return;
      const body = { metadata: { annotations: null }, spec: { minReplicas: 3 } };
      const key = { namespace: "gitops", name: "web-hpa" };
      rehearsal.client.patch(resources.horizontalPodAutoscalers, key, { kind: "merge", body }).catch(() => undefined);
    });
    await rehearsal.release("gitops");
    const told = async () =>
      (await rehearsal.canary("gitops"))?.status?.conditions?.find(({ type }) => type === "Accepted")?.message;
    await expect.poll(told, eventually).toContain("somebody has set its lower bound back 3 times");
    const writeCount = () => writes.filter((write) => write === "patch horizontalpodautoscalers/web-hpa").length;
    const before = writeCount();
    await rehearsal.pass(5_000);
    expect(writeCount() - before).toBe(0);
    // One more when the need changed before it was written back.
    expect(before).toBeGreaterThanOrEqual(3);
    expect(before).toBeLessThanOrEqual(5);
    expect(await told()).toContain("let the tool that writes it back ignore spec.minReplicas");
    await rehearsal.until("gitops", isDone("Succeeded"));
    ends();
    await expect.poll(async () => minOf(await hpa("gitops", "web-hpa-primary")), eventually).toBe(3);
  });
});

test.concurrent("interference 13: the object is Git's and has a floor trigger → the floor is in the ConfigMap, the object is not touched", async ({
  expect,
}) => {
  const floorTrigger = {
    type: "kubernetes-resource",
    metadata: { resourceKind: "ConfigMap", resourceName: "web-floor", key: "canary", targetValue: "1" },
  };
  const source = scaledObject({ triggers: [cron, floorTrigger] });
  await withRelease("trigger", [source, deployment, canaryWith({ capacity, autoscalerRef: soRef }, slow)], async () => {
    const data = async () => (await read<ConfigMap>("configMaps", "trigger", "web-floor"))?.data;
    await rehearsal.release("trigger");
    await expect.poll(data, eventually).toEqual({ primary: "6", canary: "4" });
    const live = await scaled("trigger");
    expect(live?.spec).toEqual(source.spec);
    expect(live?.metadata.annotations?.[FLOOR_ANNOTATION]).toBeUndefined();
    expect((await scaled("trigger", "web-so-primary"))?.spec).toMatchObject({
      minReplicaCount: 2,
      triggers: [{ type: "cron" }, { metadata: { key: "primary" } }],
    });
    await rehearsal.until("trigger", isDone("Succeeded"));
    await expect.poll(data, eventually).toEqual({ primary: "0", canary: "0" });
  });
});

test.concurrent("interference 13: the Canary names no autoscaler any more → the floor in the ConfigMap goes with the release", async ({
  expect,
}) => {
  const metadata = { resourceKind: "ConfigMap", resourceName: "web-floor", key: "canary", targetValue: "1" };
  const source = scaledObject({ triggers: [cron, { type: "kubernetes-resource", metadata }] });
  await withRelease("unnamed", [source, deployment, canaryWith({ capacity, autoscalerRef: soRef }, slow)], async () => {
    const data = async () => (await read<ConfigMap>("configMaps", "unnamed", "web-floor"))?.data;
    const remove = (kind: "scaledObjects" | "horizontalPodAutoscalers", name: string) =>
      rehearsal.client.delete(resources[kind], { namespace: "unnamed", name });
    await rehearsal.release("unnamed");
    await expect.poll(data, eventually).toEqual({ primary: "6", canary: "4" });
    const body = { spec: { autoscalerRef: null } };
    await rehearsal.client.patch(resources.canaries, { namespace: "unnamed", name: "web" }, { kind: "merge", body });
    await remove("scaledObjects", "web-so");
    await remove("horizontalPodAutoscalers", "keda-hpa-web-so");
    await expect.poll(() => scaled("unnamed", "web-so-primary"), eventually).toBeUndefined();
    await remove("horizontalPodAutoscalers", "keda-hpa-web-so-primary");
    await rehearsal.until("unnamed", isDone("Succeeded"));
    await expect.poll(data, eventually).toEqual({ primary: "0", canary: "0" });
  });
});

test.concurrent("interference 13: a policy lets nobody write the lower bound → it is told, and a bad release is rolled back all the same", async ({
  expect,
}) => {
  const namespace = "bad-refused";
  const message = 'admission webhook "bounds.test" denied the request: the bound is Git\'s';
  let isRefused = false;
  const client = createRefusingClient(rehearsal.client, ({ resource }) =>
    isRefused && resource === "horizontalpodautoscalers"
      ? { httpStatus: 403, reason: "Forbidden", message }
      : undefined,
  );
  // More comes at half of the traffic, so the primary is to be held at more than it was when all of it goes back.
  scalers.loads.set(namespace, 4);
  await rehearsal.createNamespace(namespace, [
    { ...autoscaler, spec: { ...autoscaler.spec, maxReplicas: 20 } },
    deployment,
    canaryWith({ capacity, autoscalerRef: hpaRef }, slow),
  ]);
  const end = new AbortController();
  const operator = rehearsal.runOperator({ namespace, client, signal: end.signal });
  await rehearsal.until(namespace, isDone("Initialized"));
  await rehearsal.release(namespace);
  await rehearsal.until(namespace, ({ status }) => status?.canaryWeight === 50);
  isRefused = true;
  scalers.loads.set(namespace, 15);
  await rehearsal.until(namespace, ({ status }) => status?.phase === "Failed" && status.canaryWeight === 0);
  const told = async () =>
    (await rehearsal.canary(namespace))?.status?.conditions?.find(({ type }) => type === "Accepted")?.message ?? "";
  await expect.poll(told, eventually).toContain(`its floor cannot be written: ${message}`);
  isRefused = false;
  await expect.poll(told, eventually).toBe("");
  await expect.poll(async () => minOf(await hpa(namespace, "web-hpa-primary")), eventually).toBe(3);
  end.abort();
  await operator;
});

test.concurrent("interference 14: the autoscaler and the release both write replicas → from 0 on only upward, and only to what is in force", async ({
  expect,
}) => {
  await withRelease(
    "writers",
    [autoscaler, deployment, canaryWith({ capacity, autoscalerRef: hpaRef }, slow)],
    async () => {
      await rehearsal.release("writers");
      await rehearsal.until("writers", isPhase("Progressing"));
      const seen: number[] = [];
      const ends = watch<Deployment>("deployments", "writers", ({ metadata, spec }) => {
        if (metadata.name === "web") seen.push(spec.replicas ?? 0);
      });
      await expect.poll(() => replicas("writers", "web"), eventually).toBe(4);
      // The autoscaler follows the load.
      const body = { spec: { replicas: 6 } };
      await rehearsal.client.patch(
        resources.deployments,
        { namespace: "writers", name: "web" },
        { kind: "merge", body },
      );
      await rehearsal.until("writers", ({ status }) => status?.canaryWeight === 50);
      expect(await replicas("writers", "web"), "the operator does not set it back").toBe(6);
      ends();
      expect(seen).toEqual(seen.toSorted((a, b) => a - b));
      await rehearsal.until("writers", isDone("Succeeded"));
    },
  );
});

test.concurrent("interference 15: KEDA would zero a canary that has no traffic yet → it keeps its pods until the release is over", async ({
  expect,
}) => {
  const source = scaledObject({ minReplicaCount: 0 });
  await withRelease("asleep", [source, deployment, canaryWith({ capacity, autoscalerRef: soRef }, slow)], async () => {
    await rehearsal.release("asleep");
    await rehearsal.until("asleep", isPhase("Progressing"));
    await expect.poll(() => replicas("asleep", "web"), eventually).toBe(4);
    scalers.idle.add("asleep");
    // Any change makes KEDA look again.
    const body = { metadata: { labels: { look: "again" } } };
    await rehearsal.client.patch(
      resources.scaledObjects,
      { namespace: "asleep", name: "web-so" },
      { kind: "merge", body },
    );
    await rehearsal.pass(5_000);
    expect(await replicas("asleep", "web")).toBeGreaterThanOrEqual(4);
    scalers.idle.delete("asleep");
    await rehearsal.until("asleep", isDone("Succeeded"));
    await expect.poll(async () => minOf(await scaled("asleep")), eventually).toBe(0);
  });
});

test.concurrent("interference 16: the metric source is down when the canary wakes → its pods come all the same", async ({
  expect,
}) => {
  scalers.sourceDown.add("down");
  await withRelease(
    "down",
    [scaledObject(), deployment, canaryWith({ capacity, autoscalerRef: soRef }, slow)],
    async () => {
      await rehearsal.release("down");
      await rehearsal.until("down", isPhase("Progressing"));
      expect(await hpa("down", "keda-hpa-web-so")).toBeUndefined();
      await expect.poll(() => replicas("down", "web"), eventually).toBeGreaterThanOrEqual(2);
      await rehearsal.until("down", isDone("Succeeded"));
    },
  );
});

test.concurrent("interference 17: the operator is away when its Canary goes → floors, pause and mark are taken back at the start", async ({
  expect,
}) => {
  await rehearsal.createNamespace("stale", [
    scaledObject(),
    deployment,
    canaryWith({ capacity, autoscalerRef: soRef }, slow),
  ]);
  const first = start("stale");
  await rehearsal.until("stale", isDone("Initialized"));
  const annotationsOf = async () => (await scaled("stale"))?.metadata.annotations ?? {};
  await expect.poll(annotationsOf, eventually).toMatchObject({ "autoscaling.keda.sh/paused-replicas": "0" });
  await rehearsal.release("stale");
  await expect.poll(async () => minOf(await scaled("stale")), eventually).toBe(4);
  await first.end();
  await rehearsal.client.delete(resources.canaries, { namespace: "stale", name: "web" });
  const second = start("stale");
  await expect.poll(async () => minOf(await scaled("stale")), eventually).toBe(2);
  expect(await annotationsOf()).toEqual({});
  await second.end();
});

test.concurrent("interference 17: a Canary goes while its target rests → the pause that was put for it goes, one of a person stays", async ({
  expect,
}) => {
  await withRelease("rests", [scaledObject(), deployment, canaryWith({ capacity, autoscalerRef: soRef })], async () => {
    const pause = async () => (await scaled("rests"))?.metadata.annotations?.["autoscaling.keda.sh/paused-replicas"];
    await expect.poll(pause, eventually).toBe("0");
    await rehearsal.client.delete(resources.canaries, { namespace: "rests", name: "web" });
    await expect.poll(pause, eventually).toBeUndefined();
    await expect.poll(() => replicas("rests", "web"), eventually).toBe(2);
  });
  const resting = scaledObject({}, { "autoscaling.keda.sh/paused-replicas": "0" });
  await rehearsal.createNamespace("persons", [resting, deployment]);
  const running = start("persons");
  await rehearsal.pass(5_000);
  await running.end();
  expect((await scaled("persons"))?.metadata.annotations).toEqual(resting.metadata.annotations);
});

test.concurrent("interference 17: a Canary goes in the middle of a release of a service that may sleep → it may sleep again", async ({
  expect,
}) => {
  const source = scaledObject({ minReplicaCount: 0 });
  await withRelease("dozes", [source, deployment, canaryWith({ capacity, autoscalerRef: soRef }, slow)], async () => {
    const annotations = async () => (await scaled("dozes"))?.metadata.annotations ?? {};
    await rehearsal.release("dozes");
    await rehearsal.until("dozes", isPhase("Progressing"));
    await expect.poll(annotations, eventually).toMatchObject({ "autoscaling.keda.sh/force-activation": "true" });
    await rehearsal.client.delete(resources.canaries, { namespace: "dozes", name: "web" });
    await expect.poll(annotations, eventually).toEqual({});
    await expect.poll(async () => minOf(await scaled("dozes")), eventually).toBe(0);
  });
});

test.concurrent("interference 17: a Canary names another autoscaler in the middle of a release → the first one gets its bound back", async ({
  expect,
}) => {
  const other = { ...autoscaler, metadata: { name: "other" }, spec: { ...autoscaler.spec, minReplicas: 1 } };
  const objects = [autoscaler, deployment, canaryWith({ capacity, autoscalerRef: hpaRef }, slow)];
  await withRelease("renamed", objects, async () => {
    await rehearsal.release("renamed");
    await expect.poll(async () => minOf(await hpa("renamed")), eventually).toBe(4);
    await expect.poll(async () => minOf(await hpa("renamed", "web-hpa-primary")), eventually).toBe(6);
    await rehearsal.createObjects("renamed", [other]);
    const body = { spec: { autoscalerRef: { ...hpaRef, name: "other" } } };
    await rehearsal.client.patch(resources.canaries, { namespace: "renamed", name: "web" }, { kind: "merge", body });
    await expect.poll(async () => minOf(await hpa("renamed")), eventually).toBe(3);
    expect((await hpa("renamed"))?.metadata.annotations?.[FLOOR_ANNOTATION]).toBeUndefined();
    await rehearsal.pass(5_000);
    // The first is still there, so no second twin is made: the old one holds what may come back.
    expect(minOf(await hpa("renamed", "web-hpa-primary"))).toBe(6);
  });
});

test.concurrent("interference 17: a Canary is made anew under its name in the middle of a release → what the first held is given back", async ({
  expect,
}) => {
  const elsewhere = { ...autoscaler.spec, scaleTargetRef: { ...autoscaler.spec.scaleTargetRef, name: "elsewhere" } };
  const other = { ...autoscaler, metadata: { name: "other" }, spec: elsewhere };
  const objects = [autoscaler, other, deployment, canaryWith({ capacity, autoscalerRef: hpaRef }, slow)];
  await rehearsal.createNamespace("renewed", objects);
  scalers.loads.set("renewed", LOAD);
  const key = { namespace: "renewed", name: "web" };
  let isRenewed = false;
  const { client: inner } = rehearsal;
  const client: KubeClient = {
    ...inner,
    async patch(resource, of, patch) {
      const patched = await inner.patch<KubeObject>(resource, of, patch);
      if (of.name !== "web-hpa" || isRenewed) return patched as never;
      isRenewed = true;
      // Between two looks: the operator never sees the name without an object.
      await inner.delete(resources.canaries, key);
      await rehearsal.createObjects("renewed", [canaryWith({ autoscalerRef: { ...hpaRef, name: "other" } })]);
      return patched as never;
    },
  };
  const end = new AbortController();
  const operator = rehearsal.runOperator({ namespace: "renewed", client, signal: end.signal });
  await rehearsal.until("renewed", isDone("Initialized"));
  await rehearsal.release("renewed");
  await expect.poll(() => isRenewed, eventually).toBe(true);
  await expect.poll(async () => minOf(await hpa("renewed")), eventually).toBe(3);
  end.abort();
  await operator;
});

test.concurrent("interference 17: one object of a Canary that is gone may not be written → the others are given back, it is when it may", async ({
  expect,
}) => {
  const lease = JSON.stringify({ canary: "gone", field: "minReplicas", before: 2, floor: 5 });
  const leased = (name: string): KubeObject => ({
    ...autoscaler,
    metadata: { name, annotations: { [FLOOR_ANNOTATION]: lease } },
    spec: { ...autoscaler.spec, scaleTargetRef: { ...autoscaler.spec.scaleTargetRef, name }, minReplicas: 5 },
  });
  await rehearsal.createNamespace("stubborn", [leased("first"), leased("second")]);
  let isRefused = true;
  const client = createRefusingClient(rehearsal.client, ({ key }) =>
    isRefused && key.name === "first" ? { httpStatus: 403, reason: "Forbidden", message: "no" } : undefined,
  );
  const end = new AbortController();
  const operator = rehearsal.runOperator({ namespace: "stubborn", client, signal: end.signal });
  await expect.poll(async () => minOf(await hpa("stubborn", "second")), eventually).toBe(2);
  expect(minOf(await hpa("stubborn", "first"))).toBe(5);
  isRefused = false;
  await expect.poll(async () => minOf(await hpa("stubborn", "first")), eventually).toBe(2);
  end.abort();
  await operator;
});

test.concurrent("interference 17: a floor never came into force, KEDA being away → it is given back when the release is over", async ({
  expect,
}) => {
  const lease = (uid: string | undefined) =>
    JSON.stringify({ canary: uid, field: "minReplicaCount", before: 2, floor: 5 });
  await rehearsal.createNamespace("away", [scaledObject(), deployment, canaryWith({ capacity, autoscalerRef: soRef })]);
  const end = new AbortController();
  const operator = rehearsal.runOperator({ namespace: "away", signal: end.signal });
  const done = await rehearsal.until("away", isDone("Initialized"));
  scalers.sourceDown.add("away");
  await rehearsal.createObjects("away", [
    { ...autoscaler, metadata: { name: "keda-hpa-web-so" }, spec: { ...autoscaler.spec, minReplicas: 2 } },
  ]);
  const body = {
    metadata: { annotations: { [FLOOR_ANNOTATION]: lease(done.metadata.uid) } },
    spec: { minReplicaCount: 5 },
  };
  await rehearsal.client.patch(resources.scaledObjects, { namespace: "away", name: "web-so" }, { kind: "merge", body });
  await expect.poll(async () => minOf(await scaled("away")), eventually).toBe(2);
  end.abort();
  await operator;
});

test.concurrent("interference 17: a Canary is deleted with its traffic handed back, in the middle of a release → no floor is left", async ({
  expect,
}) => {
  const canary = canaryWith({ capacity, autoscalerRef: hpaRef, revertOnDeletion: true }, slow);
  await withRelease("reverted", [autoscaler, deployment, canary], async () => {
    await rehearsal.release("reverted");
    await expect.poll(async () => minOf(await hpa("reverted")), eventually).toBe(4);
    await rehearsal.client.delete(resources.canaries, { namespace: "reverted", name: "web" });
    await expect.poll(() => rehearsal.canary("reverted"), eventually).toBeUndefined();
    await expect.poll(async () => minOf(await hpa("reverted")), eventually).toBe(3);
    expect((await hpa("reverted"))?.metadata.annotations?.[FLOOR_ANNOTATION]).toBeUndefined();
    expect(await replicas("reverted", "web")).toBeGreaterThanOrEqual(3);
  });
});

test.concurrent("interference 18: KEDA writes its HPA back → the floor goes through the ScaledObject, the HPA is never edited", async ({
  expect,
}) => {
  const objects = [scaledObject(), deployment, canaryWith({ capacity, autoscalerRef: soRef }, slow)];
  await withRelease("reverts", objects, async ({ writes }) => {
    await rehearsal.release("reverts");
    await expect.poll(async () => minOf(await hpa("reverts", "keda-hpa-web-so")), eventually).toBe(4);
    await expect.poll(async () => minOf(await hpa("reverts", "keda-hpa-web-so-primary")), eventually).toBe(6);
    await rehearsal.until("reverts", isDone("Succeeded"));
    await expect.poll(async () => minOf(await hpa("reverts", "keda-hpa-web-so-primary")), eventually).toBe(2);
    expect(writes.filter((write) => write.includes("horizontalpodautoscalers"))).toEqual([]);
  });
});

test.concurrent("interference 19: a workload takes one autoscaler → pods are asked for of those there are, and none is added", async ({
  expect,
}) => {
  await withRelease(
    "single",
    [scaledObject(), deployment, canaryWith({ capacity, autoscalerRef: soRef }, slow)],
    async () => {
      await rehearsal.release("single");
      await expect.poll(() => replicas("single", "web-primary"), eventually).toBe(6);
      const { items } = await rehearsal.client.list(resources.scaledObjects, { namespace: "single" });
      expect(new Set(items.map(({ metadata }) => metadata.name))).toEqual(new Set(["web-so", "web-so-primary"]));
      await rehearsal.until("single", isDone("Succeeded"));
    },
  );
});

test.concurrent("interference 20: each change of a spec rebuilds its scalers → a whole release changes it a few times, its triggers never", async ({
  expect,
}) => {
  await withRelease(
    "churn",
    [scaledObject(), deployment, canaryWith({ capacity, autoscalerRef: soRef }, slow)],
    async () => {
      const mins: unknown[] = [];
      const triggers: unknown[] = [];
      const ends = watch<KubeObject>("scaledObjects", "churn", (object, old) => {
        if (object.metadata.name !== "web-so") return;
        if (isObject(object.spec)) triggers.push(object.spec.triggers);
        if (minOf(object) !== minOf(old)) mins.push(minOf(object));
      });
      await rehearsal.release("churn");
      await rehearsal.until("churn", isDone("Succeeded"));
      await expect.poll(() => mins.at(-1), eventually).toBe(2);
      // As it was, raised (anew when autoscalers ask for more), given back: no change at each look.
      expect(mins).toContain(4);
      expect(mins.length).toBeLessThanOrEqual(6);
      ends();
      for (const version of triggers) expect(version).toEqual([cron]);
    },
  );
});

test.concurrent("interference 21: a twin that is born paused remembers 0 pods → it is created unpaused while its source rests", async ({
  expect,
}) => {
  const advanced = { restoreToOriginalReplicaCount: true };
  const source = scaledObject({ advanced }, { "autoscaling.keda.sh/paused-replicas": "0" });
  await rehearsal.createNamespace("born", [source, deployment, canaryWith({ capacity, autoscalerRef: soRef }, slow)]);
  const pauses: unknown[] = [];
  const ends = watch<KubeObject>("scaledObjects", "born", ({ metadata }) => {
    if (metadata.name === "web-so-primary") pauses.push(metadata.annotations?.["autoscaling.keda.sh/paused-replicas"]);
  });
  const running = start("born");
  await rehearsal.until("born", isDone("Initialized"));
  ends();
  await running.end();
  expect(new Set(pauses)).toEqual(new Set([undefined]));
  expect(await replicas("born", "web-primary")).toBeGreaterThanOrEqual(2);
});

test.concurrent("interference 22: a pause erases what an autoscaler remembers → the primary is held by its bound, its HPA stays the same object", async ({
  expect,
}) => {
  await withRelease(
    "memory",
    [scaledObject(), deployment, canaryWith({ capacity, autoscalerRef: soRef }, slow)],
    async () => {
      const uids = new Set<string | undefined>();
      const ends = watch<HorizontalPodAutoscaler>("horizontalPodAutoscalers", "memory", ({ metadata }) => {
        if (metadata.name === "keda-hpa-web-so-primary") uids.add(metadata.uid);
      });
      await rehearsal.release("memory");
      await expect.poll(() => replicas("memory", "web-primary"), eventually).toBe(6);
      await rehearsal.until("memory", isDone("Succeeded"));
      ends();
      expect(uids.size).toBe(1);
      // What the bound held stays until the autoscaler itself lets it go.
      expect(await replicas("memory", "web-primary")).toBe(6);
    },
  );
});
