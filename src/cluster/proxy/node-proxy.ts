import { fstatSync } from "node:fs";
import { type Log, messageOf } from "#base";
import { createKubeClient, loadInClusterConfig, loadKubeconfig, systemClock, systemRandom } from "#kube";
import { compileMesh, createProxy, describeMesh, type MeshConfig, type Proxy } from "#mesh";
import { createListenerSet, type ListenerSet } from "./listener-set.ts";
import { type MeshSource, watchMesh } from "./mesh-source.ts";
import { createStreamLog } from "./stream-log.ts";
import { parseProxyOptions, type ProxyCommandOptions, USAGE } from "./options.ts";
import { planListeners } from "./plan-listeners.ts";
import { type StatusServer, type StatusSource, startStatusServer } from "./status-server.ts";

/** Port of the Gateway servers that the gateway's listener serves. */
const GATEWAY_SERVER_PORT = 80;
/** Time for requests in flight when the proxy is told to end. */
const DRAIN_MS = 4000;

/**
 * The node proxy's process: keeps a mesh configuration by watches and carries traffic by it until the signal aborts or
 * the parent is gone. While the API server is away it goes on with the last configuration.
 *
 * @throws Failure when the gateway's or the status server's port cannot be listened on.
 */
export async function nodeProxyMain(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<number> {
  const options = parseProxyOptions(argv);
  if (!options.ok) {
    process.stderr.write(`${options.error}\n\n${USAGE}`);
    return 2;
  }
  if (options.value === "help") {
    process.stdout.write(USAGE);
    return 0;
  }
  const log = createStreamLog(process.stdout, { isVerbose: options.value.isVerbose });
  await runNodeProxy(options.value, { env, log, signal: AbortSignal.any([signal, parentGone()]) });
  return 0;
}

export interface NodeProxyContext {
  readonly env: NodeJS.ProcessEnv;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * Runs the proxy until the signal aborts, then drains it.
 *
 * Nothing listens before the mesh is known: a client that is refused tries again, one that gets a 404 does not.
 */
export async function runNodeProxy(
  options: ProxyCommandOptions,
  { env, log, signal }: NodeProxyContext,
): Promise<void> {
  const config =
    options.kubeconfig === undefined
      ? await loadInClusterConfig(undefined, env)
      : await loadKubeconfig(options.kubeconfig);
  const ports = { clock: systemClock, random: systemRandom, log };
  const client = createKubeClient(config);
  const proxy = createProxy({ ...ports, allowsAnyAddress: options.allowsAnyAddress });
  const state: State = { applied: undefined, isReady: false };
  const listeners = createListenerSet(proxy, log);
  const applying = { proxy, state, log, listeners };
  let status: StatusServer | undefined;
  try {
    status = await startStatusServer(
      { address: options.statusAddress, port: options.statusPort },
      statusSource(applying),
    );
    const source = watchMesh({
      ...ports,
      client,
      signal,
      onChange: () => {
        // Half a mesh would send requests to wrong places, so the first list of every kind comes first.
        if (state.applied !== undefined) applySafely(source, applying);
      },
    });
    if (await isKnown(source)) {
      applyObjects(source, applying);
      await startGateway(options, applying);
      await aborted(signal);
    }
  } finally {
    state.isReady = false;
    await proxy.close({ drainMs: DRAIN_MS });
    await status?.close();
    await client.close();
  }
}

interface State {
  applied: MeshConfig | undefined;
  isReady: boolean;
}

interface Applying {
  readonly proxy: Proxy;
  readonly state: State;
  readonly log: Log;
  readonly listeners: ListenerSet;
}

function statusSource({ proxy, state, listeners }: Applying): StatusSource {
  return {
    isReady: () => state.isReady,
    metricsText: () => proxy.metricsText(),
    describe: () => ({
      listeners: { open: listeners.openCount, skipped: Object.fromEntries(listeners.skipped) },
      runtime: proxy.describe(),
      config: state.applied === undefined ? undefined : describeMesh(state.applied),
    }),
  };
}

/** Waits for the first lists; false when the proxy is ended before. */
async function isKnown(source: MeshSource): Promise<boolean> {
  return source.synced.then(
    () => true,
    () => false,
  );
}

async function startGateway(options: ProxyCommandOptions, { proxy, state, log }: Applying): Promise<void> {
  if (options.gatewayPort !== undefined) {
    const { address, port } = await proxy.listenGateway({
      address: options.gatewayAddress,
      port: options.gatewayPort,
      gatewayPort: GATEWAY_SERVER_PORT,
    });
    log.info("the gateway listens", { address, port });
  }
  state.isReady = true;
}

/** A mistake of ours in compiling one change must not take the traffic of all down. */
function applySafely(source: MeshSource, applying: Applying): void {
  try {
    applyObjects(source, applying);
  } catch (thrown) {
    applying.log.error("cannot apply the mesh's objects, going on with the last configuration", {
      error: messageOf(thrown),
    });
  }
}

function applyObjects(source: MeshSource, { proxy, state, log, listeners }: Applying): void {
  const objects = source.objects();
  const config = compileMesh(objects);
  reportFindings(config, state.applied, log);
  state.applied = config;
  proxy.apply(config);
  listeners.reconcile(planListeners(objects.pods, objects.services));
}

/** Logs each finding once, when it appears. */
function reportFindings(config: MeshConfig, before: MeshConfig | undefined, log: Log): void {
  const known = new Set(before?.findings.map(({ object, message }) => `${object}\0${message}`));
  for (const { object, code, message } of config.findings) {
    if (!known.has(`${object}\0${message}`))
      log.warn("traffic object not applied as written", { object, code, message });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

/** Aborts when the other end of standard input closes, if standard input is a pipe that a parent holds. */
function parentGone(): AbortSignal {
  const gone = new AbortController();
  if (!isPipe(0)) return gone.signal;
  process.stdin.on("error", () => gone.abort());
  process.stdin.on("close", () => gone.abort());
  process.stdin.resume();
  return gone.signal;
}

function isPipe(fd: number): boolean {
  try {
    const input = fstatSync(fd);
    return input.isFIFO() || input.isSocket();
  } catch {
    // Started without standard input at all.
    return false;
  }
}
