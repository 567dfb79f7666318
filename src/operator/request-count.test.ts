import { afterAll, beforeAll, expect, test } from "vitest";
import { type Canary, resources } from "#api";
import type { KubeClient } from "#kube";
import { startTestApiServer, type TestApiServer } from "#testing";
import { type Rehearsal, startRehearsal } from "./rehearsal.ts";
import { canaryWith, deployment } from "./rehearsal-objects.ts";

/** What the operator costs the API server. Flagger's figures are in docs/flagger-differences.md. */

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

/** A client that writes down every request that goes through it. */
function counting(inner: KubeClient): { readonly client: KubeClient; readonly requests: string[] } {
  const requests: string[] = [];
  const client: KubeClient = {
    ...inner,
    get: (resource, key, options) => {
      requests.push(`get ${resource.plural}/${key.name}`);
      return inner.get(resource, key, options);
    },
    list: (resource, options) => {
      requests.push(`list ${resource.plural}`);
      return inner.list(resource, options);
    },
    create: (resource, object, options) => {
      requests.push(`create ${resource.plural}/${object.metadata.name}`);
      return inner.create(resource, object, options);
    },
    update: (resource, object, options) => {
      requests.push(`update ${resource.plural}/${object.metadata.name} ${options?.subresource ?? ""}`);
      return inner.update(resource, object, options);
    },
    patch: (resource, key, patch) => {
      requests.push(`patch ${resource.plural}/${key.name}`);
      return inner.patch(resource, key, patch);
    },
    apply: (resource, object, options) => {
      requests.push(`apply ${resource.plural}/${object.metadata.name}`);
      return inner.apply(resource, object, options);
    },
    delete: (resource, key, options) => {
      requests.push(`delete ${resource.plural}/${key.name}`);
      return inner.delete(resource, key, options);
    },
    raw: (request) => {
      requests.push(`raw ${request.path.split("?")[0]}`);
      return inner.raw(request);
    },
  };
  return { client, requests };
}

function pauseBy(by: string): string {
  return JSON.stringify({ by, why: "lunch", at: "2026-01-01T12:00:00Z" });
}

const isDone = (phase: string) => (object: Canary) =>
  object.status?.phase === phase && object.status.conditions?.some(({ type }) => type === "Draining") !== true;

test("a rollout from 10 to 50% costs at most 40 requests, an idle minute none", async () => {
  const stepped = canaryWith({}, { stepWeight: 10, maxWeight: 50 });
  await rehearsal.createNamespace("cost", [deployment, stepped]);
  const { client, requests } = counting(rehearsal.client);
  const stop = new AbortController();
  const operator = rehearsal.runOperator({ namespace: "cost", signal: stop.signal, client });
  await rehearsal.until("cost", isDone("Initialized"));
  // The event recorder writes on the side.
  const settled = async (): Promise<void> => {
    for (let last = -1; last !== requests.length; ) {
      last = requests.length;
      await rehearsal.pass(2000);
    }
  };
  await settled();
  const before = requests.length;
  await rehearsal.pass(60_000);
  expect(requests.slice(before)).toEqual([]);
  const body = { spec: { template: { spec: { containers: [{ name: "web", image: "podinfo:2" }] } } } };
  const key = { namespace: "cost", name: "web" };
  await rehearsal.client.patch(resources.deployments, key, { kind: "strategic", body });
  await rehearsal.until("cost", isDone("Succeeded"));
  await settled();
  stop.abort();
  await operator;
  const rollout = requests.slice(before);
  const counts: Record<string, number> = {};
  for (const request of rollout) {
    const kind = request.replace(/\/web\.\S+/, "/*");
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  process.stdout.write(`requests of a rollout 10 to 50%: ${rollout.length} ${JSON.stringify(counts)}\n`);
  expect(rollout.length).toBeLessThanOrEqual(40);
  expect(rollout.filter((request) => request.includes("configmaps")).length).toBeLessThanOrEqual(4);
});

test("a release that waits for two minutes writes its record at most each 30 s", async () => {
  const paused = { ...canaryWith({}), metadata: { name: "web", annotations: { "serin.dev/pause": pauseBy("ann") } } };
  await rehearsal.createNamespace("patient", [deployment, paused]);
  const { client, requests } = counting(rehearsal.client);
  const stop = new AbortController();
  const operator = rehearsal.runOperator({ namespace: "patient", signal: stop.signal, client });
  await rehearsal.until("patient", isDone("Initialized"));
  const body = { spec: { template: { spec: { containers: [{ name: "web", image: "podinfo:2" }] } } } };
  await rehearsal.client.patch(
    resources.deployments,
    { namespace: "patient", name: "web" },
    { kind: "strategic", body },
  );
  await rehearsal.pass(30_000);
  const before = requests.length;
  await rehearsal.pass(120_000);
  const writes = requests.slice(before);
  stop.abort();
  await operator;
  expect(writes.length).toBeGreaterThan(1);
  expect(writes.length).toBeLessThanOrEqual(5);
  expect(writes.filter((request) => request !== "patch configmaps/web-serin-runs")).toEqual([]);
});
