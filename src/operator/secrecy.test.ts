import { randomBytes } from "node:crypto";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Writable } from "node:stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Canary, type CanaryAnalysis, type ConfigMap, type Event, type KubeObject, resources } from "#api";
import { startTestApiServer, type TestApiServer } from "#testing";
import { secret } from "./bad-input-cases.ts";
import { readRuns } from "./records/index.ts";
import { type Rehearsal, startRehearsal } from "./rehearsal.ts";
import { canary, canaryWith, deployment } from "./rehearsal-objects.ts";
import { createJsonLog, createRolloutMetrics, type Tracer } from "./telemetry/index.ts";

/**
 * Secrets are planted wherever one can stand, everything that is asked fails in every way and repeats what it was asked,
 * and none of them is found in what the operator tells.
 */

const NAMESPACE = "secrecy";
/** Of each receiver; the ways to fail take turns. */
const ROUND_COUNT = 12;

let server: TestApiServer;
let rehearsal: Rehearsal;
let parrot: Parrot;
const planted: string[] = [];

beforeAll(async () => {
  server = await startTestApiServer();
  rehearsal = await startRehearsal(server);
  parrot = await startParrot();
});

afterAll(async () => {
  await rehearsal.close();
  await parrot.close();
  await server.close();
});

function plant(): string {
  const value = randomBytes(12).toString("hex");
  planted.push(value);
  return value;
}

/** A server that repeats all it is told. */
interface Parrot {
  readonly port: number;
  /** Bodies by the first part of the path. */
  readonly bodies: ReadonlyMap<string, readonly string[]>;
  close(): Promise<void>;
}

const ways: readonly ((response: ServerResponse, words: string) => void)[] = [
  (response, words) => response.writeHead(401).end(words),
  (response, words) => response.writeHead(401).end(JSON.stringify({ status: "error", error: words, message: words })),
  (response, words) => response.writeHead(400).end(JSON.stringify({ status: "error", error: words, errors: [words] })),
  (response, words) => response.writeHead(422).end(words),
  (response, words) => response.writeHead(500).end(`<html>${words}</html>`),
  (response, words) => response.writeHead(302, { location: `/again?${encodeURIComponent(words)}` }).end(words),
  (response, words) => response.writeHead(200).end(words),
  (response, words) => response.writeHead(200).end(JSON.stringify({ value: words, data: { result: words } })),
  (response) => response.destroy(),
];
/** A hook that answers 200 has passed, and is not asked again. */
const hookWays = ways.filter((_, index) => index !== 6 && index !== 7);
const hooks = ["pre-rollout", "confirm-rollout", "rollback", "again"] as const;

async function startParrot(): Promise<Parrot> {
  const bodies = new Map<string, string[]>();
  const open: Server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => (body += chunk));
    request.on("end", () => {
      const { url = "", headers } = request;
      const name = url.split(/[/?]/)[1] ?? "";
      const known = bodies.get(name) ?? [];
      bodies.set(name, [...known, body]);
      const [, encoded = ""] = (headers.authorization ?? "").split(" ");
      const words = [
        url,
        decodeURIComponent(url),
        headers.authorization,
        Buffer.from(encoded, "base64").toString(),
        body,
      ];
      const own = Object.entries(headers).filter(([header]) => header.startsWith("x-") || header.includes("key"));
      const all = hooks.some((hook) => hook === name) ? hookWays : ways;
      const way = name === "again" ? ways[4] : all[known.length % all.length];
      way?.(response, `refused: ${[...words, ...own.map(([, value]) => value)].join(" ")}`);
    });
  });
  await new Promise<void>((resolve) => open.listen(0, "127.0.0.1", resolve));
  return {
    port: (open.address() as AddressInfo).port,
    bodies,
    close: () =>
      new Promise((resolve) => {
        open.close(() => resolve());
        open.closeAllConnections();
      }),
  };
}

/** An address with a login and a token. */
function addressOf(name: string): string {
  const [user, password] = [plant(), plant()];
  planted.push(`${user}:${password}`);
  return `http://${user}:${password}@127.0.0.1:${parrot.port}/${name}?token=${plant()}`;
}

function object(kind: string, name: string, spec: object): KubeObject {
  return { apiVersion: "flagger.app/v1beta1", kind, metadata: { name }, spec } as KubeObject;
}

/** Keys of each provider's Secret. */
const providers: Readonly<Record<string, readonly string[]>> = {
  prometheus: ["token"],
  datadog: ["datadog_api_key", "datadog_application_key"],
  graphite: ["username", "password"],
  influxdb: ["token", "org"],
  newrelic: ["newrelic_account_id", "newrelic_query_key"],
  dynatrace: ["dynatrace_token"],
  externalmetrics: ["token"],
};
const queries: Readonly<Record<string, string>> = {
  externalmetrics: "shop/errors",
};

function canaryOf(name: string, analysis: Partial<CanaryAnalysis>): KubeObject[] {
  const own = canaryWith(
    { targetRef: { ...canary.spec.targetRef, name } },
    { threshold: 10_000, metrics: [], ...analysis },
  );
  const { template } = deployment.spec;
  const [container] = template.spec.containers;
  if (container === undefined) throw new Error("the Deployment has no container");
  const env = { ...container, envFrom: [{ secretRef: { name: "app" } }] };
  const target = {
    ...deployment,
    spec: { ...deployment.spec, template: { ...template, spec: { containers: [env] } } },
  };
  return [
    { ...target, metadata: { name } },
    { ...own, metadata: { name } },
  ];
}

function metricCanary(type: string): KubeObject[] {
  const keys = providers[type] ?? [];
  const values = Object.fromEntries(keys.map((key) => [key, plant()]));
  const provider = {
    type,
    address: addressOf(type),
    secretRef: { name: `keys-${type}` },
    headers: { "X-Scope": [plant()] },
  };
  const template = object("MetricTemplate", type, { provider, query: queries[type] ?? "sum(up)" });
  const metrics = [{ name: "errors", templateRef: { name: type }, thresholdRange: { max: 1 }, interval: "1m" }];
  const webhooks = [{ name: "told", type: "event" as const, url: addressOf("told") }];
  return [secret(`keys-${type}`, values), template, ...canaryOf(type, { metrics, webhooks })];
}

function hookCanary(type: "pre-rollout" | "confirm-rollout" | "rollback"): KubeObject[] {
  const url = addressOf(type);
  const tls = `https://${plant()}:${plant()}@127.0.0.1:${parrot.port}/${type}?token=${plant()}`;
  const refused = `http://${plant()}:${plant()}@127.0.0.1:1/${type}?token=${plant()}`;
  const webhooks = [
    { name: "answers", type, url },
    { name: "speaks-tls", type, url: tls },
    { name: "is-down", type, url: refused },
  ];
  const alerts = [{ name: "chat", severity: "info" as const, providerRef: { name: "chat" } }];
  if (type !== "rollback") return canaryOf(type, { webhooks: webhooks.slice(0, 1), alerts });
  // It is asked at every step of a release that never ends.
  const metrics = [{ name: "errors", templateRef: { name: "prometheus" }, thresholdRange: { max: 1 } }];
  return canaryOf(type, { webhooks, alerts, metrics });
}

async function told(log: readonly string[], spans: readonly unknown[], metrics: string): Promise<string> {
  const { items: events } = await rehearsal.client.list<Event>(resources.events, { namespace: NAMESPACE });
  const { items: canaries } = await rehearsal.client.list<Canary>(resources.canaries, { namespace: NAMESPACE });
  const { items: maps } = await rehearsal.client.list<ConfigMap>(resources.configMaps, { namespace: NAMESPACE });
  const runs = maps.filter(({ metadata }) => metadata.name?.endsWith("-serin-runs")).map(readRuns);
  const checks = runs.flatMap((read) => read.runs.flatMap(({ records }) => records.flatMap((record) => record.checks)));
  // Without a check that failed the records would have had nothing to tell.
  expect(checks.filter(({ verdict }) => verdict !== "passed").length).toBeGreaterThan(5);
  // Alerts and hooks tell others; what a receiver needs to know who writes is in the headers.
  const sent = [...parrot.bodies].filter(([name]) => ["chat", "global", "told", "pre-rollout"].includes(name));
  return [
    ...log,
    metrics,
    ...[events, canaries.map(({ status }) => status), spans, sent, runs].map((each) => JSON.stringify(each)),
  ].join("\n");
}

test("no secret is in a log, event, status, alert, hook, metric, span or record of a run, however what is asked fails", async () => {
  const log: string[] = [];
  const sink = new Writable({ write: (chunk: Buffer, _, done) => (log.push(chunk.toString()), done()) });
  const jsonLog = createJsonLog("debug", sink);
  if (jsonLog === undefined) throw new Error("debug is no level");
  const spans: unknown[] = [];
  const tracer: Tracer = {
    isOn: true,
    span: (name, attributes, work) => (spans.push(name, attributes), work({ set: (more) => void spans.push(more) })),
    close: async () => undefined,
  };
  const types = Object.keys(providers);
  const chat = { type: "slack", address: `${addressOf("chat")}`, secretRef: { name: "chat" } };
  const objects = [
    secret("app", { DATABASE_URL: `postgres://app:${plant()}@db/shop` }),
    secret("chat", { token: plant() }),
    object("AlertProvider", "chat", chat),
    ...types.flatMap(metricCanary),
    ...(["pre-rollout", "confirm-rollout", "rollback"] as const).flatMap(hookCanary),
  ];
  await rehearsal.createNamespace(NAMESPACE, objects);
  const end = new AbortController();
  const metrics = createRolloutMetrics({ version: "0", meshProvider: "istio" });
  const slack = {
    url: `http://127.0.0.1:${parrot.port}/global/${plant()}`,
    token: plant(),
    proxy: "",
    user: "serin",
    channel: "c",
  };
  const operator = rehearsal.runOperator({
    namespace: NAMESPACE,
    signal: end.signal,
    log: jsonLog,
    metrics,
    tracer,
    settings: { globalAlerts: { slack, msteams: { url: "", proxy: "" } } },
  });
  const names = [...types, "pre-rollout", "confirm-rollout", "rollback"];
  try {
    const phases = async (): Promise<(string | undefined)[]> => {
      const { items } = await rehearsal.client.list<Canary>(resources.canaries, { namespace: NAMESPACE });
      return items.map(({ status }) => status?.phase).filter((phase) => phase !== "Initialized");
    };
    await expect.poll(phases, { timeout: 15_000 }).toEqual([]);
    const image = { spec: { template: { spec: { containers: [{ name: "web", image: "podinfo:2" }] } } } };
    for (const name of names)
      await rehearsal.client.patch(
        resources.deployments,
        { namespace: NAMESPACE, name },
        { kind: "strategic", body: image },
      );
    const isQuiet = (name: string): boolean =>
      (parrot.bodies.get(name)?.length ?? 0) < (name === "chat" ? 3 : ROUND_COUNT);
    await expect.poll(() => [...names, "told", "chat"].filter(isQuiet), { timeout: 30_000 }).toEqual([]);
  } finally {
    end.abort();
    await operator;
  }
  const text = await told(log, spans, await metrics.text());
  expect(text).toContain("refused: ");
  planted.push(server.token);
  const leaks = planted.flatMap((value) => {
    const base64 = Buffer.from(value).toString("base64").replace(/=+$/, "");
    return [value, base64].flatMap((form) => {
      const at = text.indexOf(form);
      return at < 0 ? [] : [text.slice(Math.max(0, at - 200), at + form.length + 20)];
    });
  });
  expect(leaks).toEqual([]);
}, 60_000);
