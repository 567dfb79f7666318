import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type Canary,
  type ConfigMap,
  type HorizontalPodAutoscaler,
  type KubeObject,
  resources,
  type Service,
} from "#api";
import type { KubeClient } from "#kube";
import { startTestApiServer, type TestApiServer } from "#testing";
import { startLocalServer } from "./local-server.ts";
import { createFaultyClient } from "./faulty-client.ts";
import { readRuns } from "./records/index.ts";
import { type Rehearsal, startRehearsal } from "./rehearsal.ts";
import { autoscaler, canary, canaryWith, configured, deployment, settings } from "./rehearsal-objects.ts";

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
const isDrained = (object: Canary) => object.status?.conditions?.length === 1;

function withOperator(namespace: string, objects: KubeObject[], body: () => Promise<void>): Promise<void> {
  return rehearsal.withOperator(namespace, objects, body);
}

function release(namespace: string, image: string): Promise<unknown> {
  const body = { spec: { template: { spec: { containers: [{ name: "web", image }] } } } };
  return rehearsal.client.patch(resources.deployments, { namespace, name: "web" }, { kind: "strategic", body });
}

async function imageOf(namespace: string, name: string): Promise<string | undefined> {
  return (await rehearsal.deployment(namespace, name))?.spec.template.spec.containers[0]?.image;
}

test("a new Canary gets a primary, routes and Services, and the target goes to zero", async () => {
  await withOperator("boot", [deployment, canary], async () => {
    const done = await rehearsal.until("boot", (object) => isPhase("Initialized")(object) && isDrained(object));
    expect(done.status?.lastAppliedSpec).toBe(done.status?.lastPromotedSpec);
    expect(await rehearsal.weights("boot")).toEqual([100, 0]);
    expect((await rehearsal.deployment("boot", "web"))?.spec.replicas).toBe(0);
    const primary = await rehearsal.deployment("boot", "web-primary");
    expect(primary?.spec).toMatchObject({ replicas: 2, selector: { matchLabels: { app: "web-primary" } } });
    expect(primary?.metadata.ownerReferences?.[0]).toMatchObject({ kind: "Canary", name: "web", controller: true });
    const selectors = await Promise.all(
      ["web", "web-primary", "web-canary"].map((name) =>
        rehearsal.client.get<Service>(resources.services, { namespace: "boot", name }),
      ),
    );
    expect(selectors.map((service) => service?.spec.selector?.app)).toEqual(["web-primary", "web-primary", "web"]);
  });
});

test("a good release is promoted step by step", async () => {
  await withOperator("good", [deployment, canary], async () => {
    await rehearsal.until("good", isPhase("Initialized"));
    await release("good", "podinfo:2");
    const done = await rehearsal.until("good", isPhase("Succeeded"));
    expect(done.status).toMatchObject({ canaryWeight: 0, failedChecks: 0 });
    expect(done.status?.lastPromotedSpec).toBe(done.status?.lastAppliedSpec);
    expect(await rehearsal.weights("good")).toEqual([100, 0]);
    expect(await imageOf("good", "web-primary")).toBe("podinfo:2");
    expect((await rehearsal.deployment("good", "web"))?.spec.replicas).toBe(0);
  });
  const events = await rehearsal.events("good");
  // How often readiness is looked at meanwhile depends on the machine.
  expect(events.filter((message) => !message.includes("not ready"))).toEqual([
    "all the metrics providers are available!",
    "Initialization done! web.good",
    "New revision detected! Scaling up web.good",
    "Starting canary analysis for web.good",
    "Advance web.good canary weight 50",
    "Copying web.good template spec to web-primary.good",
    "Routing all traffic to primary",
    "Promotion completed! Scaling down web.good",
  ]);
});

test("a bad release is rolled back after the threshold, and the primary keeps its version", async () => {
  const healthy = rehearsal.prometheus.answer;
  rehearsal.prometheus.answer = () => 50;
  await withOperator("bad", [deployment, canary], async () => {
    await rehearsal.until("bad", isPhase("Initialized"));
    await release("bad", "podinfo:2");
    await rehearsal.until("bad", (object) => isPhase("Failed")(object) && isDrained(object));
    expect(await rehearsal.weights("bad")).toEqual([100, 0]);
    expect(await imageOf("bad", "web-primary")).toBe("podinfo:1");
    expect((await rehearsal.deployment("bad", "web"))?.spec.replicas).toBe(0);
  });
  expect(await rehearsal.events("bad")).toContain("Rolling back web.bad failed checks threshold reached 2");
  rehearsal.prometheus.answer = healthy;
});

test("a Prometheus that is down holds the release, and it goes on when it is back", async () => {
  const healthy = rehearsal.prometheus.answer;
  await withOperator("outage", [deployment, canary], async () => {
    await rehearsal.until("outage", isPhase("Initialized"));
    rehearsal.prometheus.answer = () => "down";
    await release("outage", "podinfo:2");
    await rehearsal.until("outage", (object) => object.status?.canaryWeight === 50);
    const asked = rehearsal.prometheus.queries.length;
    await rehearsal.until("outage", () => rehearsal.prometheus.queries.length > asked + 8);
    expect((await rehearsal.canary("outage"))?.status).toMatchObject({ phase: "Progressing", failedChecks: 0 });
    rehearsal.prometheus.answer = healthy;
    await rehearsal.until("outage", isPhase("Succeeded"));
  });
  const told = (await rehearsal.events("outage")).filter((message) => message.includes("cannot be asked for"));
  expect(told).toHaveLength(1);
});

test("a canary that never becomes ready is rolled back without traffic", async () => {
  const all = rehearsal.availability;
  rehearsal.availability = (object) =>
    object.spec.template.spec.containers[0]?.image === "podinfo:broken" ? 0 : all(object);
  await withOperator("broken", [deployment, canary], async () => {
    await rehearsal.until("broken", isPhase("Initialized"));
    await release("broken", "podinfo:broken");
    await rehearsal.until("broken", isPhase("Failed"));
  });
  const events = await rehearsal.events("broken");
  expect(events.filter((message) => message.startsWith("Advance"))).toEqual([]);
  expect(events.join()).toContain("exceeded its progress deadline");
  rehearsal.availability = all;
});

test("ConfigMaps are copied for the primary, and a change of one is released", async () => {
  await withOperator("configs", [settings, configured, canary], async () => {
    await rehearsal.until("configs", isPhase("Initialized"));
    const copy = async () =>
      rehearsal.client.get<ConfigMap>(resources.configMaps, { namespace: "configs", name: "web-settings-primary" });
    expect((await copy())?.data).toEqual({ color: "blue" });
    const primary = await rehearsal.deployment("configs", "web-primary");
    expect(primary?.spec.template.spec.containers[0]?.envFrom?.[0]?.configMapRef?.name).toBe("web-settings-primary");
    const key = { namespace: "configs", name: "web-settings" };
    await rehearsal.client.patch(resources.configMaps, key, { kind: "merge", body: { data: { color: "red" } } });
    await rehearsal.until("configs", isPhase("Succeeded"));
    expect((await copy())?.data).toEqual({ color: "red" });
  });
});

test("the autoscaler gets a twin for the primary, kept in step by a release", async () => {
  const ref = { apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", name: "web-hpa" };
  await withOperator("hpa", [autoscaler, deployment, canaryWith({ autoscalerRef: ref })], async () => {
    await rehearsal.until("hpa", (object) => isPhase("Initialized")(object) && isDrained(object));
    const twin = () =>
      rehearsal.client.get<HorizontalPodAutoscaler>(resources.horizontalPodAutoscalers, {
        namespace: "hpa",
        name: "web-hpa-primary",
      });
    expect((await twin())?.spec).toMatchObject({ minReplicas: 3, scaleTargetRef: { name: "web-primary" } });
    const key = { namespace: "hpa", name: "web-hpa" };
    await rehearsal.client.patch(resources.horizontalPodAutoscalers, key, {
      kind: "merge",
      body: { spec: { maxReplicas: 9 } },
    });
    await release("hpa", "podinfo:2");
    const running = await rehearsal.until("hpa", isPhase("Progressing"));
    expect((await rehearsal.deployment("hpa", "web"))?.spec.replicas).toBe(3);
    expect(running.status?.canaryWeight).toBe(0);
    await rehearsal.until("hpa", isPhase("Succeeded"));
    expect((await twin())?.spec.maxReplicas).toBe(9);
  });
});

test("drift is repaired, weights and foreign fields stay", async () => {
  await withOperator("drift", [deployment, canaryWith({}, { interval: "5m" })], async () => {
    await rehearsal.until("drift", isPhase("Initialized"));
    await release("drift", "podinfo:2");
    await rehearsal.until("drift", isPhase("Progressing"));
    const key = { namespace: "drift", name: "web" };
    await rehearsal.client.patch(resources.virtualServices, key, {
      kind: "merge",
      body: { spec: { exportTo: ["."], hosts: ["else"] }, metadata: { labels: { team: "a" } } },
    });
    await rehearsal.client.patch(resources.services, key, {
      kind: "merge",
      body: { spec: { selector: { app: "nobody" } }, metadata: { annotations: { note: "mine" } } },
    });
    await rehearsal.until("drift", () => true);
    await expect
      .poll(async () => (await rehearsal.client.get(resources.virtualServices, key))?.spec, { timeout: 4000 })
      .toMatchObject({ hosts: ["web"], exportTo: ["."] });
    await expect
      .poll(async () => rehearsal.client.get<Service>(resources.services, key), { timeout: 4000 })
      .toMatchObject({ spec: { selector: { app: "web-primary" } }, metadata: { annotations: { note: "mine" } } });
    expect((await rehearsal.client.get(resources.virtualServices, key))?.metadata.labels).toEqual({ team: "a" });
  });
});

test("an idle Canary costs no write", async () => {
  await rehearsal.createNamespace("idle", [deployment, canary]);
  const stop = new AbortController();
  const { client, writes } = createFaultyClient(rehearsal.client);
  const operator = rehearsal.runOperator({ namespace: "idle", signal: stop.signal, client });
  await rehearsal.until("idle", (object) => isPhase("Initialized")(object) && isDrained(object));
  // The record of the last step follows its status.
  const map = { namespace: "idle", name: "web-serin-runs" };
  const lastKept = async () =>
    readRuns(await rehearsal.client.get<ConfigMap>(resources.configMaps, map)).runs[0]?.records.at(-1)?.label;
  await expect.poll(lastKept, { timeout: 10_000 }).toBe("scale-down");
  const before = writes.length;
  const key = { namespace: "idle", name: "web" };
  for (let i = 0; i < 5; i++) {
    const body = { metadata: { annotations: { touched: String(i) } } };
    await rehearsal.client.patch(resources.canaries, key, { kind: "merge", body });
    await rehearsal.client.patch(resources.deployments, key, { kind: "merge", body });
  }
  await rehearsal.until("idle", (object) => object.metadata.annotations?.touched === "4");
  stop.abort();
  await operator;
  expect(writes.slice(before)).toEqual([]);
});

test("a wrong Canary is told what is wrong and does not disturb others", async () => {
  const targetRef = { ...canary.spec.targetRef, name: "other" };
  const wrong = { ...canaryWith({ targetRef }, { stepWeight: 10.5 }), metadata: { name: "wrong" } };
  await withOperator("wrong", [deployment, canary, wrong], async () => {
    await rehearsal.until("wrong", isPhase("Initialized"));
    const read = () => rehearsal.client.get<Canary>(resources.canaries, { namespace: "wrong", name: "wrong" });
    await expect
      .poll(async () => (await read())?.status?.conditions?.[0], { timeout: 4000 })
      .toMatchObject({
        type: "Accepted",
        status: "False",
        message: "spec.analysis.stepWeight: must be a whole number from 0 to 100, received 10.5",
      });
  });
});

test("a status write that loses a race is repeated, without asking the hooks again", async () => {
  const hook = await startLocalServer((response) => response.end());
  const webhooks = [{ name: "warm-up", type: "pre-rollout" as const, url: hook.url }];
  await rehearsal.createNamespace("race", [deployment, canaryWith({}, { webhooks })]);
  let count = 0;
  const racing: KubeClient = {
    ...rehearsal.client,
    async update(resource, object, options) {
      if (resource.kind === "Canary") {
        const body = { metadata: { annotations: { race: String(count++) } } };
        await rehearsal.client.patch(resources.canaries, { namespace: "race", name: "web" }, { kind: "merge", body });
      }
      return rehearsal.client.update(resource, object, options);
    },
  };
  const stop = new AbortController();
  // Each write meets one newer version at first and, with luck, none at the next try.
  const client: KubeClient = { ...racing, update: alternating(racing.update, rehearsal.client.update) };
  const operator = rehearsal.runOperator({ namespace: "race", signal: stop.signal, client });
  await rehearsal.until("race", isPhase("Initialized"));
  await release("race", "podinfo:2");
  await rehearsal.until("race", isPhase("Succeeded"));
  stop.abort();
  await operator;
  await hook.close();
  expect(count).toBeGreaterThan(3);
  expect(hook.requests).toHaveLength(1);
});

/** Takes the one function and the other in turn for Canaries. */
function alternating(odd: KubeClient["update"], even: KubeClient["update"]): KubeClient["update"] {
  let isOdd = false;
  return (resource, object, options) => {
    if (resource.kind === "Canary") isOdd = !isOdd;
    return (isOdd ? odd : even)(resource, object, options);
  };
}

/** How a release ends, and where: its image and phase, and whether the target may be scaled already. */
interface Ending {
  readonly prefix: string;
  readonly image: string;
  readonly phase: "Succeeded" | "Failed";
}

test("a good release ends as it would have, wherever the operator dies", async () => {
  const ending: Ending = { prefix: "crash-good", image: "podinfo:2", phase: "Succeeded" };
  const ends = await dieAfterEach(ending, 23);
  for (const end of ends) expect(end).toEqual(ends.at(-1));
  expect(ends.at(-1)).toMatchObject({ phase: "Succeeded", weights: [100, 0], image: "podinfo:2", replicas: 0 });
}, 120_000);

test("a bad release is rolled back, wherever the operator dies", async () => {
  const healthy = rehearsal.prometheus.answer;
  rehearsal.prometheus.answer = () => 50;
  const ending: Ending = { prefix: "crash-bad", image: "podinfo:2", phase: "Failed" };
  const ends = await dieAfterEach(ending, 21);
  rehearsal.prometheus.answer = healthy;
  for (const end of ends) expect(end).toEqual(ends.at(-1));
  expect(ends.at(-1)).toMatchObject({ phase: "Failed", weights: [100, 0], image: "podinfo:1", replicas: 0 });
}, 120_000);

/** Dies after each number of writes, a few at a time: each has two operators with all their watches. */
async function dieAfterEach(ending: Ending, count: number): Promise<Record<string, unknown>[]> {
  const ends: Record<string, unknown>[] = [];
  const runs = Array.from({ length: count }, (_, index) => index).values();
  const work = async (): Promise<void> => {
    for (const index of runs) ends[index] = await dieAndGoOn(ending, index);
  };
  await Promise.all(Array.from({ length: 6 }, work));
  return ends;
}

/** Runs a release under an operator that dies after a number of writes, then under a second one. */
async function dieAndGoOn(ending: Ending, diesAfter: number): Promise<Record<string, unknown>> {
  const namespace = `${ending.prefix}-${diesAfter}`;
  const isEnd = (object: Canary) => isPhase(ending.phase)(object) && isDrained(object);
  await rehearsal.createNamespace(namespace, [settings, configured, canary]);
  const first = new AbortController();
  const { client } = createFaultyClient(rehearsal.client, { diesAfter, onDeath: () => first.abort() });
  if (diesAfter === 0) first.abort();
  const dying = rehearsal.runOperator({ namespace, signal: first.signal, client });
  const releasing = rehearsal.until(namespace, isPhase("Initialized")).then(() => release(namespace, ending.image));
  await Promise.race([aborted(first.signal), rehearsal.until(namespace, isEnd)]);
  first.abort();
  await dying;
  const second = new AbortController();
  const operator = rehearsal.runOperator({ namespace, signal: second.signal });
  await releasing;
  const done = await rehearsal.until(namespace, isEnd);
  second.abort();
  await operator;
  const { phase, canaryWeight, failedChecks, lastAppliedSpec, lastPromotedSpec } = done.status ?? {};
  const primary = await rehearsal.deployment(namespace, "web-primary");
  return {
    phase,
    canaryWeight,
    failedChecks,
    isPromoted: lastAppliedSpec === lastPromotedSpec,
    weights: await rehearsal.weights(namespace),
    image: await imageOf(namespace, "web-primary"),
    revision: primary?.spec.template.metadata?.annotations?.["flagger-id"],
    // Counts how often the primary was changed: nothing is rolled twice.
    generation: primary?.metadata.generation,
    replicas: (await rehearsal.deployment(namespace, "web"))?.spec.replicas,
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
