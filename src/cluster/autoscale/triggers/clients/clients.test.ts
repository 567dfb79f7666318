import { expect, it } from "vitest";
import { createVirtualClock } from "#testing";
import { startForeignServer } from "../testing/foreign-server.ts";
import { triggerWorld } from "../testing/trigger-fixture.ts";
import { formatAddress, parseAddress } from "./address.ts";
import { clientFailure } from "./client-failure.ts";
import { withDeadline } from "./deadline.ts";
import { createHttpClient, jsonOf } from "./http-client.ts";
import { tlsConnectOf } from "./tls.ts";
import { secretsOfUrl } from "./url-login.ts";

it.each([
  ["redis.shop:6379", { host: "redis.shop", port: 6379 }],
  ["127.0.0.1:1", { host: "127.0.0.1", port: 1 }],
  ["[::1]:65535", { host: "::1", port: 65_535 }],
  ["redis", undefined],
  ["redis:", undefined],
  ["redis:0", undefined],
  ["redis:65536", undefined],
  ["::1:6379", undefined],
  ["[1.2.3.4]:6379", undefined],
  ["redis://redis:6379", undefined],
  ["anna:secret@redis:6379", undefined],
  ["", undefined],
])("parseAddress reads %j, and formatAddress writes it back", (text, address) => {
  expect(parseAddress(text)).toEqual(address);
  if (address !== undefined) expect(formatAddress(address)).toBe(text);
});

it("withDeadline gives what the work gives, and aborts it when it takes too long or is told to stop", async () => {
  const clock = createVirtualClock();
  const stop = new AbortController();
  const options = { clock, timeoutMs: 3000, signals: [stop.signal] };
  expect(await withDeadline(options, () => Promise.resolve(7))).toBe(7);
  await expect(withDeadline(options, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  const signals: AbortSignal[] = [];
  const forever = (signal: AbortSignal) => {
    signals.push(signal);
    return new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(new Error("late"))));
  };
  const slow = withDeadline({ ...options, action: "reading it" }, forever).catch((thrown: unknown) => thrown);
  await clock.advance(2999);
  expect(signals[0]?.aborted).toBe(false);
  await clock.advance(1);
  expect(await slow).toMatchObject({
    code: "TriggerTimeout",
    retryable: true,
    message: "reading it: no answer within 3s",
  });
  expect(signals[0]?.aborted).toBe(true);
  const stopped = withDeadline(options, forever).catch(String);
  stop.abort();
  expect(await stopped).toBe("Failure: it was given up");
  // Nothing is begun that nobody wants.
  await expect(withDeadline(options, forever)).rejects.toMatchObject({ code: "Aborted", retryable: true });
  expect(signals).toHaveLength(2);
});

it("clientFailure names the action once, cuts what is long and hides passwords, halves of them included", () => {
  const inner = new Error("refused p%26ss\n and p&ss");
  const secrets = secretsOfUrl(new URL("amqp://anna:p%26ss@rabbitmq"));
  expect(clientFailure("connect", new Error(inner.message, { cause: inner }), [undefined, ...secrets]).message).toBe(
    "Cannot connect: refused *** and ***",
  );
  expect(clientFailure("read", "x".repeat(500), []).message).toBe(`Cannot read: ${"x".repeat(300)}…`);
  expect(clientFailure("read", `${"x".repeat(297)}secret`, ["secret"]).message).toBe(
    `Cannot read: ${"x".repeat(297)}***`,
  );
  expect(clientFailure("read", new AggregateError([new Error("first"), new Error("second")]), []).message).toBe(
    "Cannot read: first; second",
  );
  expect(clientFailure("read", new Error(""), []).message).toBe("Cannot read: no reason given");
  const failure = clientFailure("read", new Error("a secret", { cause: "b secret" }), ["secret"]);
  expect(failure.message).toBe("Cannot read: a ***: b ***");
  // Whoever prints the chain of causes would print it.
  expect(failure.cause).toBeUndefined();
});

it("tlsConnectOf gives what is there, and a name for SNI only to hosts with a name", () => {
  const none = { ca: undefined, cert: undefined, key: undefined, keyPassword: undefined, isUnsafe: false };
  expect(tlsConnectOf(none, "::1")).toEqual({ rejectUnauthorized: true });
  expect(tlsConnectOf({ ca: "A", cert: "C", key: "K", keyPassword: "P", isUnsafe: true }, "redis.shop")).toEqual({
    ca: "A",
    cert: "C",
    key: "K",
    passphrase: "P",
    rejectUnauthorized: false,
    servername: "redis.shop",
  });
});

it("HttpClient asks the address behind a name by that name, bounds what it reads, and jsonOf reads it", async () => {
  const server = await startForeignServer((request, response) => {
    if (request.url === "/endless") response.end(JSON.stringify("x".repeat(5000)));
    else response.end(request.url === "/page" ? "<html>" : '{"a":1}');
  });
  const world = triggerWorld({ addresses: { "nats/shop": "127.0.0.1" } });
  const client = createHttpClient({ world, namespace: "shop", maxBodyBytes: 1000 });
  const base = `http://nats:${server.port}`;
  const { signal } = new AbortController();
  expect(jsonOf(await client.get(new URL(`${base}/jsz`), signal), "read")).toEqual({ a: 1 });
  expect(server.asked.map(({ headers }) => headers.host)).toEqual([new URL(base).host]);
  const page = await client.get(new URL(`${base}/page`), signal);
  expect(() => jsonOf(page, "read")).toThrow("Cannot read: the server's answer is no JSON");
  expect(() => jsonOf({ ...page, status: 503 }, "read")).toThrow("the server answered with HTTP status 503");
  await expect(client.get(new URL(`${base}/endless`), signal)).rejects.toMatchObject({
    code: "TriggerUnreadable",
    message: `Cannot ask ${base}: the answer is larger than 1000 bytes`,
  });
  await client.close();
  await server.close();
});
