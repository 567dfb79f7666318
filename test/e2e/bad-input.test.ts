import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type KubeObject, type Resource, resources } from "#api";
import { isObject } from "#base";
import { createKubeClient, type KubeClient, loadKubeconfig } from "#kube";
import { applyObjects } from "../../src/cli/demo/apply.ts";
import { APP, fastApp, HOST, NAMESPACE, NEW_IMAGE, OLD_IMAGE } from "./fast-app.ts";
import { startUpCluster, type UpCluster } from "./up-cluster.ts";

/**
 * Input that a person gets wrong, sent to a cluster with a running app: the answer names what is wrong and where, and afterwards
 * everything is as it was.
 */

const CONFIG_MAPS = `/api/v1/namespaces/${NAMESPACE}/configmaps`;
const DEPLOYMENTS = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments`;
const CANARIES = `/apis/flagger.app/v1beta1/namespaces/${NAMESPACE}/canaries`;
const WATCHED: readonly Resource[] = [
  resources.configMaps,
  resources.deployments,
  resources.services,
  resources.canaries,
  resources.virtualServices,
  resources.metricTemplates,
];

let cluster: UpCluster;
let client: KubeClient;

beforeAll(async () => {
  cluster = await startUpCluster("--min-interval", "1s", "--scrape-interval", "1s");
  client = createKubeClient(await loadKubeconfig(cluster.kubeconfig));
  await applyObjects(client, fastApp());
  await client.create(resources.configMaps, {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "settings", namespace: NAMESPACE },
    data: { a: "1" },
  });
  await waitForPhase(APP, ["Initialized"]);
}, 120_000);
afterAll(async () => {
  await client?.close();
  await cluster?.close();
});

interface Refusal {
  readonly code: number;
  readonly message: string;
}

interface Send {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly type?: string;
}

/** Sends a body as it stands and returns the Status in the answer. */
async function send({ method, path, body, type = "application/json" }: Send): Promise<Refusal> {
  const response = await client.raw({ method, path, body, headers: { "content-type": type } });
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body) chunks.push(chunk);
  const status: unknown = JSON.parse(Buffer.concat(chunks).toString());
  expect(status).toMatchObject({ kind: "Status", status: "Failure", code: response.status });
  if (!isObject(status)) throw new Error("the answer is no object");
  return { code: response.status, message: String(status["message"]) };
}

/** All that a user of the namespace would see: names, labels and specs, without what controllers keep renewing. */
async function state(): Promise<unknown> {
  const lists = await Promise.all(WATCHED.map((resource) => client.list(resource, { namespace: NAMESPACE })));
  return lists.flatMap((list) => list.items.map(lasting));
}

function lasting({ kind, metadata, spec, ...rest }: KubeObject): unknown {
  return { kind, name: metadata.name, uid: metadata.uid, labels: metadata.labels, spec, data: rest["data"] };
}

async function expectUnchanged(attempt: () => Promise<void>): Promise<void> {
  const before = await state();
  await attempt();
  expect(await state()).toEqual(before);
}

async function phaseOf(name: string): Promise<string> {
  const canary = await client.get(resources.canaries, { namespace: NAMESPACE, name });
  const status = canary?.status;
  return isObject(status) && typeof status["phase"] === "string" ? status["phase"] : "";
}

async function waitForPhase(name: string, wanted: readonly string[]): Promise<void> {
  const deadlineMs = Date.now() + 100_000;
  for (;;) {
    const phase = await phaseOf(name);
    if (wanted.includes(phase)) return;
    if (Date.now() > deadlineMs) {
      throw new Error(
        `canary ${name} is ${phase}, wanted ${wanted.join(" or ")}\n${cluster.serin.stderr().slice(-4000)}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Waits until the last release's pods are gone: with them the Deployment counts as available, and its own deadline alone holds. */
async function waitForScaleDown(): Promise<void> {
  const deadlineMs = Date.now() + 60_000;
  for (;;) {
    const target = await client.get(resources.deployments, { namespace: NAMESPACE, name: APP });
    if (isObject(target?.status) && target.status["replicas"] === undefined) return;
    if (Date.now() > deadlineMs)
      throw new Error(`deployment ${APP} is not scaled down: ${JSON.stringify(target?.status)}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function eventMessages(): Promise<readonly string[]> {
  const fieldSelector = `involvedObject.kind=Canary,involvedObject.name=${APP}`;
  const events = await client.list(resources.events, { namespace: NAMESPACE, fieldSelector });
  return events.items.map((event) => String(event["message"]));
}

const canary = (spec: object): string =>
  JSON.stringify({ apiVersion: "flagger.app/v1beta1", kind: "Canary", metadata: { name: "bad" }, spec });

describe("a request with bad input is refused whole", { concurrent: false }, () => {
  test.each<{ title: string; request: Send; code: number; says: RegExp }>([
    {
      title: "unknown field of a built-in kind",
      request: {
        method: "POST",
        path: `${CONFIG_MAPS}?fieldValidation=Strict`,
        body: JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "bad", lables: {} }, daat: {} }),
      },
      code: 400,
      says: /unknown field "metadata\.lables".*unknown field "daat"|unknown field "daat".*unknown field "metadata\.lables"/,
    },
    {
      title: "unknown field of a Canary",
      request: {
        method: "POST",
        path: `${CANARIES}?fieldValidation=Strict`,
        body: canary({
          targetRef: { kind: "Deployment", name: "x" },
          service: { port: 80 },
          analysis: { interval: "10s", threshhold: 5 },
        }),
      },
      code: 400,
      says: /unknown field "spec\.analysis\.threshhold"/,
    },
    {
      title: "wrong type in a merge patch",
      request: {
        method: "PATCH",
        path: `${DEPLOYMENTS}/${APP}`,
        type: "application/merge-patch+json",
        body: '{"spec":{"replicas":"two","minReadySeconds":9}}',
      },
      code: 422,
      says: /patch: Invalid value: .*replicas/,
    },
    {
      title: "wrong type in a strategic merge patch",
      request: {
        method: "PATCH",
        path: `${DEPLOYMENTS}/${APP}`,
        type: "application/strategic-merge-patch+json",
        body: '{"spec":{"replicas":"two","minReadySeconds":9}}',
      },
      code: 422,
      says: /map\[spec:map\[minReadySeconds:9 replicas:two\]\].*int32/,
    },
    {
      title: "wrong type in a Canary",
      request: {
        method: "POST",
        path: CANARIES,
        body: canary({
          targetRef: { kind: "Deployment", name: "x" },
          service: { port: "eighty" },
          analysis: { interval: "10s", threshold: 5 },
        }),
      },
      code: 422,
      says: /spec\.service\.port.*must be of type (number|integer)/,
    },
    {
      title: "Canary without target",
      request: {
        method: "POST",
        path: CANARIES,
        body: canary({ service: { port: 80 }, analysis: { interval: "10s", threshold: 5 } }),
      },
      code: 422,
      says: /spec\.targetRef: Required value/,
    },
    {
      title: "YAML with tabs",
      request: {
        method: "POST",
        path: CONFIG_MAPS,
        type: "application/yaml",
        body: "apiVersion: v1\nkind: ConfigMap\nmetadata:\n\tname: bad\n",
      },
      code: 400,
      says: /line 4/,
    },
    {
      title: "JSON that breaks off",
      request: { method: "POST", path: CONFIG_MAPS, body: '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"na' },
      code: 400,
      says: /JSON/i,
    },
    {
      title: "a JSON patch whose second operation fails",
      request: {
        method: "PATCH",
        path: `${CONFIG_MAPS}/settings`,
        type: "application/json-patch+json",
        body: '[{"op":"add","path":"/data/b","value":"2"},{"op":"remove","path":"/data/nope"}]',
      },
      code: 422,
      says: /the server rejected our request/,
    },
    {
      title: "a body of 5 MB",
      request: {
        method: "POST",
        path: CONFIG_MAPS,
        body: JSON.stringify({
          apiVersion: "v1",
          kind: "ConfigMap",
          metadata: { name: "bad" },
          data: { big: "x".repeat(5 * 1024 * 1024) },
        }),
      },
      code: 413,
      says: /limit is 3145728/,
    },
  ])("$title", async ({ request, code, says }) => {
    await expectUnchanged(async () => {
      const refusal = await send(request);
      expect(refusal.message).toMatch(says);
      expect(refusal.code).toBe(code);
    });
  });
});

describe("a release that cannot be judged or never becomes ready goes back", { concurrent: false }, () => {
  async function release(container: object): Promise<void> {
    const body = { spec: { template: { spec: { containers: [{ name: "web", image: NEW_IMAGE, ...container }] } } } };
    await client.patch(resources.deployments, { namespace: NAMESPACE, name: APP }, { kind: "strategic", body });
  }

  async function expectOldVersionServes(): Promise<void> {
    const primary = await client.get(resources.deployments, { namespace: NAMESPACE, name: `${APP}-primary` });
    expect(JSON.stringify(primary?.spec)).toContain(OLD_IMAGE);
    for (let i = 0; i < 20; i += 1) {
      const answer = await cluster.throughGateway(HOST, "/version");
      expect(answer).toMatchObject({ status: 200 });
      expect(JSON.parse(answer.body)).toMatchObject({ version: "6.4.0" });
    }
  }

  test("a metric query with a syntax error: the event names the template and the place", {
    timeout: 150_000,
  }, async () => {
    await client.create(resources.metricTemplates, {
      apiVersion: "flagger.app/v1beta1",
      kind: "MetricTemplate",
      metadata: { name: "broken", namespace: NAMESPACE },
      spec: {
        provider: { type: "prometheus", address: "http://prometheus.istio-system:9090" },
        query: "sum(rate(istio_requests_total[1m])",
      },
    });
    const metrics = [{ name: "broken", templateRef: { name: "broken" }, interval: "10s", thresholdRange: { min: 1 } }];
    const key = { namespace: NAMESPACE, name: APP };
    await client.patch(resources.canaries, key, {
      kind: "merge",
      body: { spec: { analysis: { threshold: 2, metrics } } },
    });
    await release({ env: [{ name: "RELEASE", value: "metric" }] });
    await waitForPhase(APP, ["Failed"]);
    expect(
      (await eventMessages()).find((message) => /broken.*(parse error|syntax|unclosed)/is.test(message)),
    ).toBeDefined();
    await expectOldVersionServes();
  });

  test("a target that never becomes ready: the event names it and the deadline", { timeout: 150_000 }, async () => {
    const key = { namespace: NAMESPACE, name: APP };
    const body = { spec: { progressDeadlineSeconds: 10, analysis: { metrics: [] } } };
    await client.patch(resources.canaries, key, { kind: "merge", body });
    await waitForScaleDown();
    await release({ readinessProbe: { httpGet: { path: "/nope", port: 9898 }, periodSeconds: 1 } });
    await waitForPhase(APP, ["Progressing"]);
    await waitForPhase(APP, ["Failed"]);
    expect((await eventMessages()).find((message) => /web.*(not ready|deadline)/i.test(message))).toBeDefined();
    await expectOldVersionServes();
  });
});
