import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type Canary,
  type Deployment,
  flaggerCrds,
  type HorizontalPodAutoscaler,
  istioCrds,
  type KubeObject,
  matchesSelector,
  resources,
  type Scale,
} from "#api";
import { startTestApiServer } from "#testing";
import { isDone, openScene, type Scene } from "./rehearsal-scene.ts";
import { hpaRef, kedaKinds, scaledObject, scaledObjectRef } from "./rehearsal-keda.ts";
import { autoscaler, canaryWith, deployment } from "./rehearsal-objects.ts";
import { preflightOf, templateWith, withTriggers } from "./preflight-scene.ts";
import { planTwin, readScaler, type TwinWrite } from "./scalers/index.ts";

/** What two copies do to the signals that autoscalers read, one test each. Source: keda-hpa-spec 20.C. */

let rehearsal: Scene;

beforeAll(async () => {
  rehearsal = await openScene(await startTestApiServer(), { crds: [...flaggerCrds(), ...istioCrds(), ...kedaKinds()] });
});

afterAll(async () => {
  await rehearsal.close();
});

const POLL = { timeout: 8000, interval: 30 };
const onHpa = canaryWith({ autoscalerRef: hpaRef });
const acceptedOf = (object: Canary | undefined): string =>
  object?.status?.conditions?.find(({ type }) => type === "Accepted")?.message ?? "";
const codes = (problems: readonly { readonly code: string }[]): string[] => problems.map(({ code }) => code);

async function twinOf(namespace: string): Promise<HorizontalPodAutoscaler | undefined> {
  return rehearsal.client.get<HorizontalPodAutoscaler>(resources.horizontalPodAutoscalers, {
    namespace,
    name: "web-hpa-primary",
  });
}

test("interference 23: one autoscaler averages over both versions → each has one of its own, over pods that it shares with nobody", async () => {
  await rehearsal.withOperator("i23", [autoscaler, deployment, onHpa], async () => {
    await rehearsal.until("i23", isDone("Initialized"));
    const [target, primary] = await Promise.all(
      ["web", "web-primary"].map((name) => rehearsal.deployment("i23", name)),
    );
    expect((await twinOf("i23"))?.spec.scaleTargetRef.name).toBe("web-primary");
    expect(selects(target, primary)).toBe(false);
    expect(selects(primary, target)).toBe(false);
    expect(selects(primary, primary)).toBe(true);
  });
});

function selects(one: Deployment | undefined, other: Deployment | undefined): boolean {
  return matchesSelector(one?.spec.selector, other?.spec.template.metadata?.labels);
}

test("interference 24: pods of the canary count into status.replicas → the size of each copy counts its own pods alone", async () => {
  await rehearsal.withOperator("i24", [autoscaler, deployment, onHpa], async () => {
    await rehearsal.until("i24", isDone("Initialized"));
    const scale = () =>
      rehearsal.client.get<Scale>(
        resources.deployments,
        { namespace: "i24", name: "web-primary" },
        { subresource: "scale" },
      );
    const before = await scale();
    await rehearsal.release("i24");
    await rehearsal.until("i24", ({ status }) => (status?.canaryWeight ?? 0) > 0);
    expect((await rehearsal.deployment("i24", "web"))?.status?.replicas).toBeGreaterThan(0);
    const during = await scale();
    expect(during?.status).toEqual({ replicas: during?.spec.replicas, selector: "app=web-primary" });
    expect(during?.spec).toEqual(before?.spec);
  });
});

test("interference 25: selectors overlap and both autoscalers freeze → told before a release, which waits", async () => {
  const api: Deployment = { ...deployment, metadata: { name: "api" } };
  const apiHpa = {
    ...autoscaler,
    metadata: { name: "api-hpa" },
    spec: { ...autoscaler.spec, scaleTargetRef: { ...autoscaler.spec.scaleTargetRef, name: "api" } },
  };
  await rehearsal.withOperator("i25", [autoscaler, deployment, onHpa], async () => {
    await rehearsal.until("i25", isDone("Initialized"));
    await rehearsal.createObjects("i25", [api, apiHpa]);
    await rehearsal.release("i25");
    await expect
      .poll(async () => acceptedOf(await rehearsal.canary("i25")), POLL)
      .toContain('the pods of "web" and those that HorizontalPodAutoscaler "api-hpa" scales are selected together');
    await rehearsal.pass(3000);
    expect((await rehearsal.canary("i25"))?.status?.phase).toBe("Initialized");
    await rehearsal.client.delete(resources.deployments, { namespace: "i25", name: "api" });
    await rehearsal.client.delete(resources.horizontalPodAutoscalers, { namespace: "i25", name: "api-hpa" });
    await rehearsal.until("i25", isDone("Succeeded"));
  });
  const both = { matchExpressions: [{ key: "app", operator: "In" as const, values: ["web", "web-primary"] }] };
  const found = preflightOf({ target: { selector: both, template: deployment.spec.template } });
  expect(codes(found.blocking)).toEqual(["overlapping-selector"]);
});

test("interference 26: both copies read one metric of the service → said when a release starts, with the field that splits it", () => {
  const whole = withTriggers([{ type: "prometheus", name: "load", metadata: { query: "sum(rate(http_total[1m]))" } }]);
  const [found] = preflightOf({ source: whole }).advice;
  expect(found).toMatchObject({ code: "shared-signal", path: "scaledobject web-so spec.triggers[0].metadata.query" });
  expect(found?.fix).toContain("primaryScalerQueries");
  const autoscalerRef = {
    ...scaledObjectRef,
    primaryScalerQueries: { load: 'sum(rate(http_total{copy="primary"}[1m]))' },
  };
  expect(preflightOf({ source: whole, canary: canaryWith({ autoscalerRef }) }).advice).toEqual([]);
  const external = {
    type: "External" as const,
    external: { metric: { name: "m" }, target: { type: "Value" as const, value: 1 } },
  };
  const ofService = { ...autoscaler, spec: { ...autoscaler.spec, metrics: [external] } };
  expect(codes(preflightOf({ source: ofService, canary: onHpa }).advice)).toEqual(["shared-signal"]);
  const open = withTriggers([{ type: "prometheus", metadata: { query: 'sum(rate(http_total{pod=~"web-.*"}[1m]))' } }]);
  expect(preflightOf({ source: open }).advice[0]?.message).toContain('also selects the pods of "web-primary"');
  const closed = ['pod=~"web-.*",pod!~"web-primary-.*"', 'pod=~"web-[0-9a-f]+-[0-9a-z]+"'];
  for (const matchers of closed) {
    const query = `sum(rate(http_total{${matchers}}[1m]))`;
    expect(preflightOf({ source: withTriggers([{ type: "prometheus", metadata: { query } }]) }).advice).toEqual([]);
  }
});

test("interference 27: the primary is scaled in while the canary has the traffic → its floor outlives every change of the source", () => {
  const owner = { apiVersion: "flagger.app/v1beta1", kind: "Canary", name: "web", uid: "u", controller: true };
  const plan = { canary: onHpa, target: "web", primary: "web-primary", owner, isReleasing: true };
  const sync = (source: HorizontalPodAutoscaler, live?: KubeObject): TwinWrite | undefined => {
    const scaler = readScaler(
      plan,
      <T extends KubeObject>(_: unknown, name: string) => (name === "web-hpa" ? source : live) as T | undefined,
    );
    return scaler === undefined ? undefined : planTwin(scaler);
  };
  const lease = (before: number, floor: number): string =>
    JSON.stringify({ canary: "u", field: "minReplicas", before, floor });
  const made = sync(autoscaler);
  if (made?.kind !== "create") throw new Error("a twin that is not there is created");
  const { metadata, spec } = made.object as HorizontalPodAutoscaler;
  const annotations = { ...metadata.annotations, "serin.dev/floor": lease(3, 6) };
  const held = {
    ...made.object,
    metadata: { ...metadata, resourceVersion: "7", annotations },
    spec: { ...spec, minReplicas: 6 },
  };
  const after = (changes: object): unknown => {
    const write = sync({ ...autoscaler, spec: { ...autoscaler.spec, ...changes } }, held);
    return write?.kind === "patch" ? write.body : write;
  };
  const noted = (before: number, floor: number): object => ({
    resourceVersion: "7",
    annotations: { "serin.dev/floor": lease(before, floor) },
  });
  expect(after({})).toBeUndefined();
  expect(after({ minReplicas: 4, maxReplicas: 10 })).toEqual({ metadata: noted(4, 6), spec: { maxReplicas: 10 } });
  expect(after({ minReplicas: 6 })).toEqual({ metadata: noted(6, 6) });
  // Two bounds that cross would be refused.
  expect(after({ maxReplicas: 5 })).toEqual({ metadata: noted(3, 5), spec: { minReplicas: 5, maxReplicas: 5 } });
  // A source under a floor of its own is copied without it.
  const raised = {
    ...autoscaler,
    metadata: { ...autoscaler.metadata, annotations },
    spec: { ...autoscaler.spec, minReplicas: 6 },
  };
  expect(sync(raised, made.object)).toBeUndefined();
});

test("interference 28: a version that renames its metric is scaled in under load → in the twin nothing is not zero", async () => {
  const autoscalerRef = scaledObjectRef;
  await rehearsal.withOperator("i28", [scaledObject, deployment, canaryWith({ autoscalerRef })], async () => {
    await rehearsal.until("i28", isDone("Initialized"));
    const read = (name: string) =>
      rehearsal.client.get<KubeObject>(resources.scaledObjects, { namespace: "i28", name });
    const twin = { triggers: [{ metadata: { threshold: "5", ignoreNullValues: "false" } }] };
    expect((await read("web-so-primary"))?.spec).toMatchObject(twin);
    expect((await read("web-so"))?.spec).toEqual(scaledObject.spec);
  });
});

test.each([
  ['rate(http{app="web"}[1m])', "wrap it in sum(…) or max(…)"],
  ['sum by (version) (rate(http{app="web"}[1m]))', "wrap it in sum(…) or max(…)"],
  ['scalar(sum(rate(http{app="web"}[1m])))', "wrap it in vector(…)"],
])("interference 29: two series while two versions run → %s is told with its fix", (query, fix) => {
  const source = withTriggers([{ type: "prometheus", metadata: { query } }]);
  const found = preflightOf({ source });
  expect(found.mild).toMatchObject([{ code: "query-not-single", fix }]);
  expect(found.blocking).toEqual([]);
  const single = withTriggers([
    { type: "prometheus", metadata: { query: 'sum(rate(http{app="web"}[1m])) or vector(0)' } },
  ]);
  expect(preflightOf({ source: single }).mild).toEqual([]);
});

test("interference 30: the new template renames a measured container, or requests nothing → the first holds, the second is told", () => {
  const cpu = { name: "cpu", target: { type: "Utilization" as const, averageUtilization: 80 } };
  const perContainer = { type: "ContainerResource" as const, containerResource: { ...cpu, container: "web" } };
  const source = { ...autoscaler, spec: { ...autoscaler.spec, metrics: [perContainer] } };
  const asked = { resources: { requests: { cpu: "100m" } } };
  const before = templateWith({ name: "web", ...asked });
  const facts = { source, canary: onHpa, primary: before };
  const renamed = preflightOf({ ...facts, target: templateWith({ name: "server", ...asked }) });
  expect(renamed.blocking).toMatchObject([
    { code: "container-missing", path: "horizontalpodautoscaler web-hpa spec.metrics[0]" },
  ]);
  const bare = preflightOf({ ...facts, target: templateWith({ name: "web" }) });
  expect([codes(bare.blocking), codes(bare.mild)]).toEqual([[], ["request-missing"]]);
  expect(preflightOf({ ...facts, target: before })).toEqual({ blocking: [], mild: [], advice: [] });
  const trigger = { type: "memory", metricType: "Utilization", metadata: { value: "50", containerName: "gone" } };
  const keda = preflightOf({ source: withTriggers([trigger]), target: before, primary: before });
  expect([codes(keda.blocking), codes(keda.mild)]).toEqual([[], ["container-missing"]]);
});

test("interference 31: a trigger's variable is not in the new template → told, and held when the primary has it", () => {
  const source = withTriggers([
    { type: "rabbitmq", metadata: { queueName: "jobs", hostFromEnv: "RABBIT_URL" } },
    { type: "postgresql", metadata: { connectionFromEnv: "DB_URL" } },
  ]);
  const keysOf = (_: string, name: string): string[] | undefined => ({ "web-env": ["DB_URL"] })[name];
  const withEnv = templateWith({
    name: "web",
    env: [{ name: "RABBIT_URL", value: "amqp://a" }],
    envFrom: [{ configMapRef: { name: "web-env" } }],
  });
  const without = templateWith({ name: "web", envFrom: [{ configMapRef: { name: "web-env" } }] });
  expect(preflightOf({ source, target: withEnv, primary: withEnv, keysOf }).blocking).toEqual([]);
  const lost = preflightOf({ source, target: without, primary: withEnv, keysOf });
  expect(lost.blocking).toMatchObject([
    { code: "env-missing", path: "scaledobject web-so spec.triggers[0].metadata.hostFromEnv" },
  ]);
  expect(lost.blocking[0]?.message).not.toContain("amqp");
  expect(codes(preflightOf({ source, target: without, primary: without, keysOf }).mild)).toEqual(["env-missing"]);
});

test("interference 32: fixed numbers hold for both copies → said when a release starts, with the bound of each copy", () => {
  const cron = {
    type: "cron",
    metadata: { timezone: "UTC", start: "0 8 * * *", end: "0 18 * * *", desiredReplicas: "10" },
  };
  const found = preflightOf({ source: withTriggers([cron]) });
  expect(found).toMatchObject({ blocking: [], mild: [], advice: [{ code: "shared-signal" }] });
  expect(found.advice[0]?.fix).toBe(
    "bound the canary by the ScaledObject's maxReplicaCount, and the primary by autoscalerRef.primaryScalerReplicas",
  );
});

test("interference 33: an external scaler that is down takes every metric with it → said when a release starts", async () => {
  const source = withTriggers([
    ...scaledObject.spec.triggers,
    { type: "external", metadata: { scalerAddress: "a.test:1" } },
  ]);
  expect(codes(preflightOf({ source }).advice)).toEqual(["external-scaler"]);
  await rehearsal.withOperator(
    "i33",
    [source, deployment, canaryWith({ autoscalerRef: scaledObjectRef })],
    async () => {
      await rehearsal.until("i33", isDone("Initialized"));
      const events = await rehearsal.events("i33");
      expect(events.filter((message) => message.startsWith("scaledobject web-so spec.triggers[1]"))).toHaveLength(1);
      expect(acceptedOf(await rehearsal.canary("i33"))).toBe("");
    },
  );
});
