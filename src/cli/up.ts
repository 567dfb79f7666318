import { join, relative } from "node:path";
import { err, formatDuration, type Log, ok, parseDuration, type Result } from "#base";
import { type Cluster, startCluster } from "#cluster";
import { PROGRAM_DIRECTORY, VERSION } from "./installation.ts";

/** Options of `serin up` as the command line gives them. */
export interface RawUpOptions {
  readonly dataDir: string;
  readonly gatewayPort: string;
  readonly apiPort: string;
  readonly minInterval: string;
  readonly scrapeInterval: string;
  readonly image?: readonly string[];
}

/** Options of `serin up`, parsed. */
export interface UpOptions {
  readonly dataDirectory: string;
  readonly gatewayPort: number;
  readonly apiPort: number;
  readonly minIntervalMs: number;
  readonly scrapeIntervalMs: number;
  /** Image name → command of this machine. */
  readonly images: Readonly<Record<string, string>>;
}

export interface UpContext {
  readonly options: UpOptions;
  readonly stdout: NodeJS.WriteStream;
  readonly log: Log;
  readonly signal: AbortSignal;
}

const SHORTEST_MS = 1000;

/** Parses the options; the error names the flag, quotes the value and says what to write. */
export function parseUpOptions(raw: RawUpOptions): Result<UpOptions, string> {
  const gatewayPort = parsePort("--gateway-port", raw.gatewayPort);
  if (!gatewayPort.ok) return gatewayPort;
  const apiPort = parsePort("--api-port", raw.apiPort);
  if (!apiPort.ok) return apiPort;
  const minInterval = parseSpan("--min-interval", raw.minInterval);
  if (!minInterval.ok) return minInterval;
  const scrapeInterval = parseSpan("--scrape-interval", raw.scrapeInterval);
  if (!scrapeInterval.ok) return scrapeInterval;
  const images = parseImages(raw.image ?? []);
  if (!images.ok) return images;
  if (raw.dataDir === "") return err('--data-dir: "" is no path');
  return ok({
    dataDirectory: raw.dataDir,
    gatewayPort: gatewayPort.value,
    apiPort: apiPort.value,
    minIntervalMs: minInterval.value,
    scrapeIntervalMs: scrapeInterval.value,
    images: images.value,
  });
}

function parsePort(flag: string, text: string): Result<number, string> {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return ok(port);
  return err(`${flag}: "${text}" is no port; write a number from 0 to 65535`);
}

function parseSpan(flag: string, text: string): Result<number, string> {
  const span = parseDuration(text);
  if (!span.ok) return err(`${flag}: ${span.error}`);
  return span.value >= SHORTEST_MS ? span : err(`${flag}: "${text}" is too short; write 1s or more`);
}

function parseImages(pairs: readonly string[]): Result<Record<string, string>, string> {
  const images = new Map<string, string>();
  for (const pair of pairs) {
    const equals = pair.indexOf("=");
    if (equals <= 0 || equals === pair.length - 1)
      return err(`--image: "${pair}" names no command; write NAME=COMMAND`);
    images.set(pair.slice(0, equals), pair.slice(equals + 1));
  }
  return ok(Object.fromEntries(images));
}

/** Runs the cluster until the signal, then ends everything it started. */
export async function runUp(context: UpContext): Promise<void> {
  const { options, log, signal } = context;
  const cluster = await startCluster({
    dataDirectory: options.dataDirectory,
    programDirectory: PROGRAM_DIRECTORY,
    version: VERSION,
    apiPort: options.apiPort,
    gatewayPort: options.gatewayPort,
    scrapeIntervalMs: options.scrapeIntervalMs,
    operatorArgs: [`--min-interval=${formatDuration(options.minIntervalMs)}`],
    images: options.images,
    log,
    signal,
  });
  try {
    for (const line of describe(cluster, options)) context.stdout.write(`${line}\n`);
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    context.stdout.write("stopping\n");
  } finally {
    await cluster.close();
  }
}

function describe(cluster: Cluster, options: UpOptions): string[] {
  const kubeconfig = relative(process.cwd(), cluster.kubeconfigPath);
  return [
    "ready",
    `  API server  ${cluster.apiUrl}`,
    `  gateway     http://127.0.0.1:${cluster.gatewayPort}`,
    `  metrics     ${cluster.metricsUrl} (Prometheus API)`,
    `  data        ${join(options.dataDirectory)}`,
    "",
    `  kubectl --kubeconfig ${kubeconfig.startsWith("..") ? cluster.kubeconfigPath : kubeconfig} apply -f examples/article`,
    `  curl -H 'Host: canary.example.com' http://127.0.0.1:${cluster.gatewayPort}/version`,
    "",
    "Ctrl-C stops it; the state stays.",
  ];
}
