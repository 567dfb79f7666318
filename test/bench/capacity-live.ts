import type { CanaryCapacity } from "#api";
import { systemClock } from "#kube";
import { releasePatch } from "../../src/cli/demo/changes.ts";
import { historyLines } from "../../src/cli/demo/capacity-view.ts";
import { decisionLines } from "../../src/cli/demo/decision-lines.ts";
import { delay } from "../../src/cli/demo/delay.ts";
import { type Column, createHistory } from "../../src/cli/demo/history.ts";
import { AUTOSCALE_INTERVAL_MS, LATENCY_TARGET_MS } from "../../src/cli/demo/load-changes.ts";
import { steadyLoad } from "../../src/cli/demo/load-curve.ts";
import { parseDemoOptions } from "../../src/cli/demo/options.ts";
import { change, followToEnd, type Stage, withCluster, withStage } from "../../src/cli/demo/stage.ts";
import {
  couplings,
  liveObjects,
  liveScenarios,
  type LiveScenario,
  REQUESTS_PER_SECOND,
} from "./capacity-parts/live-scenarios.ts";
import { type Figure, type Figures, reported } from "./figures.ts";
import type { LiveContext } from "./live-context.ts";

/** Until the primary's autoscaler has brought it to the size of the load. */
const SETTLE_MS = 40_000;
/** What comes after the release belongs to it: a herd is served late. */
const AFTER_MS = 30_000;
const RELEASE_DEADLINE_MS = 240_000;
const SAMPLE_MS = 250;
const WARNINGS_SHOWN = 6;

/** What one run came to, from the change of the image until half a minute after the release. */
interface Run {
  readonly phase: string;
  readonly releaseSeconds: number;
  readonly requestCount: number;
  readonly failedCount: number;
  readonly lateCount: number;
  readonly podMinutes: number;
  readonly columns: readonly Column[];
  /** The operator's last warnings. */
  readonly warnings: readonly string[];
}

/** The same app, load and release on the embedded cluster, with real requests, coupled and not. */
export async function benchCapacityLive(context: LiveContext): Promise<Figures> {
  const figures: Record<string, Figure> = {};
  for (const scenario of liveScenarios) {
    const key = scenario.name.replaceAll(" ", "-");
    for (const [way, capacity] of Object.entries(couplings)) {
      const run = await runOnce(scenario, capacity, context);
      console.log(
        [
          `${scenario.name}, ${way}: ${rowOf(run)}`,
          ...historyLines(run.columns),
          ...run.warnings.map((text) => `  ! ${text}`),
        ].join("\n"),
      );
      const name = `${key}-${way}`;
      figures[`${name}-failed-or-late`] = reported(run.failedCount + run.lateCount, "requests");
      figures[`${name}-pod-minutes`] = reported(run.podMinutes, "pod-minutes");
      figures[`${name}-release`] = reported(run.releaseSeconds, `s, ${run.phase}`);
    }
  }
  return figures;
}

function rowOf({ phase, releaseSeconds, requestCount, failedCount, lateCount, podMinutes }: Run): string {
  return `${phase} after ${releaseSeconds.toFixed(0)} s; of ${requestCount} requests ${failedCount} failed and ${lateCount} were later than ${LATENCY_TARGET_MS} ms; ${podMinutes.toFixed(1)} pod-minutes`;
}

function runOnce(scenario: LiveScenario, capacity: CanaryCapacity, { log, signal }: LiveContext): Promise<Run> {
  const setup = { prefix: "serin-bench-capacity-", autoscaleIntervalMs: AUTOSCALE_INTERVAL_MS, log, signal };
  const objects = liveObjects(scenario, capacity);
  const staged = { objects, rateAt: steadyLoad(REQUESTS_PER_SECOND), isScaled: true };
  return withCluster(setup, (cluster) =>
    withStage(cluster, { scenario: staged, log, signal }, async (stage) => {
      await delay(SETTLE_MS, signal);
      return measure(stage, signal);
    }),
  );
}

/** Changes the image and follows the release to its end and a while beyond. */
async function measure(stage: Stage, signal: AbortSignal): Promise<Run> {
  const { watch, load } = stage;
  const options = parseDemoOptions({ load: "ramp" });
  if (!options.ok) throw new Error(options.error);
  const history = createHistory();
  const startedMs = systemClock.nowMs();
  const requestCountBefore = load.counts().total;
  const sample = (): void =>
    history.add({
      title: "",
      elapsedMs: systemClock.nowMs() - startedMs,
      snapshot: watch.snapshot(),
      load: load.counts(),
      decisions: [],
    });
  sample();
  const timer = setInterval(sample, SAMPLE_MS);
  try {
    await change(stage, releasePatch(options.value));
    const { phase } = await followToEnd(stage, RELEASE_DEADLINE_MS);
    const releaseSeconds = (systemClock.nowMs() - startedMs) / 1000;
    await delay(AFTER_MS, signal);
    sample();
    const { failed, late, podMinutes } = history.totals();
    const requestCount = load.counts().total - requestCountBefore;
    const counts = { requestCount, failedCount: failed, lateCount: late };
    const warnings = decisionLines(watch.decisions()).flatMap(({ mark, text }) => (mark === "warning" ? [text] : []));
    const shown = { columns: history.columns(), warnings: warnings.slice(-WARNINGS_SHOWN) };
    return { phase, releaseSeconds, ...counts, podMinutes, ...shown };
  } finally {
    clearInterval(timer);
  }
}
