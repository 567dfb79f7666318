import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type Deployment, resources } from "#api";
import { applyObjects } from "../../src/cli/demo/apply.ts";
import { APP, OLD_IMAGE } from "./fast-app.ts";
import { gateCheck, loadTester, setGate } from "./load-tester.ts";
import { failuresOf, openStage, type Stage } from "./stage.ts";

/** Gates and hooks on `serin up`, with Flagger's load tester as the one who answers them. */

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
  // A load tester has one gate for each Canary, so each kind of gate has one of its own.
  await applyObjects(stage.client, [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: "test" } },
    ...["rollout", "increase", "promotion"].flatMap(loadTester),
  ]);
  await vi.waitFor(async () => {
    const { items } = await stage.client.list<Deployment>(resources.deployments, { namespace: "test" });
    expect(items.map(({ status }) => status?.readyReplicas)).toEqual([1, 1, 1]);
  }, 30_000);
});
afterAll(() => stage?.close());

describe.concurrent("gates and hooks on serin up", () => {
  test("each gate holds the release until it is opened", async () => {
    const webhooks = [
      gateCheck("confirm-rollout", "rollout"),
      gateCheck("confirm-traffic-increase", "increase"),
      gateCheck("confirm-promotion", "promotion"),
    ];
    const app = stage.app("gated", { analysis: { stepWeight: 30, webhooks } });
    await app.install();
    app.visitor();
    app.visitor();
    const open = (tester: string): Promise<void> => setGate(stage.client, { tester, path: "/gate/open", app });

    await app.release();
    await app.waitForPhase("Waiting");
    expect((await app.canary()).status).toMatchObject({ canaryWeight: 0 });
    await open("rollout");
    await app.waitForEvent("waiting for traffic increase approval gate");
    expect((await app.canary()).status).toMatchObject({ phase: "Progressing", canaryWeight: 0 });

    await open("increase");
    await app.waitForPhase("WaitingPromotion");
    expect((await app.canary()).status).toMatchObject({ canaryWeight: 60 });

    await open("promotion");
    expect(await app.waitForPhase("Succeeded", "Failed")).toBe("Succeeded");
    expect(failuresOf(await app.leave())).toEqual([]);
    const asked = stage.inbox.of("gated").map(({ message }) => message);
    expect(asked.filter((message) => message.includes("waiting for approval"))).toEqual([
      "Canary is waiting for approval.",
      "Canary traffic increase is waiting for approval.",
      "Canary promotion is waiting for approval.",
    ]);
    expect(await app.terminalAlert()).toMatchObject({ severity: "info" });
  });

  test("a bad canary behind a closed gate is rolled back", async () => {
    const webhooks = [gateCheck("confirm-promotion", "promotion")];
    const app = stage.app("bad-gated", {
      analysis: { maxWeight: 20, threshold: 4, webhooks, metrics: [successRate] },
    });
    await app.install();
    app.visitor();
    app.visitor();
    await app.release();
    await app.waitForPhase("WaitingPromotion");
    // It is healthy up to the gate and fails behind it.
    app.visitor({ ...(await app.atService(`${APP}-canary`)), path: "/status/500" });
    expect(await app.waitForPhase("Succeeded", "Failed")).toBe("Failed");
    await app.leave();
    const end = await app.terminalAlert();
    expect(end).toMatchObject({ severity: "error", message: "Failed checks threshold reached 4" });
    expect(end.reason).toContain("success rate");
    await expectOldPrimary(app.key(`${APP}-primary`));
  });

  test("the rollback hook ends a healthy release", async () => {
    const url = "http://rollout.test:8080/rollback/check";
    const app = stage.app("hooked", {
      analysis: { stepWeight: 10, maxWeight: 100, webhooks: [{ name: "emergency", type: "rollback", url }] },
    });
    await app.install();
    app.visitor();
    await app.release();
    await app.waitForEvent("canary weight 20");
    await setGate(stage.client, { tester: "rollout", path: "/rollback/open", app });
    expect(await app.waitForPhase("Succeeded", "Failed")).toBe("Failed");
    expect(failuresOf(await app.leave())).toEqual([]);
    expect((await app.terminalAlert()).reason).toContain("emergency");
    await expectOldPrimary(app.key(`${APP}-primary`));
  });
});

const successRate = { name: "request-success-rate", interval: "5s", thresholdRange: { min: 99 } };

async function expectOldPrimary(key: { readonly namespace: string; readonly name: string }): Promise<void> {
  const primary = await stage.client.get<Deployment>(resources.deployments, key);
  expect(primary?.spec.template.spec.containers[0]?.image).toBe(OLD_IMAGE);
}
