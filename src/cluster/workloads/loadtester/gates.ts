/** Gates that a person opens and closes, by key; all are closed at the start. */
export interface Gates {
  isOpen(key: string): boolean;
  /** False when too many gates are open to remember another. */
  open(key: string): boolean;
  close(key: string): void;
}

const OPEN_MAX = 10_000;

export function createGates(): Gates {
  const open = new Set<string>();
  return {
    isOpen: (key) => open.has(key),
    open(key) {
      if (open.size >= OPEN_MAX && !open.has(key)) return false;
      open.add(key);
      return true;
    },
    close: (key) => open.delete(key),
  };
}
