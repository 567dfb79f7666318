/** Knows which Canaries look at an object, so that its change wakes exactly them. */
export interface DependencyIndex {
  /** Replaces what a Canary depends on; ids are `kind/name` in its namespace. */
  set(key: string, namespace: string, ids: readonly string[]): void;
  delete(key: string): void;
  keysOf(namespace: string, id: string): readonly string[];
}

export function createDependencyIndex(): DependencyIndex {
  const keysById = new Map<string, Set<string>>();
  const idsByKey = new Map<string, readonly string[]>();

  function remove(key: string): void {
    for (const id of idsByKey.get(key) ?? []) {
      const keys = keysById.get(id);
      keys?.delete(key);
      if (keys?.size === 0) keysById.delete(id);
    }
    idsByKey.delete(key);
  }

  return {
    set(key, namespace, ids) {
      remove(key);
      const full = ids.map((id) => `${namespace}/${id}`);
      idsByKey.set(key, full);
      for (const id of full) {
        const keys = keysById.get(id) ?? new Set();
        keysById.set(id, keys.add(key));
      }
    },
    delete: remove,
    keysOf: (namespace, id) => [...(keysById.get(`${namespace}/${id}`) ?? [])],
  };
}
