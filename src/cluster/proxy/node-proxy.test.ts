import { createServer, request } from "node:http";
import { afterEach, expect, test } from "vitest";
import { istioCrds, type KubeObject, resources } from "#api";
import { silentLog } from "#base";
import { createKubeClient, type KubeClient, loadKubeconfig } from "#kube";
import { startTestApiServer, type TestApiServer } from "#testing";
import { runNodeProxy } from "./node-proxy.ts";
import { parseProxyOptions } from "./options.ts";
import { planListeners } from "./plan-listeners.ts";

const closers: (() => Promise<unknown>)[] = [];
const POD_ADDRESS = "127.9.1.1";
const STATUS_ADDRESS = "127.9.0.1";

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

test("parseProxyOptions reads ports and names a bad one", () => {
  expect(parseProxyOptions(["--gateway-port", "0", "--status-address", "127.9.0.1"])).toMatchObject({
    ok: true,
    value: { gatewayPort: 0, gatewayAddress: "127.0.0.1", statusAddress: "127.9.0.1", statusPort: 15_020 },
  });
  expect(parseProxyOptions(["--status-port", "http"])).toMatchObject({ ok: false, error: /--status-port.*"http"/ });
  expect(parseProxyOptions(["--nonsense"])).toMatchObject({ ok: false });
});

test("planListeners wants the outbound port of every live pod and every TCP port of a Service", () => {
  const pod = (name: string, podIP: string, phase: "Running" | "Succeeded") => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "shop" },
    spec: { containers: [] },
    status: { phase, podIP },
  });
  const service = (name: string, clusterIP: string) => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "shop" },
    spec: { clusterIP, ports: [{ port: 80 }, { port: 53, protocol: "UDP" as const }] },
  });
  const wanted = planListeners(
    [pod("a", "127.9.1.1", "Running"), pod("done", "127.9.1.2", "Succeeded")],
    [service("web", "127.9.128.1"), service("headless", "None")],
  );
  expect([...wanted.values()].map(({ address, port }) => `${address}:${port}`)).toEqual([
    "127.9.1.1:15001",
    "127.9.128.1:80",
  ]);
});

async function startServer(): Promise<{ server: TestApiServer; client: KubeClient }> {
  const server = await startTestApiServer();
  closers.push(() => server.close());
  const client = createKubeClient(await loadKubeconfig(server.kubeconfigPath));
  closers.push(() => client.close());
  for (const definition of istioCrds()) await client.create(resources.customResourceDefinitions, definition);
  return { server, client };
}

function get(
  port: number,
  path: string,
  host: string,
  address = "127.0.0.1",
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: address, port, path, agent: false, headers: { host } }, (response) => {
      let body = "";
      response.on("data", (data: Buffer) => {
        body += data.toString();
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
    sent.on("error", reject);
    sent.end();
  });
}

async function freePort(address: string): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, address, resolve));
  const bound = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof bound === "object" && bound !== null ? bound.port : 0;
}

/** Writes a pod that runs at the address, and a Service with it. */
async function install(client: KubeClient, port: number): Promise<void> {
  const namespace = "default";
  const pod: KubeObject = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web-1", namespace, labels: { app: "web" } },
    spec: { containers: [{ name: "web", image: "web" }] },
  };
  const created = await client.create(resources.pods, pod);
  const status = { phase: "Running", podIP: POD_ADDRESS, podIPs: [{ ip: POD_ADDRESS }] };
  await client.patch(
    resources.pods,
    { namespace, name: "web-1" },
    {
      kind: "merge",
      body: { status },
      options: { subresource: "status" },
    },
  );
  await client.create(resources.services, {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace },
    spec: { ports: [{ name: "http", port: 9898 }] },
  });
  await client.create(resources.endpointSlices, {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "web-x", namespace, labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    endpoints: [
      {
        addresses: [POD_ADDRESS],
        conditions: { ready: true },
        targetRef: { kind: "Pod", name: "web-1", namespace, uid: created.metadata.uid ?? "" },
      },
    ],
    ports: [{ name: "http", port, protocol: "TCP" }],
  });
}

test("runNodeProxy serves pods by the objects of an API server, and goes on while that is away", {
  timeout: 40_000,
}, async () => {
  const backend = createServer((incoming, response) => response.end(`hello ${incoming.url}`));
  await new Promise<void>((resolve) => backend.listen(0, POD_ADDRESS, resolve));
  closers.push(async () => {
    backend.closeAllConnections();
    await new Promise((resolve) => backend.close(resolve));
  });
  const bound = backend.address();
  const { server, client } = await startServer();
  await install(client, typeof bound === "object" && bound !== null ? bound.port : 0);
  const statusPort = await freePort(STATUS_ADDRESS);
  const stop = new AbortController();
  const running = runNodeProxy(
    {
      kubeconfig: server.kubeconfigPath,
      gatewayAddress: "127.0.0.1",
      gatewayPort: 0,
      statusAddress: STATUS_ADDRESS,
      statusPort,
      allowsAnyAddress: false,
      isVerbose: false,
    },
    { env: {}, log: silentLog, signal: stop.signal },
  );
  closers.push(async () => {
    stop.abort();
    await running;
  });
  const status = (path: string) => get(statusPort, path, "status", STATUS_ADDRESS);
  await expect
    .poll(
      () =>
        status("/healthz/ready").then(
          (reply) => reply.status,
          () => 0,
        ),
      { timeout: 20_000 },
    )
    .toBe(200);
  const ask = () => get(15_001, "http://web.default:9898/x", "web.default:9898", POD_ADDRESS);
  await expect
    .poll(
      () =>
        ask().then(
          ({ body }) => body,
          () => "",
        ),
      { timeout: 5000 },
    )
    .toBe("hello /x");
  await server.restart();
  expect((await ask()).body).toBe("hello /x");
  expect((await status("/stats/prometheus")).body).toContain('destination_workload="web-1"');
  expect(JSON.parse((await status("/config_dump")).body)).toMatchObject({ config: { findings: [] } });
  expect((await status("/nothing")).status).toBe(404);
  stop.abort();
  await running;
  await expect(ask()).rejects.toThrow(/ECONNREFUSED/);
});

test("runNodeProxy ends with an error that names the gateway's port when it is taken", {
  timeout: 40_000,
}, async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  closers.push(() => new Promise((resolve) => taken.close(resolve)));
  const bound = taken.address();
  const gatewayPort = typeof bound === "object" && bound !== null ? bound.port : 0;
  const { server } = await startServer();
  const options = {
    kubeconfig: server.kubeconfigPath,
    gatewayAddress: "127.0.0.1",
    gatewayPort,
    statusAddress: STATUS_ADDRESS,
    statusPort: await freePort(STATUS_ADDRESS),
    allowsAnyAddress: false,
    isVerbose: false,
  };
  const context = { env: {}, log: silentLog, signal: new AbortController().signal };
  await expect(runNodeProxy(options, context)).rejects.toThrow(`127.0.0.1:${gatewayPort}: the port is taken`);
});
