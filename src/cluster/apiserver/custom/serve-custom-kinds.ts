import { isConditionTrue, kindsFromCrd, type Condition, type KubeObject } from "#api";
import { deepEqual, isObject, messageOf } from "#base";
import type { StoredObject, Transaction } from "../../store/index.ts";
import { endpointOf } from "../registry/endpoint.ts";
import type { ServerContext } from "../server-context.ts";
import { CRD_CLEANUP, deleteObject } from "../write/delete-object.ts";
import { isFinallyDeleted } from "../write/replace-object.ts";
import { secondsIso } from "../write/write-scope.ts";
import { acceptedStatus } from "./accept-names.ts";
import { textAt } from "../read-field.ts";

export interface CustomKinds {
  stop(): void;
}

const COLLECTION = "apiextensions.k8s.io/customresourcedefinitions";
/** A definition that could not be handled is tried again after this time. */
const RETRY_MS = 1_000;

/**
 * Serves the kinds of the custom resource definitions in the store, and follows their changes: accepts names, reports
 * conditions, and, when a definition is deleted, deletes its objects first.
 *
 * Resolves once the definitions that were established before are served again.
 */
export async function serveCustomKinds(context: ServerContext): Promise<CustomKinds> {
  const waiting = new Set<string>();
  let isWorking = false;
  let isStopped = false;
  const stops: (() => void)[] = [];
  /** Collections that are being emptied: their changes wake the definition's deletion. */
  const emptying = new Map<string, () => void>();

  function enqueue(name: string): void {
    waiting.add(name);
    if (!isWorking && !isStopped) void work();
  }

  async function work(): Promise<void> {
    isWorking = true;
    for (let [name] = waiting; name !== undefined && !isStopped; [name] = waiting) {
      waiting.delete(name);
      await handle(name);
    }
    isWorking = false;
  }

  async function handle(name: string): Promise<void> {
    try {
      await syncDefinition(context, name, { emptying, wake: enqueue });
    } catch (thrown) {
      if (isStopped) return;
      context.log.warn("a custom resource definition could not be handled; trying again", {
        name,
        error: messageOf(thrown),
      });
      stops.push(context.clock.after(RETRY_MS, () => enqueue(name)));
    }
  }

  for (const stored of context.store.list(COLLECTION)) await handle(stored.name);
  stops.push(
    context.store.watch({
      collection: COLLECTION,
      afterRevision: context.store.revision,
      onChange: (change) => enqueue(change.current.name),
    }),
  );
  return {
    stop: () => {
      isStopped = true;
      for (const stop of [...stops, ...emptying.values()]) stop();
    },
  };
}

interface Emptying {
  readonly emptying: Map<string, () => void>;
  /** Has a definition looked at again. */
  readonly wake: (name: string) => void;
}

async function syncDefinition(context: ServerContext, name: string, parts: Emptying): Promise<void> {
  const stored = context.store.get({ collection: COLLECTION, namespace: "", name });
  if (stored === undefined) {
    parts.emptying.get(name)?.();
    parts.emptying.delete(name);
    context.registry.removeCustom(name);
    wakeRefused(context, parts.wake);
    return;
  }
  if (stored.object.metadata.deletionTimestamp !== undefined) {
    serveDefinition(context, stored.object);
    await emptyDefinition(context, stored, parts);
    return;
  }
  serveDefinition(context, await updateStatus(context, stored));
}

/** Names that have become free may be what another definition waits for; it hears of nothing else. */
function wakeRefused(context: ServerContext, wake: Emptying["wake"]): void {
  for (const { name, object } of context.store.list(COLLECTION)) if (!isEstablished(object)) wake(name);
}

function isEstablished(crd: KubeObject): boolean {
  const conditions = isObject(crd.status) ? crd.status["conditions"] : undefined;
  return Array.isArray(conditions) && isConditionTrue(conditions as Condition[], "Established");
}

/** Writes the status if it changes, and returns the definition as it is then. */
async function updateStatus(context: ServerContext, stored: StoredObject): Promise<KubeObject> {
  return context.store.transact((transaction) => {
    const current = transaction.get(stored)?.object;
    if (current === undefined) return stored.object;
    const others = transaction.list(COLLECTION).map(({ object }) => object);
    const status = acceptedStatus(current, others, secondsIso(context.clock.nowMs()));
    if (deepEqual(status, current.status)) return current;
    return transaction.put(stored, { ...current, status }).object;
  });
}

function serveDefinition(context: ServerContext, crd: KubeObject): void {
  if (!isEstablished(crd)) return;
  const kinds = kindsFromCrd(crd);
  const name = crd.metadata.name ?? "";
  if (kinds.ok) context.registry.setCustom(name, kinds.value);
  else context.log.warn("an established custom resource definition cannot be served", { name, problems: kinds.error });
}

/** Deletes the objects; when none are left, lets the definition go. */
async function emptyDefinition(
  context: ServerContext,
  stored: StoredObject,
  { emptying, wake }: Emptying,
): Promise<void> {
  const { spec } = stored.object;
  const collection = `${textAt(spec, "group")}/${textAt(spec, "names", "plural")}`;
  if (!emptying.has(stored.name)) {
    emptying.set(
      stored.name,
      context.store.watch({
        collection,
        afterRevision: context.store.revision,
        onChange: (change) => (change.type === "delete" ? wake(stored.name) : undefined),
      }),
    );
  }
  await context.store.transact((transaction) => {
    const isEmpty = deleteAll(context, transaction, collection);
    const crd = transaction.get(stored)?.object;
    if (crd === undefined || !isEmpty) return;
    const finalizers = (crd.metadata.finalizers ?? []).filter((finalizer) => finalizer !== CRD_CLEANUP);
    if (finalizers.length === (crd.metadata.finalizers ?? []).length) return;
    const released = { ...crd, metadata: { ...crd.metadata, finalizers } };
    if (isFinallyDeleted(released)) transaction.delete(stored);
    else transaction.put(stored, released);
  });
}

function deleteAll(context: ServerContext, transaction: Transaction, collection: string): boolean {
  const endpoint = context.registry.all().find((candidate) => candidate.collection === collection);
  if (endpoint === undefined) return transaction.list(collection).length === 0;
  const scope = {
    endpoint: endpointOf(endpoint.kind, collection),
    options: { preconditions: {}, isDryRun: false },
    nowMs: context.clock.nowMs(),
  };
  for (const object of transaction.list(collection)) deleteObject(scope, transaction, object);
  return transaction.list(collection).length === 0;
}
