import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import { afterEach, expect, test } from "vitest";
import { type Clock, type Random, seededRandom, silentLog } from "#base";
import type { VirtualServiceSpec } from "#api";
import { compileMesh } from "../routing/compile-mesh.ts";
import { endpointSlice, gateway, meshObjects, pod, service, virtualService } from "../routing/mesh-fixture.ts";
import { createProxy, type Proxy } from "./proxy.ts";

const clock: Clock = {
  nowMs: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};
const random: Random = seededRandom(1);
const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

async function upstream(answer: Answer): Promise<{ port: number; server: Server }> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  return { port: typeof address === "object" && address !== null ? address.port : 0, server };
}

interface Reply {
  status: number;
  headers: IncomingMessage["headers"];
  body: string;
}

function get(port: number, path: string, headers: Record<string, string> = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: "127.0.0.1", port, path, headers: { host: "shop.example.com", ...headers } },
      (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (data: string) => (body += data));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
        response.on("error", reject);
      },
    );
    sent.on("error", reject);
    sent.end();
  });
}

function startProxy(): Proxy {
  const proxy = createProxy({ clock, random, log: silentLog });
  closers.push(() => proxy.close());
  return proxy;
}

function shop(ports: Record<string, number>, http: VirtualServiceSpec["http"]) {
  const versions = Object.entries(ports).map(([version, port], index) => ({
    name: `web-${version}`,
    port,
    pod: pod({
      name: `web-${version}-1`,
      address: "127.0.0.1",
      deployment: `web-${version}`,
      labels: { app: `web-${version}`, index: String(index) },
    }),
  }));
  return compileMesh(
    meshObjects({
      gateways: [gateway({ name: "edge" }, ["shop.example.com"])],
      virtualServices: [
        virtualService({ name: "web" }, { hosts: ["shop.example.com"], gateways: ["edge"], http: http ?? [] }),
      ],
      services: versions.map(({ name }) => service({ name }, [{ name: "http", port: 80 }])),
      endpointSlices: versions.map((version) =>
        endpointSlice({ name: version.name }, [version.pod], { http: version.port }),
      ),
      pods: versions.map((version) => version.pod),
    }),
  );
}

test("proxy passes a request on and answers in Envoy's name", async () => {
  const { port } = await upstream((_, response) => response.end("hello"));
  const proxy = startProxy();
  await proxy.apply(shop({ v1: port }, [{ route: [{ destination: { host: "web-v1" } }] }]));
  const gate = await proxy.listenGateway({ address: "127.0.0.1", port: 0, gatewayPort: 80 });
  const reply = await get(gate.port, "/");
  expect(reply.status).toBe(200);
  expect(reply.body).toBe("hello");
  expect(reply.headers.server).toBe("istio-envoy");
  expect(proxy.metricsText()).toContain(
    'istio_requests_total{reporter="source",source_workload="istio-ingressgateway"',
  );
});
