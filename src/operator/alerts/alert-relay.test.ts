import { expect, onTestFinished, test } from "vitest";
import type { AlertProvider, CanaryAlert, Secret } from "#api";
import { seededRandom, silentLog } from "#base";
import { createVirtualClock } from "#testing";
import { createOutboundHttp } from "../gates/index.ts";
import { startLocalServer } from "../local-server.ts";
import { alertAbout, alertingCanary, lookupsOf, provider, secret } from "./alert-scene.ts";
import { createAlertRelay } from "./alert-relay.ts";
import { type GlobalAlertSettings, globalAlertSettings } from "./global-settings.ts";

type Answer = Parameters<typeof startLocalServer>[0];
const nothing = globalAlertSettings(() => "", {});

async function start(answer: Answer = (response) => response.end("ok")) {
  const server = await startLocalServer(answer);
  const http = createOutboundHttp({});
  const clock = createVirtualClock();
  const stop = new AbortController();
  const lines: [string, Record<string, unknown>][] = [];
  const log = {
    ...silentLog,
    warn: (message: string, fields?: Readonly<Record<string, unknown>>) => void lines.push([message, { ...fields }]),
  };
  onTestFinished(async () => {
    await http.close();
    await server.close();
  });
  return {
    server,
    clock,
    lines,
    stop: () => stop.abort(),
    bodies: () => server.requests.map(({ body }) => JSON.parse(body)),
    texts: () => server.requests.map(({ body }) => JSON.parse(body).attachments[0].text),
    relay: (
      objects: readonly (AlertProvider | Secret)[],
      more: { global?: GlobalAlertSettings; clusterName?: string } = {},
    ) =>
      createAlertRelay({
        lookups: lookupsOf(objects),
        http,
        clock,
        random: seededRandom(1),
        log,
        signal: stop.signal,
        clusterName: "",
        global: nothing,
        ...more,
      }),
  };
}

function entry(changes: Partial<CanaryAlert> = {}): CanaryAlert {
  return { name: "a", severity: "info", providerRef: { name: "on-call" }, ...changes };
}

test("alert relay: posts for a providerRef with and without namespace (pinned 14)", async () => {
  const { server, relay, bodies } = await start();
  const sender = relay([provider({ type: "slack", address: server.url })]);
  sender.send(alertAbout(alertingCanary([entry()])));
  const named = entry({ providerRef: { name: "on-call", namespace: "default" } });
  sender.send(alertAbout(alertingCanary([named]), { message: "again" }));
  await sender.flush();
  expect(bodies().map(({ attachments: [{ author_name, text }] }) => [author_name, text])).toEqual([
    ["podinfo.default", "hi"],
    ["podinfo.default", "again"],
  ]);
});

test.each([
  ["info", ["info", "warn", "error"]],
  ["warn", ["warn", "error"]],
  ["error", ["error"]],
  ["", ["info", "warn", "error"]],
  [undefined, ["info", "warn", "error"]],
] as const)("alert relay: severity %j gets %j", async (severity, expected) => {
  const { server, relay, texts } = await start();
  const sender = relay([provider({ type: "slack", address: server.url })]);
  const { severity: _, ...bare } = entry();
  const canary = alertingCanary([severity === undefined ? bare : entry({ severity })]);
  for (const level of ["info", "warn", "error"] as const)
    sender.send(alertAbout(canary, { severity: level, message: level }));
  await sender.flush();
  expect(texts()).toEqual(expected);
});

test("alert relay: a receiver that keeps a state hears of the end, whatever its severity", async () => {
  const { server, relay, bodies } = await start();
  const sender = relay([
    provider({ type: "pagerduty", address: server.url, secretRef: { name: "keys" } }),
    secret({ token: "key" }),
  ]);
  const canary = alertingCanary([entry({ severity: "error" })]);
  sender.send(alertAbout(canary, { severity: "warn", message: "waiting" }));
  sender.send(alertAbout(canary, { severity: "error", isTerminal: true }));
  sender.send(alertAbout(canary, { severity: "info", isTerminal: true }));
  await sender.flush();
  expect(bodies().map(({ event_action }) => event_action)).toEqual(["trigger", "resolve"]);
});

test("alert relay: each entry on its own; a bad one is logged once and stops no other", async () => {
  const { server, relay, texts, lines } = await start();
  const sender = relay([provider({ type: "slack", address: server.url })]);
  const canary = alertingCanary([entry({ providerRef: { name: "missing" } }), entry()]);
  sender.send(alertAbout(canary, { message: "one" }));
  sender.send(alertAbout(canary, { message: "two" }));
  await sender.flush();
  expect(texts()).toEqual(["one", "two"]);
  expect(lines).toEqual([
    [
      "alerts cannot be sent",
      { canary: "podinfo.default", problem: expect.stringContaining('AlertProvider "default/missing" does not exist') },
    ],
  ]);
});

test("alert relay: without alerts of its own a Canary uses the global notifier, Teams before Slack", async () => {
  const { server, relay, bodies } = await start();
  const flags: Record<string, string> = { "slack-url": "https://chat.test", "slack-channel": "ops" };
  const slackEnv = { SLACK_URL: `${server.url}/slack`, SLACK_TOKEN: "xoxb-1" };
  const slack = globalAlertSettings((name) => flags[name] ?? "", slackEnv);
  const teams = globalAlertSettings((name) => flags[name] ?? "", { ...slackEnv, MSTEAMS_URL: `${server.url}/teams` });
  const onSlack = relay([], { global: slack, clusterName: "eu" });
  const onTeams = relay([], { global: teams });
  onSlack.send(alertAbout(alertingCanary([])));
  await onSlack.flush();
  onTeams.send(alertAbout(alertingCanary([])));
  await onTeams.flush();
  expect(server.requests.map(({ url, headers }) => [url, headers.authorization])).toEqual([
    ["/slack", "Bearer xoxb-1"],
    ["/teams", undefined],
  ]);
  expect(bodies()[0]).toMatchObject({
    channel: "ops",
    username: "flagger",
    attachments: [{ fields: [{ title: "Cluster", value: "eu" }] }],
  });
});

test("alert relay: Slack without a channel is off and says so; without any notifier nothing is said", async () => {
  const { relay, lines } = await start();
  const slack = globalAlertSettings(() => "", { SLACK_URL: "https://chat.test/T0P" });
  for (const global of [slack, nothing]) {
    const sender = relay([], { global });
    sender.send(alertAbout(alertingCanary([])));
    sender.send(alertAbout(alertingCanary([]), { message: "again" }));
    await sender.flush();
  }
  expect(lines).toHaveLength(1);
  expect(lines[0]?.[1].problem).toContain("-slack-channel: must be set");
});

test("alert relay: shows the reason last", async () => {
  const { server, relay, bodies } = await start();
  const sender = relay([provider({ type: "slack", address: server.url })]);
  const fields = [{ title: "Target", value: "Deployment/podinfo.default" }];
  sender.send(alertAbout(alertingCanary([entry()]), { fields, reason: "the error rate was 7%" }));
  await sender.flush();
  expect(bodies()[0].attachments[0].fields).toEqual([
    { ...fields[0], short: false },
    { title: "Why", value: "the error rate was 7%", short: false },
  ]);
});

test("alert relay: the end of a release is told once, though its reconcile is repeated", async () => {
  const { server, relay, texts } = await start();
  const sender = relay([provider({ type: "slack", address: server.url })]);
  const canary = alertingCanary([entry()]);
  const failed = { severity: "error", isTerminal: true } as const;
  sender.send(alertAbout(canary, { ...failed, message: "Promotion failed, 1 of 2 ready" }));
  sender.send(alertAbout(canary, { ...failed, message: "Promotion failed, 0 of 2 ready" }));
  sender.send(alertAbout(canary, { severity: "info", isTerminal: true, message: "finished after all" }));
  const status = { ...canary.status, lastTransitionTime: "2026-01-01T00:05:00Z" };
  sender.send(alertAbout({ ...canary, status }, { ...failed, message: "the second run failed too" }));
  await sender.flush();
  expect(texts()).toEqual(["Promotion failed, 1 of 2 ready", "finished after all", "the second run failed too"]);
});

test("alert relay: the token is sent, the Secret's address goes before the provider's", async () => {
  const { server, relay } = await start();
  const spec = { type: "slack", address: "https://chat.test/other", secretRef: { name: "keys" } };
  const sender = relay([provider(spec), secret({ address: `${server.url}/own\n`, token: "xoxb-1" })]);
  sender.send(alertAbout(alertingCanary([entry()])));
  await sender.flush();
  expect(server.requests.map(({ url, headers }) => [url, headers.authorization])).toEqual([["/own", "Bearer xoxb-1"]]);
});

test("alert relay: goes through the provider's own proxy", async () => {
  const { server, relay } = await start();
  const sender = relay([provider({ type: "slack", address: "http://chat.test/hook", proxy: server.url })]);
  sender.send(alertAbout(alertingCanary([entry()])));
  await sender.flush();
  expect(server.requests.map(({ url }) => url)).toEqual(["http://chat.test/hook"]);
});

test("alert relay: no secret gets into the log, even when the receiver answers with it", async () => {
  const { server, relay, lines, clock, stop } = await start((response, { url }) =>
    response.writeHead(403).end(`no such hook ${url} for xoxb-T0P`),
  );
  const spec = { type: "slack", secretRef: { name: "keys" } };
  const address = `${server.url}/services/T0P%2DSECRET?sig=T0PSIG`;
  const sender = relay([provider(spec), secret({ address, token: "xoxb-T0P" })]);
  sender.send(alertAbout(alertingCanary([entry()])));
  await sender.flush();
  const unreachable = relay([provider(spec), secret({ address: "http://127.0.0.1:1/services/T0P-SECRET" })]);
  unreachable.send(alertAbout(alertingCanary([entry()])));
  stop();
  const flushed = unreachable.flush();
  await clock.advance(0);
  await flushed;
  expect(lines.map(([message]) => message)).toEqual(["alert not sent", "alert not sent"]);
  expect(lines[0]?.[1]).toMatchObject({
    provider: "default/on-call",
    error: "it answered 403: no such hook *** for ***",
  });
  expect(JSON.stringify(lines)).not.toMatch(/T0P|SECRET/);
});

test("alert relay: at the end it waits ten seconds for receivers that do not answer, and says what was lost", async () => {
  const { server, relay, lines, clock, stop } = await start(() => undefined);
  const sender = relay([provider({ type: "slack", address: server.url })]);
  sender.send(alertAbout(alertingCanary([entry()]), { message: "one" }));
  sender.send(alertAbout(alertingCanary([entry()]), { message: "two" }));
  sender.send(alertAbout(alertingCanary([entry()]), { message: "three" }));
  stop();
  const flushed = sender.flush();
  await expect.poll(() => server.requests, { timeout: 20_000 }).toHaveLength(1);
  await clock.advance(5000);
  await expect.poll(() => server.requests, { timeout: 20_000 }).toHaveLength(2);
  await clock.advance(5000);
  await flushed;
  expect(server.requests).toHaveLength(2);
  expect(lines.map(([, { error }]) => error)).toEqual([
    "no answer within 5000 ms",
    expect.any(String),
    "the operator ended",
  ]);
  sender.send(alertAbout(alertingCanary([entry()]), { message: "too late" }));
  expect(server.requests).toHaveLength(2);
});
