import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Pod, resources } from "#api";
import { type Clock, Failure, type Log } from "#base";
import { createEventRecorder, createInformer, type Informer, type KubeClient, systemRandom } from "#kube";
import { POD_ADDRESS_COUNT } from "../network/index.ts";
import type { LogQuery, NodeApi, PodUsage } from "../node-api.ts";
import type { CatalogImage } from "../workloads/index.ts";
import { createAddressPool } from "./address-pool.ts";
import { createImageStore } from "./image-store.ts";
import { nodeCapacity, registerNode } from "./node-object.ts";
import type { PodContext } from "./pod-context.ts";
import type { PodWorker } from "./pod-worker.ts";
import { PodWorkers } from "./pod-workers.ts";
import { killLeftovers } from "./process-record.ts";
import { readLog } from "./read-log.ts";
import { StatusWriter } from "./status-writer.ts";
import { startUsageSampler, type UsageSampler } from "./usage-sampler.ts";

export interface NodeOptions {
  readonly client: KubeClient;
  readonly dataDirectory: string;
  /** Address of the pod slot `index`, from 0 to POD_ADDRESS_COUNT - 1. */
  readonly podAddress: (index: number) => string;
  /** The node's own address, reported as `hostIP`; the API server's when absent. */
  readonly nodeAddress?: string;
  readonly apiServer: { readonly host: string; readonly port: number };
  readonly caPem: string;
  readonly catalog: readonly CatalogImage[];
  /** Shell commands by image name, with or without tag. */
  readonly extraImages: Readonly<Record<string, string>>;
  /** Where the build output with the catalogue's scripts is. */
  readonly distDirectory: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Ends the start and the watch; the processes are ended by `close()`. */
  readonly signal: AbortSignal;
}

/** The running node. */
export interface Node {
  readonly api: NodeApi;
  /** Ends every process of every pod and waits; the next start begins the pods again. */
  close(): Promise<void>;
}

/**
 * Starts the one node: registers it, takes on every pod, and keeps each as its spec says.
 *
 * Before anything starts, processes that a killed node left behind are ended.
 */
export async function startNode(options: NodeOptions): Promise<Node> {
  const { client, clock, log } = options;
  const podsDirectory = resolve(options.dataDirectory, "pods");
  mkdirSync(podsDirectory, { recursive: true, mode: 0o700 });
  const leftoverCount = killLeftovers(podsDirectory);
  if (leftoverCount > 0) log.warn("ended processes that an earlier life left behind", { count: leftoverCount });
  const nodeAddress = options.nodeAddress ?? options.apiServer.host;
  await registerNode(client, { address: nodeAddress, nowMs: clock.nowMs() });
  const stopped = new AbortController();
  const signal = AbortSignal.any([stopped.signal, options.signal]);
  const pods = createInformer<Pod>({ client, resource: resources.pods, signal, clock, log, random: systemRandom });
  const context = createContext(options, { podsDirectory, nodeAddress });
  const workers = new PodWorkers(context, pods);
  await pods.synced;
  removeStrayDirectories(context, pods);
  const sampler = startUsageSampler({
    clock,
    leaders: () => workers.list().flatMap(({ worker }) => worker.leaders().map(({ pid }) => pid)),
  });
  return {
    api: createNodeApi({ workers, sampler }),
    async close() {
      stopped.abort();
      sampler.close();
      await workers.close();
      context.statuses.close();
      await context.events.flush();
    },
  };
}

function createContext(options: NodeOptions, places: { podsDirectory: string; nodeAddress: string }): PodContext {
  const { client, clock, log } = options;
  return {
    client,
    images: createImageStore({
      directory: resolve(options.dataDirectory, "images"),
      catalog: options.catalog,
      extraImages: new Map(Object.entries(options.extraImages)),
      workingDirectory: process.cwd(),
      distDirectory: resolve(options.distDirectory),
      nodePath: process.execPath,
    }),
    statuses: new StatusWriter({ client, clock, log, random: systemRandom }),
    events: createEventRecorder({ client, component: "kubelet", clock, log }),
    addresses: createAddressPool(POD_ADDRESS_COUNT, options.podAddress),
    ...places,
    logsDirectory: resolve(options.dataDirectory, "logs"),
    apiServer: options.apiServer,
    caPem: options.caPem,
    capacity: nodeCapacity(),
    clock,
    random: systemRandom,
    log,
  };
}

/** Removes what is on disk of pods that are gone. */
function removeStrayDirectories({ podsDirectory, logsDirectory }: PodContext, pods: Informer<Pod>): void {
  const uids = new Set(pods.list().map(({ metadata }) => metadata.uid ?? ""));
  for (const name of readNames(podsDirectory)) {
    if (!uids.has(name)) rmSync(join(podsDirectory, name), { recursive: true, force: true });
  }
  for (const name of readNames(logsDirectory)) {
    if (!uids.has(name.split("_")[2] ?? "")) rmSync(join(logsDirectory, name), { recursive: true, force: true });
  }
}

function readNames(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    // No pod has had one yet.
    return [];
  }
}

function createNodeApi({ workers, sampler }: { workers: PodWorkers; sampler: UsageSampler }): NodeApi {
  return {
    async *logs(query: LogQuery, signal: AbortSignal) {
      const found = workers
        .list()
        .find(({ pod }) => pod.metadata.namespace === query.namespace && pod.metadata.name === query.pod);
      if (found === undefined) {
        const message = `Cannot read the log of pod "${query.namespace}/${query.pod}": it does not run on this node`;
        throw new Failure(message, { code: "NotFound" });
      }
      const place = found.worker.findLog(query.container, query.previous);
      yield* readLog({ ...place, query, signal });
    },
    usage: () => workers.list().flatMap(({ pod, worker }) => podUsage(pod, worker, sampler)),
  };
}

function podUsage(pod: Pod, worker: PodWorker, sampler: UsageSampler): PodUsage[] {
  const containers = worker.leaders().flatMap(({ container, pid }) => {
    const usage = sampler.read(pid);
    return usage === undefined ? [] : [{ name: container, ...usage }];
  });
  const [first] = containers;
  if (first === undefined) return [];
  return [
    {
      namespace: pod.metadata.namespace ?? "default",
      pod: pod.metadata.name ?? "",
      timestampMs: first.timestampMs,
      windowMs: first.windowMs,
      containers: containers.map(({ name, cpuCores, memoryBytes }) => ({ name, cpuCores, memoryBytes })),
    },
  ];
}
