import { createServer } from "node:net";
import { expect, test } from "vitest";
import type { CanaryWebhook } from "#api";
import type { Clock } from "#base";
import { startLocalServer } from "../local-server.ts";
import { createOutboundHttp } from "./http.ts";
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

test("callWebhook: sends the payload as JSON", async () => {
  const { requests, isPassed } = await callAnswering([200]);
  expect(isPassed).toBe(true);
  expect(JSON.parse(requests[0]?.body ?? "")).toEqual(payload);
  expect(requests[0]?.headers["content-type"]).toBe("application/json");
});

test.each([
  [[202], 0, true, 1],
  [[204], 0, true, 1],
  [[404], 3, false, 1],
  [[501], 3, false, 1],
  [[500, 200], 1, true, 2],
  [[500, 500, 500], 1, false, 2],
  [[429, 200], 1, true, 2],
])("callWebhook: answers %j with %i retries pass: %s after %i requests", async (statuses, retries, isPassed, count) => {
  const answer = await callAnswering(statuses, { retries });
  expect(answer.isPassed).toBe(isPassed);
  expect(answer.requests).toHaveLength(count);
});

test("callWebhook: the body of the answer says why, and Retry-After is kept", async () => {
  expect((await callAnswering([500])).detail).toContain("body 500");
  await callAnswering([429, 200], { retries: 1 });
  expect(waits).toEqual([3000]);
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

test("callWebhook: a body without end is cut", async () => {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.write(`HTTP/1.1 400 Bad\r\n\r\n${"x".repeat(100_000)}`));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  const answer = await call({ url: `http://127.0.0.1:${port}/`, timeout: "2s" });
  expect(answer.detail).toHaveLength(8 * 1024);
  await new Promise((resolve) => server.close(resolve));
});
