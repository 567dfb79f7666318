import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type EndpointSlice, kedaCrds, resources, type Service } from "#api";
import { silentLog } from "#base";
import { createKubeClient, type KubeClient, loadKubeconfig, systemClock, systemRandom } from "#kube";
import { startTestApiServer, type TestApiServer } from "#testing";
import { type Controllers, startControllers } from "../controllers/index.ts";
import { createTriggerWorlds, type TriggerWorlds } from "./trigger-world.ts";

/** Names of Services as triggers use them, over the API server's own objects and real sockets. */

const ended = new AbortController();
let server: TestApiServer;
let client: KubeClient;
let controllers: Controllers;
let worlds: TriggerWorlds;
let web: Server;

beforeAll(async () => {
  server = await startTestApiServer();
  client = createKubeClient(await loadKubeconfig(server.kubeconfigPath));
  web = createServer((request, response) => response.end(`host ${request.headers.host}`));
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
  for (const crd of kedaCrds()) await client.create(resources.customResourceDefinitions, crd);
  const metadata = { name: "shop" };
  await client.create(resources.namespaces, { apiVersion: "v1", kind: "Namespace", metadata });
  for (const clusterIP of [undefined, "None"]) {
    const name = clusterIP === undefined ? "redis" : "web";
    await client.create<Service>(resources.services, {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace: "shop" },
      spec: { ports: [{ port: 80 }], ...(clusterIP === undefined ? {} : { clusterIP }) },
    });
  }
  await client.create<EndpointSlice>(resources.endpointSlices, {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "web-1", namespace: "shop", labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    endpoints: [
      { addresses: ["127.0.0.1"], conditions: { ready: true } },
      { addresses: ["127.0.0.9"], conditions: { ready: false } },
    ],
    ports: [{ port: (web.address() as AddressInfo).port, protocol: "TCP" }],
  });
  const ports = { client, clock: systemClock, random: systemRandom, log: silentLog, signal: ended.signal };
  controllers = startControllers({ ...ports, caPem: server.caPem });
  worlds = createTriggerWorlds({ ...ports, informers: controllers.informers });
  await Promise.all([controllers.synced, worlds.synced()]);
});

afterAll(async () => {
  await worlds.close();
  ended.abort();
  await controllers.close();
  await client.close();
  await server.close();
  await new Promise((resolve) => web.close(resolve));
});

test("createTriggerWorlds: a Service's name is its address, from its namespace and from others", async () => {
  const redis = await client.get<Service>(resources.services, { namespace: "shop", name: "redis" });
  const address = redis?.spec.clusterIP ?? "";
  expect(address).toMatch(/^127\./);
  const world = worlds.of("shop");
  expect(world.resolve("redis", "shop")).toBe(address);
  expect(world.resolve("redis", "other")).toBe("redis");
  expect(world.resolve("redis.shop.svc.cluster.local", "other")).toBe(address);
});

test("createTriggerWorlds: HTTP goes to what the name stands for, with the name as its host", async () => {
  const { port } = web.address() as AddressInfo;
  const get = async (host: string, namespace: string): Promise<string> => {
    const { http } = worlds.of(namespace);
    const { body } = await http.request({ origin: `http://${host}:${port}`, path: "/", method: "GET" });
    return body.text();
  };
  expect(await get("web", "shop")).toBe(`host web:${port}`);
  expect(await get("web.shop", "other")).toBe(`host web.shop:${port}`);
  expect(await get("127.0.0.1", "other")).toBe(`host 127.0.0.1:${port}`);
  await expect(get("web.nowhere.invalid", "shop")).rejects.toThrow(/ENOTFOUND|EAI_AGAIN/);
});

test("createTriggerWorlds: endpoints are those that are ready, with their ports", () => {
  const { port } = web.address() as AddressInfo;
  expect(worlds.of("shop").endpoints("shop", "web")).toEqual([`127.0.0.1:${port}`]);
  expect(worlds.of("shop").endpoints("shop", "nobody")).toEqual([]);
});
