import { afterAll, beforeAll, expect, test } from "vitest";
import { type Canary, type DaemonSet, type KubeObject, resources, type Service } from "#api";
import { startTestApiServer, type TestApiServer } from "#testing";
import { startLocalServer } from "./local-server.ts";
import { type Rehearsal, startRehearsal } from "./rehearsal.ts";
import { canary, canaryWith, coreService, daemonSet, deployment } from "./rehearsal-objects.ts";

let server: TestApiServer;
let rehearsal: Rehearsal;

beforeAll(async () => {
  server = await startTestApiServer();
  rehearsal = await startRehearsal(server);
});

afterAll(async () => {
  await rehearsal.close();
  await server.close();
});

const isPhase = (phase: string) => (object: Canary) => object.status?.phase === phase;
/** In the phase, and the pods that traffic has left are gone. */
const isDone = (phase: string) => (object: Canary) =>
  isPhase(phase)(object) && object.status?.conditions?.some(({ type }) => type === "Draining") !== true;
const service = (namespace: string, name: string) =>
  rehearsal.client.get<Service>(resources.services, { namespace, name });
const targeting = (kind: string) => canaryWith({ targetRef: { apiVersion: "apps/v1", kind, name: "web" } });

function release(namespace: string, image: string): Promise<unknown> {
  const body = { spec: { template: { spec: { containers: [{ name: "web", image }] } } } };
  return rehearsal.client.patch(resources.deployments, { namespace, name: "web" }, { kind: "strategic", body });
}

test("a DaemonSet is held off its nodes while nothing is released, its primary never (pinned 32, 55)", async () => {
  await rehearsal.withOperator("daemon", [daemonSet, targeting("DaemonSet")], async () => {
    await rehearsal.until("daemon", isDone("Initialized"));
    const selectorOf = async (name: string) =>
      (await rehearsal.daemonSet("daemon", name))?.spec.template.spec.nodeSelector;
    expect(await selectorOf("web")).toEqual({ "flagger.app/scale-to-zero": "true" });
    expect(await selectorOf("web-primary")).toBeUndefined();
    const body = { spec: { template: { spec: { containers: [{ name: "web", image: "podinfo:2" }] } } } };
    const key = { namespace: "daemon", name: "web" };
    await rehearsal.client.patch(resources.daemonSets, key, { kind: "strategic", body });
    // Checks need pods: without them the release would wait for its nodes.
    await rehearsal.until("daemon", isDone("Succeeded"));
    expect(await selectorOf("web")).toEqual({ "flagger.app/scale-to-zero": "true" });
    const primary: DaemonSet | undefined = await rehearsal.daemonSet("daemon", "web-primary");
    expect(primary?.spec.template.spec).toMatchObject({ containers: [{ image: "podinfo:2" }] });
    expect(primary?.spec.template.spec.nodeSelector).toBeUndefined();
  });
});

test("a DaemonSet whose update strategy gives a revision no pods is refused", async () => {
  const onDelete = { ...daemonSet, spec: { ...daemonSet.spec, updateStrategy: { type: "OnDelete" } } };
  await rehearsal.withOperator("on-delete", [onDelete, targeting("DaemonSet")], async () => {
    const told = await rehearsal.until("on-delete", (object) => conditionOf(object) !== undefined);
    expect(conditionOf(told)).toContain('spec.updateStrategy.type: must be RollingUpdate, received "OnDelete"');
  });
});

test("a core Service is released by two copies of it; the one of the canary follows, and is written only then", async () => {
  await rehearsal.withOperator("core", [coreService, targeting("Service")], async () => {
    await rehearsal.until("core", isDone("Initialized"));
    expect((await service("core", "web-primary"))?.spec.selector).toEqual({ app: "v1" });
    const before = (await service("core", "web-canary"))?.metadata.resourceVersion;
    const key = { namespace: "core", name: "web" };
    const touch = { metadata: { annotations: { touched: "1" } } };
    await rehearsal.client.patch(resources.canaries, key, { kind: "merge", body: touch });
    await rehearsal.client.patch(resources.services, key, {
      kind: "merge",
      body: { spec: { selector: { app: "v2" } } },
    });
    await rehearsal.until("core", isPhase("Progressing"));
    const canaryCopy = await service("core", "web-canary");
    expect(canaryCopy?.spec.selector).toEqual({ app: "v2" });
    expect((await service("core", "web-primary"))?.spec.selector).toEqual({ app: "v1" });
    await rehearsal.until("core", isDone("Succeeded"));
    expect((await service("core", "web-primary"))?.spec.selector).toEqual({ app: "v2" });
    expect((await service("core", "web"))?.spec.selector).toEqual({ app: "v2" });
    expect((await service("core", "web-canary"))?.metadata.resourceVersion).toBe(canaryCopy?.metadata.resourceVersion);
    expect(before).not.toBe(canaryCopy?.metadata.resourceVersion);
  });
});

test("of two Canaries with one target the older works and the younger says so, until it is alone", async () => {
  const younger = { ...canary, metadata: { name: "web2" } };
  await rehearsal.withOperator("twins", [deployment, canary, younger], async () => {
    await rehearsal.until("twins", isDone("Initialized"));
    const read = () => rehearsal.client.get<Canary>(resources.canaries, { namespace: "twins", name: "web2" });
    await expect.poll(async () => conditionOf(await read())).toContain("released by the older Canary");
    expect((await read())?.status?.phase).toBe("");
    const told = (await rehearsal.events("twins")).filter((message) => message.includes('older Canary "web.twins"'));
    expect(told).toHaveLength(1);
    await rehearsal.client.delete(resources.canaries, { namespace: "twins", name: "web" });
    // The garbage collector takes what the Canary owned.
    await rehearsal.client.delete(resources.deployments, { namespace: "twins", name: "web-primary" });
    await expect.poll(async () => (await read())?.status?.phase, { timeout: 5000 }).toBe("Initialized");
    expect(conditionOf(await read())).toBeUndefined();
  });
});

test("a provider that is not executed is told with those that are, and a good one is taken up", async () => {
  await rehearsal.withOperator("mesh", [deployment, canaryWith({ provider: "linkerd" })], async () => {
    const told = await rehearsal.until("mesh", (object) => conditionOf(object) !== undefined);
    expect(conditionOf(told)).toMatch(
      /^spec\.provider: the provider "linkerd" is not executed \(set it to one of istio/,
    );
    const key = { namespace: "mesh", name: "web" };
    const body = { spec: { provider: "istio" } };
    await rehearsal.client.patch(resources.canaries, key, { kind: "merge", body });
    const done = await rehearsal.until("mesh", isPhase("Initialized"));
    expect(conditionOf(done)).toBeUndefined();
  });
});

test("alerts reach the provider that the Canary names, and one that is missing is told but stops nothing", async () => {
  const chat = await startLocalServer((response) => response.end());
  const provider = {
    apiVersion: "flagger.app/v1beta1",
    kind: "AlertProvider",
    metadata: { name: "chat" },
    spec: { type: "slack", address: chat.url, channel: "shop" },
  };
  const alerts = [
    { name: "on", severity: "info" as const, providerRef: { name: "chat" } },
    { name: "off", severity: "info" as const, providerRef: { name: "nobody" } },
  ];
  await rehearsal.withOperator("alerts", [provider, deployment, canaryWith({}, { alerts })], async () => {
    const done = await rehearsal.until("alerts", isDone("Initialized"));
    expect(conditionOf(done)).toContain("spec.analysis.alerts[1]");
    await expect.poll(() => chat.requests.length, { timeout: 5000 }).toBe(1);
  });
  await chat.close();
  const message: { attachments: { text: string; fields: { title: string; value: string }[] }[] } = JSON.parse(
    chat.requests[0]?.body ?? "",
  );
  expect(message.attachments[0]?.text).toContain("New Deployment detected, initialization completed.");
  expect(message.attachments[0]?.fields).toContainEqual(
    expect.objectContaining({ title: "Target", value: "Deployment/web.alerts" }),
  );
});

test("references across namespaces are refused at every look when the flag says so (pinned 18)", async () => {
  const metrics = [{ name: "rate", templateRef: { name: "rate", namespace: "other" } }];
  const settings = { forbidsForeignNamespaces: true };
  await rehearsal.withOperator("reach", [deployment, canary], {
    settings,
    body: async () => {
      await rehearsal.until("reach", isDone("Initialized"));
      const key = { namespace: "reach", name: "web" };
      await rehearsal.client.patch(resources.canaries, key, {
        kind: "merge",
        body: { spec: { analysis: { metrics } } },
      });
      const told = await rehearsal.until("reach", (object) => conditionOf(object) !== undefined);
      expect(conditionOf(told)).toContain("spec.analysis.metrics[0].templateRef.namespace");
      expect(told.status?.phase).toBe("Initialized");
    },
  });
});

test("what is missing beside the Canary is a condition, which goes when it is there (pinned 37)", async () => {
  const ref = { apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", name: "web-hpa" } as const;
  await rehearsal.withOperator("missing", [deployment, canaryWith({ autoscalerRef: ref })], async () => {
    const told = await rehearsal.until("missing", (object) => conditionOf(object) !== undefined);
    expect(conditionOf(told)).toBe(
      'spec.autoscalerRef.name: the HorizontalPodAutoscaler "missing/web-hpa" does not exist (create it or correct the name)',
    );
    const key = { namespace: "missing", name: "web" };
    await rehearsal.client.patch(resources.canaries, key, {
      kind: "merge",
      body: { spec: { autoscalerRef: null } },
    });
    const done = await rehearsal.until("missing", isPhase("Initialized"));
    expect(conditionOf(done)).toBeUndefined();
  });
});

test("a primary that was deleted is made again from what was promoted, and from nothing else", async () => {
  const slow = canaryWith({}, { interval: "5m" });
  await rehearsal.withOperator("lost", [deployment, slow], async () => {
    await rehearsal.until("lost", isDone("Initialized"));
    const primary = { namespace: "lost", name: "web-primary" };
    await rehearsal.client.delete(resources.deployments, primary);
    await expect.poll(() => rehearsal.deployment("lost", "web-primary"), { timeout: 5000 }).toBeDefined();
    await release("lost", "podinfo:2");
    await rehearsal.until("lost", isPhase("Progressing"));
    await rehearsal.client.delete(resources.deployments, primary);
    const told = await rehearsal.until("lost", (object) => conditionOf(object) !== undefined);
    expect(conditionOf(told)).toContain("deployment web-primary.lost: was deleted, and it is not made again");
    await expect.poll(() => rehearsal.weights("lost"), { timeout: 5000 }).toEqual([0, 100]);
    expect(await rehearsal.deployment("lost", "web-primary")).toBeUndefined();
    await release("lost", "podinfo:1");
    await expect.poll(() => rehearsal.deployment("lost", "web-primary"), { timeout: 5000 }).toBeDefined();
  });
});

test("revertOnDeletion gives target and Service back before the Canary goes; other finalizers stay (pinned 24, 29, 47, 53)", async () => {
  const apex: Service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web" },
    spec: { selector: { app: "web" }, ports: [{ name: "http", port: 9898 }] },
  };
  const reverting: KubeObject = {
    ...canaryWith({ revertOnDeletion: true }),
    metadata: { name: "web", finalizers: ["example.com/other"] },
  };
  await rehearsal.withOperator("revert", [apex, deployment, reverting], async () => {
    const done = await rehearsal.until("revert", isDone("Initialized"));
    expect((await service("revert", "web"))?.spec.selector).toEqual({ app: "web-primary" });
    expect(done.metadata.finalizers).toEqual(["example.com/other", "finalizer.flagger.app"]);
    const key = { namespace: "revert", name: "web" };
    await rehearsal.client.delete(resources.canaries, key);
    await expect
      .poll(async () => (await rehearsal.canary("revert"))?.metadata.finalizers, { timeout: 8000 })
      .toEqual(["example.com/other"]);
    expect((await service("revert", "web"))?.spec.selector).toEqual({ app: "web" });
    expect((await service("revert", "web"))?.metadata.annotations ?? {}).toEqual({});
    expect((await rehearsal.deployment("revert", "web"))?.spec.replicas).toBe(2);
    await rehearsal.client.patch(resources.canaries, key, { kind: "merge", body: { metadata: { finalizers: null } } });
  });
  expect(await rehearsal.events("revert")).toContain("Terminated canary web.revert");
});

function conditionOf(object: Canary | undefined): string | undefined {
  return object?.status?.conditions?.find(({ type, status }) => type === "Accepted" && status === "False")?.message;
}
