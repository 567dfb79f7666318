import { expect, test } from "vitest";
import { silentLog } from "#base";
import { systemClock } from "#kube";
import { startLocalServer } from "../local-server.ts";
import { canary, canaryWith } from "../rehearsal-objects.ts";
import { createEventRelay } from "./event-relay.ts";
import { createOutboundHttp } from "./http.ts";

const payload = { name: "web", namespace: "shop", phase: "Progressing", checksum: "1" };
const event = (message: string) => ({ type: "Normal", message, payload });

test("event relay: sends in order to the Canary's own receivers, else to the global one", async () => {
  const server = await startLocalServer((response) => response.end());
  const http = createOutboundHttp({});
  const signal = new AbortController().signal;
  const relay = createEventRelay({
    globalUrl: `${server.url}/global`,
    http,
    clock: systemClock,
    log: silentLog,
    signal,
  });
  const hook = {
    name: "e",
    type: "event" as const,
    url: `${server.url}/own`,
    metadata: { team: "a", eventType: "mine" },
  };
  relay.send(canary, event("one"));
  relay.send(canaryWith({}, { webhooks: [hook] }), event("two"));
  relay.send(canary, event("three"));
  await relay.flush();
  expect(server.requests.map(({ url, body }) => [url, JSON.parse(body).metadata.eventMessage])).toEqual([
    ["/global", "one"],
    ["/own", "two"],
    ["/global", "three"],
  ]);
  expect(JSON.parse(server.requests[1]?.body ?? "")).toMatchObject({
    phase: "Progressing",
    metadata: { team: "a", eventType: "Normal", timestamp: expect.stringMatching(/^\d{13}$/) },
  });
  await http.close();
  await server.close();
});

test("event relay: without receivers there is nothing to wait for", async () => {
  const http = createOutboundHttp({});
  const signal = new AbortController().signal;
  const relay = createEventRelay({ globalUrl: "", http, clock: systemClock, log: silentLog, signal });
  relay.send(canary, event("one"));
  await expect(relay.flush()).resolves.toBeUndefined();
  await http.close();
});
