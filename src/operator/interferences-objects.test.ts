import { afterAll, beforeAll, expect, test } from "vitest";
import { type Canary, flaggerCrds, istioCrds, type KubeObject, type Resource, resources, type Service } from "#api";
import { startTestApiServer } from "#testing";
import { isDone, isPhase, openScene, type Scene } from "./rehearsal-scene.ts";
import { hpaRef, kedaKinds, scaledObject, scaledObjectRef, withKedaWebhook } from "./rehearsal-keda.ts";
import { autoscaler, canaryWith, deployment } from "./rehearsal-objects.ts";
import { preflightOf } from "./preflight-scene.ts";

/** How autoscalers and releases get in each other's way, one test each. Source: keda-hpa-spec 20.A. */

let rehearsal: Scene;

beforeAll(async () => {
  rehearsal = await openScene(await startTestApiServer(), { crds: [...flaggerCrds(), ...istioCrds(), ...kedaKinds()] });
});

afterAll(async () => {
  await rehearsal.close();
});

const PAUSED = "autoscaling.keda.sh/paused-replicas";
const POLL = { timeout: 8000, interval: 30 };
const { scaledObjects, horizontalPodAutoscalers, deployments, canaries } = resources;
const onKeda = canaryWith({ autoscalerRef: scaledObjectRef });
const onHpa = canaryWith({ autoscalerRef: hpaRef });

const acceptedOf = (object: Canary | undefined): string =>
  object?.status?.conditions?.find(({ type }) => type === "Accepted")?.message ?? "";

/** One namespace, and shorthands for what is in it. */
function at(namespace: string) {
  const { client } = rehearsal;
  const get = (resource: Resource, name: string) => client.get<KubeObject>(resource, { namespace, name });
  const patch = (resource: Resource, name: string, body: object) =>
    client.patch(resource, { namespace, name }, { kind: "merge", body });
  return {
    get,
    patch,
    remove: (resource: Resource, name: string) => client.delete(resource, { namespace, name }),
    annotate: (resource: Resource, name: string, annotations: object) =>
      patch(resource, name, { metadata: { annotations } }),
    annotation: async (name: string, key: string) => (await get(scaledObjects, name))?.metadata.annotations?.[key],
    spec: async (resource: Resource, name: string) => (await get(resource, name))?.spec,
    replicas: async (name: string) => (await rehearsal.deployment(namespace, name))?.spec.replicas,
    accepted: async () => acceptedOf(await rehearsal.canary(namespace)),
    release: (image: string) => rehearsal.release(namespace, image),
  };
}

test("interference 1: a twin is born with the pause of its source → it has none, and one that it has is taken back", async () => {
  const paused = { ...scaledObject, metadata: { ...scaledObject.metadata, annotations: { [PAUSED]: "0" } } };
  const { annotation, annotate, patch, replicas } = at("i1");
  await rehearsal.withOperator("i1", [paused, deployment, onKeda], async () => {
    await rehearsal.until("i1", isDone("Initialized"));
    expect(await annotation("web-so-primary", PAUSED)).toBeUndefined();
    // As an older operator left it, and what KEDA has made of it.
    await annotate(scaledObjects, "web-so-primary", { [PAUSED]: "0", note: "mine" });
    await patch(deployments, "web-primary", { spec: { replicas: 0 } });
    await expect.poll(() => annotation("web-so-primary", PAUSED), POLL).toBeUndefined();
    expect(await annotation("web-so-primary", "note")).toBe("mine");
    await expect.poll(() => replicas("web-primary"), POLL).toBe(3);
  });
});

test("interference 2: the target's pause disappears after the release → it is put back while the target rests", async () => {
  const { annotation, annotate, patch } = at("i2");
  await rehearsal.withOperator("i2", [scaledObject, deployment, onKeda], async () => {
    await rehearsal.until("i2", isDone("Initialized"));
    await annotate(scaledObjects, "web-so", { [PAUSED]: null });
    await patch(deployments, "web", { spec: { replicas: 3 } });
    await expect.poll(() => annotation("web-so", PAUSED), POLL).toBe("0");
  });
  const told = preflightOf({ kedaVersion: "2.10.1" }).mild;
  expect(told).toMatchObject([
    { code: "keda-version", path: "scaledobject web-so", fix: "install KEDA 2.11 or later" },
  ]);
  expect(preflightOf({ kedaVersion: "2.11.0" }).mild).toEqual([]);
});

test("interference 3: edits of the source wait for the next image → the twin follows them at once", async () => {
  const { patch, get, spec } = at("i3");
  await rehearsal.withOperator("i3", [scaledObject, deployment, onKeda], async () => {
    await rehearsal.until("i3", isDone("Initialized"));
    const [load] = scaledObject.spec.triggers;
    await patch(scaledObjects, "web-so", {
      metadata: { labels: { team: "search" } },
      spec: { maxReplicaCount: 20, triggers: [{ ...load, metadata: { ...load?.metadata, threshold: "7" } }] },
    });
    await expect
      .poll(() => spec(scaledObjects, "web-so-primary"), POLL)
      .toMatchObject({ maxReplicaCount: 20, triggers: [{ metadata: { threshold: "7" } }] });
    expect((await get(scaledObjects, "web-so-primary"))?.metadata.labels).toEqual({ team: "search" });
    expect((await rehearsal.canary("i3"))?.status?.phase).toBe("Initialized");
    const scaleDown = { stabilizationWindowSeconds: 60 };
    await patch(scaledObjects, "web-so", {
      spec: { advanced: { horizontalPodAutoscalerConfig: { behavior: { scaleDown } } } },
    });
    const behavior = { advanced: { horizontalPodAutoscalerConfig: { behavior: { scaleDown } } } };
    await expect.poll(() => spec(scaledObjects, "web-so-primary"), POLL).toMatchObject(behavior);
    await patch(scaledObjects, "web-so-primary", { metadata: { labels: { theirs: "1" } } });
    await patch(scaledObjects, "web-so", { metadata: { labels: { team: null } }, spec: { advanced: null } });
    await expect.poll(() => spec(scaledObjects, "web-so-primary"), POLL).not.toHaveProperty("advanced");
    expect((await get(scaledObjects, "web-so-primary"))?.metadata.labels).toEqual({ theirs: "1" });
  });
});

test("interference 4: HPA → ScaledObject is refused beside the old twin → ours goes first, the primary keeps its pods", async () => {
  const { client, refused } = withKedaWebhook(rehearsal.client);
  const { patch, get, remove, spec, replicas } = at("i4");
  await rehearsal.createNamespace("i4", [autoscaler, deployment, onHpa]);
  const end = new AbortController();
  const operator = rehearsal.runOperator({ namespace: "i4", signal: end.signal, client });
  await rehearsal.until("i4", isDone("Initialized"));
  await patch(deployments, "web-primary", { spec: { replicas: 5 } });
  await remove(horizontalPodAutoscalers, "web-hpa");
  await rehearsal.createObjects("i4", [scaledObject]);
  await patch(canaries, "web", { spec: { autoscalerRef: scaledObjectRef } });
  await expect.poll(() => get(scaledObjects, "web-so-primary"), POLL).toBeDefined();
  expect(await get(horizontalPodAutoscalers, "web-hpa-primary")).toBeUndefined();
  expect(await replicas("web-primary")).toBe(5);
  expect(refused).toEqual([]);
  // And back: two HPAs may stand side by side for a moment.
  await remove(scaledObjects, "web-so");
  await rehearsal.createObjects("i4", [autoscaler]);
  await patch(canaries, "web", { spec: { autoscalerRef: hpaRef } });
  await expect.poll(() => spec(horizontalPodAutoscalers, "web-hpa-primary"), POLL).toMatchObject({ minReplicas: 3 });
  await expect.poll(() => get(scaledObjects, "web-so-primary"), POLL).toBeUndefined();
  expect(await replicas("web-primary")).toBe(5);
  end.abort();
  await operator;
});

test("interference 5: a twin is left behind when autoscalerRef changes or goes → it is collected by its owner's UID", async () => {
  const { patch, get, remove } = at("i5");
  const other = { ...autoscaler, metadata: { name: "other-primary" } };
  const elsewhere = {
    ...other,
    spec: { ...other.spec, scaleTargetRef: { ...other.spec.scaleTargetRef, name: "other" } },
  };
  await rehearsal.withOperator("i5", [autoscaler, elsewhere, deployment, onHpa], async () => {
    await rehearsal.until("i5", isDone("Initialized"));
    await remove(horizontalPodAutoscalers, "web-hpa");
    await rehearsal.createObjects("i5", [{ ...autoscaler, metadata: { name: "web-new" } }]);
    await patch(canaries, "web", { spec: { autoscalerRef: { name: "web-new" } } });
    await expect.poll(() => get(horizontalPodAutoscalers, "web-new-primary"), POLL).toBeDefined();
    await expect.poll(() => get(horizontalPodAutoscalers, "web-hpa-primary"), POLL).toBeUndefined();
    await remove(horizontalPodAutoscalers, "web-new");
    await patch(canaries, "web", { spec: { autoscalerRef: null } });
    await expect.poll(() => get(horizontalPodAutoscalers, "web-new-primary"), POLL).toBeUndefined();
    expect(await get(horizontalPodAutoscalers, "other-primary")).toBeDefined();
  });
});

test("interference 6: the user's own autoscaler works on the primary → told and left alone, the release waits for it to go", async () => {
  const { get, remove, release, accepted, replicas } = at("i6");
  const theirs = {
    ...autoscaler,
    metadata: { name: "theirs" },
    spec: { ...autoscaler.spec, scaleTargetRef: { ...autoscaler.spec.scaleTargetRef, name: "web-primary" } },
  };
  await rehearsal.withOperator("i6", [scaledObject, deployment, onKeda], async () => {
    await rehearsal.until("i6", isDone("Initialized"));
    await rehearsal.createObjects("i6", [theirs]);
    await expect.poll(accepted, POLL).toContain('the HorizontalPodAutoscaler "i6/theirs" works on "web-primary"');
    await release("podinfo:2");
    await rehearsal.pass(5000);
    expect((await rehearsal.canary("i6"))?.status?.phase).toBe("Initialized");
    expect(await get(horizontalPodAutoscalers, "theirs")).toBeDefined();
    expect(await get(scaledObjects, "web-so-primary")).toBeDefined();
    await remove(horizontalPodAutoscalers, "theirs");
    await rehearsal.until("i6", isPhase("Progressing"));
    // Woken to what the autoscaler keeps, and not to one.
    expect(await replicas("web")).toBe(3);
    expect(await accepted()).toBe("");
  });
});

test("interference 7: a typed write drops fields that it does not know → they stay in the source and come to the twin", async () => {
  const unknown = {
    initialCooldownPeriod: 30,
    fallback: { failureThreshold: 3, replicas: 6, behavior: "currentReplicasIfHigher" },
    advanced: { scalingModifiers: { formula: "load", target: "5" } },
    fromTheFuture: { a: [1] },
  };
  const triggers = scaledObject.spec.triggers.map((trigger) => ({ ...trigger, useCachedMetrics: true }));
  const source = { ...scaledObject, spec: { ...scaledObject.spec, ...unknown, triggers } };
  const { release, spec, annotation } = at("i7");
  await rehearsal.withOperator("i7", [source, deployment, onKeda], async () => {
    await rehearsal.until("i7", isDone("Initialized"));
    const before = await spec(scaledObjects, "web-so");
    expect(await spec(scaledObjects, "web-so-primary")).toMatchObject({
      ...unknown,
      triggers: [{ useCachedMetrics: true }],
    });
    await release("podinfo:2");
    await rehearsal.until("i7", isPhase("Progressing"));
    await expect.poll(() => annotation("web-so", PAUSED), POLL).toBeUndefined();
    await rehearsal.until("i7", isDone("Succeeded"));
    expect(await annotation("web-so", PAUSED)).toBe("0");
    expect(await spec(scaledObjects, "web-so")).toEqual(before);
  });
});

test("interference 8: KEDA's label on the twin is wiped and written in turns → labels of others stay", async () => {
  const { patch, get, spec } = at("i8");
  const keda = { "scaledobject.keda.sh/name": "web-so" };
  const source = { ...scaledObject, metadata: { ...scaledObject.metadata, labels: { team: "shop", ...keda } } };
  await rehearsal.withOperator("i8", [source, deployment, onKeda], async () => {
    await rehearsal.until("i8", isDone("Initialized"));
    expect((await get(scaledObjects, "web-so-primary"))?.metadata.labels).toEqual({ team: "shop" });
    const theirs = { "scaledobject.keda.sh/name": "web-so-primary", cost: "low" };
    await patch(scaledObjects, "web-so-primary", { metadata: { labels: theirs } });
    await patch(scaledObjects, "web-so", { spec: { maxReplicaCount: 12 } });
    await expect.poll(() => spec(scaledObjects, "web-so-primary"), POLL).toMatchObject({ maxReplicaCount: 12 });
    const settled = (await get(scaledObjects, "web-so-primary"))?.metadata;
    expect(settled?.labels).toEqual({ team: "shop", ...theirs });
    await rehearsal.pass(3000);
    expect((await get(scaledObjects, "web-so-primary"))?.metadata.resourceVersion).toBe(settled?.resourceVersion);
  });
});

test("interference 9: queries are rewritten by letters and queues are forgotten → by matchers, and each copy keeps its triggers", async () => {
  const triggers = [
    {
      type: "prometheus",
      metadata: { query: 'sum(rate(http{app="web",via="web-gateway"}[1m])) + count(web{note!="web"})' },
    },
    { type: "kafka", metadata: { topic: "web", consumerGroup: "web", lagThreshold: "5" } },
    { type: "cron", metadata: { timezone: "UTC", start: "0 8 * * *", end: "0 18 * * *", desiredReplicas: "4" } },
  ];
  const { spec, release } = at("i9");
  const source = { ...scaledObject, spec: { ...scaledObject.spec, triggers } };
  await rehearsal.withOperator("i9", [source, deployment, onKeda], async () => {
    await rehearsal.until("i9", isDone("Initialized"));
    expect(await spec(scaledObjects, "web-so-primary")).toMatchObject({
      triggers: [
        {
          metadata: {
            query: 'sum(rate(http{app="web-primary",via="web-gateway"}[1m])) + count(web{note!="web"})',
          },
        },
        triggers[1],
        triggers[2],
      ],
    });
    await release("podinfo:2");
    await rehearsal.until("i9", isPhase("Progressing"));
    expect(await spec(scaledObjects, "web-so")).toEqual(source.spec);
    const told = (await rehearsal.events("i9")).filter((message) => message.includes("sized for the whole"));
    // Told when the Canary came and again for the release; the recorder counts what it has said.
    expect(new Set(told.map((message) => message.split(":")[0]))).toEqual(
      new Set(["scaledobject web-so spec.triggers[1]", "scaledobject web-so spec.triggers[2]"]),
    );
    expect(told).toHaveLength(2);
  });
});

test.each([
  ["of its lower bound", "i10", { minReplicaCount: 0 }, 1],
  ["of its idle count", "i10-idle", { minReplicaCount: 2, idleReplicaCount: 0 }, 2],
])(
  "interference 10: a service that may sleep because %s is taken for a broken one → it sleeps, and is awake for a release",
  async (_, namespace, own, awakeCount) => {
    const { spec, patch, replicas, release, accepted, annotation } = at(namespace);
    const force = "autoscaling.keda.sh/force-activation";
    const sleepy = { ...scaledObject, spec: { ...scaledObject.spec, ...own } };
    await rehearsal.withOperator(namespace, [sleepy, deployment, onKeda], async () => {
      await rehearsal.until(namespace, isDone("Initialized"));
      await expect.poll(() => spec(scaledObjects, "web-so-primary"), POLL).toMatchObject(own);
      // KEDA lets it sleep.
      await patch(deployments, "web-primary", { spec: { replicas: 0 } });
      await rehearsal.pass(3000);
      expect(await replicas("web-primary")).toBe(0);
      expect(await accepted()).toBe("");
      await release("podinfo:2");
      await expect.poll(() => replicas("web-primary"), POLL).toBe(awakeCount);
      expect(await spec(scaledObjects, "web-so-primary")).toMatchObject({ minReplicaCount: awakeCount });
      await rehearsal.until(namespace, isPhase("Progressing"));
      await expect.poll(() => annotation("web-so", force), POLL).toBe("true");
      expect(await replicas("web")).toBe(awakeCount);
      await rehearsal.until(namespace, isDone("Succeeded"));
      await expect.poll(() => spec(scaledObjects, "web-so-primary"), POLL).toMatchObject(own);
      expect(await annotation("web-so", force)).toBeUndefined();
    });
    const mild = (kedaVersion: string) => preflightOf({ source: sleepy, kedaVersion }).mild.map(({ code }) => code);
    expect([mild("2.17.2"), mild("2.18.0")]).toEqual([["keda-version"], []]);
  },
);

test("interference 11: deleting the Canary leads traffic to a workload at no pods → unpaused, ready, then the traffic", async () => {
  const { annotation, replicas, remove, patch, get } = at("i11");
  const sleepy = { ...scaledObject, spec: { ...scaledObject.spec, minReplicaCount: 0 } };
  const reverting = canaryWith({ autoscalerRef: scaledObjectRef, revertOnDeletion: true });
  const selector = async () =>
    (await rehearsal.client.get<Service>(resources.services, { namespace: "i11", name: "web" }))?.spec.selector;
  const all = rehearsal.availability;
  const apex: Service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web" },
    spec: { selector: { app: "web" }, ports: [{ name: "http", port: 9898 }] },
  };
  await rehearsal.withOperator("i11", [sleepy, deployment, apex, reverting], async () => {
    await rehearsal.until("i11", isDone("Initialized"));
    await patch(deployments, "web-primary", { spec: { replicas: 4 } });
    rehearsal.availability = (object) => (object.metadata.name === "web" ? 0 : all(object));
    await remove(canaries, "web");
    await expect.poll(() => replicas("web"), POLL).toBe(4);
    expect(await annotation("web-so", PAUSED)).toBeUndefined();
    await rehearsal.pass(3000);
    expect(await selector()).toEqual({ app: "web-primary" });
    rehearsal.availability = all;
    await patch(deployments, "web", { spec: { minReadySeconds: 1 } });
    await expect.poll(() => rehearsal.canary("i11"), POLL).toBeUndefined();
    expect(await selector()).toEqual({ app: "web" });
    // What kept it awake meanwhile goes with the Canary.
    expect((await get(scaledObjects, "web-so"))?.metadata.annotations ?? {}).toEqual({});
  });
});

test("interference 12: a person's own pause is taken back by a release → the release waits for its end", async () => {
  const { annotate, get, release, accepted } = at("i12");
  const annotations = async () => (await get(scaledObjects, "web-so"))?.metadata.annotations;
  await rehearsal.withOperator("i12", [scaledObject, deployment, onKeda], async () => {
    await rehearsal.until("i12", isDone("Initialized"));
    await annotate(scaledObjects, "web-so", { [PAUSED]: "2" });
    await expect.poll(accepted, POLL).toContain(`metadata.annotations[${PAUSED}]: is "2": somebody has paused it`);
    await release("podinfo:2");
    await rehearsal.pass(5000);
    expect((await rehearsal.canary("i12"))?.status?.phase).toBe("Initialized");
    expect(await annotations()).toMatchObject({ [PAUSED]: "2" });
    await annotate(scaledObjects, "web-so", { [PAUSED]: null });
    await rehearsal.until("i12", isDone("Succeeded"));
    expect(await accepted()).toBe("");
    // One that comes in the middle of a rest is not taken for ours either.
    await annotate(scaledObjects, "web-so", { "autoscaling.keda.sh/paused": "true" });
    await expect.poll(accepted, POLL).toContain('is "true": somebody has paused it');
    expect(await annotations()).toMatchObject({ [PAUSED]: "0", "autoscaling.keda.sh/paused": "true" });
  });
});
