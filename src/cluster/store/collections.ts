import type { ObjectPath, StoredObject } from "./store.ts";

/** All objects by collection, ordered inside each by namespace and name as a real API server lists them. */
export class Collections {
  readonly #byName = new Map<string, Collection>();

  get(path: ObjectPath): StoredObject | undefined {
    return this.#byName.get(path.collection)?.entries.get(keyOf(path));
  }

  list(collection: string, namespace?: string): readonly StoredObject[] {
    const found = this.#byName.get(collection);
    if (found === undefined) return [];
    const range = namespace === undefined ? found.keys : keysOfNamespace(found.keys, namespace);
    const objects: StoredObject[] = [];
    for (const key of range) {
      const object = found.entries.get(key);
      if (object !== undefined) objects.push(object);
    }
    return objects;
  }

  set(object: StoredObject): void {
    let collection = this.#byName.get(object.collection);
    if (collection === undefined) {
      collection = { entries: new Map(), keys: [] };
      this.#byName.set(object.collection, collection);
    }
    const key = keyOf(object);
    if (!collection.entries.has(key)) collection.keys.splice(firstNotBelow(collection.keys, key), 0, key);
    collection.entries.set(key, object);
  }

  delete(path: ObjectPath): void {
    const collection = this.#byName.get(path.collection);
    const key = keyOf(path);
    if (collection?.entries.delete(key) !== true) return;
    collection.keys.splice(firstNotBelow(collection.keys, key), 1);
    if (collection.keys.length === 0) this.#byName.delete(path.collection);
  }
}

interface Collection {
  readonly entries: Map<string, StoredObject>;
  /** Keys of `entries`, sorted. */
  readonly keys: string[];
}

/** Orders by namespace, then by name, in the byte order of etcd's keys. All keys of a namespace stand together. */
export function keyOf(path: Pick<ObjectPath, "namespace" | "name">): string {
  return `${path.namespace}/${path.name}`;
}

function keysOfNamespace(keys: readonly string[], namespace: string): readonly string[] {
  const first = firstNotBelow(keys, `${namespace}/`);
  // "0" is the character after "/".
  return keys.slice(first, firstNotBelow(keys, `${namespace}0`));
}

function firstNotBelow(keys: readonly string[], wanted: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] ?? "") < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
