import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { connect, createServer as createSocketServer, type Socket } from "node:net";
import type { DestinationRule, HTTPRoute, Pod } from "#api";
import { type Clock, seededRandom, silentLog } from "#base";
import { compileMesh, type MeshConfig } from "../routing/compile-mesh.ts";
import {
  destinationRule,
  endpointSlice,
  gateway,
  meshObjects,
  pod,
  service,
  virtualService,
} from "../routing/mesh-fixture.ts";
import { createProxy, type Proxy, type ProxyListener } from "./proxy.ts";

/** Real servers, clients and a proxy for the tests of this folder. */

export const wallClock: Clock = {
  nowMs: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

export interface Backend {
  readonly port: number;
  close(): Promise<void>;
}

/** An HTTP server on a free port. */
export async function startBackend(
  answer: (incoming: IncomingMessage, outgoing: ServerResponse) => void,
  address = "127.0.0.1",
): Promise<Backend> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  return {
    port: portOf(server.address()),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A server that is handed raw connections, for everything that node:http would not do. */
export async function startRawBackend(onConnection: (socket: Socket) => void, address = "127.0.0.1"): Promise<Backend> {
  const sockets = new Set<Socket>();
  const server = createSocketServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  return {
    port: portOf(server.address()),
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function portOf(address: ReturnType<ReturnType<typeof createServer>["address"]>): number {
  return typeof address === "object" && address !== null ? address.port : 0;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export interface Ask {
  readonly port: number;
  readonly address?: string;
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** One request on a connection of its own; rejects when the connection breaks. */
export function ask(options: Ask): Promise<Reply> {
  const { port, address = "127.0.0.1", path = "/", method = "GET", headers = {}, body } = options;
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: address, port, path, method, agent: false, headers: { host: "shop.example.com", ...headers } },
      (response) => {
        const parts: Buffer[] = [];
        response.on("data", (data: Buffer) => parts.push(data));
        response.on("error", reject);
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(parts).toString(),
          }),
        );
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

/** Sends bytes and collects what comes back until the peer closes. */
export function exchangeBytes(port: number, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let received = "";
    socket.on("data", (data) => {
      received += data.toString("latin1");
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(received));
    socket.write(bytes);
  });
}

/** A version of the shop: the Service and pods `web-VERSION` on ports of 127.0.0.1. */
export interface ShopVersion {
  readonly name: string;
  readonly ports: readonly number[];
}

export interface Shop {
  readonly versions: readonly ShopVersion[];
  readonly http: readonly HTTPRoute[];
  readonly rules?: readonly DestinationRule["spec"][];
}

/** A mesh with a gateway for shop.example.com; the pods of all versions have the address 127.0.0.1 but ports of their own. */
export function shopMesh({ versions, http, rules = [] }: Shop): MeshConfig {
  const pods = new Map<string, Pod[]>();
  for (const { name, ports } of versions) {
    pods.set(
      name,
      ports.map((port) =>
        pod({ name: `${name}-${port}`, address: "127.0.0.1", deployment: name, labels: { app: name } }),
      ),
    );
  }
  return compileMesh(
    meshObjects({
      gateways: [gateway({ name: "edge" }, ["shop.example.com"])],
      virtualServices: [
        virtualService({ name: "web" }, { hosts: ["shop.example.com"], gateways: ["edge", "mesh"], http }),
      ],
      destinationRules: rules.map((spec, index) => destinationRule({ name: `rule-${index}` }, spec)),
      services: versions.map(({ name }) => service({ name }, [{ name: "http", port: 80 }])),
      // One slice a port, because the pods of this test share their address.
      endpointSlices: versions.flatMap(({ name, ports }) =>
        ports.map((port, index) =>
          endpointSlice({ name }, (pods.get(name) ?? []).slice(index, index + 1), { http: port }),
        ),
      ),
      pods: [...pods.values()].flat(),
    }),
  );
}

/** Routes everything to one version. */
export function toVersion(name: string, extra: Partial<HTTPRoute> = {}): readonly HTTPRoute[] {
  return [{ ...extra, route: [{ destination: { host: name } }] }];
}

export interface TestProxy {
  readonly proxy: Proxy;
  readonly gateway: ProxyListener;
}

/** A proxy with the configuration and a gateway on a free port. */
export async function startTestProxy(config: MeshConfig): Promise<TestProxy> {
  const proxy = createProxy({ clock: wallClock, random: seededRandom(1), log: silentLog });
  proxy.apply(config);
  return { proxy, gateway: await proxy.listenGateway({ address: "127.0.0.1", port: 0, gatewayPort: 80 }) };
}

/** Sum of the samples of a metric whose labels contain all the texts. */
export function metricSum(text: string, name: string, ...labels: readonly string[]): number {
  return text
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`) && labels.every((label) => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}
