import { afterAll, beforeAll, expect, test } from "vitest";
import { type Canary, type Event, resources } from "#api";
import { Bug } from "#base";
import { startTestApiServer, type TestApiServer } from "#testing";
import { type AskedWrite, createRefusingClient, type Refusal } from "./refusing-client.ts";
import { type Rehearsal, startRehearsal } from "./rehearsal.ts";
import { canary, canaryWith, deployment } from "./rehearsal-objects.ts";
import { createRolloutMetrics } from "./telemetry/index.ts";

/** Writes that the API server refuses whenever they are tried. The Canary `web` is right, `held` is the one that is refused. */

let server: TestApiServer;
let rehearsal: Rehearsal;

beforeAll(async () => {
  server = await startTestApiServer();
  rehearsal = await startRehearsal(server);
});

afterAll(async () => {
  await rehearsal.close();
  await server.close();
});

const target = { ...deployment, metadata: { name: "held" } };
const held: Canary = {
  ...canaryWith({ targetRef: { ...canary.spec.targetRef, name: "held" } }),
  metadata: { name: "held" },
};

const readHeld = (namespace: string) => rehearsal.client.get<Canary>(resources.canaries, { namespace, name: "held" });
const stalled = (object: Canary | undefined) => object?.status?.conditions?.find(({ type }) => type === "Stalled");

async function warningsOf(namespace: string, part: string): Promise<(number | undefined)[]> {
  const { items } = await rehearsal.client.list<Event>(resources.events, { namespace });
  return items.filter(({ message }) => message?.includes(part) === true).map(({ count }) => count);
}

async function release(namespace: string): Promise<void> {
  const body = { spec: { template: { spec: { containers: [{ name: "web", image: "podinfo:2" }] } } } };
  await rehearsal.client.patch(resources.deployments, { namespace, name: "web" }, { kind: "strategic", body });
  await rehearsal.until(namespace, (object) => object.status?.phase === "Succeeded");
}

interface Scene {
  readonly namespace: string;
  readonly judge: (write: AskedWrite) => Refusal | Error | undefined;
  readonly holds?: Canary;
}

/** Runs an operator whose server refuses what `judge` says until the body calls `lift`. */
async function withRefusals(
  { namespace, judge, holds = held }: Scene,
  body: (lift: () => void, metricsText: () => Promise<string>) => Promise<void>,
): Promise<void> {
  let isLifted = false;
  const client = createRefusingClient(rehearsal.client, (write) => (isLifted ? undefined : judge(write)));
  const metrics = createRolloutMetrics({ version: "0", meshProvider: "istio" });
  await rehearsal.createNamespace(namespace, [deployment, canary, target, holds]);
  const end = new AbortController();
  const operator = rehearsal.runOperator({ namespace, signal: end.signal, client, metrics });
  try {
    await body(() => (isLifted = true), metrics.text);
  } finally {
    end.abort();
    await operator;
  }
}

const isOf = (resource: string, name: string) => (write: AskedWrite) =>
  write.resource === resource && write.key.name === name;

test.each<[string, string, number, string, string, RegExp]>([
  [
    "the role",
    "rbac",
    403,
    "Forbidden",
    'services is forbidden: User "serin" cannot create resource "services"',
    /role/,
  ],
  ["a quota", "quota", 403, "Forbidden", "exceeded quota: services, used: services=5, limited: services=5", /quota/],
  [
    "a webhook",
    "webhook",
    400,
    "BadRequest",
    'admission webhook "rules.test" denied the request: no',
    /correct the field/,
  ],
  ["no addresses", "addresses", 500, "InternalError", "failed to allocate a serviceIP: range is full", /complains of/],
])("a write that %s refuses is one condition and one event, and goes through when it may", async (...scene) => {
  const [, namespace, httpStatus, reason, message, fix] = scene;
  const isRefused = isOf("services", "held-primary");
  const judge = (write: AskedWrite) => (isRefused(write) ? { httpStatus, reason, message } : undefined);
  await withRefusals({ namespace, judge }, async (lift) => {
    await expect.poll(async () => stalled(await readHeld(namespace))?.reason, { timeout: 8000 }).toBe(reason);
    await rehearsal.until(namespace, (object) => object.status?.phase === "Initialized");
    await release(namespace);
    const words = `Cannot write Service ${namespace}/held-primary: ${message} (`;
    const condition = stalled(await readHeld(namespace));
    expect(condition).toMatchObject({ status: "True", message: expect.stringContaining(words) });
    expect(condition?.message).toMatch(fix);
    expect(await warningsOf(namespace, words)).toEqual([1]);
    lift();
    await expect.poll(async () => (await readHeld(namespace))?.status?.phase, { timeout: 8000 }).toBe("Initialized");
    expect(stalled(await readHeld(namespace))).toBeUndefined();
  });
});

test("an object that the API server finds invalid stalls its Canary, until the Canary is corrected", async () => {
  const { service } = held.spec;
  const holds = { ...held, spec: { ...held.spec, service: { port: 9898, apex: { labels: { team: "a b" } } } } };
  await withRefusals({ namespace: "invalid", judge: () => undefined, holds }, async () => {
    await expect.poll(async () => stalled(await readHeld("invalid"))?.reason, { timeout: 8000 }).toBe("Invalid");
    expect(stalled(await readHeld("invalid"))?.message).toContain(
      'Cannot write Service invalid/held: Service "held" is',
    );
    const body = { spec: { service: { ...service, apex: null } } };
    const key = { namespace: "invalid", name: "held" };
    await rehearsal.client.patch(resources.canaries, key, { kind: "merge", body });
    await expect.poll(async () => (await readHeld("invalid"))?.status?.phase, { timeout: 8000 }).toBe("Initialized");
    expect(stalled(await readHeld("invalid"))).toBeUndefined();
  });
});

test("a status that cannot be written is told by an event alone", async () => {
  const isRefused = isOf("canaries/status", "held");
  const refusal = { httpStatus: 403, reason: "Forbidden", message: "canaries/status is forbidden" };
  await withRefusals(
    { namespace: "mute", judge: (write) => (isRefused(write) ? refusal : undefined) },
    async (lift) => {
      await rehearsal.until("mute", (object) => object.status?.phase === "Initialized");
      const words = "Cannot write status of Canary mute/held: canaries/status is forbidden";
      await expect.poll(() => warningsOf("mute", words), { timeout: 8000 }).toEqual([1]);
      await release("mute");
      expect(await warningsOf("mute", words)).toEqual([1]);
      expect((await readHeld("mute"))?.status).toBeUndefined();
      lift();
      await expect.poll(async () => (await readHeld("mute"))?.status?.phase, { timeout: 8000 }).toBe("Initialized");
    },
  );
});

test("a mistake of the operator marks the Canary and is counted, and the others go on", async () => {
  const isRefused = isOf("services", "held-primary");
  const judge = (write: AskedWrite) => (isRefused(write) ? new Bug("weights sum to 100") : undefined);
  await withRefusals({ namespace: "bug", judge }, async (lift, metricsText) => {
    await expect.poll(async () => stalled(await readHeld("bug"))?.reason, { timeout: 8000 }).toBe("Bug");
    await rehearsal.until("bug", (object) => object.status?.phase === "Initialized");
    expect(await warningsOf("bug", "Serin made a mistake: weights sum to 100")).toEqual([1]);
    const counted = /^serin_reconcile_bugs_total (\d+)$/m.exec(await metricsText());
    expect(Number(counted?.[1])).toBeGreaterThan(0);
    lift();
    await expect.poll(async () => (await readHeld("bug"))?.status?.phase, { timeout: 8000 }).toBe("Initialized");
    expect(stalled(await readHeld("bug"))).toBeUndefined();
  });
});
