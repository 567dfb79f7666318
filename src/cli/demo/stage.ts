import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resources } from "#api";
import { Failure, type Log } from "#base";
import { type Cluster, startCluster } from "#cluster";
import { createKubeClient, type KubeClient, loadKubeconfig, systemClock, systemRandom } from "#kube";
import { PROGRAM_DIRECTORY, VERSION } from "../installation.ts";
import { applyObjects } from "./apply.ts";
import { LATENCY_TARGET_MS } from "./load-changes.ts";
import { type Load, startLoad } from "./load.ts";
import type { Scenario } from "./scenario.ts";
import type { RolloutSnapshot } from "./snapshot.ts";
import { type RolloutWatch, watchRollout } from "./watch.ts";

/** The example's app on an embedded cluster of its own, asked by clients: where the demo and the live benchmarks release. */

/** Namespace of the example, and the one name of its Canary, target and service. */
export const NAMESPACE = "canary-system";
export const NAME = "canary-app";
/** Host of the example at the gateway. */
export const HOST = "canary.example.com";

const BOOTSTRAP_DEADLINE_MS = 90_000;

export interface ClusterSetup {
  /** Beginning of the name of its temporary directory. */
  readonly prefix: string;
  readonly autoscaleIntervalMs: number | undefined;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Starts a cluster in a temporary directory; whatever happens, no process and no file is left afterwards. */
export async function withCluster<T>(setup: ClusterSetup, use: (cluster: Cluster) => Promise<T>): Promise<T> {
  const { prefix, autoscaleIntervalMs, log, signal } = setup;
  const directory = mkdtempSync(join(tmpdir(), prefix));
  let cluster: Cluster | undefined;
  try {
    cluster = await startCluster({
      dataDirectory: directory,
      programDirectory: PROGRAM_DIRECTORY,
      version: VERSION,
      apiPort: 0,
      gatewayPort: 0,
      // Two samples must lie in the first interval after a step, or its rates are empty.
      scrapeIntervalMs: 500,
      ...(autoscaleIntervalMs === undefined ? {} : { autoscaleIntervalMs }),
      // Flagger's lower bound on the interval is 10 s; there is no time for that.
      operatorArgs: ["--min-interval=1s", "-control-loop-interval=1s"],
      images: {},
      log,
      signal,
    });
    return await use(cluster);
  } finally {
    try {
      await cluster?.close();
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }
}

/** The initialized Canary, and its clients. */
export interface Stage {
  readonly cluster: Cluster;
  readonly client: KubeClient;
  readonly watch: RolloutWatch;
  readonly load: Load;
}

export interface StageSetup {
  readonly scenario: Pick<Scenario, "objects" | "rateAt" | "isScaled">;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Called when the objects are applied, and the Canary is waited for. */
  readonly onApplied?: () => void;
}

/**
 * Applies the scenario, waits until its Canary is initialized, and sends load through the gateway; both end with `use`.
 *
 * @throws Failure `NotInitialized` with the operator's last word.
 */
export async function withStage<T>(
  cluster: Cluster,
  { scenario, log, signal, onApplied }: StageSetup,
  use: (stage: Stage) => Promise<T>,
): Promise<T> {
  const client = createKubeClient(await loadKubeconfig(cluster.kubeconfigPath));
  const stop = new AbortController();
  let load: Load | undefined;
  try {
    await applyObjects(client, scenario.objects);
    onApplied?.();
    const rates = {
      metricsUrl: cluster.metricsUrl,
      namespace: NAMESPACE,
      workloads: `${NAME}(-primary)?`,
      windowSeconds: 5,
    };
    const watch = await watchRollout({
      client,
      namespace: NAMESPACE,
      name: NAME,
      rates,
      isScaled: scenario.isScaled,
      clock: systemClock,
      random: systemRandom,
      log,
      signal: AbortSignal.any([signal, stop.signal]),
    });
    const first = await within(watch, BOOTSTRAP_DEADLINE_MS, ({ phase }) => phase === "Initialized");
    if (first.phase !== "Initialized") throw notInitialized(first);
    const { rateAt } = scenario;
    const address = { host: HOST, address: "127.0.0.1", port: cluster.gatewayPort };
    load = startLoad({ ...address, rateAt, lateAfterMs: LATENCY_TARGET_MS });
    return await use({ cluster, client, watch, load });
  } finally {
    stop.abort(new Failure("The release is not watched any more", { code: "Ended" }));
    await load?.stop();
    await client.close();
  }
}

function notInitialized({ phase, lastEvent }: RolloutSnapshot): Failure {
  const word = lastEvent === "" ? "the operator said nothing" : `the operator's last word: ${lastEvent}`;
  return new Failure(
    `Cannot begin: after ${BOOTSTRAP_DEADLINE_MS / 1000} s the Canary "${NAMESPACE}/${NAME}" is "${phase}", not "Initialized"; ${word}`,
    { code: "NotInitialized" },
  );
}

/** Changes the target, which starts a release. */
export async function change({ client }: Pick<Stage, "client">, body: object): Promise<void> {
  await client.patch(resources.deployments, { namespace: NAMESPACE, name: NAME }, { kind: "strategic", body });
}

/** Follows a release that was just started to its end; at the deadline the last state is the answer, to tell where it hangs. */
export async function followToEnd({ watch }: Pick<Stage, "watch">, deadlineMs: number): Promise<RolloutSnapshot> {
  const endMs = systemClock.nowMs() + deadlineMs;
  // The phase is still that of the release before until the operator has seen the change.
  await within(watch, deadlineMs, (now) => !hasEnded(now));
  return within(watch, Math.max(0, endMs - systemClock.nowMs()), hasEnded);
}

function hasEnded({ phase }: RolloutSnapshot): boolean {
  return phase === "Succeeded" || phase === "Failed";
}

/** Waits until it is so, or until the deadline; the answer is the last state. */
export function within(
  watch: RolloutWatch,
  deadlineMs: number,
  isSo: (now: RolloutSnapshot) => boolean,
): Promise<RolloutSnapshot> {
  const endMs = systemClock.nowMs() + deadlineMs;
  return watch.until((now) => isSo(now) || systemClock.nowMs() > endMs);
}
