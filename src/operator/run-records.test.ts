import { afterAll, beforeAll, expect, test } from "vitest";
import { type Canary, type ConfigMap, resources } from "#api";
import type { KubeClient } from "#kube";
import { startTestApiServer } from "#testing";
import { readRuns, type Run } from "./records/index.ts";
import { createRefusingClient } from "./refusing-client.ts";
import { badAt, isDone, openScene, type Scene } from "./rehearsal-scene.ts";
import { canaryWith, deployment } from "./rehearsal-objects.ts";
import { createRolloutMetrics } from "./telemetry/index.ts";

/** What an operator keeps of the releases that it runs, against a real API server. */

let rehearsal: Scene;

beforeAll(async () => {
  rehearsal = await openScene(await startTestApiServer(), { answer: badAt(93.1) });
});

afterAll(async () => {
  await rehearsal.close();
});

async function mapOf(namespace: string): Promise<ConfigMap | undefined> {
  return rehearsal.client.get<ConfigMap>(resources.configMaps, { namespace, name: "web-serin-runs" });
}

async function runsOf(namespace: string): Promise<readonly Run[]> {
  const { runs, broken } = readRuns(await mapOf(namespace));
  expect(broken).toEqual([]);
  return runs;
}

/** Runs an operator until the body is over, and until it has ended. */
async function operated(
  namespace: string,
  body: () => Promise<void>,
  options: Partial<Parameters<Scene["runOperator"]>[0]> = {},
): Promise<void> {
  const end = new AbortController();
  const operator = rehearsal.runOperator({ namespace, signal: end.signal, ...options });
  try {
    await body();
  } finally {
    end.abort();
    await operator;
  }
}

test("run records: of a release that is rolled back, what was seen, done, and would have changed it", async () => {
  const namespace = "bad-release";
  await rehearsal.createNamespace(namespace, [deployment, canaryWith({})]);
  await operated(namespace, async () => {
    await rehearsal.until(namespace, isDone("Initialized"));
    await rehearsal.release(namespace);
    await rehearsal.until(namespace, isDone("Failed"));
  });
  const [first, second, ...none] = await runsOf(namespace);
  expect(none).toEqual([]);
  expect(first).toMatchObject({ number: 1, outcome: "initialized" });
  const canary = await rehearsal.canary(namespace);
  expect(second).toMatchObject({ number: 2, outcome: "rolled back", revision: canary?.status?.lastAppliedSpec });
  const labels = second?.records.map(({ label }) => label);
  expect(labels?.[0]).toBe("start");
  expect(labels).toEqual(expect.arrayContaining(["advance", "halt", "rollback-check-failed", "scale-down"]));
  const rollback = second?.records.find(({ label }) => label === "rollback-check-failed");
  expect(rollback).toMatchObject({
    from: { phase: "Progressing", weight: 50 },
    to: { phase: "Failed", weight: 0 },
    done: [{ kind: "weight", canary: 0 }],
    otherwise: expect.stringContaining("request-success-rate at 99% or more"),
  });
  expect(rollback?.checks.find(({ verdict }) => verdict === "failed")).toMatchObject({
    result: { kind: "value", value: 93.1 },
    window: "30s",
    query: expect.stringContaining("istio_requests_total"),
  });
  expect((await mapOf(namespace))?.metadata.ownerReferences).toMatchObject([
    { kind: "Canary", name: "web", uid: canary?.metadata.uid, controller: true },
  ]);
}, 40_000);

test("run records: a second operator goes on with the run of the first, also past what somebody broke", async () => {
  const namespace = "good-restart";
  await rehearsal.createNamespace(namespace, [deployment, canaryWith({}, { interval: "10s" })]);
  await operated(namespace, async () => {
    await rehearsal.until(namespace, isDone("Initialized"));
    await rehearsal.release(namespace);
    await rehearsal.until(namespace, (canary) => canary.status?.canaryWeight === 50);
  });
  expect((await runsOf(namespace)).at(-1)).toMatchObject({
    number: 2,
    records: expect.arrayContaining([expect.objectContaining({ label: "advance" })]),
  });
  const body = { binaryData: { "run-0001": Buffer.from("rubbish").toString("base64") } };
  await rehearsal.client.patch(resources.configMaps, { namespace, name: "web-serin-runs" }, { kind: "merge", body });
  await operated(namespace, async () => {
    await rehearsal.until(namespace, isDone("Succeeded"));
  });
  const { runs, broken } = readRuns(await mapOf(namespace));
  expect(broken).toMatchObject([{ number: 1 }]);
  expect(runs.map(({ number, outcome }) => [number, outcome])).toEqual([[2, "promoted"]]);
  const labels = runs[0]?.records.map(({ label }) => label) ?? [];
  expect(labels.filter((label) => label === "start")).toHaveLength(1);
  expect(labels).toContain("complete");
}, 40_000);

test("run records: a ConfigMap of somebody else is left alone and told of once; the release goes on", async () => {
  const namespace = "good-foreign";
  const foreign = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "web-serin-runs" }, data: { a: "b" } };
  await rehearsal.createNamespace(namespace, [foreign, deployment, canaryWith({})]);
  await operated(namespace, async () => {
    await rehearsal.until(namespace, isDone("Initialized"));
    await rehearsal.release(namespace);
    await rehearsal.until(namespace, isDone("Succeeded"));
  });
  const kept = await mapOf(namespace);
  expect(kept?.data).toEqual({ a: "b" });
  expect(kept?.binaryData).toBeUndefined();
  const told = (await rehearsal.events(namespace)).filter((message) => message.includes("web-serin-runs"));
  expect(told).toEqual([
    "Records of its releases are not kept: the ConfigMap web-serin-runs is not Serin's (rename or delete it)",
  ]);
}, 40_000);

test("run records: those of a Canary that was deleted are waited for to go, not added to", async () => {
  const namespace = "good-again";
  await rehearsal.createNamespace(namespace, [deployment]);
  const owner = { apiVersion: "flagger.app/v1beta1", kind: "Canary", name: "web", uid: "the-one-before" };
  const left = { namespace, name: "web-serin-runs" };
  const data = { apiVersion: "v1", kind: "ConfigMap", binaryData: { "run-0001": "bm8=" } };
  await rehearsal.client.create(resources.configMaps, { ...data, metadata: { ...left, ownerReferences: [owner] } });
  await rehearsal.createObjects(namespace, [canaryWith({})]);
  await operated(namespace, async () => {
    await rehearsal.until(namespace, isDone("Initialized"));
    await rehearsal.pass(2000);
    expect((await mapOf(namespace))?.binaryData).toEqual(data.binaryData);
    await rehearsal.client.delete(resources.configMaps, left);
    await expect.poll(() => runsOf(namespace), { timeout: 10_000 }).toMatchObject([{ outcome: "initialized" }]);
  });
  expect((await rehearsal.events(namespace)).filter((message) => message.includes("web-serin-runs"))).toEqual([]);
}, 40_000);

test("run records: refused writes cost a release nothing, are counted, and are made up for by the next", async () => {
  const namespace = "good-refused";
  await rehearsal.createNamespace(namespace, [deployment, canaryWith({})]);
  let isRefusing = true;
  const refusal = { httpStatus: 403, reason: "Forbidden", message: "no" };
  const client: KubeClient = createRefusingClient(rehearsal.client, ({ resource }) =>
    isRefusing && resource === "configmaps" ? refusal : undefined,
  );
  const metrics = createRolloutMetrics({ version: "0", meshProvider: "istio" });
  await operated(
    namespace,
    async () => {
      await rehearsal.until(namespace, isDone("Initialized"));
      await rehearsal.release(namespace);
      await rehearsal.until(namespace, isDone("Succeeded"));
      await expect.poll(() => metrics.text()).toMatch(/serin_run_records_refused_total [1-9]/);
      expect(await mapOf(namespace)).toBeUndefined();
      isRefusing = false;
      const before = (await rehearsal.canary(namespace))?.status?.lastPromotedSpec;
      await rehearsal.release(namespace, "podinfo:3");
      const isNext = (canary: Canary): boolean => canary.status?.lastPromotedSpec !== before;
      await rehearsal.until(namespace, (canary) => isNext(canary) && isDone("Succeeded")(canary));
    },
    { client, metrics },
  );
  expect((await runsOf(namespace)).map(({ outcome }) => outcome)).toEqual(["initialized", "promoted", "promoted"]);
}, 40_000);
