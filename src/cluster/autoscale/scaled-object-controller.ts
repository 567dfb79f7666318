import { setMaxListeners } from "node:events";
import { type HorizontalPodAutoscaler, resources, type ScaledObject } from "#api";
import { type Clock, deepEqual, type Log, type Random } from "#base";
import { type EventRecorder, type KubeClient, type ReconcileOutcome, sleep } from "#kube";
import { controllerOf, keyOf, parseKey, runController, type SharedInformers } from "../controllers/index.ts";
import type { ExternalMetricsSource } from "../metric-apis.ts";
import { resolveTriggerSources, type TriggerSourcesRequest } from "./auth/index.ts";
import type { CheckPorts } from "./check-scale.ts";
import { isOwnedBy } from "./ensure-hpa.ts";
import { createExternalMetrics } from "./external-metrics.ts";
import type { KedaMetrics } from "./keda-metrics.ts";
import { changesPause } from "./plan/pause.ts";
import { type CompileFormula, reconcileScaledObject } from "./reconcile-scaled-object.ts";
import { createScaleTargets } from "./scale-target.ts";
import { createEntry, type ScaledObjectEntry } from "./scaled-object-entry.ts";
import { createStatusKeeper } from "./status-keeper.ts";
import { createTriggerWorlds } from "./trigger-world.ts";
import type { TriggerKind } from "./triggers/index.ts";

export interface ScaledObjectsOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Ends everything, as `close()` does. */
  readonly signal: AbortSignal;
  /** Those of the built-in controllers. */
  readonly informers: SharedInformers;
  /** Kinds of triggers that there are. */
  readonly triggerKinds: readonly TriggerKind[];
  readonly compileFormula: CompileFormula;
  readonly metrics: KedaMetrics;
}

/** ScaledObjects being carried out. */
export interface ScaledObjects {
  /** Resolves once all objects are known. */
  readonly synced: Promise<void>;
  /** Serves the triggers' values to autoscalers. */
  readonly external: ExternalMetricsSource;
  /** Ends polls and triggers and waits for them. */
  close(): Promise<void>;
}

/** Source: keda-hpa-spec 1, KEDA_SCALEDOBJECT_CTRL_MAX_RECONCILES. */
const CONCURRENCY = 5;
/** How long recorded events may take to be written at the end. */
const FLUSH_MS = 2000;

/**
 * Carries out `keda.sh/v1alpha1` ScaledObjects. Start it once their kind is served: a copy of objects of an unknown kind never
 * gets its first list.
 */
export function startScaledObjects(options: ScaledObjectsOptions): ScaledObjects {
  const ended = new AbortController();
  setMaxListeners(0, ended.signal);
  const end = (): void => ended.abort();
  if (options.signal.aborted) end();
  options.signal.addEventListener("abort", end, { once: true });
  const { client, clock, informers, metrics } = options;
  const base = { client, clock, random: options.random, informers, signal: ended.signal };
  const log = options.log.with({ room: "autoscale" });
  const objects = informers.of<ScaledObject>(resources.scaledObjects);
  const autoscalers = informers.of<HorizontalPodAutoscaler>(resources.horizontalPodAutoscalers);
  const worlds = createTriggerWorlds({ ...base, log });
  const synced = Promise.all([objects.synced, autoscalers.synced, worlds.synced()]).then(() => {
    // The garbage collector may watch them for long, so that nothing is told of those that are there.
    for (const object of objects.list()) controller.queue.add(keyOf(object));
  });
  // Nobody has to wait for it; without this, an early end would be an unhandled rejection.
  synced.catch(() => undefined);
  const entries = new Map<string, ScaledObjectEntry>();
  const controller = runController(
    { ...base, log, ready: synced },
    { name: "keda-operator", reconcile: reconcileKey, concurrency: CONCURRENCY },
  );
  const ports = portsOf(controller.events);
  const external = createExternalMetrics({
    ...ports,
    object: (key) => objects.get(key),
    session: (object) => entryOf(object)?.session,
  });

  function portsOf(events: EventRecorder): CheckPorts {
    const targets = createScaleTargets({ client, clock });
    return {
      client,
      clock,
      log,
      events,
      targets,
      metrics,
      live: (object) => sameOf(objects.get(parseKey(keyOf(object))), object),
      hpaOf: (object) => {
        const { hpaName = "" } = entryOf(object)?.status.status ?? {};
        const hpa = autoscalers.get({ namespace: object.metadata.namespace ?? "", name: hpaName });
        return hpa !== undefined && isOwnedBy(hpa, object) ? hpa : undefined;
      },
    };
  }

  function entryOf(object: ScaledObject): ScaledObjectEntry | undefined {
    const entry = entries.get(keyOf(object));
    return entry?.uid === object.metadata.uid ? entry : undefined;
  }

  async function reconcileKey(key: string): Promise<ReconcileOutcome | void> {
    const object = objects.get(parseKey(key));
    const entry = entries.get(key);
    if (entry !== undefined && entry.uid !== object?.metadata.uid) {
      await entry.close();
      entries.delete(key);
      const { namespace = "", name } = parseKey(key);
      metrics.forget({ namespace, name });
    }
    if (object === undefined || ended.signal.aborted) return;
    const kept =
      entries.get(key) ?? createEntry({ uid: object.metadata.uid, status: createStatusKeeper(client, object) }, ports);
    entries.set(key, kept);
    const triggers = {
      clock,
      log,
      signal: ended.signal,
      kinds: options.triggerKinds,
      worldOf: (namespace: string) => worlds.of(namespace),
      resolveSources: (request: TriggerSourcesRequest) => resolveTriggerSources(request, worlds.auth),
    };
    return reconcileScaledObject(kept, object, {
      ...ports,
      triggers,
      compileFormula: options.compileFormula,
      reconcileAgain: () => controller.queue.add(key),
    });
  }

  const stopObjects = objects.onChange(({ type, object, old }) => {
    if (type !== "modified" || old === undefined || isWorthwhile(old, object)) controller.queue.add(keyOf(object));
  });
  const stopAutoscalers = autoscalers.onChange(({ type, object, old }) => {
    const owner = controllerOf(object);
    if (owner?.kind !== resources.scaledObjects.kind) return;
    // Its status changes with every look of the autoscaler.
    if (type === "modified" && old !== undefined && isSameBesidesStatus(old, object)) return;
    controller.queue.add(`${object.metadata.namespace ?? ""}/${owner.name}`);
  });

  return {
    synced,
    external,
    async close() {
      options.signal.removeEventListener("abort", end);
      end();
      stopObjects();
      stopAutoscalers();
      await controller.queue.stopped;
      await Promise.all([...entries.values()].map((entry) => entry.close()));
      await worlds.close();
      const enough = new AbortController();
      const flushed = controller.events.flush().then(() => enough.abort());
      await Promise.race([flushed, sleep(clock, FLUSH_MS, enough.signal)]);
    },
  };
}

function sameOf(found: ScaledObject | undefined, object: ScaledObject): ScaledObject | undefined {
  return found?.metadata.uid === object.metadata.uid ? found : undefined;
}

/** Changes that a reconcile acts on; its own of label, finalizer and status are none. Source: keda-hpa-spec 4. */
function isWorthwhile({ metadata: before }: ScaledObject, { metadata: after }: ScaledObject): boolean {
  return (
    before.generation !== after.generation ||
    before.uid !== after.uid ||
    before.deletionTimestamp !== after.deletionTimestamp ||
    changesPause(before.annotations, after.annotations)
  );
}

function isSameBesidesStatus(before: HorizontalPodAutoscaler, after: HorizontalPodAutoscaler): boolean {
  return (
    deepEqual(before.spec, after.spec) &&
    deepEqual(before.metadata.labels, after.metadata.labels) &&
    deepEqual(before.metadata.annotations, after.metadata.annotations)
  );
}
