import { Failure, type Log, messageOf } from "#base";
import { Collections, keyOf } from "./collections.ts";
import { type Disk, openDisk } from "./disk.ts";
import { History } from "./history.ts";
import { PendingBatch } from "./pending-batch.ts";
import type { Change, ChangeRange, ObjectPath, Store, StoredObject, Transaction, WatchRequest } from "./store.ts";

export interface StoreOptions {
  /** Directory of the database; created when missing. One process at a time. */
  readonly directory: string;
  readonly log: Log;
  /** How many changes are kept for watches that start in the past. */
  readonly historyLimit?: number;
}

const DEFAULT_HISTORY_COUNT = 20_000;
const HISTORY_BYTES = 64 * 1024 * 1024;
/** Transactions of one batch; more wait for the next, so that no writer waits for an endless batch. */
const BATCH_TRANSACTION_COUNT = 1_000;
/** Transactions that may wait. Beyond it the store refuses: its clients are faster than its disk. */
const QUEUE_LIMIT = 20_000;

/**
 * Opens the store of a directory with everything that was ever acknowledged in it.
 *
 * @throws Failure `StoreNotOpened`, or `StoreFormat` when another version wrote it.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { disk, revision, objects } = await openDisk(options.directory);
  const collections = new Collections();
  for (const object of objects) collections.set(object);
  const limit = { changeCount: options.historyLimit ?? DEFAULT_HISTORY_COUNT, bytes: HISTORY_BYTES };
  options.log.debug("store opened", { directory: options.directory, revision, objectCount: objects.length });
  return new OpenStore({ disk, collections, revision, history: new History(limit, revision), log: options.log });
}

interface Parts {
  readonly disk: Disk;
  readonly collections: Collections;
  readonly history: History;
  readonly revision: number;
  readonly log: Log;
}

/** A transaction that waits for its batch: `run` executes it and returns what to do once the batch is synced. */
interface Waiting {
  run(batch: PendingBatch): (() => void) | undefined;
  reject(thrown: unknown): void;
}

/**
 * Transactions are executed one after another when their batch begins, on a state that is wholly on disk but for the
 * batch itself; the batch is written and synced; only then do readers and watchers see it. While it is being written the
 * next batch gathers, which is what makes one sync serve many writers.
 */
class OpenStore implements Store {
  readonly #disk: Disk;
  readonly #collections: Collections;
  readonly #history: History;
  readonly #log: Log;
  readonly #watchers = new Map<string, Set<WatchRequest>>();
  #revision: number;
  #queue: Waiting[] = [];
  #draining: Promise<void> | undefined;
  #refusal: Failure | undefined;

  constructor(parts: Parts) {
    this.#disk = parts.disk;
    this.#collections = parts.collections;
    this.#history = parts.history;
    this.#revision = parts.revision;
    this.#log = parts.log;
  }

  get revision(): number {
    return this.#revision;
  }

  get compactedRevision(): number {
    return this.#history.compactedRevision;
  }

  get(path: ObjectPath): StoredObject | undefined {
    return this.#collections.get(path);
  }

  list(collection: string, namespace?: string): readonly StoredObject[] {
    return this.#collections.list(collection, namespace);
  }

  listAt(revision: number, collection: string, namespace?: string): readonly StoredObject[] {
    const states = new Map(this.list(collection, namespace).map((object) => [keyOf(object), object]));
    for (const { current, previous } of this.#history.after(revision).toReversed()) {
      if (current.collection !== collection || (namespace !== undefined && current.namespace !== namespace)) continue;
      if (previous === undefined) states.delete(keyOf(current));
      else states.set(keyOf(current), previous);
    }
    return [...states.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  }

  transact<T>(work: (transaction: Transaction) => T): Promise<T> {
    if (this.#refusal !== undefined) return Promise.reject(this.#refusal);
    if (this.#queue.length >= QUEUE_LIMIT) {
      const message = `Cannot accept a write: ${QUEUE_LIMIT} writes already wait for the disk`;
      return Promise.reject(new Failure(message, { code: "StoreBusy", retryable: true }));
    }
    return new Promise<T>((resolve, reject) => {
      const run = (batch: PendingBatch): (() => void) | undefined => {
        try {
          const result = batch.run(work);
          return () => resolve(result);
        } catch (thrown) {
          reject(thrown);
          return undefined;
        }
      };
      this.#queue.push({ run, reject });
      this.#draining ??= this.#drain();
    });
  }

  changesAfter(range: ChangeRange): readonly Change[] {
    return this.#history.after(range.afterRevision).filter((change) => concerns(range, change));
  }

  watch(request: WatchRequest): () => void {
    for (const change of this.changesAfter(request)) request.onChange(change);
    let watchers = this.#watchers.get(request.collection);
    if (watchers === undefined) {
      watchers = new Set();
      this.#watchers.set(request.collection, watchers);
    }
    watchers.add(request);
    return () => this.#watchers.get(request.collection)?.delete(request);
  }

  async close(): Promise<void> {
    this.#refusal ??= new Failure("Cannot write to the store: it is closed", { code: "StoreClosed" });
    await this.#draining;
    this.#watchers.clear();
    await this.#disk.close();
  }

  async #drain(): Promise<void> {
    // Lets every writer of this turn of the event loop into the first batch.
    await Promise.resolve();
    while (this.#queue.length > 0) await this.#writeBatch(this.#queue.splice(0, BATCH_TRANSACTION_COUNT));
    this.#draining = undefined;
  }

  async #writeBatch(waiting: readonly Waiting[]): Promise<void> {
    const batch = new PendingBatch(this.#collections, this.#revision);
    const acknowledgements: (() => void)[] = [];
    const executed: Waiting[] = [];
    for (const transaction of waiting) {
      const acknowledge = transaction.run(batch);
      if (acknowledge === undefined) continue;
      acknowledgements.push(acknowledge);
      executed.push(transaction);
    }
    try {
      if (batch.changes.length > 0) await this.#disk.write(batch.changes, batch.revision);
    } catch (thrown) {
      this.#fail(thrown, executed);
      return;
    }
    for (const change of batch.changes) this.#publish(change);
    for (const acknowledge of acknowledgements) acknowledge();
  }

  /** What reached the disk is unknown now, so nothing more is written; a restart reads what is there. */
  #fail(thrown: unknown, executed: readonly Waiting[]): void {
    this.#log.error("the store could not write to disk and accepts no more writes", { error: messageOf(thrown) });
    const failure = new Failure("Cannot write to the store: the disk refused", { code: "StoreFailed", cause: thrown });
    this.#refusal = failure;
    for (const transaction of [...executed, ...this.#queue.splice(0)]) transaction.reject(failure);
  }

  #publish(change: Change): void {
    this.#revision = change.revision;
    if (change.type === "put") this.#collections.set(change.current);
    else this.#collections.delete(change.current);
    this.#history.push(change);
    for (const watcher of this.#watchers.get(change.current.collection) ?? []) {
      if (concerns(watcher, change)) this.#deliver(watcher, change);
    }
  }

  /** A watcher's fault is its own: the writers and the other watchers go on. */
  #deliver(watcher: WatchRequest, change: Change): void {
    try {
      watcher.onChange(change);
    } catch (thrown) {
      this.#log.error("a watcher threw and is dropped", { error: messageOf(thrown), collection: watcher.collection });
      this.#watchers.get(watcher.collection)?.delete(watcher);
    }
  }
}

function concerns(request: ChangeRange, change: Change): boolean {
  const { collection, namespace } = change.current;
  return collection === request.collection && (request.namespace === undefined || namespace === request.namespace);
}
