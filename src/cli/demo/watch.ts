import { type Deployment, type Event, type KubeObject, resources } from "#api";
import type { Clock, Log, Random } from "#base";
import { createInformer, type Informer, type KubeClient } from "#kube";
import { type RateSource, readRates, readVerdicts } from "./rates.ts";
import type { VerdictSnapshot } from "./verdict-snapshot.ts";
import { type RolloutSnapshot, takeSnapshot, type WorkloadRates } from "./snapshot.ts";

/** Which Canary is watched, and through what. */
export interface WatchOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  /** Name of the Canary, of its target and of its service: the demo uses one name for all three. */
  readonly name: string;
  readonly rates: RateSource;
  /** Whether ScaledObjects of these names scale the copies, and what is known of them is to be shown. */
  readonly isScaled: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** A live view of one rollout. */
export interface RolloutWatch {
  snapshot(): RolloutSnapshot;
  /** The operator's events about the Canary so far, oldest first. */
  decisions(): readonly Decision[];
  /** The primary's image. */
  primaryImage(): string;
  /** Resolves when the test holds; it is tried at every change and every half second. Rejects when the signal aborts. */
  until(test: (snapshot: RolloutSnapshot) => boolean): Promise<RolloutSnapshot>;
}

export interface Decision {
  /** Tells it apart from all others; an event that is repeated is a new decision. */
  readonly id: string;
  readonly time: string;
  readonly isWarning: boolean;
  readonly message: string;
}

const POLL_MS = 500;
const DECISIONS_MAX = 200;

/** Starts watching; resolves when the first state is known. */
export async function watchRollout(options: WatchOptions): Promise<RolloutWatch> {
  const { namespace, name } = options;
  const inform = <T extends KubeObject>(resource: (typeof resources)[keyof typeof resources]): Informer<T> =>
    createInformer<T>({
      client: options.client,
      resource,
      namespace,
      clock: options.clock,
      random: options.random,
      log: options.log,
      signal: options.signal,
    });
  const canaries = inform(resources.canaries);
  const deployments = inform<Deployment>(resources.deployments);
  const virtualServices = inform(resources.virtualServices);
  const events = inform<Event>(resources.events);
  const scaledObjects = options.isScaled ? inform(resources.scaledObjects) : undefined;
  const all = [canaries, deployments, virtualServices, events, ...(scaledObjects === undefined ? [] : [scaledObjects])];
  await Promise.all(all.map(({ synced }) => synced));
  const rates = pollRates(options);

  const snapshot = (): RolloutSnapshot =>
    takeSnapshot({
      canary: canaries.get({ namespace, name }),
      virtualService: virtualServices.get({ namespace, name }),
      primary: deployments.get({ namespace, name: `${name}-primary` }),
      target: deployments.get({ namespace, name }),
      ...rates(),
      scalers: scaledObjects && {
        primary: scaledObjects.get({ namespace, name: `${name}-primary` }),
        canary: scaledObjects.get({ namespace, name }),
      },
      lastEvent: decisionsOf(events, name).at(-1)?.message ?? "",
    });
  const watched: readonly Informer<KubeObject>[] = [canaries, deployments, virtualServices];

  return {
    snapshot,
    decisions: () => decisionsOf(events, name),
    primaryImage: () =>
      deployments.get({ namespace, name: `${name}-primary` })?.spec.template.spec.containers[0]?.image ?? "",
    until: (test) => waitUntil({ snapshot, test, watched, options }),
  };
}

function waitUntil(wait: {
  snapshot: () => RolloutSnapshot;
  test: (snapshot: RolloutSnapshot) => boolean;
  watched: readonly Informer<KubeObject>[];
  options: WatchOptions;
}): Promise<RolloutSnapshot> {
  const { signal, clock } = wait.options;
  return new Promise((resolve, reject) => {
    let cancelTimer = (): void => undefined;
    const stops = wait.watched.map((informer) => informer.onChange(() => check()));
    const finish = (settle: () => void): void => {
      cancelTimer();
      for (const stop of stops) stop();
      signal.removeEventListener("abort", onAbort);
      settle();
    };
    const onAbort = (): void => finish(() => reject(signal.reason));
    const check = (): void => {
      const now = wait.snapshot();
      if (wait.test(now)) finish(() => resolve(now));
    };
    const poll = (): void => {
      cancelTimer = clock.after(POLL_MS, poll);
      check();
    };
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
    else poll();
  });
}

/** What the metrics store knows. */
interface Measured {
  readonly rates: ReadonlyMap<string, WorkloadRates>;
  readonly verdicts: readonly VerdictSnapshot[];
}

/** Reads rates and verdicts twice a second; a failed read keeps the last ones, the next one comes soon. */
function pollRates(options: WatchOptions): () => Measured {
  let latest: Measured = { rates: new Map(), verdicts: [] };
  let cancelTimer = (): void => undefined;
  options.signal.addEventListener("abort", () => cancelTimer(), { once: true });
  const poll = async (): Promise<void> => {
    try {
      const [rates, verdicts] = await Promise.all([
        readRates(options.rates),
        readVerdicts(options.rates, options.name),
      ]);
      latest = { rates, verdicts };
    } catch (cause) {
      options.log.debug("cannot read rates", { error: String(cause) });
    }
    if (!options.signal.aborted) cancelTimer = options.clock.after(POLL_MS, () => void poll());
  };
  void poll();
  return () => latest;
}

function decisionsOf(events: Informer<Event>, name: string): Decision[] {
  return events
    .list()
    .filter((event) => event.involvedObject.kind === "Canary" && event.involvedObject.name === name)
    .sort((a, b) => compare(timeOf(a), timeOf(b)) || compare(revisionOf(a), revisionOf(b)))
    .slice(-DECISIONS_MAX)
    .map((event) => ({
      id: `${event.metadata.uid ?? ""}/${event.count ?? 1}`,
      time: timeOf(event),
      isWarning: event.type === "Warning",
      message: event.message ?? "",
    }));
}

function timeOf(event: Event): string {
  return event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp ?? "";
}

function revisionOf(event: Event): number {
  return Number(event.metadata.resourceVersion ?? 0);
}

function compare<T extends string | number>(a: T, b: T): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
