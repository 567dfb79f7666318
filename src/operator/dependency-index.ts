/** Knows which Canaries look at an object, so that its change wakes exactly them; ids are `namespace/kind/name`. */
export interface DependencyIndex {
  /** Replaces what a Canary depends on. */
  set(key: string, ids: readonly string[]): void;
  delete(key: string): void;
  keysOf(id: string): readonly string[];
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
    set(key, ids) {
      remove(key);
      idsByKey.set(key, ids);
      for (const id of ids) {
        const keys = keysById.get(id) ?? new Set();
        keysById.set(id, keys.add(key));
      }
    },
    delete: remove,
    keysOf: (id) => [...(keysById.get(id) ?? [])],
  };
}
