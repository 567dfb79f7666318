import type { KubeObject } from "#api";
import { assert } from "#base";
import { type Collections, keyOf } from "./collections.ts";
import type { Change, ObjectPath, StoredObject, Transaction } from "./store.ts";

/** The writes of the batch in the making: transactions see them, readers of the store do not yet. */
export class PendingBatch {
  readonly #settled: Collections;
  readonly #changes: Change[] = [];
  /** Newest state of every object that the batch touches; `undefined` when it is deleted. By collection, then key. */
  readonly #overlay = new Map<string, Map<string, StoredObject | undefined>>();
  #revision: number;

  constructor(settled: Collections, revision: number) {
    this.#settled = settled;
    this.#revision = revision;
  }

  get changes(): readonly Change[] {
    return this.#changes;
  }

  get revision(): number {
    return this.#revision;
  }

  /** Runs one transaction; when it throws, its writes are undone and the error passes on. */
  run<T>(work: (transaction: Transaction) => T): T {
    const firstOwnIndex = this.#changes.length;
    const firstRevision = this.#revision;
    let isOpen = true;
    const guarded =
      <A extends unknown[], R>(call: (...args: A) => R) =>
      (...args: A): R => {
        assert(isOpen, "a transaction must not be used after its work has returned");
        return call(...args);
      };
    try {
      return work({
        get: guarded((path: ObjectPath) => this.#get(path)),
        list: guarded((collection: string, namespace?: string) => this.#list(collection, namespace)),
        put: guarded((path: ObjectPath, object: KubeObject) => this.#put(path, object)),
        delete: guarded((path: ObjectPath) => this.#delete(path)),
      });
    } catch (thrown) {
      for (const change of this.#changes.splice(firstOwnIndex).reverse())
        this.#setOverlay(change.current, change.previous);
      this.#revision = firstRevision;
      throw thrown;
    } finally {
      isOpen = false;
    }
  }

  #get(path: ObjectPath): StoredObject | undefined {
    const touched = this.#overlay.get(path.collection);
    const key = keyOf(path);
    return touched?.has(key) === true ? touched.get(key) : this.#settled.get(path);
  }

  #list(collection: string, namespace: string | undefined): readonly StoredObject[] {
    const settled = this.#settled.list(collection, namespace);
    const touched = this.#overlay.get(collection);
    if (touched === undefined) return settled;
    const kept = settled.filter((object) => !touched.has(keyOf(object)));
    for (const object of touched.values()) {
      if (object !== undefined && (namespace === undefined || object.namespace === namespace)) kept.push(object);
    }
    return kept.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  }

  #put(path: ObjectPath, object: KubeObject): StoredObject {
    const previous = this.#get(path);
    const current = this.#nextVersion(path, object);
    this.#record({ type: "put", revision: current.revision, current, previous });
    return current;
  }

  #delete(path: ObjectPath): StoredObject | undefined {
    const previous = this.#get(path);
    if (previous === undefined) return undefined;
    const current = this.#nextVersion(path, previous.object);
    this.#record({ type: "delete", revision: current.revision, current, previous });
    return current;
  }

  #nextVersion({ collection, namespace, name }: ObjectPath, object: KubeObject): StoredObject {
    this.#revision += 1;
    const metadata = { ...object.metadata, resourceVersion: String(this.#revision) };
    const versioned = { ...object, metadata };
    return {
      collection,
      namespace,
      name,
      revision: this.#revision,
      object: versioned,
      json: JSON.stringify(versioned),
    };
  }

  #record(change: Change): void {
    this.#changes.push(change);
    this.#setOverlay(change.current, change.type === "put" ? change.current : undefined);
  }

  #setOverlay(path: ObjectPath, state: StoredObject | undefined): void {
    let touched = this.#overlay.get(path.collection);
    if (touched === undefined) {
      touched = new Map();
      this.#overlay.set(path.collection, touched);
    }
    touched.set(keyOf(path), state);
  }
}
