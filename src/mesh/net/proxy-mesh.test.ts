import { connect } from "node:net";
import { afterEach, expect, test } from "vitest";
import type { DestinationRule, VirtualServiceSpec } from "#api";
import { compileMesh, type MeshConfig } from "../routing/compile-mesh.ts";
import { destinationRule, endpointSlice, meshObjects, pod, service, virtualService } from "../routing/mesh-fixture.ts";
import type { Proxy } from "./proxy.ts";
import { ask, exchangeBytes, metricSum, startBackend, startRawBackend, startTestProxy } from "./proxy-harness.ts";

/** The sides of a pod and of a Service: who asks, by which name, and what the metrics say about it. */

const closers: (() => Promise<unknown>)[] = [];
const CLIENT = "127.0.0.2";
const SERVER = "127.0.0.3";
const CLUSTER_ADDRESS = "127.0.0.4";

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Objects {
  readonly targetPort: number;
  readonly http?: VirtualServiceSpec["http"];
  readonly rule?: DestinationRule["spec"];
  readonly portName?: string;
}

/** A client pod, and a Service `web` on port 9898 with one pod. The backends listen on the pod's address. */
function mesh({ targetPort, http, rule, portName = "http" }: Objects): MeshConfig {
  const server = pod({ name: "web-1", address: SERVER, deployment: "web", labels: { app: "web", version: "v1" } });
  const client = pod({ name: "hey-1", namespace: "load", address: CLIENT, deployment: "hey", labels: { app: "hey" } });
  return compileMesh(
    meshObjects({
      services: [service({ name: "web" }, [{ name: portName, port: 9898 }], CLUSTER_ADDRESS)],
      endpointSlices: [endpointSlice({ name: "web" }, [server], { [portName]: targetPort })],
      pods: [server, client],
      virtualServices: http === undefined ? [] : [virtualService({ name: "web" }, { hosts: ["web"], http })],
      destinationRules: rule === undefined ? [] : [destinationRule({ name: "web" }, rule)],
    }),
  );
}

async function start(config: MeshConfig): Promise<{ proxy: Proxy; port: number; servicePort: number }> {
  const { proxy } = await startTestProxy(config);
  closers.push(() => proxy.close());
  const podListener = await proxy.listenPod({ address: CLIENT, port: 0, namespace: "load" });
  const serviceListener = await proxy.listenService({
    address: CLUSTER_ADDRESS,
    port: 0,
    host: "web.shop.svc.cluster.local",
    servicePort: 9898,
  });
  return { proxy, port: podListener.port, servicePort: serviceListener.port };
}

async function backend(): Promise<number> {
  const started = await startBackend(
    (request, response) => response.end(`${request.method} ${request.url} ${request.headers.host}`),
    SERVER,
  );
  closers.push(() => started.close());
  return started.port;
}

test("listenPod routes absolute-form requests by every name of a Service", async () => {
  const { proxy, port } = await start(mesh({ targetPort: await backend() }));
  for (const name of ["web.shop", "web.shop.svc", "web.shop.svc.cluster.local", "WEB.shop.svc.cluster.local."]) {
    const host = `${name}:9898`;
    const reply = await ask({ address: CLIENT, port, path: `http://${host}/a?b`, headers: { host } });
    expect([reply.status, reply.body]).toEqual([200, `GET /a?b ${host}`]);
  }
  const text = proxy.metricsText();
  expect(
    metricSum(
      text,
      "istio_requests_total",
      'reporter="source"',
      'source_workload="hey"',
      'source_workload_namespace="load"',
    ),
  ).toBe(4);
  expect(
    metricSum(
      text,
      "istio_requests_total",
      'reporter="destination"',
      'source_workload="hey"',
      'destination_workload="web"',
      'destination_version="v1"',
      'connection_security_policy="mutual_tls"',
    ),
  ).toBe(4);
});

test("listenPod answers unknown hosts with 502 and passes addresses of this machine through", async () => {
  const target = await backend();
  const { proxy, port } = await start(mesh({ targetPort: target }));
  const unknown = await ask({ address: CLIENT, port, path: "http://example.org/", headers: { host: "example.org" } });
  expect(unknown.status).toBe(502);
  const host = `${SERVER}:${target}`;
  const passed = await ask({ address: CLIENT, port, path: `http://${host}/x`, headers: { host } });
  expect(passed.body).toBe(`GET /x ${host}`);
  const loop = `${CLIENT}:${port}`;
  expect((await ask({ address: CLIENT, port, path: `http://${loop}/`, headers: { host: loop } })).status).toBe(502);
  const outside = await ask({
    address: CLIENT,
    port,
    path: "http://93.184.216.34/",
    headers: { host: "93.184.216.34" },
  });
  expect(outside.status).toBe(502);
  expect(
    metricSum(
      proxy.metricsText(),
      "istio_requests_total",
      'destination_service_name="PassthroughCluster"',
      'destination_workload="web"',
    ),
  ).toBe(2);
  expect(metricSum(proxy.metricsText(), "istio_requests_total", 'destination_service_name="BlackHoleCluster"')).toBe(3);
});

test("listenPod goes where the target says when the mesh does not know the Host header", async () => {
  const { port } = await start(mesh({ targetPort: await backend() }));
  const reply = await ask({
    address: CLIENT,
    port,
    path: "http://web.shop:9898/",
    headers: { host: "canary.example.com" },
  });
  expect(reply.body).toBe("GET / canary.example.com");
});

test("listenPod applies the VirtualServices of the mesh and the DestinationRules of the service", async () => {
  const http = [
    {
      match: [{ headers: { "x-user": { exact: "beta" } }, sourceLabels: { app: "hey" } }],
      route: [{ destination: { host: "web", subset: "v9" } }],
    },
    { route: [{ destination: { host: "web", subset: "v1" } }] },
  ];
  const subsets = ["v1", "v9"].map((version) => ({ name: version, labels: { version } }));
  const { port } = await start(mesh({ targetPort: await backend(), http, rule: { host: "web", subsets } }));
  const path = "http://web.shop:9898/";
  expect((await ask({ address: CLIENT, port, path, headers: { host: "web.shop:9898" } })).status).toBe(200);
  const beta = await ask({ address: CLIENT, port, path, headers: { host: "web.shop:9898", "x-user": "beta" } });
  expect([beta.status, beta.body]).toEqual([503, "no healthy upstream"]);
});

test("listenService serves any Host and reports only the destination when it does not know the client", async () => {
  const { proxy, servicePort } = await start(mesh({ targetPort: await backend() }));
  const reply = await ask({ address: CLUSTER_ADDRESS, port: servicePort, headers: { host: "anything" } });
  expect(reply.body).toBe("GET / anything");
  expect(metricSum(proxy.metricsText(), "istio_requests_total", 'reporter="source"')).toBe(0);
  expect(
    metricSum(proxy.metricsText(), "istio_requests_total", 'reporter="destination"', 'source_workload="unknown"'),
  ).toBe(1);
});

test("listenService passes on what is not HTTP/1 as it is", async () => {
  const echo = await startRawBackend(
    (socket) => socket.once("data", (data) => socket.end(`got ${data.toString("latin1")}`)),
    SERVER,
  );
  closers.push(() => echo.close());
  const { proxy, servicePort } = await start(mesh({ targetPort: echo.port, portName: "web" }));
  const received = await new Promise<string>((resolve) => {
    const socket = connect(servicePort, CLUSTER_ADDRESS, () => socket.write("PRI * HTTP/2.0\r\n\r\n"));
    let text = "";
    socket.on("data", (data) => (text += data.toString()));
    socket.on("close", () => resolve(text));
  });
  expect(received).toBe("got PRI * HTTP/2.0\r\n\r\n");
  await expect
    .poll(() => metricSum(proxy.metricsText(), "istio_tcp_connections_closed_total", 'destination_workload="web"'))
    .toBe(1);
});

test("listenService speaks first for nobody: a port named tcp is connected at once", async () => {
  const greeter = await startRawBackend((socket) => socket.end("220 hello"), SERVER);
  closers.push(() => greeter.close());
  const { servicePort } = await start(mesh({ targetPort: greeter.port, portName: "tcp-mail" }));
  const received = await new Promise<string>((resolve) => {
    const socket = connect(servicePort, CLUSTER_ADDRESS);
    let text = "";
    socket.on("data", (data) => (text += data.toString()));
    socket.on("close", () => resolve(text));
  });
  expect(received).toBe("220 hello");
});

test("listeners refuse addresses that are not of this machine, and name a port that is taken", async () => {
  const { proxy } = await startTestProxy(mesh({ targetPort: 1 }));
  closers.push(() => proxy.close());
  await expect(proxy.listenPod({ address: "0.0.0.0", port: 0, namespace: "a" })).rejects.toThrow(/only addresses 127/);
  const taken = await proxy.listenPod({ address: SERVER, port: 0, namespace: "a" });
  await expect(proxy.listenGateway({ address: SERVER, port: taken.port, gatewayPort: 80 })).rejects.toThrow(
    new RegExp(`${SERVER}:${taken.port}: the port is taken`),
  );
});

test("a gateway refuses a target that names another host than the Host header", async () => {
  const { proxy, gateway } = await startTestProxy(mesh({ targetPort: 1 }));
  closers.push(() => proxy.close());
  const received = await exchangeBytes(gateway.port, "GET http://a/ HTTP/1.1\r\nhost: b\r\n\r\n");
  expect(received).toMatch(/^HTTP\/1\.1 400 /);
});
