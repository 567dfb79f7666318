import { hostname } from "node:os";
import { randomUUID } from "node:crypto";
import { type Log, messageOf } from "#base";
import {
  chooseKubeConfig,
  createFencedClient,
  createKubeClient,
  createLeaseElector,
  type KubeConfig,
  steadyNowMs,
  systemClock,
  systemRandom,
} from "#kube";
import { flagsHelp, type OperatorFlags, parseFlags } from "./flags.ts";
import { operate, type OperatePorts, type Work } from "./operate.ts";
import { routerOf, routers } from "./routers/index.ts";
import { createJsonLog, createRolloutMetrics, openTracer, startHttpEndpoint } from "./telemetry/index.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Follows the package's version. */
const VERSION = "0.1.0";
const LEASE_NAME = "flagger-leader-election";
const systemPorts = { clock: systemClock, random: systemRandom } as const;
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
  const config = await chooseKubeConfig(flags.kubeconfig, env);
  const metrics = createRolloutMetrics({ version: VERSION, meshProvider: flags.meshProvider });
  const onRequest = metrics.operator.requestEnded;
  const client = createKubeClient(config, { onRequest, rateLimit: { qps: flags.kubeQps, burst: flags.kubeBurst } });
  const tracer = await openTracer({ endpoint: flags.otlpEndpoint, version: VERSION, log });
  let isReady = false;
  const onReady = (): void => void (isReady = true);
  const address = { address: listenAddress(env), port: flags.port };
  const endpoint = await startHttpEndpoint({ ...address, metrics, isReady: () => isReady });
  try {
    const { server } = client;
    log.info("operator started", { server, credentials: config.origin, version: VERSION, port: endpoint.port });
    const ports = { ...systemPorts, metrics, tracer, env, log, signal, onReady };
    if (flags.isLeaderElected) return await serveInTurn(flags, { ...ports, config, client });
    metrics.operator.setLeader(true);
    await operate(flags, { ...ports, client });
    return EXIT.done;
  } finally {
    await endpoint.close();
    await tracer.close();
    await client.close();
    log.info("operator stopped");
  }
}

/** Works only while this process holds the lease; without it another operator may write, so a loss is the end. */
async function serveInTurn(
  flags: OperatorFlags,
  ports: OperatePorts & { readonly config: KubeConfig },
): Promise<number> {
  const { client, config, metrics, signal } = ports;
  // A way of its own, so that no rush of other requests delays a renewal.
  const leaseClient = createKubeClient(config, { onRequest: metrics.operator.requestEnded });
  const elector = createLeaseElector({
    ...ports,
    client: leaseClient,
    steadyNowMs,
    name: LEASE_NAME,
    namespace: flags.leaderElectionNamespace,
    identity: `${hostname()}_${randomUUID()}`,
  });
  const fenced = createFencedClient(client, elector);
  let isKept = true;
  async function lead(work: Work): Promise<void> {
    isKept = await elector.run(signal, async (reign) => {
      metrics.operator.setLeader(true);
      await work(reign);
      // The next leader must not meet a write of ours.
      await fenced.settled();
    });
    metrics.operator.setLeader(false);
  }
  metrics.operator.setLeader(false);
  try {
    await operate(flags, { ...ports, client: fenced, lead });
    return isKept ? EXIT.done : EXIT.failed;
  } finally {
    await leaseClient.close();
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
