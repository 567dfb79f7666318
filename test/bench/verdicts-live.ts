import { formatDuration } from "#base";
import { systemClock } from "#kube";
import { type Stage, withCluster, withStage } from "../../src/cli/demo/stage.ts";
import { delay } from "../../src/cli/demo/delay.ts";
import type { Figures } from "./figures.ts";
import type { LiveContext } from "./live-context.ts";
import { progress } from "./progress.ts";
import { liveScenario, plannedReleases, type ReleaseKind } from "./verdicts-parts/live-releases.ts";
import { type LiveResult, runRelease, settle } from "./verdicts-parts/live-run.ts";
import { liveFigures, liveLine, liveTable } from "./verdicts-parts/live-table.ts";

/** Load before the first release: the primary's pods are warm, and have a past. */
const BASELINE_MS = 10_000;
const PROGRESS_MS = 1000;

/** The releases that are to be made, and what became of those that were. */
interface Series {
  readonly planned: readonly ReleaseKind[];
  readonly results: LiveResult[];
}

/**
 * Releases on the embedded cluster with real requests: healthy versions, that may not be rolled back, and bad ones, that must be, and
 * asks `serin why` after each. One after the other on one running cluster, as users do; after a release that has not ended in
 * time, on a new one.
 *
 * @returns figures of what was done until the end or until Ctrl-C; what was not done is not met.
 */
export async function benchVerdictsLive(runCount: number, context: LiveContext): Promise<Figures> {
  const series: Series = { planned: plannedReleases(runCount), results: [] };
  const { planned, results } = series;
  console.log(`${planned.length} releases under ${liveScenario().load}; Ctrl-C ends it, and leaves nothing behind`);
  try {
    while (results.length < planned.length) await onNewCluster(series, context);
  } catch (thrown) {
    if (!context.signal.aborted) throw thrown;
  } finally {
    progress("");
    const stopped = results.length < planned.length ? `, stopped after ${results.length} of ${planned.length}` : "";
    console.log(`\nReleases on the embedded cluster${stopped}\n${liveTable(planned, results)}\n`);
  }
  return liveFigures(planned, results);
}

/** Releases until all is done, or until the cluster is not fit for another release. */
function onNewCluster(series: Series, { log, signal }: LiveContext): Promise<void> {
  const scenario = liveScenario();
  const { autoscaleIntervalMs } = scenario;
  progress("starting an embedded cluster");
  return withCluster({ prefix: "serin-bench-verdicts-", autoscaleIntervalMs, log, signal }, (cluster) =>
    withStage(cluster, { scenario, log, signal }, async (stage) => {
      await delay(BASELINE_MS, signal);
      while (await releaseNext(stage, series, signal));
    }),
  );
}

/** Makes the next release; false when there is none, or when it must not be on this cluster. */
async function releaseNext(stage: Stage, { planned, results }: Series, signal: AbortSignal): Promise<boolean> {
  const kind = planned[results.length];
  if (kind === undefined) return false;
  const number = results.length + 1;
  const startedMs = systemClock.nowMs();
  const timer = setInterval(() => {
    const { phase, weightPercent } = stage.watch.snapshot();
    const lasted = formatDuration(Math.round((systemClock.nowMs() - startedMs) / 1000) * 1000);
    progress(`${number}/${planned.length} ${kind.name}: ${phase}, ${weightPercent}%, ${lasted}`);
  }, PROGRESS_MS);
  try {
    const result = await runRelease(stage, { kind, number, signal });
    results.push(result);
    progress("");
    console.log(liveLine(result, { number, count: planned.length }));
    const isLast = results.length === planned.length;
    return !isLast && result.outcome !== "unfinished" && (await settle(stage, signal));
  } finally {
    clearInterval(timer);
  }
}
