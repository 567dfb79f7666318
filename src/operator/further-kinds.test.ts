import { afterAll, beforeAll, expect, test } from "vitest";
import { type Canary, flaggerCrds, istioCrds, type KubeObject, resources, type Service } from "#api";
import { INTENT_ANNOTATION } from "#rollout";
import { startTestApiServer, type TestApiServer } from "#testing";
import { createFaultyClient } from "./faulty-client.ts";
import { type Rehearsal, startRehearsal } from "./rehearsal.ts";
import { canary, canaryWith, deployment } from "./rehearsal-objects.ts";

/** A cluster that has Serin's own kinds only, at first. */

let server: TestApiServer;
let rehearsal: Rehearsal;

beforeAll(async () => {
  server = await startTestApiServer();
  rehearsal = await startRehearsal(server, { crds: flaggerCrds() });
});

afterAll(async () => {
  await rehearsal.close();
  await server.close();
});

const acceptedOf = (object: Canary) => object.status?.conditions?.find(({ type }) => type === "Accepted");

test("blue/green by Services alone needs no mesh; a Service of clients that was there is taken over (pinned 55)", async () => {
  const apex: Service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web-svc" },
    spec: { selector: { app: "web" }, ports: [{ name: "http", port: 9898 }] },
  };
  const { stepWeight: _, maxWeight: __, ...analysis } = canary.spec.analysis;
  const spec: Canary["spec"] = {
    ...canary.spec,
    provider: "kubernetes",
    service: { port: 9898, name: "web-svc" },
    analysis: { ...analysis, iterations: 2 },
  };
  await rehearsal.withOperator("plain", [apex, deployment, { ...canary, spec }], async () => {
    await rehearsal.until("plain", (object) => object.status?.phase === "Initialized");
    const key = { namespace: "plain", name: "web-svc" };
    const taken = await rehearsal.client.get<Service>(resources.services, key);
    expect(taken?.spec.selector).toEqual({ app: "web-primary" });
    expect(taken?.metadata.annotations).toEqual({
      "kustomize.toolkit.fluxcd.io/reconcile": "disabled",
      "helm.toolkit.fluxcd.io/driftDetection": "disabled",
    });
    const body = { spec: { template: { spec: { containers: [{ name: "web", image: "podinfo:2" }] } } } };
    const target = { namespace: "plain", name: "web" };
    await rehearsal.client.patch(resources.deployments, target, { kind: "strategic", body });
    await rehearsal.until("plain", (object) => object.status?.phase === "Succeeded");
    const primary = await rehearsal.deployment("plain", "web-primary");
    expect(primary?.spec.template.spec.containers[0]?.image).toBe("podinfo:2");
  });
  const events = await rehearsal.events("plain");
  expect(events).toContain("Advance web.plain canary iteration 1/2");
});

test("a Canary whose provider's kinds are not served waits and says so once, and starts when they are", async () => {
  await rehearsal.withOperator("bare", [deployment, canaryWith({})], async () => {
    const told = await rehearsal.until("bare", (object) => acceptedOf(object) !== undefined);
    expect(acceptedOf(told)).toMatchObject({ status: "False" });
    expect(acceptedOf(told)?.message).toContain(
      'spec.provider: "istio" cannot be used: the cluster does not serve virtualservices.networking.istio.io/v1beta1 (install what brings it',
    );
    // Two looks and more: the server is asked again, the event is not told again.
    await rehearsal.pass(70_000);
    const before = (await rehearsal.events("bare")).filter((message) => message.includes("virtualservices"));
    expect(before).toHaveLength(1);
    for (const crd of istioCrds()) await rehearsal.client.create(resources.customResourceDefinitions, crd);
    const done = await rehearsal.until("bare", (object) => object.status?.phase === "Initialized");
    expect(acceptedOf(done)).toBeUndefined();
    expect(await rehearsal.weights("bare")).toEqual([100, 0]);
  });
});

test("an intent that was answered is taken back, and one that came meanwhile stays", async () => {
  const slow = canaryWith({}, { interval: "5m" });
  await rehearsal.createNamespace("intent", [deployment, slow]);
  const key = { namespace: "intent", name: "web" };
  const ask = (why: string): Promise<unknown> => {
    const text = JSON.stringify({ action: "abort", by: "ann", why, at: "2026-01-01T00:00:00Z" });
    return rehearsal.client.patch(resources.canaries, key, {
      kind: "merge",
      body: { metadata: { annotations: { [INTENT_ANNOTATION]: text } } },
    });
  };
  const stop = new AbortController();
  const { client, writes } = createFaultyClient(rehearsal.client);
  let isRaced = false;
  const racing = {
    ...client,
    patch: async <T extends KubeObject>(...args: Parameters<typeof client.patch>): Promise<T> => {
      // Somebody writes another intent between the decision and its answer.
      if (args[0].kind === "Canary" && isRaced) {
        isRaced = false;
        await ask("second");
      }
      return client.patch<T>(...args);
    },
  };
  const operator = rehearsal.runOperator({ namespace: "intent", signal: stop.signal, client: racing });
  await rehearsal.until("intent", (object) => object.status?.phase === "Initialized");
  const body = { spec: { template: { spec: { containers: [{ name: "web", image: "podinfo:2" }] } } } };
  await rehearsal.client.patch(resources.deployments, key, { kind: "strategic", body });
  await rehearsal.until("intent", (object) => object.status?.phase === "Progressing");
  isRaced = true;
  await ask("first");
  const done = await rehearsal.until(
    "intent",
    (object) => object.status?.phase === "Failed" && object.metadata.annotations?.[INTENT_ANNOTATION] === undefined,
  );
  stop.abort();
  await operator;
  expect(isRaced).toBe(false);
  expect(done.metadata.annotations ?? {}).toEqual({});
  expect(writes.filter((write) => write === "patch canaries/web")).toHaveLength(1);
});
