import type { Log } from "#base";
import type { Cluster } from "#cluster";
import { systemClock } from "#kube";
import { openScreen } from "../output/screen.ts";
import { NEW_VERSION, OLD_VERSION, releasePatch } from "./changes.ts";
import { delay } from "./delay.ts";
import type { DemoOptions } from "./options.ts";
import { type DemoOutcome, judge, renderSummary } from "./outcome.ts";
import { type Reporter, startReporter } from "./report.ts";
import { type Scenario, scenarioOf } from "./scenario.ts";
import { change, followToEnd, HOST, type Stage, withCluster, within, withStage } from "./stage.ts";
import type { RolloutWatch } from "./watch.ts";

/** A rollout that has not ended by then never will: every phase of the demo has a shorter deadline. */
const ROLLOUT_DEADLINE_MS = 240_000;
const LAST_WORD_MS = 2000;
/** Events that tell how a release ended. Source: docs of Flagger's events, flagger-spec 2.6 and 2.7. */
const ENDING = /^(Promotion completed!|Canary failed!)/;

export interface DemoContext {
  readonly options: DemoOptions;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  /** Ctrl-C. */
  readonly signal: AbortSignal;
}

type DemoRun = DemoContext & { readonly reporter: Reporter; readonly scenario: Scenario };

/**
 * Runs the main job from nothing to its end in a temporary data directory, which is removed whatever happens.
 *
 * @returns whether the outcome was the right one.
 */
export async function runDemo(context: DemoContext): Promise<boolean> {
  const { options, stdout, stderr, env, log, signal } = context;
  const reporter = startReporter(openScreen(options.json ? stderr : stdout, env), options);
  const scenario = scenarioOf(options);
  const { autoscaleIntervalMs } = scenario;
  reporter.say("Starting an embedded cluster");
  return withCluster({ prefix: "serin-demo-", autoscaleIntervalMs, log, signal }, async (cluster) => {
    try {
      reporter.say(`Cluster is up: API ${cluster.apiUrl}, gateway http://127.0.0.1:${cluster.gatewayPort}`);
      const outcome = await rollOut(cluster, { ...context, reporter, scenario });
      if (options.json) stdout.write(`${JSON.stringify(outcome)}\n`);
      if (options.keep) await keepRunning(cluster, context, reporter);
      return outcome.expected;
    } finally {
      reporter.finish();
    }
  });
}

function rollOut(cluster: Cluster, run: DemoRun): Promise<DemoOutcome> {
  const { reporter, scenario, log, signal } = run;
  const onApplied = (): void => reporter.say(`Applied ${scenario.source}; waiting until the Canary is initialized`);
  return withStage(cluster, { scenario, log, signal, onApplied }, async (stage) => {
    const loadEndMs = systemClock.nowMs() + scenario.loadMs;
    reporter.say(`Initialized; sending ${scenario.load} through the gateway (Host: ${HOST})`);
    await delay(scenario.baselineMs, signal);
    return release(stage, run, loadEndMs);
  });
}

/** The load goes on until `loadEndMs`, though the release may be over. */
async function release(stage: Stage, run: DemoRun, loadEndMs: number): Promise<DemoOutcome> {
  const { watch, load } = stage;
  const { reporter, options, signal } = run;
  const startedMs = systemClock.nowMs();
  const fault = options.fault === undefined ? "" : `; the new version has a fault: ${options.fault.description}`;
  reporter.say(`Changing the image from podinfo ${OLD_VERSION} to ${NEW_VERSION}${fault}`);
  await change(stage, releasePatch(options));
  reporter.follow(watch, load);
  const last = await followToEnd(stage, ROLLOUT_DEADLINE_MS);
  const seconds = (systemClock.nowMs() - startedMs) / 1000;
  await delay(Math.max(0, loadEndMs - systemClock.nowMs()), signal);
  const counts = await load.stop();
  await lastWord(watch);
  const outcome = judge(
    {
      phase: last.phase,
      weightPercent: last.weightPercent,
      primaryVersion: last.primary.version,
      maxCanaryWeight: reporter.maxCanaryWeight(),
      seconds,
      reason: reasonOf(watch),
      capacity: reporter.capacityTotals(),
    },
    counts,
    { options, oldVersion: OLD_VERSION, newVersion: NEW_VERSION },
  );
  reporter.end(renderSummary(outcome, counts, watch.primaryImage()));
  return outcome;
}

/** The operator writes its events after the status; the one that tells the end may still be on its way. */
async function lastWord(watch: RolloutWatch): Promise<void> {
  await within(watch, LAST_WORD_MS, () => watch.decisions().some(({ message }) => ENDING.test(message)));
}

/** The verdict in the operator's own words: its last event, or for a rollback why it went back and what it saw last. */
function reasonOf(watch: RolloutWatch): string {
  const decisions = watch.decisions();
  if (watch.snapshot().phase !== "Failed") return decisions.at(-1)?.message ?? "the operator said nothing";
  const warnings = decisions.filter((decision) => decision.isWarning).map(({ message }) => message);
  const verdict = warnings.findLast((message) => message.startsWith("Rolling back"));
  // What was waited for is no reason to go back.
  const seen = warnings.findLast((message) => message.startsWith("Halt") && !message.includes(" waiting for "));
  return (
    [verdict, seen].filter((message) => message !== undefined).join("; ") ||
    (warnings.at(-1) ?? "the operator said nothing")
  );
}

async function keepRunning(cluster: Cluster, context: DemoContext, reporter: Reporter): Promise<void> {
  reporter.say(
    "",
    "The cluster keeps running until Ctrl-C. In another terminal:",
    `  export KUBECONFIG=${cluster.kubeconfigPath}`,
    "  kubectl get canaries -A",
  );
  reporter.say(`  curl -H 'Host: ${HOST}' http://127.0.0.1:${cluster.gatewayPort}/version`);
  if (context.signal.aborted) return;
  await new Promise((resolve) => context.signal.addEventListener("abort", resolve, { once: true }));
}
