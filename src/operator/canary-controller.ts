import { type Canary, keyOf, resources, splitKey } from "#api";
import type { Random } from "#base";
import { createWorkQueue, type WorkQueue } from "#kube";
import { namesOf } from "#rollout";
import type { MarkIndex } from "./capacity/index.ts";
import { createDependencyIndex, type DependencyIndex } from "./dependency-index.ts";
import type { OperatorContext } from "./operator-context.ts";
import { type CanaryMemory, createCanaryMemory, reconcileCanary } from "./reconcile-canary.ts";
import { reportStall } from "./report-stall.ts";
import { dependenciesOf, read, targetId, wakesOf } from "./reconcilers/index.ts";

/**
 * Reconciles Canaries until the context's signal aborts: each when it changes, when an object that it depends on
 * changes, and when its last decision asked to be woken.
 */
export async function runCanaryController(
  context: OperatorContext,
  options: { readonly workerCount: number; readonly random: Random },
): Promise<void> {
  const { views, clock, log, signal } = context;
  const memory: CanaryMemory = createCanaryMemory();
  const index = createDependencyIndex();
  const queue = createWorkQueue({
    concurrency: options.workerCount,
    clock,
    log,
    signal,
    random: options.random,
    fieldsOf: canaryField,
    onDelayedStart: (_, latenessMs) => context.metrics.operator.tickStarted(latenessMs),
    reconcile: async (key) => {
      try {
        refreshIndex(key, index, context);
        const outcome = await reconcileCanary(key, memory, context);
        memory.stalls.forget(key);
        return outcome;
      } catch (thrown) {
        if (!signal.aborted) await reportStall(key, { thrown, memory }, context);
        throw thrown;
      }
    },
  });
  context.metrics.operator.watchQueue(() => queue.size);
  // A floor under a ScaledObject may be left of a Canary that is gone, and no other Canary may need the kind.
  await views.further.offer([resources.scaledObjects]);
  const unsubscribe = [...subscribe(queue, index, context), ...followMarks(queue, memory.marks, context)];
  context.metrics.watchTotals(() => countByNamespace(views.canaries.list()));
  for (const canary of views.canaries.list()) queue.add(keyOf(canary));
  await queue.stopped;
  for (const stop of unsubscribe) stop();
}

/** How log lines name a Canary. Source: flagger-spec 8.2. */
function canaryField(key: string): { readonly canary: string } {
  const { name, namespace } = splitKey(key);
  return { canary: `${name}.${namespace}` };
}

/** Keeps the index of what Canaries have written on, and sweeps the namespaces where something may be left of one. */
function followMarks(queue: WorkQueue, marks: MarkIndex, { views }: OperatorContext): (() => void)[] {
  const sweep = (namespace: string): void => queue.add(`${namespace}/`);
  const stop = views.onChange((object, { type }) => {
    if (marks.see(object, type === "deleted") && type === "added") sweep(object.metadata.namespace ?? "");
  });
  for (const resource of [resources.horizontalPodAutoscalers, resources.scaledObjects, resources.configMaps])
    for (const object of views.of(resource)?.list() ?? []) marks.see(object, false);
  for (const namespace of marks.namespaces()) sweep(namespace);
  return [stop];
}

/** Handlers only enqueue. */
function subscribe(queue: WorkQueue, index: DependencyIndex, { views }: OperatorContext): (() => void)[] {
  return [
    views.canaries.onChange((canary) => {
      queue.add(keyOf(canary));
      // Of several Canaries with one target one works; which, is seen anew when one of them comes or goes.
      const names = namesOf(canary);
      for (const key of index.keysOf(`${names.namespace}/${targetId(names)}`)) queue.add(key);
    }),
    views.onChange((object, change) => {
      for (const id of wakesOf(object, change)) for (const key of index.keysOf(id)) queue.add(key);
    }),
  ];
}

function refreshIndex(key: string, index: DependencyIndex, context: OperatorContext): void {
  const snapshot = read(key, context);
  if (snapshot === undefined) index.delete(key);
  else index.set(key, dependenciesOf(snapshot, context));
}

function countByNamespace(canaries: readonly Canary[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { metadata } of canaries) {
    const namespace = metadata.namespace ?? "";
    counts.set(namespace, (counts.get(namespace) ?? 0) + 1);
  }
  return counts;
}
