import { connect } from "node:net";
import { afterEach, expect, test } from "vitest";
import {
  ask,
  type Backend,
  exchangeBytes,
  metricSum,
  type Shop,
  shopMesh,
  startBackend,
  startRawBackend,
  startTestProxy,
  type TestProxy,
  toVersion,
} from "./proxy-harness.ts";

const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function backend(...args: Parameters<typeof startBackend>): Promise<Backend> {
  const started = await startBackend(...args);
  closers.push(() => started.close());
  return started;
}

async function rawBackend(...args: Parameters<typeof startRawBackend>): Promise<Backend> {
  const started = await startRawBackend(...args);
  closers.push(() => started.close());
  return started;
}

async function proxyOf(shop: Shop): Promise<TestProxy> {
  const started = await startTestProxy(shopMesh(shop));
  closers.push(() => started.proxy.close());
  return started;
}

/** A proxy in front of one backend. */
async function proxyTo({ port }: Backend, extra: Parameters<typeof toVersion>[1] = {}): Promise<TestProxy> {
  return proxyOf({ versions: [{ name: "web-v1", ports: [port] }], http: toVersion("web-v1", extra) });
}

/** A port that nothing listens on. */
async function deadPort(): Promise<number> {
  const gone = await startBackend(() => undefined);
  await gone.close();
  return gone.port;
}

test("createProxy passes a request on, with the headers of a gateway, and answers in Istio's name", async () => {
  const server = await backend((request, response) => response.end(JSON.stringify(request.headers)));
  const { gateway } = await proxyTo(server);
  const headers = { "x-envoy-max-retries": "9", connection: "x-hop", "x-hop": "1", "proxy-connection": "keep-alive" };
  const reply = await ask({ port: gateway.port, headers });
  expect(reply.status).toBe(200);
  expect(reply.headers.server).toBe("istio-envoy");
  expect(reply.headers["x-envoy-upstream-service-time"]).toMatch(/^\d+$/);
  const seen = JSON.parse(reply.body) as Record<string, string>;
  expect(seen).toMatchObject({
    host: "shop.example.com",
    "x-forwarded-for": "127.0.0.1",
    "x-forwarded-proto": "http",
    "x-envoy-attempt-count": "1",
  });
  expect(seen["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
  expect(Object.keys(seen)).not.toEqual(expect.arrayContaining(["x-hop"]));
  expect(seen).not.toHaveProperty("x-envoy-max-retries");
  expect(seen).not.toHaveProperty("proxy-connection");
});

test("createProxy reports each request by both sides with Istio's labels", async () => {
  const server = await backend((_, response) => response.writeHead(418).end("short"));
  const { proxy, gateway } = await proxyTo(server);
  await ask({ port: gateway.port });
  const text = proxy.metricsText();
  const sides = text.split("\n").filter((line) => line.startsWith("istio_requests_total{"));
  expect(sides).toHaveLength(2);
  expect(sides.join("\n")).toContain('reporter="source",source_workload="istio-ingressgateway"');
  expect(sides[1]).toContain(
    'destination_workload="web-v1",destination_workload_namespace="shop",destination_principal="spiffe://cluster.local/ns/shop/sa/default",destination_app="web-v1",destination_version="",destination_service="web-v1.shop.svc.cluster.local",destination_canonical_service="web-v1",destination_canonical_revision="latest",destination_service_name="web-v1",destination_service_namespace="shop",destination_cluster="Kubernetes",request_protocol="http",response_code="418",grpc_response_status="",response_flags="-",connection_security_policy=',
  );
  expect(metricSum(text, "istio_request_duration_milliseconds_count", 'reporter="destination"')).toBe(1);
  expect(metricSum(text, "istio_request_duration_milliseconds_bucket", 'le="+Inf"')).toBe(2);
  expect(metricSum(text, "istio_response_bytes_sum", 'reporter="source"')).toBeGreaterThan(5);
});

test("createProxy carries bodies of any framing in both directions", async () => {
  const server = await backend((request, response) => {
    if (request.url === "/close") response.setHeader("connection", "close");
    if (request.url === "/length") response.setHeader("content-length", String(request.headers["content-length"]));
    request.pipe(response);
  });
  const { gateway } = await proxyTo(server);
  const body = Buffer.alloc(1_000_000, "0123456789");
  for (const path of ["/chunked", "/length", "/close"]) {
    const headers = { "content-length": String(body.length) };
    const reply = await ask({ port: gateway.port, path, method: "POST", body, headers });
    expect(reply.body.length).toBe(body.length);
    expect(reply.body).toBe(body.toString());
  }
  const streamed = await ask({
    port: gateway.port,
    method: "PUT",
    body: "abc",
    headers: { "transfer-encoding": "chunked" },
  });
  expect(streamed.body).toBe("abc");
});

test("createProxy gives HEAD, 204 and 304 no body and keeps the connection in step", async () => {
  const server = await backend((request, response) => {
    const status = Number(request.url?.slice(1)) || 200;
    response.writeHead(status, status === 200 ? { "content-length": "5" } : {});
    response.end(status === 200 ? "hello" : undefined);
  });
  const { gateway } = await proxyTo(server);
  const line = (method: string, path: string, last = false): string =>
    `${method} ${path} HTTP/1.1\r\nhost: shop.example.com\r\n${last ? "connection: close\r\n" : ""}\r\n`;
  const received = await exchangeBytes(
    gateway.port,
    line("HEAD", "/200") + line("GET", "/204") + line("GET", "/304") + line("GET", "/200", true),
  );
  expect(received.match(/HTTP\/1\.1 (\d+)/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 204", "HTTP/1.1 304", "HTTP/1.1 200"]);
  expect(received.split("hello")).toHaveLength(2);
  expect(received.endsWith("hello")).toBe(true);
});

test("createProxy answers a client of HTTP/1.0 with a body up to the end of the connection", async () => {
  const server = await backend((_, response) => {
    response.write("one,");
    response.end("two");
  });
  const { gateway } = await proxyTo(server);
  const received = await exchangeBytes(gateway.port, "GET / HTTP/1.0\r\nhost: shop.example.com\r\n\r\n");
  expect(received).toContain("connection: close\r\n");
  expect(received).not.toContain("transfer-encoding");
  expect(received.endsWith("\r\n\r\none,two")).toBe(true);
});

test("createProxy sends 100 Continue itself and passes the body on", async () => {
  const server = await backend((request, response) => request.pipe(response));
  const { gateway } = await proxyTo(server);
  const received = await new Promise<string>((resolve) => {
    const socket = connect(gateway.port, "127.0.0.1");
    let text = "";
    socket.on("data", (data) => {
      const before = text;
      text += data.toString();
      if (before === "") socket.write("hello");
    });
    socket.on("close", () => resolve(text));
    socket.write(
      "POST / HTTP/1.1\r\nhost: shop.example.com\r\nexpect: 100-continue\r\ncontent-length: 5\r\nconnection: close\r\n\r\n",
    );
  });
  expect(received.startsWith("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")).toBe(true);
  expect(received).toContain("hello");
});

test("createProxy tunnels an upgraded connection in both directions", async () => {
  const server = await rawBackend((socket) => {
    socket.once("data", (head) => {
      expect(head.toString()).toMatch(/upgrade: websocket/i);
      socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nwelcome");
      socket.on("data", (data) => socket.write(`echo ${data.toString()}`));
    });
  });
  const { gateway } = await proxyTo(server);
  const received = await new Promise<string>((resolve) => {
    const socket = connect(gateway.port, "127.0.0.1");
    let text = "";
    socket.on("data", (data) => {
      text += data.toString();
      if (text.endsWith("welcome")) socket.write("hi");
      if (text.endsWith("echo hi")) socket.destroy();
    });
    socket.on("close", () => resolve(text));
    socket.write("GET /ws HTTP/1.1\r\nhost: shop.example.com\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n");
  });
  expect(received).toMatch(/^HTTP\/1\.1 101 /);
  expect(received.endsWith("welcomeecho hi")).toBe(true);
});

test("createProxy refuses HTTP/2 without TLS in HTTP/2's own words", async () => {
  const { gateway } = await proxyOf({ versions: [], http: toVersion("none") });
  const received = await exchangeBytes(gateway.port, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  const bytes = Buffer.from(received, "latin1");
  expect(bytes[3]).toBe(4);
  expect(bytes[9 + 3]).toBe(7);
  expect(bytes.at(-1)).toBe(13);
});

test("createProxy answers 404 NR, 503 NC and 503 UH as Envoy does", async () => {
  const { proxy, gateway } = await proxyOf({
    versions: [{ name: "empty", ports: [] }],
    http: [
      { match: [{ uri: { prefix: "/nc" } }], route: [{ destination: { host: "missing" } }] },
      { match: [{ uri: { prefix: "/uh" } }], route: [{ destination: { host: "empty" } }] },
    ],
  });
  const results = await Promise.all(["/nr", "/nc", "/uh"].map((path) => ask({ port: gateway.port, path })));
  expect(results.map(({ status, body }) => [status, body])).toEqual([
    [404, ""],
    [503, ""],
    [503, "no healthy upstream"],
  ]);
  for (const flag of ["NR", "NC", "UH"])
    expect(metricSum(proxy.metricsText(), "istio_requests_total", `response_flags="${flag}"`)).toBe(1);
});

test("createProxy retries on another endpoint when one refuses connections", async () => {
  const server = await backend((request, response) => response.end(request.headers["x-envoy-attempt-count"]));
  const dead = await deadPort();
  const { proxy, gateway } = await proxyOf({
    versions: [{ name: "web-v1", ports: [dead, server.port] }],
    http: toVersion("web-v1"),
    rules: [{ host: "web-v1", trafficPolicy: { loadBalancer: { simple: "ROUND_ROBIN" } } }],
  });
  const replies = [];
  for (let index = 0; index < 10; index++) replies.push(await ask({ port: gateway.port, method: "POST", body: "x" }));
  expect(replies.every(({ status }) => status === 200)).toBe(true);
  expect(replies.some(({ body }) => body === "2")).toBe(true);
  expect(metricSum(proxy.metricsText(), "istio_requests_total", 'reporter="source"', 'response_code="200"')).toBe(10);
});

test("createProxy reports URX and UF when every endpoint refuses, and only at the source", async () => {
  const { proxy, gateway } = await proxyOf({
    versions: [{ name: "web-v1", ports: [await deadPort()] }],
    http: toVersion("web-v1", { retries: { attempts: 1, backoff: "1ms" } }),
  });
  const reply = await ask({ port: gateway.port });
  expect(reply.status).toBe(503);
  expect(reply.body).toContain("reset reason: remote connection failure");
  expect(metricSum(proxy.metricsText(), "istio_requests_total", 'response_flags="UF,URX"', 'reporter="source"')).toBe(
    1,
  );
  expect(metricSum(proxy.metricsText(), "istio_requests_total", 'reporter="destination"')).toBe(0);
});

test("createProxy counts every attempt at the destination and one request at the source", async () => {
  let count = 0;
  const server = await backend((_, response) => {
    response.statusCode = ++count % 2 === 1 ? 500 : 200;
    response.end();
  });
  const { proxy, gateway } = await proxyTo(server, { retries: { attempts: 2, retryOn: "5xx", backoff: "1ms" } });
  expect((await ask({ port: gateway.port })).status).toBe(200);
  const text = proxy.metricsText();
  expect(metricSum(text, "istio_requests_total", 'reporter="source"')).toBe(1);
  expect(metricSum(text, "istio_requests_total", 'reporter="destination"', 'response_code="500"')).toBe(1);
  expect(metricSum(text, "istio_requests_total", 'reporter="destination"', 'response_code="200"')).toBe(1);
});

test("createProxy repeats idempotent requests whose connection is reset, and no others", async () => {
  let count = 0;
  const server = await rawBackend((socket) => {
    socket.on("data", () => {
      if (++count % 2 === 1) socket.destroy();
      else socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
    });
  });
  const { proxy, gateway } = await proxyTo(server);
  expect((await ask({ port: gateway.port })).body).toBe("ok");
  const posted = await ask({ port: gateway.port, method: "POST", body: "x" });
  expect(posted.status).toBe(503);
  expect(posted.body).toContain("reset reason: connection termination");
  expect(metricSum(proxy.metricsText(), "istio_requests_total", 'response_flags="UC"', 'reporter="source"')).toBe(1);
});

test("createProxy breaks the client's connection off when the endpoint dies in the middle of a body", async () => {
  const server = await rawBackend((socket) => {
    socket.once("data", () => {
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart");
      setImmediate(() => socket.destroy());
    });
  });
  const { proxy, gateway } = await proxyTo(server);
  await expect(ask({ port: gateway.port })).rejects.toThrow(/aborted|socket hang up|ECONNRESET/);
  expect(metricSum(proxy.metricsText(), "istio_requests_total", 'response_code="200"', 'response_flags="UC"')).toBe(2);
});

test("createProxy ends a request at the route's timeout with 504 UT, which the server sees as a client gone", async () => {
  const server = await backend(() => undefined);
  const { proxy, gateway } = await proxyTo(server, { timeout: "60ms" });
  const reply = await ask({ port: gateway.port });
  expect([reply.status, reply.body]).toEqual([504, "upstream request timeout"]);
  const text = proxy.metricsText();
  expect(
    metricSum(text, "istio_requests_total", 'reporter="source"', 'response_code="504"', 'response_flags="UT"'),
  ).toBe(1);
  expect(
    metricSum(text, "istio_requests_total", 'reporter="destination"', 'response_code="0"', 'response_flags="DC"'),
  ).toBe(1);
});

test("createProxy retries a try that takes too long only when retryOn covers resets", async () => {
  let count = 0;
  const server = await backend((_, response) => {
    if (++count % 2 === 0) response.end("late");
  });
  const slow = { attempts: 1, perTryTimeout: "50ms", backoff: "1ms" };
  const first = await proxyTo(server, { retries: { ...slow, retryOn: "reset" } });
  expect((await ask({ port: first.gateway.port })).body).toBe("late");
  const second = await proxyTo(server, { retries: slow });
  expect((await ask({ port: second.gateway.port })).status).toBe(504);
});

test("createProxy injects faults before anything else", async () => {
  const server = await backend((_, response) => response.end("never"));
  const aborting = await proxyTo(server, { fault: { abort: { httpStatus: 555, percentage: { value: 100 } } } });
  expect(await ask({ port: aborting.gateway.port })).toMatchObject({ status: 555, body: "fault filter abort" });
  const text = aborting.proxy.metricsText();
  expect(metricSum(text, "istio_requests_total", 'response_flags="FI"', 'reporter="source"')).toBe(1);
  expect(metricSum(text, "istio_requests_total", 'reporter="destination"')).toBe(0);
  const delaying = await proxyTo(server, { fault: { delay: { fixedDelay: "80ms", percentage: { value: 100 } } } });
  const startedMs = performance.now();
  expect((await ask({ port: delaying.gateway.port, method: "POST", body: "x" })).body).toBe("never");
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(79);
});

test("createProxy sends mirrors a copy with its body and throws their answers away", async () => {
  let onCopy: (copy: string) => void = () => undefined;
  const copied = new Promise<string>((resolve) => {
    onCopy = resolve;
  });
  const shadow = await backend((request, response) => {
    let body = "";
    request.on("data", (data: Buffer) => (body += data.toString()));
    request.on("end", () => {
      response.writeHead(500).end("not seen");
      onCopy(`${request.headers.host} ${body}`);
    });
  });
  const server = await backend((request, response) => request.pipe(response));
  const { gateway } = await proxyOf({
    versions: [
      { name: "web-v1", ports: [server.port] },
      { name: "web-v2", ports: [shadow.port] },
    ],
    http: toVersion("web-v1", { mirror: { host: "web-v2" } }),
  });
  const reply = await ask({ port: gateway.port, method: "POST", body: "the body" });
  expect([reply.status, reply.body]).toEqual([200, "the body"]);
  expect(await copied).toBe("shop.example.com-shadow the body");
});

test("createProxy rewrites, edits headers, redirects and answers directly", async () => {
  const server = await backend((request, response) => {
    response.setHeader("x-secret", "1");
    response.end([request.url, request.headers["x-added"], request.headers["x-envoy-original-path"]].join(" "));
  });
  const headers = {
    request: { set: { "x-added": "yes" } },
    response: { remove: ["x-secret"], add: { "x-more": "1" } },
  };
  const { gateway } = await proxyOf({
    versions: [{ name: "web-v1", ports: [server.port] }],
    http: [
      {
        match: [{ uri: { prefix: "/old/" } }],
        rewrite: { uri: "/new/" },
        headers,
        route: [{ destination: { host: "web-v1" } }],
      },
      { match: [{ uri: { exact: "/moved" } }], redirect: { uri: "/there", redirectCode: 302 } },
      { match: [{ uri: { exact: "/teapot" } }], directResponse: { status: 418, body: { string: "schön" } } },
    ],
  });
  const rewritten = await ask({ port: gateway.port, path: "/old/a?b=c" });
  expect(rewritten.body).toBe("/new/a?b=c yes /old/a?b=c");
  expect(rewritten.headers["x-more"]).toBe("1");
  expect(rewritten.headers).not.toHaveProperty("x-secret");
  const moved = await ask({ port: gateway.port, path: "/moved?x=1" });
  expect([moved.status, moved.headers.location]).toEqual([302, "http://shop.example.com/there?x=1"]);
  expect(await ask({ port: gateway.port, path: "/teapot" })).toMatchObject({ status: 418, body: "schön" });
});
