import type { RequestListener, Server } from "node:http";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { drain, listen } from "../serve-http.ts";
import { createLineLog, type LineLog } from "../line-log.ts";
import { type GrpcHealthServer, startGrpcHealth } from "./grpc-health.ts";
import { createRequestMetrics } from "./request-metrics.ts";
import type { PodinfoContext } from "./routes.ts";
import { createMetricsListener, createPodinfoListener } from "./server.ts";
import { type PodinfoSettings, readSettings } from "./settings.ts";

/** How long a pod that is told to stop still serves, so that whoever routes to it can learn of it. The real one waits 3 s. */
const LINGER_MS = 1000;
const CRASH_AFTER_MS = 1000;

/**
 * The built-in podinfo: the flags, endpoints and metrics of github.com/stefanprodan/podinfo that manifests and dashboards
 * rely on, the version taken from the image's tag, and on request
 * faults (variable PODINFO_FAULT) and a limited capacity (PODINFO_CAPACITY), which real podinfo ignores.
 */
export async function podinfoMain(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<number> {
  const settings = readSettings(argv, env);
  if (!settings.ok) {
    process.stderr.write(`podinfo: ${settings.error}\n`);
    return 2;
  }
  if (settings.value.flags.version || settings.value.flags.v) {
    process.stdout.write(`podinfo version ${settings.value.version}\n`);
    return 0;
  }
  const log = createLineLog(settings.value.flags.level, (line) => process.stdout.write(line));
  return servePodinfo({ settings: settings.value, log, env, signal, lingerMs: LINGER_MS });
}

/** Serves until the signal aborts or the program ends itself; returns the exit code. */
export async function servePodinfo(options: {
  readonly settings: PodinfoSettings;
  readonly log: LineLog;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly lingerMs: number;
}): Promise<number> {
  const { settings, log, env, signal } = options;
  const panicked = new AbortController();
  const cut = new AbortController();
  let exitCode = 0;
  const end = (code: number): void => {
    exitCode = code;
    panicked.abort();
  };
  const context: PodinfoContext = {
    settings,
    log,
    metrics: createRequestMetrics(),
    env,
    exit: end,
    health: { isHealthy: !settings.flags.unhealthy, isReady: !settings.flags.unready },
    signal: cut.signal,
  };
  const servers = await listenAll(context);
  const grpc = await startGrpc(context);
  announce(settings, servers, log);
  const crash = settings.fault.crashes ? setTimeout(() => crashNow(log, end), CRASH_AFTER_MS) : undefined;
  const warming = warmUp(context);
  const stopped = AbortSignal.any([signal, panicked.signal]);
  if (!stopped.aborted) await once(stopped, "abort");
  clearTimeout(crash);
  clearTimeout(warming);
  if (panicked.signal.aborted) {
    for (const server of servers) server.close().closeAllConnections();
    await grpc?.close();
    return exitCode;
  }
  log.info("Shutting down HTTP/HTTPS server", { timeout: settings.flags["server-shutdown-timeout"] / 1000 });
  context.health.isReady = false;
  // Answers from now on close their connection, so that none is left to be cut when the server stops.
  for (const server of servers)
    server.prependListener("request", (_request, response) => response.setHeader("connection", "close"));
  await sleep(options.lingerMs);
  await Promise.all(servers.map((server) => drain(server, settings.flags["server-shutdown-timeout"])));
  cut.abort();
  await grpc?.close();
  return 0;
}

/** Keeps a pod that takes its time to start from being ready before; undefined for one that does not. */
function warmUp({ settings, health }: PodinfoContext): NodeJS.Timeout | undefined {
  const { startMs } = settings.capacity;
  if (startMs === 0 || !health.isReady) return undefined;
  health.isReady = false;
  return setTimeout(() => {
    health.isReady = true;
  }, startMs);
}

async function listenAll(context: PodinfoContext): Promise<Server[]> {
  const { flags, address } = context.settings;
  const listeners: { port: number; listener: RequestListener }[] = [
    { port: flags.port, listener: createPodinfoListener(context) },
  ];
  if (flags["port-metrics"] > 0)
    listeners.push({ port: flags["port-metrics"], listener: createMetricsListener(context) });
  const timeoutMs = flags["http-server-timeout"];
  return Promise.all(listeners.map(({ port, listener }) => listen(listener, { host: address, port, timeoutMs })));
}

async function startGrpc({ settings, health }: PodinfoContext): Promise<GrpcHealthServer | undefined> {
  const { "grpc-port": port, "grpc-service-name": service } = settings.flags;
  if (port === 0) return undefined;
  return startGrpcHealth({ host: settings.address, port, service, isHealthy: () => health.isReady });
}

function announce(settings: PodinfoSettings, servers: readonly Server[], log: LineLog): void {
  const [addr = "", metrics] = servers.map((server) => `${settings.address}:${boundPort(server)}`);
  log.info("Starting podinfo", { version: settings.version, revision: "unknown", port: String(settings.flags.port) });
  log.info("Starting HTTP Server.", { addr, ...(metrics === undefined ? {} : { metrics }) });
  for (const name of settings.ignored) log.warn("flag has no effect in the built-in podinfo", { flag: `--${name}` });
}

/** The port that a server listens on, chosen by the system when 0 was asked for. */
function boundPort(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

function crashNow(log: LineLog, end: (code: number) => void): void {
  log.error("fault: crash was asked for by PODINFO_FAULT");
  end(1);
}
