import type { KubeObject } from "#api";
import type { ObjectKey } from "./client.ts";
import type { InformerChange } from "./ports.ts";

/** Objects by namespace and name, with what each write changed. */
export interface ObjectStore<T extends KubeObject> {
  get(key: ObjectKey): T | undefined;
  list(namespace?: string): readonly T[];
  put(object: T): readonly InformerChange<T>[];
  remove(object: T): readonly InformerChange<T>[];
  /** Makes the store hold exactly these objects. */
  replace(objects: readonly T[]): readonly InformerChange<T>[];
}

/** Makes an empty store. Cluster-scoped objects have the namespace "". */
export function createObjectStore<T extends KubeObject>(): ObjectStore<T> {
  let namespaces = new Map<string, Map<string, T>>();

  function find(key: ObjectKey): T | undefined {
    return namespaces.get(key.namespace ?? "")?.get(key.name);
  }

  return {
    get: find,
    list(namespace) {
      if (namespace !== undefined) return [...(namespaces.get(namespace)?.values() ?? [])];
      return [...namespaces.values()].flatMap((objects) => [...objects.values()]);
    },
    put(object) {
      const changes = changesBetween(find(keyOf(object)), object);
      insert(namespaces, object);
      return changes;
    },
    remove(object) {
      const { namespace = "", name } = keyOf(object);
      const old = find({ namespace, name });
      if (old === undefined) return [];
      const objects = namespaces.get(namespace);
      objects?.delete(name);
      if (objects?.size === 0) namespaces.delete(namespace);
      return [{ type: "deleted", object, old }];
    },
    replace(objects) {
      const next = new Map<string, Map<string, T>>();
      for (const object of objects) insert(next, object);
      const changes: InformerChange<T>[] = [];
      for (const old of valuesOf(namespaces)) {
        const { namespace = "", name } = keyOf(old);
        if (next.get(namespace)?.get(name) === undefined) changes.push({ type: "deleted", object: old, old });
      }
      for (const object of valuesOf(next)) changes.push(...changesBetween(find(keyOf(object)), object));
      namespaces = next;
      return changes;
    },
  };
}

function keyOf(object: KubeObject): ObjectKey {
  return { namespace: object.metadata.namespace ?? "", name: object.metadata.name ?? "" };
}

/** A name that came back with another uid is two changes: whoever tracks owners must learn that the first is gone. */
function changesBetween<T extends KubeObject>(old: T | undefined, object: T): InformerChange<T>[] {
  if (old === undefined) return [{ type: "added", object, old }];
  if (old.metadata.uid !== object.metadata.uid) {
    return [
      { type: "deleted", object: old, old },
      { type: "added", object, old: undefined },
    ];
  }
  return old.metadata.resourceVersion === object.metadata.resourceVersion ? [] : [{ type: "modified", object, old }];
}

function insert<T extends KubeObject>(namespaces: Map<string, Map<string, T>>, object: T): void {
  const { namespace = "", name } = keyOf(object);
  const objects = namespaces.get(namespace);
  if (objects === undefined) namespaces.set(namespace, new Map([[name, object]]));
  else objects.set(name, object);
}

function valuesOf<T>(namespaces: Map<string, Map<string, T>>): T[] {
  return [...namespaces.values()].flatMap((objects) => [...objects.values()]);
}
