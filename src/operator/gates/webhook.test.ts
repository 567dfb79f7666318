import type { ServerResponse } from "node:http";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import type { CanaryWebhook } from "#api";
import type { Clock } from "#base";
import { startLocalServer } from "../local-server.ts";
import { createOutboundHttp } from "./http.ts";
import { startSelfSignedServer } from "./self-signed-server.ts";
import { callWebhook, type WebhookPayload } from "./webhook.ts";

const payload: WebhookPayload = {
  name: "web",
  namespace: "shop",
  phase: "Progressing",
  checksum: "1",
  metadata: { a: "b" },
};
/** Waits are noted, not waited for. */
const waits: number[] = [];
const clock: Clock = {
  nowMs: () => 0,
  after: (delayMs, callback) => {
    waits.push(delayMs);
    queueMicrotask(callback);
    return () => undefined;
  },
};

async function call(hook: Partial<CanaryWebhook>, env: Record<string, string> = {}) {
  const http = createOutboundHttp(env);
  waits.length = 0;
  try {
    const full = { name: "gate", url: "http://127.0.0.1:1/", ...hook };
    return await callWebhook(full, payload, { http, clock, signal: new AbortController().signal });
  } finally {
    await http.close();
  }
}

async function callAnswering(statuses: number[], hook: Partial<CanaryWebhook> = {}) {
  const server = await startLocalServer((response, { count }) => {
    const status = statuses[Math.min(count, statuses.length) - 1] ?? 200;
    response.writeHead(status, status === 429 ? { "retry-after": "3" } : {}).end(status < 300 ? "" : `body ${status}`);
  });
  try {
    return { ...(await call({ url: server.url, ...hook })), requests: server.requests };
  } finally {
    await server.close();
  }
}

test("callWebhook: posts name, namespace, phase, checksum and metadata as JSON, and nothing else (pinned 22)", async () => {
  const { requests, isPassed } = await callAnswering([200]);
  expect(isPassed).toBe(true);
  expect(JSON.parse(requests[0]?.body ?? "")).toEqual(payload);
  expect(Object.keys(JSON.parse(requests[0]?.body ?? ""))).toEqual([
    "name",
    "namespace",
    "phase",
    "checksum",
    "metadata",
  ]);
  expect(requests[0]?.headers["content-type"]).toBe("application/json");
});

test.each([
  [[202], 0, true, 1],
  [[204], 0, true, 1],
  [[404], 3, false, 1],
  [[501], 3, false, 1],
  [[500], 0, false, 1],
  [[503, 502, 200], 2, true, 3],
  [[304], 3, false, 1],
  [[500, 200], 1, true, 2],
  [[500, 500, 500], 1, false, 2],
  [[429, 200], 1, true, 2],
])(
  "callWebhook: answers %j with %i retries pass: %s after %i requests (pinned 22)",
  async (statuses, retries, isPassed, count) => {
    const answer = await callAnswering(statuses, { retries });
    expect(answer.isPassed).toBe(isPassed);
    expect(answer.requests).toHaveLength(count);
  },
);

test("callWebhook: the body of the answer says why, after Flagger's words where it gives up", async () => {
  expect((await callAnswering([403])).detail).toBe("body 403");
  const { detail } = await callAnswering([500, 500], { retries: 1 });
  expect(detail).toMatch(/^POST http:\/\/127\.0\.0\.1:\d+\/ giving up after 2 attempt\(s\): body 500$/);
});

test("callWebhook: waits twice as long each time, or as Retry-After says", async () => {
  await callAnswering([500], { retries: 7 });
  expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  await callAnswering([429, 200], { retries: 1 });
  expect(waits).toEqual([3000]);
});

test("callWebhook: shows neither control characters nor credentials of the address", async () => {
  const server = await startLocalServer((response) => response.writeHead(500).end("\u001b[31mred\u0000\r\n  x\u202e"));
  const url = `${server.url.replace("://", "://user:secret@")}/hook?token=secret`;
  const { detail } = await call({ url });
  expect(detail).toBe(`POST ${server.url}/hook giving up after 1 attempt(s): red x`);
  await server.close();
});

test("callWebhook: checks the server's certificate unless disableTLS is set (pinned 22)", async () => {
  const server = await startSelfSignedServer();
  expect((await call({ url: server.url, disableTLS: true })).isPassed).toBe(true);
  expect(await call({ url: server.url })).toEqual({
    isPassed: false,
    detail: expect.stringMatching(/self.signed certificate/),
  });
  await server.close();
});

test.each([
  [307, "POST", payload],
  [308, "POST", payload],
  [302, "GET", undefined],
])("callWebhook: follows a %i with a %s", async (status, method, body) => {
  const methods: (string | undefined)[] = [];
  const server = await startLocalServer((response, { url }) => {
    methods.push(response.req.method);
    if (url === "/old") response.writeHead(status, { location: "/new" }).end();
    else response.end();
  });
  expect((await call({ url: `${server.url}/old` })).isPassed).toBe(true);
  expect(methods).toEqual(["POST", method]);
  const last = server.requests[1]?.body ?? "";
  expect(last === "" ? undefined : JSON.parse(last)).toEqual(body);
  await server.close();
});

test("callWebhook: redirects without end fail", async () => {
  const server = await startLocalServer((response, { count }) =>
    response.writeHead(307, { location: `/${count}` }).end(),
  );
  expect((await call({ url: server.url })).detail).toBe("the hook answered 307");
  expect(server.requests).toHaveLength(11);
  await server.close();
});

test("callWebhook: a server that hangs is given up after the timeout", async () => {
  const server = await startLocalServer(() => undefined);
  const answer = await call({ url: server.url, timeout: "50ms" });
  expect(answer).toEqual({ isPassed: false, detail: expect.stringContaining("no answer within 50 ms") });
  await server.close();
});

test("callWebhook: goes through http_proxy in absolute form, but not to the hosts of no_proxy", async () => {
  const proxy = await startLocalServer((response) => response.end());
  const through = { http_proxy: proxy.url, no_proxy: "127.0.0.1,localhost" };
  expect((await call({ url: "http://gate.shop/confirm" }, through)).isPassed).toBe(true);
  expect(proxy.requests.map((request) => [request.url, request.headers.host])).toEqual([
    ["http://gate.shop/confirm", "gate.shop"],
  ]);
  const direct = await startLocalServer((response) => response.end());
  expect((await call({ url: direct.url }, through)).isPassed).toBe(true);
  expect(proxy.requests).toHaveLength(1);
  await proxy.close();
  await direct.close();
});

test("callWebhook: a hook that takes long does not hold up others on their way through the proxy", async () => {
  const slow: ServerResponse[] = [];
  const proxy = await startLocalServer((response, { url }) => {
    if (url.endsWith("/slow")) slow.push(response);
    else response.end();
  });
  const http = createOutboundHttp({ http_proxy: proxy.url });
  const context = { http, clock, signal: new AbortController().signal };
  const first = callWebhook({ name: "slow", url: "http://gate.shop/slow" }, payload, context);
  await expect.poll(() => slow, { timeout: 20_000 }).toHaveLength(1);
  const second = await callWebhook({ name: "fast", url: "http://gate.shop/fast" }, payload, context);
  expect(second.isPassed).toBe(true);
  slow[0]?.end();
  expect((await first).isPassed).toBe(true);
  await http.close();
  await proxy.close();
});

test("callWebhook: a body without end is cut", async () => {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.write(`HTTP/1.1 400 Bad\r\n\r\n${"x".repeat(100_000)}`));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  const answer = await call({ url: `http://127.0.0.1:${port}/` });
  expect(answer.detail).toBe(`${"x".repeat(511)}…`);
  await new Promise((resolve) => server.close(resolve));
});

test("callWebhook: logs in with the user of the address, and tells neither it nor the query when the hook repeats them", async () => {
  const server = await startLocalServer((response, { url }) => response.writeHead(401).end(`wrong: ann:s3cret ${url}`));
  const { host } = new URL(server.url);
  const { isPassed, detail } = await call({ url: `http://ann:s3cret@${host}/gate?token=abcdef123` });
  await server.close();
  expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([
    `Basic ${Buffer.from("ann:s3cret").toString("base64")}`,
  ]);
  expect(isPassed).toBe(false);
  expect(detail).toBe("wrong: *** /gate***");
});
