import { setMaxListeners } from "node:events";
import type { Clock, Log, Random } from "#base";
import { type KubeClient, sleep } from "#kube";
import { startHorizontalAutoscaler } from "./autoscaler/index.ts";
import { startDaemonSetController } from "./daemon-set/daemon-set-controller.ts";
import { startDeploymentController } from "./deployment/deployment-controller.ts";
import { startEndpointsController } from "./endpoints/endpoints-controller.ts";
import { startGarbageCollector } from "./garbage/garbage-collector.ts";
import { startDefaultObjectsController } from "./namespaces/default-objects-controller.ts";
import { startNamespaceController } from "./namespaces/namespace-controller.ts";
import { startReplicaSetController } from "./replica-set/replica-set-controller.ts";
import { type ControllerPorts, createSharedInformers, type SharedInformers } from "./shared/index.ts";

export interface ControllersOptions {
  /** A client with full rights. */
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: Random;
  /** Ends all controllers, as `close()` does. */
  readonly signal: AbortSignal;
  /** Certificate authority of the API server, published in every namespace. */
  readonly caPem: string;
  /** How often each autoscaler looks. Source: kube-controller-manager `--horizontal-pod-autoscaler-sync-period`, 15 s. */
  readonly autoscaleIntervalMs?: number;
}

/** How long recorded events may take to be written when the controllers end. */
const FLUSH_MS = 2000;

/** The controllers that run. */
export interface Controllers {
  /** Resolves once all informers have their first list. */
  readonly synced: Promise<void>;
  /** What they watch with, for others to share; ends with them. */
  readonly informers: SharedInformers;
  /** Ends the controllers and waits for the reconciles in work. */
  close(): Promise<void>;
}

/** Starts the built-in controllers of the embedded cluster over one set of informers. */
export function startControllers(options: ControllersOptions): Controllers {
  const ended = new AbortController();
  // Every informer and queue listens for the end; Node takes more than ten for a leak.
  setMaxListeners(0, ended.signal);
  const end = (): void => ended.abort();
  if (options.signal.aborted) end();
  options.signal.addEventListener("abort", end, { once: true });
  const base = { ...options, log: options.log.with({ room: "controllers" }), signal: ended.signal };
  const informers = createSharedInformers(base);
  let markStarted: () => void = () => undefined;
  // The collector adds informers later, for kinds that may not even be served by then; nobody else waits for those.
  const synced = new Promise<void>((resolve) => {
    markStarted = resolve;
  }).then(() => informers.synced());
  // Nobody has to wait for it; without this, an early end would be an unhandled rejection.
  synced.catch(() => undefined);
  const ports: ControllerPorts = { ...base, informers, ready: synced };
  const controllers = [
    startNamespaceController(ports),
    startDefaultObjectsController({ ...ports, caPem: options.caPem }),
    startReplicaSetController(ports),
    startDeploymentController(ports),
    startDaemonSetController(ports),
    startEndpointsController(ports),
    startGarbageCollector(ports),
    startHorizontalAutoscaler({ ...ports, intervalMs: options.autoscaleIntervalMs ?? 15_000 }),
  ];
  markStarted();
  return {
    synced,
    informers,
    async close() {
      options.signal.removeEventListener("abort", end);
      end();
      await Promise.all(controllers.map(({ queue }) => queue.stopped));
      // Events are worth a moment, not a server that does not answer.
      const enough = new AbortController();
      const flushed = Promise.all(controllers.map(({ events }) => events.flush())).then(() => enough.abort());
      await Promise.race([flushed, sleep(options.clock, FLUSH_MS, enough.signal)]);
    },
  };
}
