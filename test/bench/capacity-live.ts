import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CanaryCapacity, resources } from "#api";
import { startCluster } from "#cluster";
import { createKubeClient, type KubeClient, loadKubeconfig, systemClock, systemRandom } from "#kube";
import { applyObjects } from "../../src/cli/demo/apply.ts";
import { releasePatch } from "../../src/cli/demo/changes.ts";
import { historyLines } from "../../src/cli/demo/capacity-view.ts";
import { decisionLines } from "../../src/cli/demo/decision-lines.ts";
import { type Column, createHistory } from "../../src/cli/demo/history.ts";
import { type Load, startLoad } from "../../src/cli/demo/load.ts";
import { AUTOSCALE_INTERVAL_MS, LATENCY_TARGET_MS } from "../../src/cli/demo/load-changes.ts";
import { parseDemoOptions } from "../../src/cli/demo/options.ts";
import { type RolloutWatch, watchRollout } from "../../src/cli/demo/watch.ts";
import { PROGRAM_DIRECTORY, VERSION } from "../../src/cli/installation.ts";
import { createLog } from "../../src/cli/output/log.ts";
import {
  couplings,
  liveObjects,
  liveScenarios,
  type LiveScenario,
  REQUESTS_PER_SECOND,
} from "./capacity-parts/live-scenarios.ts";
import { type Figure, type Figures, reported } from "./figures.ts";

const NAMESPACE = "canary-system";
const NAME = "canary-app";
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
export async function benchCapacityLive(): Promise<Figures> {
  const figures: Record<string, Figure> = {};
  for (const scenario of liveScenarios) {
    const key = scenario.name.replaceAll(" ", "-");
    for (const [way, capacity] of Object.entries(couplings)) {
      const run = await runOnce(scenario, capacity);
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

async function runOnce(scenario: LiveScenario, capacity: CanaryCapacity): Promise<Run> {
  const directory = mkdtempSync(join(tmpdir(), "serin-bench-capacity-"));
  const stop = new AbortController();
  const log = createLog("error", process.stderr);
  if (!log.ok) throw new Error(log.error);
  const cluster = await startCluster({
    dataDirectory: directory,
    programDirectory: PROGRAM_DIRECTORY,
    version: VERSION,
    apiPort: 0,
    gatewayPort: 0,
    scrapeIntervalMs: 500,
    autoscaleIntervalMs: AUTOSCALE_INTERVAL_MS,
    operatorArgs: ["--min-interval=1s", "-control-loop-interval=1s"],
    images: {},
    log: log.value,
    signal: stop.signal,
  });
  const client = createKubeClient(await loadKubeconfig(cluster.kubeconfigPath));
  let load: Load | undefined;
  try {
    await applyObjects(client, liveObjects(scenario, capacity));
    const rates = {
      metricsUrl: cluster.metricsUrl,
      namespace: NAMESPACE,
      workloads: `${NAME}(-primary)?`,
      windowSeconds: 5,
    };
    const world = { clock: systemClock, random: systemRandom, log: log.value, signal: stop.signal };
    const watch = await watchRollout({ client, namespace: NAMESPACE, name: NAME, rates, isScaled: true, ...world });
    await watch.until(({ phase }) => phase === "Initialized");
    load = startLoad({
      host: "canary.example.com",
      address: "127.0.0.1",
      port: cluster.gatewayPort,
      rateAt: () => REQUESTS_PER_SECOND,
      lateAfterMs: LATENCY_TARGET_MS,
    });
    await pause(SETTLE_MS);
    return await measure(client, watch, load);
  } finally {
    await load?.stop();
    stop.abort();
    await client.close();
    await cluster.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Changes the image and follows the release to its end and a while beyond. */
async function measure(client: KubeClient, watch: RolloutWatch, load: Load): Promise<Run> {
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
    const key = { namespace: NAMESPACE, name: NAME };
    await client.patch(resources.deployments, key, { kind: "strategic", body: releasePatch(options.value) });
    const { phase } = await watch.until(
      (now) => ["Succeeded", "Failed"].includes(now.phase) || systemClock.nowMs() - startedMs > RELEASE_DEADLINE_MS,
    );
    const releaseSeconds = (systemClock.nowMs() - startedMs) / 1000;
    await pause(AFTER_MS);
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

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
