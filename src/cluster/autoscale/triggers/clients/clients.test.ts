import { createServer } from "node:http";
import { Agent } from "undici";
import { expect, it } from "vitest";
import { createVirtualClock } from "#testing";
import { formatAddress, parseAddress } from "./address.ts";
import { clientFailure, passwordsOf } from "./client-failure.ts";
import { withDeadline } from "./deadline.ts";
import { getJson } from "./http-json.ts";
import { tlsConnectOf } from "./tls.ts";

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
  const options = { clock, timeoutMs: 3000, signal: stop.signal };
  expect(await withDeadline(() => Promise.resolve(7), options)).toBe(7);
  await expect(withDeadline(() => Promise.reject(new Error("no")), options)).rejects.toThrow("no");
  const signals: AbortSignal[] = [];
  const forever = (signal: AbortSignal) => {
    signals.push(signal);
    return new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(new Error("late"))));
  };
  const slow = withDeadline(forever, options).catch(String);
  await clock.advance(2999);
  expect(signals[0]?.aborted).toBe(false);
  await clock.advance(1);
  expect(await slow).toBe("Failure: no answer within 3s");
  expect(signals[0]?.aborted).toBe(true);
  const stopped = withDeadline(forever, options).catch(String);
  stop.abort();
  expect(await stopped).toBe("Failure: it was told to stop");
  await expect(withDeadline(forever, options)).rejects.toMatchObject({ code: "TriggerUnreadable", retryable: true });
  expect(signals).toHaveLength(2);
});

it("clientFailure names the action once, cuts what is long and hides passwords", () => {
  const inner = new Error("refused p%26ss and p&ss");
  const secrets = passwordsOf(new URL("amqp://anna:p%26ss@rabbitmq"));
  expect(clientFailure("connect", new Error(inner.message, { cause: inner }), [undefined, ...secrets]).message).toBe(
    "connect: refused *** and ***",
  );
  expect(clientFailure("read", "x".repeat(500), []).message).toBe(`read: ${"x".repeat(300)}…`);
  expect(clientFailure("read", new AggregateError([new Error("first"), new Error("second")]), []).message).toBe(
    "read: first",
  );
  expect(clientFailure("read", new Error(""), []).message).toBe("read: no reason given");
  const failure = clientFailure("read", new Error("a secret", { cause: "b secret" }), ["secret"]);
  expect(failure.message).toBe("read: a ***: b ***");
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

it("getJson asks the address behind a name by that name, and bounds what it reads", async () => {
  const hosts: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    hosts.push(request.headers.host);
    if (request.url === "/endless") response.end(JSON.stringify("x".repeat(5000)));
    else response.end('{"a":1}');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const base = `http://nats:${typeof address === "object" ? address?.port : 0}`;
  const dispatcher = new Agent();
  const { signal } = new AbortController();
  const resolve = (host: string): string => (host === "nats" ? "127.0.0.1" : host);
  const call = { dispatcher, resolve, timeoutMs: 3000, maxBodyBytes: 1000, signal };
  expect(await getJson({ ...call, url: new URL(`${base}/jsz`) })).toEqual({ a: 1 });
  expect(hosts).toEqual([new URL(base).host]);
  await expect(getJson({ ...call, url: new URL(`${base}/endless`) })).rejects.toThrow(
    "the server's answer is larger than 1000 bytes",
  );
  await dispatcher.destroy();
  server.close();
});
