import { expect, test } from "vitest";
import { warmUpEnvelope, worseEvidence } from "#stats";
import type { MetricSamples } from "../observation.ts";
import { canaryOf } from "../scene.ts";
import { readSettings } from "../settings.ts";
import { compared, errors } from "../sequential-scene.ts";
import { distanceOf, type Gate, gateOf, needsOf } from "./gate.ts";
import { countPlan, type EvidenceRules } from "./metric-plan.ts";
import { readRun } from "./read-run.ts";
import type { Run } from "./run.ts";
import { settingsHash } from "./settings-hash.ts";
import { standingOf } from "./standing.ts";
import { type Look, startRunOf, updateRun } from "./update-run.ts";
import { writeRun } from "./write-run.ts";

const TICK_MS = 10_000;

function rulesOf(): EvidenceRules {
  const settings = readSettings(canaryOf({ analysis: { ...compared, sequential: { warmup: "20s" } } }), {
    minIntervalMs: 1000,
  });
  if (!settings.ok || settings.value.sequential === undefined) throw new Error("the settings are sequential");
  const { sequential, tickMs, intervalMs, metrics } = settings.value;
  return { sequential, tickMs, intervalMs, metrics };
}

const rules = rulesOf();

function lookAt(nowMs: number, changes: Partial<Look> & { readonly weight?: number } = {}): Look {
  const { weight = 20, ...rest } = changes;
  return {
    nowMs,
    rules,
    hash: settingsHash(rules),
    revision: "r",
    stage: { weight, iteration: 0, sinceMs: 0 },
    hasTraffic: true,
    isSplit: true,
    readyCount: 2,
    youngestReadyMs: undefined,
    loadRatio: 1,
    ...rest,
  };
}

/** A run from 0 on, with the metrics of each tick and what the looks know. */
function runOf(
  ticks: readonly (readonly MetricSamples[])[],
  lookOf: (index: number) => Partial<Look> & { weight?: number } = () => ({}),
): Run {
  let run = startRunOf({ untilMs: 0, metrics: ticks[0] ?? [] }, lookAt(0, lookOf(0)));
  for (const [index, metrics] of ticks.entries()) {
    const nowMs = (index + 1) * TICK_MS;
    const updated = updateRun(run, { untilMs: nowMs, metrics }, lookAt(nowMs, lookOf(index + 1)));
    if (!updated.ok) throw new Error(updated.error);
    run = updated.value;
  }
  return run;
}

function worseOf(run: Run): number {
  const [metric] = run.metrics;
  if (metric?.kind !== "counts") throw new Error("the metric is counted");
  return worseEvidence(countPlan(rules, metric.dispersion), metric.evidence);
}

const tick = [errors(8, 200, 4, 800)];
const ticksOf = (count: number) => Array.from({ length: count }, () => tick);

test("updateRun: pods that are added widen the margins for 20 s, pods that come back do not", () => {
  const steady = worseOf(runOf(ticksOf(12)));
  const scaled = worseOf(runOf(ticksOf(12), (index) => ({ readyCount: index < 10 ? 2 : 4 })));
  expect(scaled).toBeLessThan(steady);
  const restarting = (index: number) => ({ readyCount: index % 2 === 0 ? 2 : 1, youngestReadyMs: index * TICK_MS });
  // The youngest pod's time is that of the first look, so that both began equally warm.
  expect(worseOf(runOf(ticksOf(12), restarting))).toBe(worseOf(runOf(ticksOf(12), () => ({ youngestReadyMs: 0 }))));
});

test("updateRun: the warm-up counts for rollback with wide margins, and not for the bound", () => {
  expect(warmUpEnvelope(0, 20_000)).toBe(1);
  const cold = runOf(ticksOf(3));
  const [metric] = cold.metrics;
  expect(metric).toMatchObject({ kind: "counts", watch: { settled: { canary: { total: 0 } } } });
  expect(runOf(ticksOf(4)).metrics[0]).toMatchObject({ watch: { settled: { canary: { total: 200 } } } });
});

test("updateRun: a new weight closes what the step before counted, and the interval in which it came belongs to neither", () => {
  const at = (sinceMs: number) => (index: number) =>
    index < 6 ? {} : { weight: 40, stage: { weight: 40, iteration: 0, sinceMs } };
  const run = runOf(ticksOf(8), at(5 * TICK_MS + 5000));
  // Looks 6 to 8 were at the new weight; the interval of look 6 began at the old one.
  expect(run.step).toMatchObject({ weight: 40, ticks: 2, sinceMs: 55_000 });
  const [metric] = run.metrics;
  if (metric?.kind !== "counts") throw new Error("the metric is counted");
  const requests = (slopes: readonly number[]) => slopes[0] ?? 0;
  expect(requests(metric.evidence.stepExcess.slopes)).toBeLessThan(requests(metric.evidence.excess.slopes));
  // Proxies need a while: what they still split by the old weight says nothing of the new one.
  expect(run.ratio.canary + run.ratio.primary).toBe(1000);
});

test("readRun: gives what writeRun wrote, and refuses another version's, another revision's and a hand's", () => {
  const run = runOf(ticksOf(7));
  const options = { rules, hash: settingsHash(rules), revision: "r" };
  const written = JSON.parse(JSON.stringify(writeRun(run, { isContinued: true }))) as Record<string, unknown>;
  const read = readRun(written, options);
  expect(read.kind).toBe("run");
  expect(read.kind === "run" ? writeRun(read.run, { isContinued: true }) : undefined).toEqual(written);
  expect(readRun(undefined, options)).toEqual({ kind: "none" });
  expect(readRun(written, { ...options, revision: "other" })).toEqual({ kind: "none" });
  expect(readRun(written, { ...options, hash: "0" }).kind).toBe("other");
  for (const key of Object.keys(written).filter((name) => name !== "revision")) {
    for (const value of [null, "x", [], Number.NEGATIVE_INFINITY, { a: 1 }]) {
      const isOptional = ["untilMs", "warmSinceMs", "scaledMs", "requestsPerSecond"].includes(key);
      if (key === "hash" && value === "x") continue;
      if (key === "metrics" && Array.isArray(value)) continue;
      expect([key, value, readRun({ ...written, [key]: value }, options).kind]).toEqual([key, value, "other"]);
      if (!isOptional) expect(readRun({ ...written, [key]: undefined }, options).kind).toBe("other");
    }
  }
});

test("writeRun: what goes on from a run that was read need not be read again, unless a number of it cannot be written", () => {
  const run = runOf(ticksOf(7));
  const options = { rules, hash: settingsHash(rules), revision: "r" };
  const written = writeRun(run, { isContinued: true });
  const known = readRun(written, options);
  expect(known.kind === "run" ? known.run : undefined).toBe(written);
  expect(readRun(JSON.parse(JSON.stringify(written)), options)).toEqual(known);
  expect(readRun(written, { ...options, hash: "0" }).kind).toBe("other");
  // The first of a release may hold what nothing has checked.
  const first = readRun(writeRun(run, { isContinued: false }), options);
  expect(first).toEqual(known);
  expect(first.kind === "run" ? first.run : written).not.toBe(written);
  for (const requestsPerSecond of [Number.NaN, Number.POSITIVE_INFINITY])
    expect(readRun(writeRun({ ...run, requestsPerSecond }, { isContinued: true }), options).kind).toBe("other");
});

test("settingsHash: changes with what evidence depends on, and not with what it does not", () => {
  const hash = settingsHash(rules);
  const { sequential } = rules;
  expect(hash).toMatch(/^[0-9a-f]{8}$/);
  expect(settingsHash({ ...rules, sequential: { ...sequential, alpha: 0.02 } })).not.toBe(hash);
  expect(settingsHash({ ...rules, metrics: [{ name: "request-success-rate", thresholdRange: { min: 98 } }] })).not.toBe(
    hash,
  );
  expect(settingsHash({ ...rules, sequential: { ...sequential, onTimeout: "hold" }, intervalMs: 1 })).toBe(hash);
});

test("startRunOf: the past that came with the first look, before any counts, makes the plan of the first counts", () => {
  const bounds = { boundsMs: [10, 100], above: [600, 50], total: 1000 };
  const name = "request-success-rate";
  const waiting = (of: string): MetricSamples => ({ name: of, kind: "missing", reason: "waiting", message: "" });
  const start = startRunOf(
    {
      untilMs: 0,
      metrics: [waiting(name), waiting("request-duration")],
      history: [
        { name, dispersions: [3], counts: { total: 1000, bad: 5 } },
        { name: "request-duration", dispersions: [2, 4], histogram: bounds },
      ],
    },
    lookAt(0, { loadRatio: 2 }),
  );
  // As the status keeps it in between.
  const options = { rules, hash: settingsHash(rules), revision: "r" };
  const read = readRun(JSON.parse(JSON.stringify(writeRun(start, { isContinued: false }))), options);
  if (read.kind !== "run") throw new Error("what was written can be read");
  const latency = { name: "request-duration", kind: "latency", canary: bounds, primary: bounds } as const;
  const updated = updateRun(
    read.run,
    { untilMs: TICK_MS, metrics: [errors(1, 200, 4, 800), latency] },
    lookAt(TICK_MS),
  );
  expect(updated.ok ? updated.value.metrics : []).toMatchObject([
    { kind: "counts", dispersion: 5, pastRate: 0.005, missing: 0 },
    { kind: "latency", isPlanned: true, dispersions: [3, 7], past: bounds },
  ]);
});

test("gateOf: a promotion waits for the last weight alone, though the whole run is proven", () => {
  const [good, unlucky] = [[errors(3, 3000, 9, 9000)], [errors(8, 3000, 9, 9000)]];
  const gateAfter = (count: number): Gate => {
    const at = (index: number) =>
      index < 28 ? { weight: 25 } : { weight: 50, stage: { weight: 50, iteration: 0, sinceMs: 28 * TICK_MS } };
    const run = runOf(
      Array.from({ length: count }, (_, index) => (index === 28 ? unlucky : good)),
      at,
    );
    const [metric] = run.metrics;
    const standing = metric === undefined ? undefined : standingOf(metric, rules);
    const gate = standing === undefined ? undefined : gateOf(standing, { run, rules, move: { kind: "final" } });
    if (standing === undefined || gate === undefined) throw new Error("a counted metric holds a promotion up");
    expect(standing.widest?.excess).toBeLessThanOrEqual(
      needsOf(standing, { run, rules, move: { kind: "final" } })?.whole ?? 0,
    );
    return gate;
  };
  expect(distanceOf(gateAfter(29))).toBeGreaterThan(1);
  expect(distanceOf(gateAfter(34))).toBeLessThanOrEqual(1);
});
