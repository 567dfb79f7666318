import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resources } from "#api";
import { Failure, formatDuration, type Log } from "#base";
import { type Cluster, startCluster } from "#cluster";
import { createKubeClient, type KubeClient, loadKubeconfig, systemClock, systemRandom } from "#kube";
import { PROGRAM_DIRECTORY, VERSION } from "../installation.ts";
import { openScreen } from "../output/screen.ts";
import { applyObjects } from "./apply.ts";
import { NEW_VERSION, OLD_VERSION, releasePatch } from "./changes.ts";
import { LATENCY_TARGET_MS } from "./load-changes.ts";
import { type Load, startLoad } from "./load.ts";
import type { DemoOptions } from "./options.ts";
import { type DemoOutcome, judge, renderSummary } from "./outcome.ts";
import { type Reporter, startReporter } from "./report.ts";
import { type Scenario, scenarioOf } from "./scenario.ts";
import type { RolloutSnapshot } from "./snapshot.ts";
import { type RolloutWatch, watchRollout } from "./watch.ts";

const NAMESPACE = "canary-system";
const NAME = "canary-app";
const HOST = "canary.example.com";
/** A rollout that has not ended by then never will: every phase of the demo has a shorter deadline. */
const ROLLOUT_DEADLINE_MS = 240_000;
const BOOTSTRAP_DEADLINE_MS = 90_000;
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

/**
 * Runs the main job from nothing to its end in a temporary data directory, which is removed whatever happens.
 *
 * @returns whether the outcome was the right one.
 */
export async function runDemo(context: DemoContext): Promise<boolean> {
  const directory = mkdtempSync(join(tmpdir(), "serin-demo-"));
  const people = context.options.json ? context.stderr : context.stdout;
  const reporter = startReporter(openScreen(people, context.env), context.options);
  const scenario = scenarioOf(context.options);
  let cluster: Cluster | undefined;
  try {
    reporter.say("Starting an embedded cluster");
    cluster = await startDemoCluster(directory, context, scenario);
    reporter.say(`Cluster is up: API ${cluster.apiUrl}, gateway http://127.0.0.1:${cluster.gatewayPort}`);
    const outcome = await rollOut(cluster, { ...context, reporter, scenario });
    if (context.options.json) context.stdout.write(`${JSON.stringify(outcome)}\n`);
    if (context.options.keep) await keepRunning(cluster, context, reporter);
    return outcome.expected;
  } finally {
    reporter.finish();
    try {
      await cluster?.close();
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }
}

function startDemoCluster(
  directory: string,
  { log, options, signal }: DemoContext,
  { autoscaleIntervalMs }: Scenario,
): Promise<Cluster> {
  return startCluster({
    dataDirectory: directory,
    programDirectory: PROGRAM_DIRECTORY,
    version: VERSION,
    apiPort: 0,
    gatewayPort: 0,
    // Two samples must lie in the first interval after a step, or its rates are empty.
    scrapeIntervalMs: 500,
    ...(autoscaleIntervalMs === undefined ? {} : { autoscaleIntervalMs }),
    // Flagger's lower bound on the interval is 10 s; the demo has no time for that.
    operatorArgs: [`--min-interval=${formatDuration(Math.min(options.intervalMs, 1000))}`, "-control-loop-interval=1s"],
    images: {},
    log,
    signal,
  });
}

async function rollOut(
  cluster: Cluster,
  context: DemoContext & { readonly reporter: Reporter; readonly scenario: Scenario },
): Promise<DemoOutcome> {
  const { options, reporter, scenario, signal } = context;
  const client = createKubeClient(await loadKubeconfig(cluster.kubeconfigPath));
  const stop = new AbortController();
  const until = AbortSignal.any([signal, stop.signal]);
  let load: Load | undefined;
  try {
    await applyObjects(client, scenario.objects);
    reporter.say(`Applied ${scenario.source}; waiting until the Canary is initialized`);
    const watch = await watchRollout({
      client,
      namespace: NAMESPACE,
      name: NAME,
      rates: {
        metricsUrl: cluster.metricsUrl,
        namespace: NAMESPACE,
        workloads: `${NAME}(-primary)?`,
        windowSeconds: 5,
      },
      isScaled: scenario.isScaled,
      clock: systemClock,
      random: systemRandom,
      log: context.log,
      signal: until,
    });
    const first = await within(watch, { phase: ["Initialized"], deadlineMs: BOOTSTRAP_DEADLINE_MS });
    if (first.phase !== "Initialized") throw notInitialized(first);
    load = startLoad({
      host: HOST,
      address: "127.0.0.1",
      port: cluster.gatewayPort,
      rateAt: scenario.rateAt,
      lateAfterMs: LATENCY_TARGET_MS,
    });
    const loadEndMs = systemClock.nowMs() + scenario.loadMs;
    reporter.say(`Initialized; sending ${scenario.load} through the gateway (Host: ${HOST})`);
    await delay(scenario.baselineMs, signal);
    return await release({ client, watch, load, reporter, options, loadEndMs, signal });
  } finally {
    stop.abort(new Failure("The demo has ended", { code: "Ended" }));
    await load?.stop();
    await client.close();
  }
}

function notInitialized({ phase, lastEvent }: RolloutSnapshot): Failure {
  const word = lastEvent === "" ? "the operator said nothing" : `the operator's last word: ${lastEvent}`;
  return new Failure(
    `Cannot start the demo: after ${BOOTSTRAP_DEADLINE_MS / 1000} s the Canary "${NAMESPACE}/${NAME}" is "${phase}", not "Initialized"; ${word}`,
    { code: "NotInitialized" },
  );
}

async function release(run: {
  readonly client: KubeClient;
  readonly watch: RolloutWatch;
  readonly load: Load;
  readonly reporter: Reporter;
  readonly options: DemoOptions;
  /** The load goes on until then, though the release may be over. */
  readonly loadEndMs: number;
  readonly signal: AbortSignal;
}): Promise<DemoOutcome> {
  const { client, watch, load, reporter, options, loadEndMs, signal } = run;
  const startedMs = systemClock.nowMs();
  const fault = options.fault === undefined ? "" : `; the new version has a fault: ${options.fault.description}`;
  reporter.say(`Changing the image from podinfo ${OLD_VERSION} to ${NEW_VERSION}${fault}`);
  await client.patch(
    resources.deployments,
    { namespace: NAMESPACE, name: NAME },
    { kind: "strategic", body: releasePatch(options) },
  );
  reporter.follow(watch, load);
  // The phase is still the old one until the operator has seen the change.
  const last = await within(watch, { phase: ["Succeeded", "Failed"], deadlineMs: ROLLOUT_DEADLINE_MS });
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

/** Waits for one of the phases; at the deadline the last state is the answer, so that the summary can say where it hangs. */
async function within(watch: RolloutWatch, wait: { readonly phase: readonly string[]; readonly deadlineMs: number }) {
  const deadlineMs = systemClock.nowMs() + wait.deadlineMs;
  return watch.until((now) => wait.phase.includes(now.phase) || systemClock.nowMs() > deadlineMs);
}

/** The operator writes its events after the status; the one that tells the end may still be on its way. */
async function lastWord(watch: RolloutWatch): Promise<void> {
  const deadlineMs = systemClock.nowMs() + LAST_WORD_MS;
  await watch.until(
    () => watch.decisions().some(({ message }) => ENDING.test(message)) || systemClock.nowMs() > deadlineMs,
  );
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

function delay(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = systemClock.after(ms, () => {
      signal.removeEventListener("abort", stop);
      resolve();
    });
    function stop(): void {
      cancel();
      reject(signal.reason);
    }
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
  });
}
