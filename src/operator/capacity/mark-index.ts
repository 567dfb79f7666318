import { type KubeObject, keyOf, type Resource } from "#api";
import { holdersOf, markedResource } from "./plan-sweep.ts";

/** An object that bears a mark of ours. */
export interface MarkedObject {
  readonly resource: Resource;
  readonly namespace: string;
  readonly name: string;
}

/** Knows the objects that Canaries have written on, by the Canary: a handful, while the kinds have thousands. */
export interface MarkIndex {
  /** Takes in an object as it is now; whether it bears a mark. */
  see(object: KubeObject, isDeleted: boolean): boolean;
  /** What a Canary has written on. */
  of(namespace: string, canaryUid: string): readonly MarkedObject[];
  /** UIDs of the Canaries that have written on something in a namespace. */
  holders(namespace: string): readonly string[];
  namespaces(): readonly string[];
}

export function createMarkIndex(): MarkIndex {
  const holders = new Map<string, Map<string, Map<string, MarkedObject>>>();
  const holdersById = new Map<string, readonly string[]>();

  function remove(namespace: string, id: string): void {
    const ofNamespace = holders.get(namespace);
    for (const uid of holdersById.get(id) ?? []) {
      const objects = ofNamespace?.get(uid);
      objects?.delete(id);
      if (objects?.size === 0) ofNamespace?.delete(uid);
    }
    if (ofNamespace?.size === 0) holders.delete(namespace);
    holdersById.delete(id);
  }

  return {
    see(object, isDeleted) {
      const resource = markedResource(object);
      if (resource === undefined) return false;
      const { namespace = "", name = "" } = object.metadata;
      const id = `${object.kind} ${keyOf(object)}`;
      remove(namespace, id);
      const uids = isDeleted ? [] : holdersOf(object);
      if (uids.length === 0) return false;
      const ofNamespace = holders.get(namespace) ?? new Map<string, Map<string, MarkedObject>>();
      holders.set(namespace, ofNamespace);
      for (const uid of uids) {
        const objects = ofNamespace.get(uid) ?? new Map<string, MarkedObject>();
        ofNamespace.set(uid, objects.set(id, { resource, namespace, name }));
      }
      holdersById.set(id, uids);
      return true;
    },
    of: (namespace, uid) => [...(holders.get(namespace)?.get(uid)?.values() ?? [])],
    holders: (namespace) => [...(holders.get(namespace)?.keys() ?? [])],
    namespaces: () => [...holders.keys()],
  };
}
