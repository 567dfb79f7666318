import type { KubeObject, Resource } from "#api";
import type { Clock, Log, Random } from "#base";
import {
  createEventRecorder,
  createInformer,
  createWorkQueue,
  type EventRecorder,
  type Informer,
  type KubeClient,
  type ReconcileOutcome,
  type WorkQueue,
} from "#kube";

/** What every controller works with. */
export interface ControllerPorts {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: Random;
  readonly signal: AbortSignal;
  readonly informers: SharedInformers;
  /**
   * Resolves once the informers that the controllers started with have their first lists. Nothing is reconciled before: a
   * ReplicaSet whose pods are not listed yet would get all of them a second time.
   */
  readonly ready: Promise<void>;
}

/** One informer a kind, over all namespaces, shared by all controllers. */
export interface SharedInformers {
  of<T extends KubeObject>(resource: Resource): Informer<T>;
  /** Resolves once every informer asked for so far has its first list. */
  synced(): Promise<void>;
}

/** A controller that runs. */
export interface Controller {
  readonly queue: WorkQueue;
  readonly events: EventRecorder;
}

/** Makes the shared informers; they end with the signal. */
export function createSharedInformers(ports: Omit<ControllerPorts, "informers" | "ready">): SharedInformers {
  const informers = new Map<string, Informer<KubeObject>>();
  return {
    of<T extends KubeObject>(resource: Resource): Informer<T> {
      const key = `${resource.group}/${resource.version}/${resource.plural}`;
      let informer = informers.get(key);
      if (informer === undefined) {
        informer = createInformer({ ...ports, resource });
        informers.set(key, informer);
      }
      // The map is keyed by the resource, whose objects are what the caller says.
      return informer as unknown as Informer<T>;
    },
    async synced() {
      await Promise.all([...informers.values()].map((informer) => informer.synced));
    },
  };
}

/** Runs a controller: a queue that works once the controllers are ready, and a recorder for its events. */
export function runController(
  ports: ControllerPorts,
  options: {
    readonly name: string;
    readonly concurrency?: number;
    readonly reconcile: (
      key: string,
      controller: { readonly events: EventRecorder },
    ) => Promise<ReconcileOutcome | void>;
  },
): Controller {
  const log = ports.log.with({ controller: options.name });
  const events = createEventRecorder({ client: ports.client, component: options.name, clock: ports.clock, log });
  const queue = createWorkQueue({
    clock: ports.clock,
    random: ports.random,
    signal: ports.signal,
    log,
    concurrency: options.concurrency ?? 4,
    reconcile: async (key) => {
      await ports.ready;
      return options.reconcile(key, { events });
    },
  });
  return { queue, events };
}
