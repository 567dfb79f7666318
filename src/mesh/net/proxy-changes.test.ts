import { Agent, request } from "node:http";
import { connect } from "node:net";
import { afterEach, expect, test } from "vitest";
import {
  ask,
  type Backend,
  metricSum,
  shopMesh,
  startBackend,
  startRawBackend,
  startTestProxy,
  type TestProxy,
  toVersion,
} from "./proxy-harness.ts";

/** What happens to requests while the mesh around them changes. */

const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function backend(name: string): Promise<Backend> {
  const started = await startBackend((_, response) => {
    // A little later, so that there are always requests in flight.
    setTimeout(() => response.end(name), 2);
  });
  closers.push(() => started.close());
  return started;
}

async function proxyOf(config: ReturnType<typeof shopMesh>): Promise<TestProxy> {
  const started = await startTestProxy(config);
  closers.push(() => started.proxy.close());
  return started;
}

interface Load {
  readonly bodies: Map<string, number>;
  readonly failures: string[];
  stop(): Promise<void>;
}

/** Clients that keep their connections and ask again as soon as they are answered. */
function startLoad(port: number, clientCount: number): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: clientCount });
  const bodies = new Map<string, number>();
  const failures: string[] = [];
  let isOver = false;
  const one = (): Promise<void> =>
    new Promise((resolve) => {
      const sent = request({ host: "127.0.0.1", port, agent, headers: { host: "shop.example.com" } }, (response) => {
        let body = "";
        response.on("data", (data: Buffer) => (body += data.toString()));
        response.on("error", (error) => failures.push(error.message));
        response.on("end", () => {
          if (response.statusCode !== 200) failures.push(`${response.statusCode} ${body}`);
          bodies.set(body, (bodies.get(body) ?? 0) + 1);
          resolve();
        });
      });
      sent.on("error", (error) => {
        failures.push(error.message);
        resolve();
      });
      sent.end();
    });
  const clients = Array.from({ length: clientCount }, async () => {
    while (!isOver) await one();
  });
  return {
    bodies,
    failures,
    async stop() {
      isOver = true;
      await Promise.all(clients);
      agent.destroy();
    },
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

test("apply changes weights a hundred times under load without a failed request", async () => {
  const [one, two] = [await backend("one"), await backend("two")];
  const versions = [
    { name: "web-v1", ports: [one.port] },
    { name: "web-v2", ports: [two.port] },
  ];
  const at = (weight: number) =>
    shopMesh({
      versions,
      http: [
        {
          route: [
            { destination: { host: "web-v1" }, weight: 100 - weight },
            { destination: { host: "web-v2" }, weight },
          ],
        },
      ],
    });
  const { proxy, gateway } = await proxyOf(at(0));
  const load = startLoad(gateway.port, 32);
  for (let step = 0; step <= 100; step++) {
    proxy.apply(at(step));
    await sleep(5);
  }
  await load.stop();
  expect(load.failures).toEqual([]);
  expect(load.bodies.get("one")).toBeGreaterThan(100);
  expect(load.bodies.get("two")).toBeGreaterThan(100);
});

test("apply takes endpoints away under load without a failed request, and their servers are left alone", async () => {
  const backends = await Promise.all(["a", "b", "c", "d"].map(backend));
  const with_ = (ports: readonly number[]) =>
    shopMesh({ versions: [{ name: "web-v1", ports }], http: toVersion("web-v1") });
  const ports = backends.map(({ port }) => port);
  const { proxy, gateway } = await proxyOf(with_(ports));
  const load = startLoad(gateway.port, 32);
  for (let count = 4; count >= 1; count--) {
    await sleep(60);
    proxy.apply(with_(ports.slice(0, count)));
    // What was in flight may finish; then the server goes, as a terminated pod does.
    await sleep(30);
    if (count < 4) await backends[count]?.close();
  }
  await sleep(60);
  await load.stop();
  expect(load.failures).toEqual([]);
  expect([...load.bodies.keys()].sort()).toEqual(["a", "b", "c", "d"]);
});

test("a server that stops before the mesh knows costs no client an error", async () => {
  const backends = await Promise.all(["a", "b", "c"].map(backend));
  const config = shopMesh({
    versions: [{ name: "web-v1", ports: backends.map(({ port }) => port) }],
    http: toVersion("web-v1"),
  });
  const { gateway } = await proxyOf(config);
  const load = startLoad(gateway.port, 32);
  await sleep(100);
  await backends[0]?.close();
  await sleep(150);
  await load.stop();
  expect(load.failures).toEqual([]);
});

test("weighted targets get their shares of a hundred concurrent requests", async () => {
  const [one, two] = [await backend("one"), await backend("two")];
  const { gateway } = await proxyOf(
    shopMesh({
      versions: [
        { name: "web-v1", ports: [one.port] },
        { name: "web-v2", ports: [two.port] },
      ],
      http: [
        {
          route: [
            { destination: { host: "web-v1" }, weight: 90 },
            { destination: { host: "web-v2" }, weight: 10 },
          ],
        },
      ],
    }),
  );
  const replies = await Promise.all(Array.from({ length: 100 }, () => ask({ port: gateway.port })));
  const share = replies.filter(({ body }) => body === "two").length;
  expect(share).toBeGreaterThanOrEqual(9);
  expect(share).toBeLessThanOrEqual(11);
});

test("close lets requests in flight finish and refuses new connections", async () => {
  let release: () => void = () => undefined;
  const started = await startBackend((_, response) => {
    release = () => response.end("finished");
  });
  closers.push(() => started.close());
  const { proxy, gateway } = await proxyOf(
    shopMesh({ versions: [{ name: "web-v1", ports: [started.port] }], http: toVersion("web-v1") }),
  );
  const pending = ask({ port: gateway.port });
  await sleep(50);
  const closed = proxy.close({ drainMs: 2000 });
  await expect(ask({ port: gateway.port })).rejects.toThrow(/ECONNREFUSED/);
  release();
  const reply = await pending;
  expect(reply.body).toBe("finished");
  expect(reply.headers.connection).toBe("close");
  await closed;
});

test("a slow client slows the endpoint down instead of filling memory", async () => {
  const total = 64 * 1024 * 1024;
  let sentBytes = 0;
  const block = Buffer.alloc(64 * 1024, "x");
  const server = await startRawBackend((socket) => {
    socket.once("data", () => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${total}\r\n\r\n`);
      const fill = (): void => {
        while (sentBytes < total) {
          sentBytes += block.length;
          if (!socket.write(block)) return;
        }
      };
      socket.on("drain", fill);
      fill();
    });
  });
  closers.push(() => server.close());
  const { gateway } = await proxyOf(
    shopMesh({ versions: [{ name: "web-v1", ports: [server.port] }], http: toVersion("web-v1") }),
  );
  const client = connect(gateway.port, "127.0.0.1");
  client.on("error", () => undefined);
  client.write("GET / HTTP/1.1\r\nhost: shop.example.com\r\n\r\n");
  client.pause();
  await sleep(400);
  // Kernel buffers take a few megabytes on each of the two connections; the proxy itself takes next to nothing.
  expect(sentBytes).toBeLessThan(total / 2);
  let received = 0;
  const whole = new Promise<void>((resolve) => {
    client.on("data", (data) => {
      received += data.length;
      if (received >= total) resolve();
    });
  });
  client.resume();
  await whole;
  client.destroy();
});

test("an endpoint that keeps failing is ejected, and let in again after its time", async () => {
  let isBroken = true;
  const broken = await startBackend((_, response) => {
    response.statusCode = isBroken ? 503 : 200;
    response.end("b");
  });
  closers.push(() => broken.close());
  const good = await backend("a");
  const { gateway } = await proxyOf(
    shopMesh({
      versions: [{ name: "web-v1", ports: [good.port, broken.port] }],
      http: toVersion("web-v1", { retries: { attempts: 0 } }),
      rules: [
        {
          host: "web-v1",
          trafficPolicy: {
            loadBalancer: { simple: "ROUND_ROBIN" },
            outlierDetection: {
              consecutive5xxErrors: 2,
              baseEjectionTime: "2s",
              interval: "100ms",
              maxEjectionPercent: 50,
            },
          },
        },
      ],
    }),
  );
  const statuses: number[] = [];
  for (let index = 0; index < 12; index++) statuses.push((await ask({ port: gateway.port })).status);
  expect(statuses.filter((status) => status === 503)).toHaveLength(2);
  isBroken = false;
  const bodies = new Set<string>();
  for (let index = 0; index < 100 && bodies.size < 2; index++) {
    bodies.add((await ask({ port: gateway.port })).body);
    await sleep(100);
  }
  expect([...bodies].sort()).toEqual(["a", "b"]);
});

test("requests beyond the limits of a cluster are refused with UO, and waiting ones are served", async () => {
  const server = await startBackend((_, response) => {
    setTimeout(() => response.end("ok"), 50);
  });
  closers.push(() => server.close());
  const { proxy, gateway } = await proxyOf(
    shopMesh({
      versions: [{ name: "web-v1", ports: [server.port] }],
      http: toVersion("web-v1"),
      rules: [
        {
          host: "web-v1",
          trafficPolicy: { connectionPool: { tcp: { maxConnections: 1 }, http: { http1MaxPendingRequests: 2 } } },
        },
      ],
    }),
  );
  const replies = await Promise.all(Array.from({ length: 5 }, () => ask({ port: gateway.port })));
  expect(replies.filter(({ status }) => status === 200)).toHaveLength(3);
  const refused = replies.filter(({ status }) => status === 503);
  expect(refused).toHaveLength(2);
  expect(refused[0]?.headers["x-envoy-overloaded"]).toBe("true");
  expect(metricSum(proxy.metricsText(), "istio_requests_total", 'response_flags="UO"', 'reporter="source"')).toBe(2);
});

test("a client that goes away is reported with code 0, and frees its endpoint", async () => {
  const server = await startBackend(() => undefined);
  closers.push(() => server.close());
  const { proxy, gateway } = await proxyOf(
    shopMesh({ versions: [{ name: "web-v1", ports: [server.port] }], http: toVersion("web-v1") }),
  );
  const client = connect(gateway.port, "127.0.0.1", () =>
    client.write("GET / HTTP/1.1\r\nhost: shop.example.com\r\n\r\n"),
  );
  await sleep(50);
  client.destroy();
  await sleep(50);
  expect(metricSum(proxy.metricsText(), "istio_requests_total", 'response_code="0"', 'response_flags="DC"')).toBe(2);
});
