import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Deployment, resources } from "#api";
import { APP, NEW_IMAGE, OLD_IMAGE } from "./fast-app.ts";
import { startSerin } from "./serin-process.ts";
import { failuresOf, openStage, type Stage, type StagedApp } from "./stage.ts";

/** `serin promote | pause | resume | abort | retry | skip | undo` on `serin up`, as people type them. */

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage?.close());

interface Run {
  readonly status: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command on the app's Canary. */
async function serin(app: StagedApp, wish: string, ...flags: readonly string[]): Promise<Run> {
  const { kubeconfig } = stage.cluster;
  const run = startSerin([wish, APP, "-n", app.namespace, "--kubeconfig", kubeconfig, "--by", "ann", ...flags]);
  const status = await run.ended;
  return { status, stdout: run.stdout(), stderr: run.stderr() };
}

/** An app whose release goes on for long: twenty steps of five percent, a second each. */
async function releasing(namespace: string, analysis: object = {}): Promise<StagedApp> {
  const app = stage.app(namespace, { analysis: { stepWeight: 5, maxWeight: 100, ...analysis } });
  await app.install();
  app.visitor();
  app.visitor();
  await app.release();
  await app.waitForEvent("canary weight 10");
  return app;
}

async function primaryImage(app: StagedApp): Promise<string | undefined> {
  const primary = await stage.client.get<Deployment>(resources.deployments, app.key(`${APP}-primary`));
  return primary?.spec.template.spec.containers[0]?.image;
}

describe.concurrent("people on serin up", () => {
  test("pause holds, resume goes on, skip takes a step, promote all the rest, undo goes back", async () => {
    const app = await releasing("held");
    const paused = await serin(app, "pause", "--why", "incident 4711", "--wait");
    expect(paused).toMatchObject({ status: 0, stderr: "" });
    expect(paused.stdout).toMatch(
      /^Will hold the release of "held\/web" where it is, until serin resume \(phase Progressing, weight \d+%\)\.\n"held\/web" is paused\.\n$/,
    );
    await app.waitForEvent("Paused web.held by ann");
    const held = (await app.canary()).status?.canaryWeight;
    expect(await serin(app, "pause")).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("is paused already"),
    });
    await app.waitUntil("fourth look", later(3000));
    expect((await app.canary()).status).toMatchObject({ phase: "Progressing", canaryWeight: held });

    const resumed = await serin(app, "resume", "--wait");
    expect(resumed).toMatchObject({ status: 0, stdout: expect.stringContaining('resume of "held/web" is done') });
    await app.waitUntil("next step", async () => ((await app.canary()).status?.canaryWeight ?? 0) > (held ?? 0));
    const skipped = await serin(app, "skip", "--wait");
    expect(skipped).toMatchObject({ status: 0, stdout: expect.stringContaining("Will take the next step") });

    const promoted = await serin(app, "promote", "--why", "hotfix", "--wait", "-o", "json");
    expect(promoted.status).toBe(0);
    expect(JSON.parse(promoted.stdout)).toEqual({
      action: "promote",
      namespace: "held",
      canary: APP,
      outcome: "done",
      phase: "Succeeded",
      message: '"held/web" is promoted.',
    });
    expect(await primaryImage(app)).toBe(NEW_IMAGE);

    expect(await serin(app, "abort")).toEqual({
      status: 1,
      stdout: "",
      stderr: 'serin: Cannot abort "held/web": nothing is being released (phase Succeeded)\n',
    });
    const undone = await serin(app, "undo", "--why", "orders are lost", "--wait");
    expect(undone).toMatchObject({ status: 0, stderr: "" });
    expect(undone.stdout).toContain('Put "held/web" back to its revision');
    expect(await primaryImage(app)).toBe(OLD_IMAGE);
    expect(failuresOf(await app.leave())).toEqual([]);
  });

  test("abort goes back at once, retry releases the same revision again", async () => {
    const app = await releasing("aborted");
    const aborted = await serin(app, "abort", "--why", "customers see errors", "--wait");
    expect(aborted).toMatchObject({ status: 0, stdout: expect.stringContaining('"aborted/web" is rolled back.') });
    expect(await app.terminalAlert()).toMatchObject({
      severity: "warn",
      message: "Canary analysis was aborted by ann: customers see errors",
    });
    expect(await primaryImage(app)).toBe(OLD_IMAGE);
    const retried = await serin(app, "retry", "--wait");
    expect(retried).toMatchObject({ status: 0, stdout: expect.stringContaining('"aborted/web" is released again') });
    const promoted = await serin(app, "promote", "--wait");
    expect(promoted).toMatchObject({ status: 0, stdout: expect.stringContaining("is promoted") });
    expect(failuresOf(await app.leave())).toEqual([]);
  });

  test("a paused release whose checks fail is rolled back", async () => {
    const metrics = [{ name: "request-success-rate", interval: "5s", thresholdRange: { min: 99 } }];
    const app = await releasing("paused-bad", { threshold: 4, metrics });
    await serin(app, "pause", "--wait");
    await app.waitForEvent("Paused web.paused-bad by ann");
    app.visitor({ ...(await app.atService(`${APP}-canary`)), path: "/status/500" });
    expect(await app.waitForPhase("Succeeded", "Failed")).toBe("Failed");
    await app.leave();
    expect((await app.terminalAlert()).reason).toContain("success rate");
    expect(await primaryImage(app)).toBe(OLD_IMAGE);
  });

  test("of a promote and an abort after it, abort wins", async () => {
    const app = await releasing("both");
    // While it is paused, a promote only stands.
    await serin(app, "pause", "--wait");
    await app.waitForEvent("Paused web.both by ann");
    const promote = await serin(app, "promote");
    expect(promote).toMatchObject({ status: 0, stdout: expect.stringContaining("this waits for serin resume") });
    const abort = await serin(app, "abort", "--wait");
    expect(abort).toMatchObject({ status: 0, stderr: "" });
    expect(abort.stdout).toContain("replaces promote by ann");
    expect((await app.canary()).status?.phase).toBe("Failed");
    expect(await primaryImage(app)).toBe(OLD_IMAGE);
    expect(failuresOf(await app.leave())).toEqual([]);
  });
});

/** Holds once the time is over: what must not happen can only be waited for. */
function later(timeMs: number): () => Promise<boolean> {
  const endMs = Date.now() + timeMs;
  return () => Promise.resolve(Date.now() >= endMs);
}
