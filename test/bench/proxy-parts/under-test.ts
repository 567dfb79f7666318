import type { Gateway } from "#api";
import { type Clock, type Random, silentLog } from "#base";
import { compileMesh, createProxy } from "#mesh";

/** Our proxy as an ingress gateway in front of the upstream: a match on a header, two weighted targets, metrics on. */

const upstreamPort = Number(process.argv[2]);
const clock: Clock = {
  nowMs: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};
const random: Random = { next: () => Math.random() };

const metadata = (name: string) => ({ name, namespace: "shop" });
const service = (name: string) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: metadata(name),
  spec: { ports: [{ name: "http", port: 80 }] },
});
const slice = (name: string) => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { ...metadata(name), labels: { "kubernetes.io/service-name": name } },
  addressType: "IPv4" as const,
  endpoints: [{ addresses: ["127.0.0.1"], conditions: { ready: true } }],
  ports: [{ name: "http", port: upstreamPort }],
});
const gateway: Gateway = {
  apiVersion: "networking.istio.io/v1",
  kind: "Gateway",
  metadata: metadata("edge"),
  spec: { servers: [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["*"] }] },
};
const names = ["web-primary", "web-canary"];

const proxy = createProxy({ clock, random, log: silentLog });
proxy.apply(
  compileMesh({
    gateways: [gateway],
    destinationRules: [],
    pods: [],
    services: names.map(service),
    endpointSlices: names.map(slice),
    virtualServices: [
      {
        apiVersion: "networking.istio.io/v1",
        kind: "VirtualService",
        metadata: metadata("web"),
        spec: {
          hosts: ["bench.example.com"],
          gateways: ["edge"],
          http: [
            { match: [{ headers: { "x-beta": { exact: "yes" } } }], route: [{ destination: { host: "web-canary" } }] },
            {
              timeout: "30s",
              route: [
                { destination: { host: "web-primary" }, weight: 90 },
                { destination: { host: "web-canary" }, weight: 10 },
              ],
            },
          ],
        },
      },
    ],
  }),
);
const listener = await proxy.listenGateway({ address: "127.0.0.1", port: 0, gatewayPort: 80 });
process.stdout.write(`${JSON.stringify({ port: listener.port })}\n`);
process.stdin.on("end", () => process.exit(0)).resume();
