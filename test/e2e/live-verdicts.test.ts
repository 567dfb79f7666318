import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { askWhy, whyFault } from "../bench/verdicts-parts/why.ts";
import { openStage, type Stage, type StagedApp, failuresOf } from "./stage.ts";

/** Sequential analyses on one `serin up`: real pods, real requests, counts of the cluster's own mesh, and what `serin why` says of the end. */

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage?.close());

const analysis = {
  method: "sequential",
  // Some hundred requests of the canary are all that there is time for; they rule out half a point at this confidence.
  sequential: {
    profile: "fast",
    confidence: { falsePromotionPercent: 50 },
    warmup: "3s",
    maxDuration: "3m",
    onTimeout: "rollback",
  },
  interval: "2s",
  stepWeight: 50,
  maxWeight: 50,
  metrics: [
    { name: "request-success-rate", interval: "10s", thresholdRange: { min: 90 } },
    { name: "request-duration", interval: "10s", thresholdRange: { max: 5000 } },
  ],
};
const VISITOR_COUNT = 6;

/** What `serin why` says of the release that has ended; the record comes after the status. */
async function explanationOf(app: StagedApp) {
  const ask = () => askWhy(stage.cluster.kubeconfig, app.key());
  await app.waitUntil("record of the end", async () => !(await ask()).report.isOpen);
  return ask();
}

describe.concurrent("verdicts on serin up", () => {
  test("a release that is as good as the primary is promoted, and says what is proven", async () => {
    const app = stage.app("sequential-good", { analysis });
    await app.install();
    for (let count = 0; count < VISITOR_COUNT; count++) app.visitor();
    await app.release();
    await app.waitUntil("evidence in the status", async () => (await app.canary()).status?.evidence !== undefined);
    expect(await app.waitForPhase("Succeeded", "Failed")).toBe("Succeeded");
    expect(failuresOf(await app.leave())).toEqual([]);
    // By proof, and not because its time was over: that would have been a rollback.
    expect(await app.events()).toContain("Advance web.sequential-good canary weight 50");
    expect((await app.canary()).status?.evidence).toBeUndefined();
    const why = await explanationOf(app);
    expect(whyFault(why, { outcome: "promoted", metric: undefined })).toBeUndefined();
    expect(whyFault(why, { outcome: "rolled back", metric: "request-duration" })).toBe("why says promoted");
  });

  test("a release that fails where the primary does not is rolled back, with both copies' counts as the reason", async () => {
    const app = stage.app("sequential-bad", { analysis });
    await app.install();
    for (let count = 0; count < VISITOR_COUNT; count++) app.visitor();
    await app.release({ fault: "errors=40%" });
    expect(await app.waitForPhase("Succeeded", "Failed")).toBe("Failed");
    await app.leave();
    const end = await app.terminalAlert();
    expect(end.severity).toBe("error");
    expect(end.reason).toMatch(
      /^Rolling back: .*errors of the canary are [\d.]+% against [\d.]+% of the primary in the same minutes \(\d+ of \d+ against \d+ of [\d,]+ requests\)/,
    );
    const why = await explanationOf(app);
    expect(whyFault(why, { outcome: "rolled back", metric: "request-success-rate" })).toBeUndefined();
    expect(whyFault(why, { outcome: "rolled back", metric: "request-duration" })).toBe(
      "why names request-success-rate, and not request-duration",
    );
  });

  test("a release that answers later than the primary is rolled back for its latency, and no client sees an error", async () => {
    const app = stage.app("sequential-slow", { analysis });
    await app.install();
    for (let count = 0; count < VISITOR_COUNT; count++) app.visitor();
    await app.release({ fault: "latency=200ms" });
    expect(await app.waitForPhase("Succeeded", "Failed")).toBe("Failed");
    expect(failuresOf(await app.leave())).toEqual([]);
    const why = await explanationOf(app);
    expect(whyFault(why, { outcome: "rolled back", metric: "request-duration" })).toBeUndefined();
    expect(why.report.sentence).toMatch(/^Rolling back: requests slower than \d+ms of the canary are/);
  });
});
