import { expect, onTestFinished, test } from "vitest";
import type { CanaryWebhook } from "#api";
import { silentLog } from "#base";
import { systemClock } from "#kube";
import { createVirtualClock } from "#testing";
import { startLocalServer } from "../local-server.ts";
import { canary, canaryWith } from "../rehearsal-objects.ts";
import { createEventRelay } from "./event-relay.ts";
import { createOutboundHttp } from "./http.ts";

const payload = { name: "web", namespace: "shop", phase: "Progressing", checksum: "1" };
const event = (message: string, phase = "Progressing") => ({
  type: "Normal",
  message,
  payload: { ...payload, phase },
});

type Answer = Parameters<typeof startLocalServer>[0];

async function start(globalPath: string | undefined, answer: Answer = (response) => response.end()) {
  const server = await startLocalServer(answer);
  const http = createOutboundHttp({});
  const clock = createVirtualClock();
  const warnings: unknown[] = [];
  const log = { ...silentLog, warn: (message: string, fields: unknown) => void warnings.push([message, fields]) };
  const globalUrl = globalPath === undefined ? "" : `${server.url}${globalPath}`;
  const relay = createEventRelay({ globalUrl, http, clock, log });
  const hook = (path: string, more: Partial<CanaryWebhook> = {}): CanaryWebhook => ({
    name: "e",
    type: "event",
    url: `${server.url}${path}`,
    ...more,
  });
  onTestFinished(async () => {
    await http.close();
    await server.close();
  });
  const messagesAt = (path: string) =>
    server.requests.filter(({ url }) => url === path).map(({ body }) => JSON.parse(body).metadata.eventMessage);
  return { server, relay, clock, warnings, hook, messagesAt };
}

test("event relay: the Canary's own receivers take the place of the global one, each in order", async () => {
  const { relay, hook, messagesAt } = await start("/global");
  const own = canaryWith({}, { webhooks: [hook("/a"), hook("/b")] });
  relay.send(canary, event("one"));
  relay.send(own, event("two"));
  relay.send(canary, event("three"));
  relay.send(own, event("four"));
  await relay.flush();
  expect(messagesAt("/global")).toEqual(["one", "three"]);
  expect(messagesAt("/a")).toEqual(["two", "four"]);
  expect(messagesAt("/b")).toEqual(["two", "four"]);
});

test("event relay: hooks of other types are no receivers", async () => {
  const { relay, hook, messagesAt, server } = await start("/global");
  relay.send(canaryWith({}, { webhooks: [hook("/gate", { type: "confirm-rollout" })] }), event("one"));
  await relay.flush();
  expect(messagesAt("/global")).toEqual(["one"]);
  expect(server.requests).toHaveLength(1);
});

test("event relay: receivers get message, type, time and phase, with the hook's metadata that does not collide (pinned 16)", async () => {
  const { relay, hook, server, clock } = await start(undefined);
  const own = hook("/", { metadata: { team: "a", eventType: "mine", eventMessage: "mine" } });
  const sent = [
    ["Confirm-rollout check approval passed", "Initialized"],
    ["New revision detected! Scaling up web.shop", "Progressing"],
    ["Advance web.shop primary weight 100", "Promoting"],
    ["Promotion completed! Scaling down web.shop", "Succeeded"],
  ] as const;
  for (const [message, phase] of sent) relay.send(canaryWith({}, { webhooks: [own] }), event(message, phase));
  await relay.flush();
  expect(server.requests.map(({ body }) => JSON.parse(body))).toEqual(
    sent.map(([eventMessage, phase]) => ({
      name: "web",
      namespace: "shop",
      phase,
      checksum: "1",
      metadata: { team: "a", eventMessage, eventType: "Normal", timestamp: String(clock.nowMs()) },
    })),
  );
});

test("event relay: a receiver that hangs delays nobody else and is given up at the end", async () => {
  const { relay, hook, messagesAt, clock, server } = await start(undefined, (response, { url }) => {
    if (url !== "/hangs") response.end();
  });
  const both = canaryWith({}, { webhooks: [hook("/hangs"), hook("/fine")] });
  for (const message of ["one", "two", "three"]) relay.send(both, event(message));
  const flushed = relay.flush();
  await expect.poll(() => messagesAt("/fine"), { timeout: 20_000 }).toEqual(["one", "two", "three"]);
  await expect.poll(() => messagesAt("/hangs"), { timeout: 20_000 }).toEqual(["one"]);
  await clock.advance(5000);
  await flushed;
  expect(server.requests).toHaveLength(4);
});

test("event relay: of too many that wait, the oldest is dropped", async () => {
  const { relay, hook, messagesAt, warnings } = await start(undefined);
  const own = canaryWith({}, { webhooks: [hook("/")] });
  for (let index = 0; index < 502; index++) relay.send(own, event(String(index)));
  await relay.flush();
  expect(warnings).toHaveLength(2);
  expect(messagesAt("/")).toEqual(Array.from({ length: 500 }, (_, index) => String(index + 2)));
});

test("event relay: a failure is logged, and the next event is sent", async () => {
  const { relay, hook, messagesAt, warnings } = await start(undefined, (response, { count }) =>
    response.writeHead(count === 1 ? 404 : 200).end("no such path"),
  );
  const own = canaryWith({}, { webhooks: [hook("/")] });
  relay.send(own, event("one"));
  relay.send(own, event("two"));
  await relay.flush();
  expect(messagesAt("/")).toEqual(["one", "two"]);
  expect(warnings).toEqual([["event webhook failed", { hook: "e", error: "no such path" }]]);
});

test("event relay: without receivers there is nothing to wait for", async () => {
  const http = createOutboundHttp({});
  const relay = createEventRelay({ globalUrl: "", http, clock: systemClock, log: silentLog });
  relay.send(canary, event("one"));
  await expect(relay.flush()).resolves.toBeUndefined();
  await http.close();
});
