import { setMaxListeners } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { flaggerCrds, isConditionTrue, istioCrds, kedaCrds, type KubeObject, type Pod, resources } from "#api";
import { assert, Failure, type Log } from "#base";
import { createInformer, createKubeClient, type KubeClient, systemClock, systemRandom } from "#kube";
import { addonObjects, OPERATOR_IMAGE } from "./addons/index.ts";
import { type ApiServer, ensurePki, type Pki, startApiServer } from "./apiserver/index.ts";
import {
  compileFormula,
  createKedaMetrics,
  type KedaMetrics,
  scaledObjectReviewer,
  type ScaledObjects,
  startScaledObjects,
  triggerKinds,
} from "./autoscale/index.ts";
import { type Controllers, startControllers } from "./controllers/index.ts";
import { type DataDirectory, openDataDirectory } from "./data-directory/index.ts";
import { firstExternalSource } from "./metric-apis.ts";
import { type Metrics, podTargets, startMetrics, staticTarget } from "./metrics/index.ts";
import { acquireNetwork, type ClusterNetwork, POD_ADDRESS_COUNT } from "./network/index.ts";
import { type Closer, createClosers } from "./closers.ts";
import { claimPorts } from "./ports.ts";
import { startNode } from "./runtime/index.ts";
import { openStore } from "./store/index.ts";
import { supervise } from "./supervisor/index.ts";
import { type CatalogImage, imageCatalog } from "./workloads/index.ts";

export interface ClusterOptions {
  readonly dataDirectory: string;
  /** Folder of the bundled entries: `node-proxy.js`, `podinfo.js`, … */
  readonly programDirectory: string;
  readonly version: string;
  /** Port of the API server on 127.0.0.1; 0 picks a free one. */
  readonly apiPort: number;
  /** Port of the ingress gateway on 127.0.0.1; 0 picks a free one. */
  readonly gatewayPort: number;
  readonly scrapeIntervalMs: number;
  /** How often autoscalers look; as on a cluster, 15 s, without it. */
  readonly autoscaleIntervalMs?: number;
  readonly operatorArgs: readonly string[];
  /** Commands of this machine for images that are not built in. */
  readonly images: Readonly<Record<string, string>>;
  readonly log: Log;
  /** Ends the start when it is aborted; a cluster that runs is ended with `close()`. */
  readonly signal: AbortSignal;
}

/** A running embedded cluster. */
export interface Cluster {
  readonly apiUrl: string;
  readonly kubeconfigPath: string;
  readonly gatewayPort: number;
  /** Base URL of the Prometheus API. */
  readonly metricsUrl: string;
  /** Ends every process of the cluster and waits for them; the state stays in the data directory. */
  close(): Promise<void>;
}

const METRICS_PORT = 9090;
const PROXY_STATUS_PORT = 15_020;
const LOOPBACK = "127.0.0.1";
const FIELD_MANAGER = "serin-cluster";
/** How long the parts that start on their own get: the proxy's gateway, the definitions of the kinds. */
const START_DEADLINE_MS = 30_000;
const POLL_MS = 50;
/** How long one question to a part that starts may take. */
const PROBE_TIMEOUT_MS = 2000;

/** Runs the operator from its own entry of the build output. */
const operatorImage: CatalogImage = {
  repository: OPERATOR_IMAGE,
  programs: { operator: { script: "operator.js" } },
  entrypoint: ["./operator"],
  command: [],
};

/**
 * Starts a whole cluster: store, API server, controllers, metrics store and node in this process, the proxy beside it, the
 * operator as the first pod. What was started is ended again when a later part fails or the signal aborts.
 *
 * @throws Failure naming the port, directory or file that stands in the way.
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const parts = createClosers(options.log);
  const ended = new AbortController();
  const signal = AbortSignal.any([options.signal, ended.signal]);
  // Every informer listens for the end; Node takes more than ten for a leak.
  setMaxListeners(0, signal);
  const close = (): Promise<void> => {
    ended.abort();
    // In reverse: pods before the proxy that serves them, both before the API server, the lock last.
    return parts.close();
  };
  try {
    return await startParts({ ...options, signal, onClose: parts.add }, close);
  } catch (thrown) {
    // What cannot be ended is in the log; the reason for the failed start is what the caller needs.
    await close().catch(() => undefined);
    throw thrown;
  }
}

interface StartOptions extends ClusterOptions {
  /** Registers what ends a part that was started. */
  readonly onClose: (closer: Closer) => void;
}

/** What the later parts need of the earlier ones. */
interface Foundation {
  readonly directory: DataDirectory;
  readonly network: ClusterNetwork;
  readonly pki: Pki;
  readonly apiServer: ApiServer;
  readonly client: KubeClient;
  readonly kubeconfigPath: string;
  readonly gatewayPort: number;
}

async function startParts(options: StartOptions, close: () => Promise<void>): Promise<Cluster> {
  const foundation = await startFoundation(options);
  const { apiServer, gatewayPort, kubeconfigPath } = foundation;
  const controllers = await startControlPlane(options, foundation);
  await Promise.all([installObjects(options, foundation), startTraffic(options, foundation)]);
  const kedaMetrics = createKedaMetrics();
  const metrics = await startMetricsStore(options, foundation, kedaMetrics);
  const scaledObjects = await startAutoscaling(options, { client: foundation.client, controllers, kedaMetrics });
  const { custom, external } = metrics.apis;
  // What is ahead of the metrics store in this list is asked first: a series must not hide a scaler's metric.
  apiServer.attachMetrics({ custom, external: firstExternalSource([scaledObjects.external, external]) });
  const node = await startNodeRuntime(options, foundation);
  apiServer.attachNode(node.api);
  return { apiUrl: apiServer.url, kubeconfigPath, gatewayPort, metricsUrl: metrics.url, close };
}

/** Directory, addresses, store and API server. */
async function startFoundation(options: StartOptions): Promise<Foundation> {
  const directory = openDataDirectory(options.dataDirectory);
  options.onClose(() => directory.release());
  const [gatewayPort, apiPort] = await claimPorts([
    { address: LOOPBACK, port: options.gatewayPort, purpose: "the ingress gateway", flag: "--gateway-port" },
    { address: LOOPBACK, port: options.apiPort, purpose: "the API server", flag: "--api-port" },
  ]);
  const network = await acquireNetwork(directory.file("network"));
  options.onClose(() => network.release());
  // Clients may also come by the address of the Service "kubernetes", which is always the first.
  const pki = await ensurePki(directory.file("pki"), { names: [network.serviceAddress(0)] });
  const store = await openStore({ directory: directory.file("db"), log: options.log });
  options.onClose(() => store.close());
  const apiServer = await startApiServer({
    store,
    pki,
    host: LOOPBACK,
    port: apiPort,
    serviceNetwork: { addressCount: POD_ADDRESS_COUNT, serviceAddress: network.serviceAddress },
    clock: systemClock,
    log: options.log,
  });
  options.onClose(() => apiServer.close());
  apiServer.attachAdmission([scaledObjectReviewer]);
  const kubeconfigPath = directory.file("kubeconfig");
  await apiServer.writeKubeconfig(kubeconfigPath);
  const credentials = { kind: "token", token: apiServer.adminToken } as const;
  const client = createKubeClient({ server: apiServer.url, namespace: "default", caPem: pki.caPem, credentials });
  options.onClose(() => client.close());
  return { directory, network, pki, apiServer, client, kubeconfigPath, gatewayPort };
}

async function startControlPlane(options: StartOptions, { client, pki }: Foundation): Promise<Controllers> {
  const controllers = startControllers({
    client,
    clock: systemClock,
    random: systemRandom,
    log: options.log,
    signal: options.signal,
    caPem: pki.caPem,
    ...(options.autoscaleIntervalMs === undefined ? {} : { autoscaleIntervalMs: options.autoscaleIntervalMs }),
  });
  options.onClose(() => controllers.close());
  await controllers.synced;
  return controllers;
}

/** KEDA's part of autoscaling, once its kinds are served. */
async function startAutoscaling(
  options: StartOptions,
  of: { readonly client: KubeClient; readonly controllers: Controllers; readonly kedaMetrics: KedaMetrics },
): Promise<ScaledObjects> {
  const scaledObjects = startScaledObjects({
    client: of.client,
    clock: systemClock,
    random: systemRandom,
    log: options.log,
    signal: options.signal,
    informers: of.controllers.informers,
    triggerKinds,
    compileFormula,
    metrics: of.kedaMetrics,
  });
  options.onClose(() => scaledObjects.close());
  await scaledObjects.synced;
  return scaledObjects;
}

/** The kinds of Istio, Flagger and KEDA, then the objects that every such cluster has. */
async function installObjects(options: StartOptions, foundation: Foundation): Promise<void> {
  const { client, network, gatewayPort } = foundation;
  const definitions = [...flaggerCrds(), ...istioCrds(), ...kedaCrds()];
  const apply = (object: KubeObject): Promise<KubeObject> =>
    client.apply(resourceFor(object), object, { fieldManager: FIELD_MANAGER, force: true });
  await Promise.all(definitions.map(apply));
  await waitForDefinitions(client, definitions, options.signal);
  const addons = addonObjects({
    version: options.version,
    metrics: { address: network.nodeAddress, port: METRICS_PORT },
    gateway: { address: LOOPBACK, port: gatewayPort },
    operatorArgs: options.operatorArgs,
  });
  for (const object of addons) await apply(object);
}

function resourceFor(object: KubeObject): (typeof resources)[keyof typeof resources] {
  const found = Object.values(resources).find(({ kind }) => kind === object.kind);
  assert(found !== undefined, `${object.kind} is a kind that the cluster installs`);
  return found;
}

async function waitForDefinitions(
  client: KubeClient,
  definitions: readonly KubeObject[],
  signal: AbortSignal,
): Promise<void> {
  await within({ what: "the kinds of Flagger, Istio and KEDA to be served", signal }, async () => {
    const { items } = await client.list(resources.customResourceDefinitions);
    const established = new Set(items.filter((item) => isEstablished(item)).map((item) => item.metadata.name));
    return definitions.every(({ metadata }) => established.has(metadata.name));
  });
}

function isEstablished(definition: KubeObject): boolean {
  const status = definition.status as { conditions?: Parameters<typeof isConditionTrue>[0] } | undefined;
  return isConditionTrue(status?.conditions, "Established");
}

/** The node proxy in its own process; it is up when its gateway takes connections. */
async function startTraffic(options: StartOptions, foundation: Foundation): Promise<void> {
  const { directory, network, kubeconfigPath, gatewayPort } = foundation;
  const script = join(options.programDirectory, "node-proxy.js");
  if (!existsSync(script))
    throw new Failure(`Cannot start the proxy: "${script}" is missing; run "npm run build"`, {
      code: "MissingProgram",
    });
  const proxy = supervise({
    name: "node-proxy",
    command: process.execPath,
    args: [
      script,
      "--kubeconfig",
      kubeconfigPath,
      "--gateway-address",
      LOOPBACK,
      "--gateway-port",
      String(gatewayPort),
      "--status-address",
      network.nodeAddress,
      "--status-port",
      String(PROXY_STATUS_PORT),
    ],
    env: process.env,
    logPath: directory.file("node-proxy.log"),
    pidPath: directory.file("node-proxy.pid"),
    clock: systemClock,
    random: systemRandom,
    log: options.log,
  });
  options.onClose(() => proxy.close());
  const what = `the proxy to be ready (its log is ${directory.file("node-proxy.log")})`;
  await within({ what, signal: options.signal }, async () => {
    // Not up yet: refused, reset or slow. The deadline above is what ends the waiting.
    const answer = await fetch(`http://${network.nodeAddress}:${PROXY_STATUS_PORT}/healthz/ready`, {
      signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
    }).catch(() => undefined);
    await answer?.body?.cancel();
    return answer?.ok === true;
  });
}

async function startMetricsStore(
  options: StartOptions,
  { client, directory, network }: Foundation,
  kedaMetrics: KedaMetrics,
): Promise<Metrics> {
  const { log, signal } = options;
  const pods = createInformer<Pod>({
    client,
    resource: resources.pods,
    signal,
    clock: systemClock,
    log,
    random: systemRandom,
  });
  const self = `http://${network.nodeAddress}:${METRICS_PORT}/metrics`;
  const metrics = await startMetrics({
    directory: directory.file("metrics"),
    address: network.nodeAddress,
    port: METRICS_PORT,
    targets: () => [
      staticTarget("node-proxy", `http://${network.nodeAddress}:${PROXY_STATUS_PORT}/stats/prometheus`),
      staticTarget("prometheus", self),
      ...podTargets(pods.list()),
    ],
    scrapeIntervalMs: options.scrapeIntervalMs,
    version: options.version,
    moreOwnMetrics: () => kedaMetrics.text(),
    clock: systemClock,
    log,
    signal,
  });
  options.onClose(() => metrics.close());
  return metrics;
}

async function startNodeRuntime(options: StartOptions, foundation: Foundation): ReturnType<typeof startNode> {
  const { client, directory, network, apiServer, pki } = foundation;
  const node = await startNode({
    client,
    dataDirectory: directory.path,
    podAddress: network.podAddress,
    nodeAddress: network.nodeAddress,
    apiServer: { host: LOOPBACK, port: apiServer.port },
    caPem: pki.caPem,
    catalog: [...imageCatalog, operatorImage],
    extraImages: options.images,
    distDirectory: options.programDirectory,
    clock: systemClock,
    log: options.log,
    signal: options.signal,
  });
  options.onClose(() => node.close());
  return node;
}

/**
 * Tries until it holds.
 *
 * @throws Failure `StartTimeout` naming what was waited for, `Aborted` when the start is given up.
 */
async function within(
  { what, signal }: { readonly what: string; readonly signal: AbortSignal },
  holds: () => Promise<boolean>,
): Promise<void> {
  const deadlineMs = systemClock.nowMs() + START_DEADLINE_MS;
  while (!(await holds())) {
    if (signal.aborted) throw new Failure("Starting the cluster was given up", { code: "Aborted" });
    if (systemClock.nowMs() > deadlineMs) {
      const message = `Cannot start the cluster: waited ${START_DEADLINE_MS / 1000} s for ${what}`;
      throw new Failure(message, { code: "StartTimeout" });
    }
    await new Promise<void>((resolve) => void systemClock.after(POLL_MS, resolve));
  }
}
