import type { CanaryAnalysis, CanaryStatus } from "#api";
import type { Arms } from "#stats";
import type { MetricHistory, MetricSamples, Samples } from "./observation.ts";
import { settingsHash } from "./evidence/settings-hash.ts";
import { startRunOf, updateRun } from "./evidence/update-run.ts";
import { writeRun } from "./evidence/write-run.ts";
import { canaryOf, NOW_MS, type Scene } from "./scene.ts";
import { readSettings } from "./settings.ts";

/** Situations of a sequential analysis, for tests: a canary at 20% whose evidence is what the given ticks make of it. */

const TICK_MS = 10_000;

export const compared: Partial<CanaryAnalysis> = {
  method: "sequential",
  sequential: { warmup: "0s", maxDuration: "10m" },
  metrics: [{ name: "request-success-rate", thresholdRange: { min: 99 } }],
};

export interface Collected {
  readonly analysis?: Partial<CanaryAnalysis>;
  readonly status?: Partial<CanaryStatus>;
  /** Counts of both copies, one tick each; the last is the answer of the scene's look. */
  readonly ticks: readonly (readonly MetricSamples[])[];
  readonly history?: readonly MetricHistory[];
  readonly scene?: Scene;
}

/** A scene whose status holds the evidence of all ticks but the last. */
export function collected({ analysis, status, ticks, history, scene }: Collected): Scene {
  const full: Scene = {
    ...scene,
    analysis: { ...compared, ...analysis },
    status: {
      phase: "Progressing",
      canaryWeight: 20,
      lastTransitionTime: new Date(NOW_MS - (ticks.length + 3) * TICK_MS).toISOString(),
      ...status,
    },
  };
  const settings = readSettings(canaryOf(full), { minIntervalMs: 1000 });
  if (!settings.ok || settings.value.sequential === undefined) throw new Error("the scene is of a sequential analysis");
  const { sequential, tickMs, intervalMs, metrics, strategy } = settings.value;
  const rules = { sequential, tickMs, intervalMs, metrics };
  const startMs = NOW_MS - ticks.length * TICK_MS;
  const weight = full.status?.canaryWeight ?? 0;
  const lookAt = (nowMs: number) => ({
    nowMs,
    rules,
    hash: settingsHash(rules),
    revision: "s-new",
    stage: { weight, iteration: full.status?.iterations ?? 0, sinceMs: startMs },
    hasTraffic: weight > 0,
    isSplit: strategy.kind === "weights" && weight < 100,
    readyCount: 2,
    youngestReadyMs: undefined,
    loadRatio: 1,
  });
  const first: Samples = { untilMs: startMs, metrics: ticks[0] ?? [], ...(history === undefined ? {} : { history }) };
  let run = startRunOf(first, lookAt(startMs));
  for (const [index, tick] of ticks.slice(0, -1).entries()) {
    const untilMs = startMs + (index + 1) * TICK_MS;
    const updated = updateRun(run, { untilMs, metrics: tick }, lookAt(untilMs));
    if (!updated.ok) throw new Error(updated.error);
    run = updated.value;
  }
  return {
    ...full,
    status: { ...full.status, evidence: writeRun(run, { isContinued: false }) },
    answers: {
      ...scene?.answers,
      samples: { kind: "samples", samples: { untilMs: NOW_MS, metrics: ticks.at(-1) ?? [] } },
    },
  };
}

/** A tick of the success rate, the canary's bad requests of its total and the primary's. */
export function errors(
  ...[canaryBad, canary, primaryBad, primary]: readonly [number, number, number, number]
): MetricSamples {
  const arms: Arms = { canary: { bad: canaryBad, total: canary }, primary: { bad: primaryBad, total: primary } };
  return { name: "request-success-rate", kind: "counts", arms, query: "errors()" };
}

/** The same tick so many times. */
export function times<T>(count: number, tick: T): T[] {
  return Array.from({ length: count }, () => tick);
}
