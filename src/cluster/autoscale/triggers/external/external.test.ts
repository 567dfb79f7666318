import { createServer } from "node:net";
import { status } from "@grpc/grpc-js";
import { afterEach, expect, test } from "vitest";
import { createVirtualClock } from "#testing";
import { ClientPool } from "./client-pool.ts";
import { createExternalTriggers } from "./external.ts";
import {
  type ScaledObject,
  type ScalerHandlers,
  type ScalerServer,
  scalerService,
  startScaler,
} from "../testing/scaler-server.ts";
import { type TriggerCase, triggerOptions, triggerWorld, type WorldChanges } from "../testing/trigger-fixture.ts";
import type { ExternalTrigger } from "../trigger.ts";

const servers: ScalerServer[] = [];
const triggers: ExternalTrigger[] = [];
const signal = new AbortController().signal;

afterEach(async () => {
  await Promise.all(triggers.splice(0).map((trigger) => trigger.close()));
  for (const server of servers.splice(0)) server.stop();
});

async function serve(handlers: ScalerHandlers, options: Parameters<typeof startScaler>[1] = {}): Promise<ScalerServer> {
  const server = await startScaler(handlers, options);
  servers.push(server);
  return server;
}

interface Setting extends Partial<TriggerCase> {
  readonly pool?: ClientPool;
  readonly world?: WorldChanges;
}

async function build(type: "external" | "external-push", setting: Setting): Promise<ExternalTrigger> {
  const [external, push] = createExternalTriggers(setting.pool);
  const world = triggerWorld({ signal, ...setting.world });
  const options = triggerOptions({ type, metadata: {}, ...setting });
  const trigger = await (type === "external" ? external : push).build(options, world);
  if (trigger.kind !== "external") throw new Error("external is an external trigger");
  triggers.push(trigger);
  return trigger;
}

/** Why the promise fails. */
function whyNot(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "done",
    (thrown: unknown) => (thrown instanceof Error ? thrown.message : "no error"),
  );
}

const at = (port: number) => ({ metadata: { scalerAddress: `127.0.0.1:${port}` } });
const metric = { name: "queue", target: 5, targetType: "AverageValue", isWhole: true } as const;
const answers: ScalerHandlers = {
  GetMetricSpec: (_call, reply) => reply(null, { metricSpecs: [{ metricName: "queue", targetSize: 5 }] }),
  GetMetrics: (_call, reply) => reply(null, { metricValues: [{ metricName: "queue", metricValue: 7 }] }),
  IsActive: (_call, reply) => reply(null, { result: true }),
};

test("external gives the metrics that its server names, a float threshold before a whole one when it is above zero", async () => {
  const { port } = await serve({
    GetMetricSpec: (_call, reply) =>
      reply(null, {
        metricSpecs: [
          { metricName: "a/b.c", targetSize: 5 },
          { metricName: "float", targetSize: 5, targetSizeFloat: 2.5 },
          { metricName: "below", targetSize: 5, targetSizeFloat: -1 },
          { metricName: "none" },
        ],
      }),
  });
  const trigger = await build("external", { ...at(port), metricType: "Value" });
  const rest = { targetType: "Value", isVerbatim: true };
  expect(await trigger.metrics(signal)).toEqual([
    { name: "a/b.c", target: 5, isWhole: true, ...rest },
    { name: "float", target: 2.5, isWhole: false, ...rest },
    { name: "below", target: 5, isWhole: true, ...rest },
    { name: "none", target: 0, isWhole: true, ...rest },
  ]);
});

test("external passes on its own name for the metric and the whole metadata, then asks whether there is work", async () => {
  const asked: unknown[] = [];
  const { port } = await serve({
    GetMetrics(call, reply) {
      asked.push(call.request);
      reply(null, {
        metricValues: [
          { metricName: "queue", metricValue: 7 },
          { metricName: "s0-other", metricValue: 3, metricValueFloat: 0.5 },
          { metricValue: -4, metricValueFloat: 0 },
        ],
      });
    },
    IsActive(call, reply) {
      asked.push(call.request);
      reply(null, { result: false });
    },
  });
  const own = { scalerAddress: `127.0.0.1:${port}`, queue: "jobs", tokenFromEnv: "TOKEN", otherFromEnv: "ABSENT" };
  const trigger = await build("external", { metadata: own, env: { TOKEN: "geheim" } });
  expect(await trigger.read(metric, signal)).toEqual({ values: [7, 0.5, -4], isActive: false });
  const scaledObjectRef: ScaledObject = {
    name: "web",
    namespace: "shop",
    scalerMetadata: { scalerAddress: `127.0.0.1:${port}`, queue: "jobs", tokenFromEnv: "geheim" },
  };
  expect(asked).toEqual([{ scaledObjectRef, metricName: "queue" }, scaledObjectRef]);
});

test("external has no reading when IsActive fails, and says so without secrets", async () => {
  const { port } = await serve({
    ...answers,
    IsActive: (_call, reply) => reply({ code: status.PERMISSION_DENIED, details: "token geheim is too old" }),
  });
  const trigger = await build("external", {
    metadata: { ...at(port).metadata, tokenFromEnv: "TOKEN" },
    env: { TOKEN: "geheim" },
  });
  await expect(trigger.read(metric, signal)).rejects.toMatchObject({
    code: "TriggerUnreadable",
    message: `Cannot ask for activity at external scaler "127.0.0.1:${port}": 7 PERMISSION_DENIED: token *** is too old`,
  });
});

test("external is built while its server is down, fails until it is there, and asks it then", async () => {
  const first = await startScaler(answers);
  first.stop();
  const trigger = await build("external", at(first.port));
  const failure = { code: "TriggerUnreadable", retryable: true };
  await expect(trigger.metrics(signal)).rejects.toMatchObject(failure);
  await expect(trigger.read(metric, signal)).rejects.toMatchObject(failure);
  await serve(answers, { port: first.port });
  const metrics = () =>
    trigger.metrics(signal).then(
      ([found]) => found?.name,
      () => "none",
    );
  await expect.poll(metrics, { timeout: 10_000 }).toBe("queue");
  expect(await trigger.read(metric, signal)).toEqual({ values: [7], isActive: true });
});

test.each([[[]], [[{ targetSize: 5 }]]])("external refuses metrics without a name: %j", async (metricSpecs) => {
  const { port } = await serve({ GetMetricSpec: (_call, reply) => reply(null, { metricSpecs }) });
  const trigger = await build("external", at(port));
  await expect(trigger.metrics(signal)).rejects.toMatchObject({
    code: "TriggerUnreadable",
    message: expect.stringContaining("it names no metric; let GetMetricSpec give at least one, each with a name"),
  });
});

test("external: a call without an answer ends after the timeout, and when it is given up or the trigger closed", async () => {
  let callCount = 0;
  const cancelled: string[] = [];
  const { port } = await serve({
    GetMetricSpec(call) {
      callCount += 1;
      call.on("cancelled", () => cancelled.push("GetMetricSpec"));
    },
  });
  const clock = createVirtualClock();
  const trigger = await build("external", { ...at(port), world: { clock } });
  const slow = whyNot(trigger.metrics(signal));
  await expect.poll(() => callCount).toBe(1);
  await clock.advance(3_000);
  expect(await slow).toContain("no answer within 3s");
  const asker = new AbortController();
  const given = whyNot(trigger.metrics(asker.signal));
  await expect.poll(() => callCount).toBe(2);
  asker.abort();
  expect(await given).toContain("it was given up");
  const closed = whyNot(trigger.metrics(signal));
  await expect.poll(() => callCount).toBe(3);
  await trigger.close();
  expect(await closed).toContain("it was given up");
  await expect.poll(() => cancelled.length).toBe(3);
  await expect(trigger.metrics(signal)).rejects.toThrow("it was given up");
});

test("external: answers that are no message, or too long, are failures", async () => {
  const raw = (bytes: Buffer) => {
    const service = scalerService();
    const methods = Object.entries(service).map(([name, method]) => [
      name,
      { ...method, responseSerialize: () => bytes },
    ]);
    return { service: Object.fromEntries(methods) as typeof service };
  };
  const broken = await serve(answers, raw(Buffer.from([0x0a, 0x7f])));
  const long = await serve(answers, raw(Buffer.alloc(2 * 1024 * 1024)));
  const expected = { code: "TriggerUnreadable" };
  await expect((await build("external", at(broken.port))).metrics(signal)).rejects.toMatchObject({
    ...expected,
    message: expect.stringContaining("the message breaks off"),
  });
  await expect((await build("external", at(long.port))).metrics(signal)).rejects.toMatchObject({
    ...expected,
    message: expect.stringContaining("RESOURCE_EXHAUSTED"),
  });
});

test("external: a name of the cluster is asked at its address, by its name", async () => {
  const authorities: string[] = [];
  const { port } = await serve({
    ...answers,
    GetMetricSpec(call, reply) {
      authorities.push(call.getHost());
      reply(null, { metricSpecs: [{ metricName: "queue", targetSize: 1 }] });
    },
  });
  const addresses: Record<string, string> = { "scaler/shop": "127.0.0.2", "scaler/other": "127.0.0.3" };
  const trigger = await build("external", { metadata: { scalerAddress: `scaler:${port}` }, world: { addresses } });
  await expect(trigger.metrics(signal)).rejects.toThrow("ECONNREFUSED");
  // The Service has got another address since.
  addresses["scaler/shop"] = "127.0.0.1";
  expect((await trigger.metrics(signal))[0]?.name).toBe("queue");
  expect(authorities).toEqual([`scaler:${port}`]);
});

test("external: triggers of one address and credentials share a connection, which goes with the last of them", async () => {
  const peers = new Set<string>();
  const { port } = await serve({
    ...answers,
    IsActive(call, reply) {
      peers.add(call.getPeer());
      reply(null, { result: true });
    },
  });
  const pool = new ClientPool();
  const first = await build("external", { ...at(port), pool });
  const second = await build("external-push", { ...at(port), pool });
  const secret = await build("external", {
    metadata: { ...at(port).metadata, enableTLS: "true", unsafeSsl: "true" },
    pool,
  });
  await first.read(metric, signal);
  await second.read(metric, signal);
  expect([pool.size, peers.size]).toEqual([2, 1]);
  await secret.close();
  await first.close();
  await first.close();
  expect(pool.size).toBe(1);
  await second.read(metric, signal);
  expect(peers.size).toBe(1);
  await second.close();
  expect(pool.size).toBe(0);
});

test("external-push: a true message is told at once, a false one not, and a lost stream is opened again", async () => {
  let openCount = 0;
  let push = (_result: boolean): void => undefined;
  let end = (): void => undefined;
  let isCancelled = false;
  const { port } = await serve({
    StreamIsActive(call) {
      openCount += 1;
      push = (result) => call.write({ result });
      end = () => call.end();
      call.on("cancelled", () => (isCancelled = true));
    },
  });
  const clock = createVirtualClock();
  const stop = new AbortController();
  const trigger = await build("external-push", { ...at(port), world: { clock } });
  let activeCount = 0;
  trigger.watch?.(() => (activeCount += 1), stop.signal);
  await expect.poll(() => openCount).toBe(1);
  push(false);
  push(true);
  await expect.poll(() => activeCount).toBe(1);
  push(true);
  await expect.poll(() => activeCount).toBe(2);
  end();
  await expect
    .poll(async () => {
      await clock.advance(2_000);
      return openCount;
    })
    .toBe(2);
  push(true);
  await expect.poll(() => activeCount).toBe(3);
  stop.abort();
  await expect.poll(() => isCancelled).toBe(true);
  push(true);
  await clock.advance(600_000);
  expect([openCount, activeCount]).toEqual([2, 3]);
});

test("external-push: thresholds that the server announces are told; one that announces none is not asked again", async () => {
  const metrics: unknown[] = [];
  const { port } = await serve({
    StreamMetricSpec(call) {
      for (const targetSize of [5, 8]) call.write({ metricSpecs: [{ metricName: "queue", targetSize }] });
    },
  });
  const trigger = await build("external-push", at(port));
  trigger.watchMetrics?.((specs) => metrics.push(specs), signal);
  const rest = { name: "queue", targetType: "AverageValue", isWhole: true, isVerbatim: true };
  await expect.poll(() => metrics).toEqual([[{ target: 5, ...rest }], [{ target: 8, ...rest }]]);

  let openCount = 0;
  const older = await serve({
    StreamMetricSpec(call) {
      openCount += 1;
      call.emit("error", { code: status.UNIMPLEMENTED, details: "no such call" });
    },
  });
  const clock = createVirtualClock();
  const other = await build("external-push", { ...at(older.port), world: { clock } });
  other.watchMetrics?.(() => metrics.push("unexpected"), signal);
  await expect.poll(() => openCount).toBe(1);
  for (let i = 0; i < 10; i += 1) {
    await clock.advance(60_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect([openCount, metrics.length]).toEqual([1, 2]);
});

test("external does not push", async () => {
  const trigger = await build("external", { metadata: { scalerAddress: "127.0.0.1:1" } });
  expect([trigger.watch, trigger.watchMetrics]).toEqual([undefined, undefined]);
});

test("external: a server that speaks something else, or nothing, is a failure", async () => {
  const silent = createServer((socket) => socket.on("error", () => undefined));
  const port = await new Promise<number>((resolve) => {
    silent.listen(0, "127.0.0.1", () => resolve((silent.address() as { port: number }).port));
  });
  const trigger = await build("external", { ...at(port), world: { timeoutMs: 300 } });
  await expect(trigger.metrics(signal)).rejects.toThrow("no answer within 300ms");
  silent.close();
});

const bad = "error parsing external metadata: ";
test.each<[string, Partial<TriggerCase>, string]>([
  ["no address", { metadata: {} }, `${bad}missing required parameter "scalerAddress" in [triggerMetadata]`],
  [
    "an address of the authentication only",
    { auth: { scalerAddress: "x:1" } },
    `${bad}missing required parameter "scalerAddress" in [triggerMetadata]`,
  ],
  [
    "flags that are none",
    { metadata: { scalerAddress: "x:1", enableTLS: "on", unsafeSsl: "maybe" } },
    `${bad}unable to set param "enableTLS" value "on": it is neither true nor false; ` +
      'unable to set param "unsafeSsl" value "maybe": it is neither true nor false',
  ],
  [
    "a client certificate without its key",
    { metadata: { scalerAddress: "x:1" }, auth: { tlsClientCert: "geheim" } },
    `${bad}parameters "tlsClientCert" and "tlsClientKey" must be given together`,
  ],
  [
    "metricType Utilization",
    { metadata: { scalerAddress: "x:1" }, metricType: "Utilization" },
    `${bad}metricType "Utilization" is not one of this trigger: write AverageValue or Value`,
  ],
])("external: %s", async (_title, setting, expected) => {
  await expect(build("external", setting)).rejects.toMatchObject({ code: "InvalidTrigger", message: expected });
});

test.each([[{ caCert: "geheim" }], [{ tlsClientCert: "geheim", tlsClientKey: "geheim" }]])(
  "external: %j is refused as no certificate, without being quoted",
  async (auth) => {
    const error = await build("external", { metadata: { scalerAddress: "x:1" }, auth }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: "InvalidTrigger", message: expect.stringContaining("is no valid PEM") });
    expect(String(error)).not.toContain("geheim");
  },
);
