import { hostname } from "node:os";
import { randomUUID } from "node:crypto";
import { type Log, messageOf } from "#base";
import {
  createKubeClient,
  createLeaseElector,
  loadInClusterConfig,
  loadKubeconfig,
  systemClock,
  systemRandom,
} from "#kube";
import { flagsHelp, type OperatorFlags, parseFlags } from "./flags.ts";
import { operate } from "./operate.ts";
import { routerOf, routers } from "./routers/index.ts";
import { createJsonLog, createRolloutMetrics, startHttpEndpoint } from "./telemetry/index.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Follows the package's version. */
const VERSION = "0.1.0";
const LEASE_NAME = "flagger-leader-election";
const EXIT = { done: 0, failed: 1, usage: 2 } as const;

/**
 * Runs the operator until the signal aborts. Returns the exit status: 0 after a clean stop, 1 when it could not run or
 * lost the lease, 2 for a wrong flag.
 */
export async function runOperator(argv: readonly string[], env: Environment, signal: AbortSignal): Promise<number> {
  const flags = parseFlags(argv, env);
  if (!flags.ok) return complain(flags.error);
  if (flags.value.wantsHelp) return print(flagsHelp());
  if (flags.value.wantsVersion) return print(`serin ${VERSION}\n`);
  const log = createJsonLog(flags.value.logLevel, process.stdout);
  if (log === undefined)
    return complain(`-log-level: "${flags.value.logLevel}" is unknown; write debug, info, warning or error`);
  if (routerOf(flags.value.meshProvider) === undefined) {
    const known = routers.flatMap(({ providers }) => providers).join(", ");
    return complain(`-mesh-provider: "${flags.value.meshProvider}" is not executed; write one of ${known}`);
  }
  if (flags.value.ignored.length > 0) log.warn("flags without effect", { flags: flags.value.ignored });
  try {
    return await serve(flags.value, { env, log, signal });
  } catch (thrown) {
    if (signal.aborted) return EXIT.done;
    log.error("operator ended", { error: messageOf(thrown) });
    return EXIT.failed;
  }
}

interface Surroundings {
  readonly env: Environment;
  readonly log: Log;
  readonly signal: AbortSignal;
}

async function serve(flags: OperatorFlags, around: Surroundings): Promise<number> {
  const { env, log, signal } = around;
  const config =
    flags.kubeconfig === "" ? await loadInClusterConfig(undefined, env) : await loadKubeconfig(flags.kubeconfig);
  const client = createKubeClient(config);
  const ports = { clock: systemClock, random: systemRandom };
  const metrics = createRolloutMetrics({ version: VERSION, meshProvider: flags.meshProvider });
  // A standby is ready: a rolling update waits for the new pod, which waits for the lease of the old one.
  const readiness = { isReady: flags.isLeaderElected };
  const isReady = (): boolean => readiness.isReady;
  const endpoint = await startHttpEndpoint({ address: listenAddress(env), port: flags.port, metrics, isReady });
  const onReady = (): void => void (readiness.isReady = true);
  try {
    log.info("operator started", { server: client.server, version: VERSION, port: endpoint.port });
    if (!flags.isLeaderElected) {
      await operate(flags, { ...ports, client, metrics, env, log, signal, onReady });
      return EXIT.done;
    }
    const elector = createLeaseElector({
      client,
      name: LEASE_NAME,
      namespace: flags.leaderElectionNamespace,
      identity: `${hostname()}_${randomUUID()}`,
      ...ports,
      log,
    });
    await elector.run(signal, (reign) => operate(flags, { ...ports, client, metrics, env, log, signal: reign }));
    // Without the lease another operator may write: this process must not go on.
    return signal.aborted ? EXIT.done : EXIT.failed;
  } finally {
    await endpoint.close();
    await client.close();
    log.info("operator stopped");
  }
}

/** In the embedded cluster a pod has an address of its own; on a real one every address of the pod is its own. */
function listenAddress(env: Environment): string {
  return env.SERIN_POD_IP ?? (env.KUBERNETES_SERVICE_HOST === undefined ? "127.0.0.1" : "0.0.0.0");
}

function complain(message: string): number {
  process.stderr.write(`${message}\n`);
  return EXIT.usage;
}

function print(text: string): number {
  process.stdout.write(text);
  return EXIT.done;
}
