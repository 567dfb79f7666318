import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { gatewayCrds, istioCrds, type KubeObject, type Resource, resources, type VirtualService } from "#api";
import { deepCopy } from "#base";
import { ApiFailure, createKubeClient, type KubeClient, loadKubeconfig, systemClock } from "#kube";
import { startTestApiServer, type TestApiServer } from "#testing";
import { routerOf } from "./index.ts";
import { contextOf, desiredOf, liveOf, type RouteCase } from "./rehearsal-context.ts";
import type { DesiredRoutes, LiveObjects, RoutePatch, Router, RouterContext } from "./router.ts";

/** The plans against our API server, with the definitions of each kind: what it makes of them, and who owns what after. */

const NAMESPACE = "shop";
const istio = routerOf("istio")!;
const gatewayApi = routerOf("gatewayapi:v1")!;
const nginx = routerOf("nginx")!;

let server: TestApiServer;
let client: KubeClient;

beforeAll(async () => {
  server = await startTestApiServer();
  client = createKubeClient(await loadKubeconfig(server.kubeconfigPath));
  for (const crd of [...istioCrds(), ...gatewayCrds()]) await client.create(resources.customResourceDefinitions, crd);
  for (const { resources: kinds } of [istio, gatewayApi]) for (const kind of kinds) await untilServed(kind);
  const metadata = { name: NAMESPACE };
  await client.create(resources.namespaces, { apiVersion: "v1", kind: "Namespace", metadata });
});

afterEach(async () => {
  for (const resource of [...istio.resources, ...gatewayApi.resources, ...nginx.resources])
    for (const { metadata } of (await client.list(resource, { namespace: NAMESPACE })).items)
      await client.delete(resource, { namespace: NAMESPACE, name: metadata.name ?? "" });
});

afterAll(async () => {
  await client.close();
  await server.close();
});

async function untilServed(resource: Resource): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      return void (await client.list(resource, { limit: 1 }));
    } catch (thrown) {
      if (!(thrown instanceof ApiFailure) || thrown.httpStatus !== 404 || attempt > 500) throw thrown;
      await new Promise((resolve) => systemClock.after(10, () => resolve(undefined)));
    }
  }
}

/** What the operator's local copies would have: the objects without managedFields. */
async function readAll(router: Router, context: RouterContext): Promise<LiveObjects> {
  const found: KubeObject[] = [];
  for (const { resource, name } of router.objects(context)) {
    const object = await client.get<KubeObject>(resource, { namespace: NAMESPACE, name });
    if (object === undefined) continue;
    const { managedFields: _, ...metadata } = object.metadata;
    found.push({ ...object, metadata });
  }
  return liveOf(...found);
}

async function send(patches: readonly RoutePatch[]): Promise<void> {
  for (const patch of patches) {
    const write = { fieldManager: "serin" };
    if (patch.kind === "apply") await client.apply(patch.resource, patch.object, { ...write, force: true });
    if (patch.kind === "update") await client.update(patch.resource, patch.object, write);
    if (patch.kind === "delete") await client.delete(patch.resource, { namespace: NAMESPACE, name: patch.name });
  }
}

/** Carries a plan out, and checks that nothing is left to do and that the routes are read as asked. */
async function carryOut(router: Router, routeCase: RouteCase, desired: DesiredRoutes): Promise<readonly RoutePatch[]> {
  const context = contextOf(routeCase);
  const patches = router.plan(context, desired, await readAll(router, context));
  await send(patches);
  const live = await readAll(router, context);
  expect(router.plan(context, desired, live)).toEqual([]);
  const { canaryWeight, isMirrored } = desired;
  expect(router.read(context, live)).toMatchObject({ state: { canaryWeight, isMirrored } });
  return patches;
}

interface Golden extends RouteCase {
  readonly mode: string;
  readonly desired: { readonly canaryWeight: number };
  readonly wanted: unknown;
}

test.each([
  ["istio", istio, resources.virtualServices, "istio.json"],
  ["gatewayapi:v1", gatewayApi, resources.httpRoutes, "gateway-api.json"],
] as const)(
  "%s: from each mode to the next and back, one write is enough and nothing of the last mode is left",
  async (...args) => {
    const [, router, resource, file] = args;
    const goldens = JSON.parse(readFileSync(join(import.meta.dirname, "golden", file), "utf8")) as Golden[];
    const specs = new Map<string, unknown>();
    for (const golden of [...goldens, ...goldens.toReversed()]) {
      await carryOut(router, golden, desiredOf(golden.desired.canaryWeight, golden.desired));
      const live = await client.get(resource, { namespace: NAMESPACE, name: "web" });
      const spec = Object.fromEntries(Object.entries(live?.spec ?? {}).filter(([, value]) => !isEmptyList(value)));
      // The way back meets the same spec as the way there, which nothing was before.
      expect(spec).toEqual(specs.get(golden.mode) ?? spec);
      specs.set(golden.mode, deepCopy(spec));
    }
  },
);

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

async function created<T extends KubeObject>(resource: Resource, object: T): Promise<T> {
  return client.create(resource, object, { fieldManager: "kubectl-create" });
}

function liveRoutes(): Promise<VirtualService | undefined> {
  return client.get<VirtualService>(resources.virtualServices, { namespace: NAMESPACE, name: "web" });
}

const foreign: VirtualService = {
  apiVersion: "networking.istio.io/v1beta1",
  kind: "VirtualService",
  metadata: { name: "web", namespace: NAMESPACE, labels: { team: "a" } },
  spec: {
    hosts: ["shop.example.com"],
    gateways: ["infra/public"],
    exportTo: ["."],
    http: [{ route: [{ destination: { host: "web" } }] }],
  },
};

test("istio: an adopted VirtualService keeps what is not ours and is given back as it was (pinned 45, 53)", async () => {
  await created(resources.virtualServices, foreign);
  const routeCase = { service: { hosts: ["new.example.com"], apex: { labels: { release: "canary" } } } };
  await carryOut(istio, routeCase, desiredOf(10));
  await carryOut(istio, routeCase, desiredOf(20));
  const adopted = await liveRoutes();
  expect(adopted?.metadata.labels).toEqual({ team: "a", release: "canary" });
  expect(adopted?.spec).toMatchObject({ hosts: ["new.example.com", "web"], gateways: ["mesh"], exportTo: ["."] });

  const context = contextOf(routeCase);
  await send(istio.restore(context, await readAll(istio, context)));
  const restored = await liveRoutes();
  expect(restored?.spec).toEqual(foreign.spec);
  expect(restored?.metadata.labels).toEqual({ team: "a" });
  expect(restored?.metadata.annotations ?? {}).toEqual({});
});

test("istio: other writers beside us cause no write, and what they wrote survives our next step", async () => {
  await carryOut(istio, {}, desiredOf(10));
  const live = await liveRoutes();
  const fault = { abort: { httpStatus: 503, percentage: { value: 1 } } };
  const http = (live?.spec.http ?? []).map((route) => ({ ...route, fault }));
  const body = { metadata: { labels: { tool: "1" }, annotations: { tool: "1" } }, spec: { exportTo: ["."], http } };
  const options = { fieldManager: "somebody" };
  const key = { namespace: NAMESPACE, name: "web" };
  await client.patch(resources.virtualServices, key, { kind: "merge", body, options });
  expect(await carryOut(istio, {}, desiredOf(10))).toEqual([]);
  await carryOut(istio, {}, desiredOf(20));
  const stepped = await liveRoutes();
  expect(stepped?.metadata).toMatchObject({ labels: { tool: "1" }, annotations: { tool: "1" } });
  expect(stepped?.spec).toMatchObject({ exportTo: ["."], http: [{ fault }] });
});

test("istio: metadata that left the Canary leaves the routes with the next write", async () => {
  await carryOut(istio, { service: { apex: { labels: { a: "1", b: "1" }, annotations: { c: "1" } } } }, desiredOf(10));
  await carryOut(istio, { service: { apex: { labels: { a: "1" } } } }, desiredOf(20));
  const live = await liveRoutes();
  expect(live?.metadata.labels).toEqual({ a: "1" });
  expect(live?.metadata.annotations).not.toHaveProperty("c");
});

test("istio: a delegate loses hosts and gateways that another writer gave it (pinned 44)", async () => {
  await created(resources.virtualServices, foreign);
  await carryOut(istio, { service: { delegation: true } }, desiredOf(0));
  const { hosts = [], gateways = [] } = (await liveRoutes())?.spec ?? {};
  expect([hosts, gateways]).toEqual([[], []]);
});

test("istio: a policy loses blocks whoever wrote them, without taking exportTo", async () => {
  const outlierDetection = { consecutive5xxErrors: 5 };
  const tls = { mode: "ISTIO_MUTUAL" };
  await carryOut(istio, { service: { trafficPolicy: { outlierDetection, tls } } }, desiredOf(0));
  const key = { namespace: NAMESPACE, name: "web-canary" };
  const body = { spec: { exportTo: ["."], trafficPolicy: { connectionPool: { http: { maxRetries: 1 } } } } };
  const options = { fieldManager: "flagger" };
  await client.patch(resources.destinationRules, key, { kind: "merge", body, options });
  await carryOut(istio, { service: { trafficPolicy: { tls } } }, desiredOf(0));
  const rule = await client.get(resources.destinationRules, key);
  expect(rule?.spec).toEqual({ host: "web-canary", exportTo: ["."], trafficPolicy: { tls } });
});

test("nginx: shares come and go, also those that Flagger left (pinned 48)", async () => {
  const prefix = "nginx.ingress.kubernetes.io";
  const source = {
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: { name: "shop", namespace: NAMESPACE },
    spec: {
      rules: [
        {
          http: {
            paths: [{ path: "/", pathType: "Prefix", backend: { service: { name: "web", port: { number: 80 } } } }],
          },
        },
      ],
    },
  };
  const left = {
    [`${prefix}/canary`]: "true",
    [`${prefix}/canary-by-header`]: "x-a",
    [`${prefix}/canary-weight`]: "0",
  };
  const ingressRef = { apiVersion: "networking.k8s.io/v1", kind: "Ingress", name: "shop" };
  const weights: RouteCase = { spec: { ingressRef } };
  const tested: RouteCase = {
    spec: { ingressRef },
    analysis: { iterations: 2, match: [{ headers: { "x-b": { exact: "1" } } }] },
  };
  await client.create(resources.ingresses, source);
  const copy = { ...source, metadata: { ...source.metadata, name: "shop-canary", annotations: left } };
  await client.create(resources.ingresses, copy, { fieldManager: "flagger" });
  for (const [routeCase, weight] of [
    [weights, 0],
    [weights, 50],
    [tested, 100],
    [tested, 0],
    [weights, 10],
    [weights, 0],
  ] as const) {
    await carryOut(nginx, routeCase, desiredOf(weight));
    const live = await client.get(resources.ingresses, { namespace: NAMESPACE, name: "shop-canary" });
    const header = live?.metadata.annotations?.[`${prefix}/canary-by-header`];
    expect(header).toBe(routeCase === tested && weight > 0 ? "x-b" : undefined);
  }
});
